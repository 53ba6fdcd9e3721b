# The daemon as an ordinary user. Configuration, guidelines and keys are mounted at /etc/bistandsrobot, the database lives in /var/lib/bistandsrobot.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/run.txt requirements/build.txt requirements/
RUN python -m venv /opt/bistandsrobot \
 && /opt/bistandsrobot/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt \
 && pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE config.yaml ./
COPY robot robot
COPY connectors connectors
COPY rules rules
COPY queue queue
RUN python -m hatchling build -t wheel \
 && /opt/bistandsrobot/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/bistandsrobot --create-home --shell /usr/sbin/nologin bistandsrobot
COPY --from=build /opt/bistandsrobot /opt/bistandsrobot
ENV PATH=/opt/bistandsrobot/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER bistandsrobot
WORKDIR /var/lib/bistandsrobot
STOPSIGNAL SIGTERM
ENTRYPOINT ["bistandsrobot"]
CMD ["run", "-c", "/etc/bistandsrobot/config.yaml"]
