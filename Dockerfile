# Both stages stand on the same image, because the environment that one makes for the other
# runs on that image's own Python. For a build that never changes, pin the digest as well.
FROM python:3.13-slim-bookworm AS build

# From PyPI, where everything else comes from, so that no further registry has to be reached.
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9

# Bytecode is compiled here: at run time nothing can be written.
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON=/usr/local/bin/python3 \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/session-reports

WORKDIR /build
COPY pyproject.toml uv.lock ./
# Apart from the project, so that this layer stays as long as the lock file does.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --no-install-project
COPY README.md LICENSE ./
COPY consumer consumer
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --no-editable


FROM python:3.13-slim-bookworm

LABEL org.opencontainers.image.title="session-reports" \
      org.opencontainers.image.description="Puts ThingSpace's per-device usage callbacks back together: one exactly-once report per txid, on Kafka." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-bookworm"

COPY --from=build /opt/session-reports /opt/session-reports
ENV PATH=/opt/session-reports/bin:$PATH

# Numeric, so that Kubernetes can see that it is not root. It owns nothing and writes nothing.
USER 10001:10001

EXPOSE 9108

# Settings from the environment hold for the health check too; those of --set and --config do not.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --start-interval=3s --retries=3 \
    CMD ["session-reports", "health"]

ENTRYPOINT ["session-reports"]
CMD ["run"]
