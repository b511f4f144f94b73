FROM oven/bun:1.4.5-slim AS packages
WORKDIR /app
# *.tgz: packages that lie beside the application, such as one of `npm pack`.
COPY package.json bun.lock *.tgz ./
RUN bun install --production --frozen-lockfile --ignore-scripts

# Bun and the libraries that it needs: no shell.
FROM oven/bun:1.4.5-distroless
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json app.js ./
# By number: Kubernetes' runAsNonRoot does not look names up.
USER 65532:65532
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["bun", "node_modules/hangup/dist/src/cli.js", "probe", "--healthz", "http://127.0.0.1:3000/healthz"]
# The exec form: bun is process 1 and gets SIGTERM. `bun run` of a script in package.json would start a shell.
ENTRYPOINT ["bun", "node_modules/hangup/dist/src/cli.js"]
CMD ["serve", "--app", "./app.js"]
