# Patient Sync in a container: `docker build --tag patient-sync .`
# Without the embedded PostgreSQL: the database is a separate container or server (compose.yaml has one).

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without install scripts, because they need the sources. The build patches the database driver.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build
RUN npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 AUTH=tokens LOG_FORMAT=json
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/drizzle drizzle
COPY --from=build /app/web-client/dist web-client/dist
COPY --from=build /app/dist dist
COPY --from=build /app/bin bin
# The files belong to root, so a compromised process cannot change them.
USER node
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Without a shell, so that SIGTERM reaches the server, which drains.
# A young generation of 12 MB: see src/server/heap-growth.ts.
CMD ["node", "--max-semi-space-size=4", "dist/main.js"]
