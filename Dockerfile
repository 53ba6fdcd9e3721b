# The daemon as an ordinary user on a read-only root file system: docs/operations.md says how it is run, tests/deploy how each step was tried.
# Configuration, guidelines and key are mounted at /etc/bistandsrobot, the database lives in /var/lib/bistandsrobot.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/tools.txt requirements/build.txt requirements/run.txt requirements/
ENV PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
RUN pip install --require-hashes -r requirements/tools.txt
RUN uv venv --no-python-downloads /opt/bistandsrobot \
 && uv pip install --require-hashes --python /opt/bistandsrobot -r requirements/run.txt
RUN uv venv --no-python-downloads /opt/build \
 && uv pip install --require-hashes --python /opt/build -r requirements/build.txt
COPY pyproject.toml README.md LICENSE config.yaml ./
COPY deploy/bistandsrobot.service deploy/bistandsrobot-look.service deploy/bistandsrobot-look.timer deploy/
COPY robot robot
COPY connectors connectors
COPY rules rules
COPY queue queue
RUN /opt/build/bin/hatchling build -t wheel \
 && uv pip install --no-deps --python /opt/bistandsrobot dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/bistandsrobot --no-create-home --shell /usr/sbin/nologin bistandsrobot \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/bistandsrobot
COPY --from=build /opt/bistandsrobot /opt/bistandsrobot
ENV PATH=/opt/bistandsrobot/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BISTANDSROBOT_HEALTH__LISTEN=true
USER 10001:10001
WORKDIR /var/lib/bistandsrobot
VOLUME /var/lib/bistandsrobot
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["bistandsrobot", "health", "-c", "/etc/bistandsrobot/config.yaml"]
ENTRYPOINT ["bistandsrobot"]
CMD ["run", "-c", "/etc/bistandsrobot/config.yaml"]
