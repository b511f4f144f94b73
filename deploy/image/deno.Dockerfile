FROM node:24.21.0-trixie-slim AS packages
WORKDIR /app
# By npm: Deno installs no package that is a file.
# *.tgz: packages that lie beside the application, such as one of `npm pack`.
COPY package.json package-lock.json *.tgz ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# Deno and the libraries that it needs: no shell.
FROM denoland/deno:distroless-2.9.6
ENV NODE_ENV=production DENO_NO_UPDATE_CHECK=1
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json app.js ./
# By number: Kubernetes' runAsNonRoot does not look names up.
USER 65532:65532
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["deno", "run", "--node-modules-dir=manual", "--allow-net", "--allow-env", "--allow-read", "node_modules/hangup/dist/src/cli.js", "probe", "--healthz", "http://127.0.0.1:3000/healthz"]
# The exec form, in the place of the image's own entry point: deno is process 1 and gets SIGTERM.
# --allow-ffi: Deno.serve under the kernel ledger; without it the engine is hangup's.
ENTRYPOINT ["deno", "run", "--node-modules-dir=manual", "--allow-net", "--allow-env", "--allow-read", "--allow-ffi", "node_modules/hangup/dist/src/cli.js"]
CMD ["serve", "--app", "./app.js"]
