# The orchestrator, to run `agent` in a cluster or anything else of it in a pipeline. For every platform that Python's
# image and the wheels of what is locked are there for:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag IMAGE --push .
#
# Whoever builds it pins what it starts from, by digest: --build-arg PYTHON=python:3.13-slim-trixie@sha256:...
# What is installed on top is pinned by the hashes of requirements.lock.
#
# Terraform comes in as its own image has it. Another version, or an image of yours that has OpenTofu there under the
# name terraform: --build-arg TERRAFORM=...
ARG PYTHON=python:3.13-slim-trixie
ARG TERRAFORM=hashicorp/terraform:1.13.3

FROM ${TERRAFORM} AS terraform

FROM ${PYTHON} AS build
WORKDIR /build
COPY requirements.lock ./
# What builds the one dependency that comes as source is pinned like all the others, and so there before it.
RUN python -m venv /venv \
 && sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock > building.lock \
 && /venv/bin/pip install --no-cache-dir --require-hashes --requirement building.lock \
 && /venv/bin/pip install --no-cache-dir --require-hashes --no-build-isolation --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY orchestrator ./orchestrator
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index . \
 && /venv/bin/python -m compileall -q /venv/lib

FROM ${PYTHON}
# ssh and gpg look at signatures of commits, and ssh carries Git; what belongs to the release is as new as its image,
# where an old version is not even to be had for long.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git gnupg openssh-client \
 && rm -rf /var/lib/apt/lists/*
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
COPY --from=build /venv /venv
# Nothing but these two is written to: all else may be read-only.
ENV PATH=/venv/bin:$PATH \
    HOME=/var/lib/orchestrator/home \
    ORCHESTRATOR_CACHE=/var/lib/orchestrator/cache \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CHECKPOINT_DISABLE=1
# OpenSSH does nothing for a user that has no name.
RUN groupadd --gid 65532 orchestrator \
 && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /var/lib/orchestrator/home \
    --shell /usr/sbin/nologin orchestrator \
 && install --directory --owner=65532 --group=65532 --mode=0700 /var/lib/orchestrator
VOLUME ["/var/lib/orchestrator", "/tmp"]
# By number: a cluster that asks for another user than root cannot look names up.
USER 65532:65532
WORKDIR /var/lib/orchestrator
ENTRYPOINT ["orchestrator"]
CMD ["--help"]
