FROM node:24.21.0-trixie-slim AS packages
WORKDIR /app
# *.tgz: packages that lie beside the application, such as one of `npm pack`.
COPY package.json package-lock.json *.tgz ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-trixie-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json app.js ./
# By number: Kubernetes' runAsNonRoot does not look names up.
USER 65532:65532
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "node_modules/hangup/dist/src/cli.js", "probe", "--healthz", "http://127.0.0.1:3000/healthz"]
# The exec form: node is process 1 and gets SIGTERM. npm, npx or a shell in front of it would keep the signal.
ENTRYPOINT ["node", "node_modules/hangup/dist/src/cli.js"]
CMD ["serve", "--app", "./app.js"]
