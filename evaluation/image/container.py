"""A container of the server's image, with the options of deploy/compose.yaml."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from evaluation.demo.people import POLICY
from evaluation.targets.wholeserver import free_port

GRACE_S = 60
"""Seconds from SIGTERM to SIGKILL, as in deploy/compose.yaml."""
OPTIONS = (
    "--init",
    "--read-only",
    *("--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges:true"),
    *("--tmpfs", "/tmp"),  # noqa: S108 - a folder of the container
    *("--shm-size", "2gb"),
    *("--env", "HF_HUB_OFFLINE=1"),
)
"""Options of `docker run`: those of deploy/compose.yaml."""
KEY_FILE = "/run/secrets/admin_key"
DATA, CACHE = "/var/lib/guard", "/var/cache/guard"
# User 10001 of the container reads what is mounted.
_FOLDER, _FILE = 0o755, 0o644


class ContainerError(RuntimeError):
    """No container engine answers, it refused a command, or a container did not do what is waited for."""


def docker(*arguments: str, timeout_s: float = 120) -> str:
    """Run a command of docker, and return what it printed on stdout, stripped.

    Raises:
        ContainerError: docker is missing, the command failed, or took longer than `timeout_s` seconds.
    """
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=timeout_s, check=False)  # noqa: S607
    except FileNotFoundError:
        raise ContainerError("there is no command `docker` here: install a container engine first") from None
    except subprocess.TimeoutExpired:
        raise ContainerError(f"docker {arguments[0]} did not end within {timeout_s:g} s") from None
    if done.returncode:
        raise ContainerError(f"docker {arguments[0]}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def check_engine() -> None:
    """Raise ContainerError, with what to do, unless a container engine answers."""
    try:
        docker("version", "--format", "{{.Server.Version}}", timeout_s=20)
    except ContainerError as error:
        raise ContainerError(f"no container engine answers, so no image can be tried ({error})") from None


def image_bytes(image: str) -> int:
    """Return the size of an image in bytes, all layers together. Raises ContainerError if there is no such image."""
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


class Site:
    """What containers of one trial share: model, policy, key, and two volumes. A context manager that removes all of it.

    Attributes:
        key: The text of the admin key.

    Args:
        model: Folder of the model.
    """

    def __init__(self, model: Path) -> None:
        self._model = model
        self._name = f"guard-image-{secrets.token_hex(4)}"
        self.key = f"gk-{secrets.token_hex(6)}-{secrets.token_urlsafe(32)}"
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Site:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copytree(self._model, folder / "model")
        shutil.copy(POLICY, folder / "policy.yaml")
        (folder / "admin.key").write_text(self.key)
        for path in (folder, *folder.rglob("*")):
            path.chmod(_FOLDER if path.is_dir() else _FILE)
        self._folder = folder
        return self

    def __exit__(self, *_: object) -> None:
        for volume in (f"{self._name}-data", f"{self._name}-cache"):
            with contextlib.suppress(ContainerError):
                docker("volume", "rm", "--force", volume)
        self._stack.close()

    def mounts(self, *, with_key: bool) -> list[str]:
        """Return the options of `docker run` that mount all of it."""
        read = {"/model": "model", "/etc/guard/policy.yaml": "policy.yaml"} | ({KEY_FILE: "admin.key"} if with_key else {})
        options = [f"type=bind,source={self._folder / name},target={target},readonly" for target, name in read.items()]
        options += [
            f"type=volume,source={self._name}-{name},target={target}" for name, target in (("data", DATA), ("cache", CACHE))
        ]
        mounted = [word for option in options for word in ("--mount", option)]
        return [*mounted, "--env", f"GUARD_ADMIN_KEY_FILE={KEY_FILE}"] if with_key else mounted


class Container:
    """One container of an image. A context manager that removes the container.

    Args:
        image: The image.
        site: What is mounted.
        vllm: vLLM's arguments.
        network: `host`, or a network that can publish a port.
        with_key: Whether the first admin key is mounted.
        cache_gib: GiB of memory for the engine's key-value cache.
    """

    def __init__(
        self,
        image: str,
        site: Site,
        vllm: Sequence[str],
        network: str = "bridge",
        *,
        with_key: bool = True,
        cache_gib: int = 1,
    ) -> None:
        port = free_port() if network == "host" else 8000
        listening = ["--env", f"GUARD_PORT={port}"] if network == "host" else ["--publish", "127.0.0.1::8000"]
        given = [*OPTIONS, "--network", network, *listening, *site.mounts(with_key=with_key)]
        self._command = ["run", "--detach", *given, "--env", f"VLLM_CPU_KVCACHE_SPACE={cache_gib}", image, "--", *vllm]
        self._port = port if network == "host" else 0
        self.id = ""
        self._began = 0.0

    def __enter__(self) -> Container:
        self._began = time.monotonic()
        self.id = docker(*self._command)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ContainerError):
            docker("rm", "--force", "--volumes", self.id)

    @property
    def url(self) -> str:
        """Where the server listens, as this host reaches it. Raises ContainerError if the container does not run."""
        if not self._port:
            self._port = int(docker("port", self.id, "8000/tcp").splitlines()[0].rpartition(":")[2])
        return f"http://127.0.0.1:{self._port}"

    def client(self, key: str | None = None) -> httpx.Client:
        """Return a client of the server, with a key or without."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, trust_env=False)

    def wait_ready(self, within_s: float) -> float:
        """Wait until /ready answers 200. Return the seconds since the start of the container.

        Raises:
            ContainerError: It ended by itself, or was not ready in time. The message has the end of its log.
        """
        while time.monotonic() - self._began < within_s:
            if (status := self._status()) is not None:
                raise ContainerError(f"the container ended by itself with status {status}:\n{self.log()[-3000:]}")
            with contextlib.suppress(httpx.TransportError), self.client() as client:
                if client.get("/ready").status_code == 200:
                    return time.monotonic() - self._began
            time.sleep(0.2)
        raise ContainerError(f"the server was not ready within {within_s:g} s:\n{self.log()[-3000:]}")

    def wait_healthy(self, within_s: float) -> bool:
        """Return whether the image's own health check calls it healthy within some seconds."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if docker("inspect", "--format", "{{.State.Health.Status}}", self.id) == "healthy":
                return True
            time.sleep(0.5)
        return False

    def wait_end(self, within_s: float) -> tuple[int, float]:
        """Wait until it ends by itself. Return its status, and seconds since its start. Raises ContainerError if it goes on."""
        while time.monotonic() - self._began < within_s:
            if (status := self._status()) is not None:
                return status, time.monotonic() - self._began
            time.sleep(0.1)
        raise ContainerError(f"the container still ran after {within_s:g} s")

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM, and SIGKILL after `GRACE_S`. Return its status, and the seconds until it had ended."""
        began = time.monotonic()
        docker("stop", "--time", str(GRACE_S), self.id, timeout_s=GRACE_S + 30)
        seconds = time.monotonic() - began
        status = self._status()
        if status is None:
            raise ContainerError("the container runs although it was stopped")
        return status, seconds

    def execute(self, *command: str) -> tuple[int, str]:
        """Run a command in the container. Return its status, and what it printed."""
        done = subprocess.run(["docker", "exec", self.id, *command], capture_output=True, text=True, timeout=120, check=False)  # noqa: S607
        return done.returncode, (done.stdout + done.stderr).strip()

    def log(self) -> str:
        """Return what it has printed."""
        done = subprocess.run(["docker", "logs", self.id], capture_output=True, text=True, timeout=60, check=False)  # noqa: S607
        return done.stdout + done.stderr

    def _status(self) -> int | None:
        state = json.loads(docker("inspect", "--format", "{{json .State}}", self.id))
        return None if state["Running"] or state["Status"] == "created" else int(state["ExitCode"])
