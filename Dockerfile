FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /build \
 && /build/bin/pip install --require-hashes --only-binary :all: -r requirements-dev.lock \
 && python -m venv /opt/livepeer-exporter \
 && /opt/livepeer-exporter/bin/pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
COPY config config
COPY dashboards dashboards
RUN /build/bin/hatchling build -t wheel -d /dist \
 && /opt/livepeer-exporter/bin/pip install --no-deps /dist/*.whl

FROM python:3.11-slim
# A new volume takes owner and mode of the folder that it is mounted at. Grafana's container is in
# the group, too, to read the token that is made for it.
RUN groupadd --system --gid 10001 exporter \
 && useradd --system --uid 10001 --gid exporter --no-create-home --shell /usr/sbin/nologin exporter \
 && install -d -o exporter -g exporter -m 0700 /data /tokens \
 && install -d -o exporter -g exporter -m 0750 /grafana-token
COPY --from=build /opt/livepeer-exporter /opt/livepeer-exporter
ENV PATH=/opt/livepeer-exporter/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LIVEPEER_EXPORTER_DATA=/data \
    LIVEPEER_EXPORTER_STATION__LISTEN=0.0.0.0:9877
USER exporter
VOLUME /data
EXPOSE 9877
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:9877/healthz', timeout=4)"]
ENTRYPOINT ["livepeer-exporter"]
CMD ["run", "--config", "/etc/livepeer-exporter/config.yaml"]
