"""The processes of a fleet that are not front ends: `vllm serve` with the plugin, and vLLM's own router."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from evaluation.targets.wholeserver import free_port
from server.fleet.arguments import EXTENSION, PROCESSOR

TOKEN = "the-token-of-the-fleet"  # noqa: S105 - of a fleet that lives for minutes on the loopback address
_LOG_END = 6000


class FleetError(RuntimeError):
    """A process of the fleet ended by itself, or something did not happen in time. The message has the end of its log."""


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until something is true, and return how many seconds that took. Raises FleetError if it takes more than `seconds`."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > seconds:
            raise FleetError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - begun


def answers(url: str) -> bool:
    """Return whether GET `url` is answered with status 200."""
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


class _Process:
    """A process in a group of its own that listens on a port of the loopback address, the same after each start."""

    def __init__(self, name: str, folder: Path, port: int | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        self._folder = folder
        self._running: subprocess.Popen[bytes] | None = None

    def check_alive(self) -> None:
        """Raise FleetError, with the end of its log, if it does not run."""
        if self._running is None or self._running.poll() is not None:
            raise FleetError(f"it ended by itself:\n{self.log.read_text(errors='replace')[-_LOG_END:]}")

    def kill(self) -> None:
        """End it and all its processes at once (SIGKILL). Does nothing if it does not run."""
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait(30)
            self._running = None

    def _run(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        assert self._running is None
        with self.log.open("ab") as written:
            self._running = subprocess.Popen(
                command,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self._folder,
            )


class EngineProcess(_Process):
    """A `vllm serve` with the plugin.

    Args:
        model: Folder of the model.
        arguments: vLLM's arguments for the model.
        server: Base URL of the front ends, where the engine asks what to hold.
        folder: Its own folder, for its restrictions and its log.
        port: Where it listens; a free port if None.
    """

    def __init__(self, model: str, arguments: Sequence[str], server: str, folder: Path, port: int | None = None) -> None:
        super().__init__("engine", folder, port)
        (folder / "token").write_text(TOKEN)
        self._model, self._arguments, self._server = model, arguments, server

    def start(self) -> None:
        """Start it, and return at once."""
        environment = {
            "VLLM_PLUGINS": "guard",
            # Where Triton is installed, vLLM would choose its Model Runner V2.
            "VLLM_USE_V2_MODEL_RUNNER": "0",
            # vLLM would bind the workers of all engines to the same core.
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "GUARD_SERVER_URL": self._server,
            "GUARD_ENGINE_TOKEN_FILE": str(self._folder / "token"),
        }
        config = f'{{"guard": {{"folder": "{self._folder / "restrictions"}"}}}}'
        command = (
            # What `vllm serve` runs. That command itself does not start from vllm-cpu, because it asks for the version of `vllm`.
            *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", self._model),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--logits-processors", PROCESSOR, "--worker-extension-cls", EXTENSION, "--additional-config", config),
            *("--logprobs-mode", "processed_logprobs", *self._arguments),
        )
        self._run(command, environment)

    @property
    def ready(self) -> bool:
        """Whether it is proven, current and in possession of its lease. Raises FleetError if it does not run."""
        self.check_alive()
        return answers(f"{self.url}/guard/ready")

    def complete(self, **fields: Any) -> httpx.Response:
        """Ask the engine itself, past router and front ends."""
        body = {"model": "demo", "prompt": "Where was", "max_tokens": 8, "temperature": 0, **fields}
        return httpx.post(f"{self.url}/v1/completions", json=body, timeout=60)


class RouterProcess(_Process):
    """vLLM's router in front of engines, which it asks in turn."""

    def __init__(self, engines: Sequence[str], folder: Path) -> None:
        """Prepare it. `engines`: their base URLs. Raises FleetError if it is not installed."""
        super().__init__("router", folder, None)
        program = shutil.which("vllm-router", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
        if program is None:
            raise FleetError("vllm-router is not installed: pip install vllm-router==0.1.17")
        self._program, self._engines = program, engines

    def start(self) -> None:
        """Start it, and return at once."""
        command = (
            *(self._program, "--host", "127.0.0.1", "--port", str(self.port), "--worker-urls", *self._engines),
            *("--policy", "round_robin", "--prometheus-port", str(free_port())),
            *("--health-check-endpoint", "/guard/ready", "--health-check-interval-secs", "1"),
        )
        self._run(command)

    @property
    def ready(self) -> bool:
        """Whether it passes requests on to an engine. Raises FleetError if it does not run."""
        self.check_alive()
        return answers(f"{self.url}/v1/models")
