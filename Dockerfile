# Two images: `cpu` runs every stage without a GPU and holds the cluster commands; `gpu` has vLLM and CUDA instead.
# Build them with scripts/build-image.sh. BASE is any Debian with Python 3.11 and its venv module.
ARG BASE=python:3.11-slim-bookworm

# Stands for a folder of wheels on the building machine, which --build-context wheels=FOLDER puts in its place.
FROM scratch AS wheels

# The secrets are optional: `index` exports the building machine's package index, `ca` is its certificate bundle.
FROM ${BASE} AS build
ENV VIRTUAL_ENV=/opt/venv UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
RUN --mount=type=secret,id=index --mount=type=secret,id=ca \
    if [ -e /run/secrets/index ]; then . /run/secrets/index; fi \
    && python3 -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check uv==0.13.9 \
    && /opt/build/bin/uv venv --python python3 /opt/venv \
    && printf '#!/opt/venv/bin/python\nfrom entp.cli import main\n\nmain()\n' > /opt/venv/bin/entp \
    && chmod 755 /opt/venv/bin/entp

FROM build AS build-cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements/torch.txt requirements/lock.txt /opt/build/
RUN --mount=type=secret,id=index --mount=type=secret,id=ca --mount=type=bind,from=wheels,target=/mnt \
    if [ -e /run/secrets/index ]; then . /run/secrets/index; fi \
    && cd /opt/build \
    && bin/uv pip install --no-deps --find-links /mnt ${TORCH_INDEX:+--index "$TORCH_INDEX"} --requirement torch.txt \
    && grep -v '^bitsandbytes' lock.txt > image.txt \
    && bin/uv pip install --no-deps --requirement image.txt

FROM build AS build-gpu
COPY requirements/gpu.lock.txt /opt/build/
RUN --mount=type=secret,id=index --mount=type=secret,id=ca \
    if [ -e /run/secrets/index ]; then . /run/secrets/index; fi \
    && /opt/build/bin/uv pip install --no-deps --requirement /opt/build/gpu.lock.txt

# Gathered apart, so that a change of code renews one small layer. Readable by any user, writable by none but root.
FROM ${BASE} AS project
WORKDIR /opt/entp
COPY LICENSE NOTICE README.md dvc.lock dvc.yaml params.yaml pyproject.toml ./
COPY entp entp/
COPY examples examples/
COPY components components/
COPY pipelines pipelines/
RUN python3 -m compileall -q --invalidation-mode checked-hash entp && chmod -R u=rwX,go=rX .

# Everything that is written at run time goes under /tmp: the root file system is mounted read-only. A pod may run as
# any user id, which no passwd file names: hence HOME and USER.
FROM ${BASE} AS runtime
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/entp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    USER=entp \
    XDG_CACHE_HOME=/tmp/.cache \
    HF_HOME=/tmp/.cache/huggingface \
    MPLCONFIGDIR=/tmp/.cache/matplotlib \
    ENTP_MODEL_CACHE=/tmp/.cache/entp/models \
    DVC_SITE_CACHE_DIR=/tmp/.cache/dvc \
    DVC_NO_ANALYTICS=1 \
    DO_NOT_TRACK=1
LABEL org.opencontainers.image.title="entp" \
      org.opencontainers.image.description="Purges and mixes instruction data, fine-tunes and evaluates on it" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /opt/entp
CMD ["entp", "--help"]

FROM runtime AS cpu
COPY --from=build-cpu /opt/venv /opt/venv
COPY --from=project /opt/entp /opt/entp
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}"
USER 10001:0

# The one image with a compiler: Triton compiles its launchers, and FlashInfer its kernels, when they first run.
# Python's headers come with Python, except on Debian's own.
FROM runtime AS gpu
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ $(test ! -e /usr/bin/python3 || echo python3-dev) \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build-gpu /opt/venv /opt/venv
COPY --from=project /opt/entp /opt/entp
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}"
USER 10001:0
