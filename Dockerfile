# The tool as an image, for manifests/job.yaml and manifests/cronjob.yaml. Small, without a shell's help, as nobody's user.
#
#   docker build --tag kubectl-refused .
#
# Offline: fill wheels/ first (pip download --require-hashes -r requirements.lock hatchling -d wheels) and add
# --build-arg PIP_NO_INDEX=1. The same commit gives the same files: versions and hashes are those of requirements.lock,
# and SOURCE_DATE_EPOCH is the time they bear.
ARG PYTHON=python:3.13-slim
FROM ${PYTHON} AS build
ARG PIP_NO_INDEX
ARG SOURCE_DATE_EPOCH=0
ENV PIP_NO_INDEX=${PIP_NO_INDEX} PIP_FIND_LINKS=/src/wheels PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONHASHSEED=0
COPY . /src
RUN mkdir -p /src/wheels \
    && python -m venv --without-pip /opt/refused \
    && pip --python /opt/refused/bin/python install --no-cache-dir --no-compile --require-hashes -r /src/requirements.lock \
    && pip --python /opt/refused/bin/python install --no-cache-dir --no-compile --no-deps /src

FROM ${PYTHON}
COPY --from=build /opt/refused /opt/refused
ENV PATH=/opt/refused/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# nobody's, and no name in /etc/passwd is needed; Pod Security `restricted` wants a number here.
USER 65532:65532
ENTRYPOINT ["kubectl-refused"]
