# Sluice as a container: docs/docker.md explains how to run it.
FROM node:24-slim AS build
WORKDIR /opt/sluice
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.base.json tsconfig.build.json ./
COPY tools/rolldown.config.ts ./tools/
COPY src ./src
COPY page ./page
# The compiler is also an optional peer of a dependency, so npm prune keeps it.
RUN npm run build \
  && npm prune --omit=dev --ignore-scripts \
  && rm -rf node_modules/typescript node_modules/@typescript dist/modules

FROM node:24-slim
WORKDIR /opt/sluice
COPY --from=build /opt/sluice/package.json ./
COPY --from=build /opt/sluice/node_modules ./node_modules
COPY --from=build /opt/sluice/dist ./dist
COPY LICENSE ./
COPY bin ./bin
COPY ops/sluice.yaml /etc/sluice/sluice.yaml
# No client can log in until there are users: mount a folder of your own at /etc/sluice.
RUN ln -s sluice.js bin/sluice \
  && touch /etc/sluice/passwords \
  && install -d -m 700 -o 10001 -g 10001 /var/lib/sluice
ENV NODE_ENV=production
ENV PATH=/opt/sluice/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV SLUICE_BIND=:1883
USER 10001:10001
WORKDIR /var/lib/sluice
VOLUME /var/lib/sluice
EXPOSE 1883
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["sluice", "ping", "--config", "/etc/sluice/sluice.yaml"]
ENTRYPOINT ["sluice"]
CMD ["start", "--config", "/etc/sluice/sluice.yaml"]
