"""Install the pins and the project into this interpreter's environment, and show how far it is (`make install`).

What pip says goes to build/install.log; its end is shown if pip fails. Standard library only: nothing is installed yet.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TextIO

ROOT = Path(__file__).resolve().parents[1]
PINS = ("requirements/cpu.txt", "requirements/dev.txt")
PIP = (sys.executable, "-m", "pip", "install", "--no-deps", "--disable-pip-version-check", "--progress-bar", "off")

_FOUND = re.compile(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)==(\S+)")
_TAIL = 30  # lines of pip's output that are shown after a failure
_STEP = 20  # packages between two lines where the output is not a terminal
_POLL_S = 0.5


class Progress:
    """Shows one counter: in place on a terminal, else in a line for every `_STEP` packages."""

    def __init__(self, total: int, out: TextIO) -> None:
        self._total = total
        self._out = out
        self._shown = ("", -1)

    def show(self, verb: str, done: int, name: str = "") -> None:
        """Show that `done` packages are done, the last of which, or the one in work, is `name`."""
        before, last = self._shown
        text = f"{verb} {done}/{self._total} {name}".rstrip()
        if self._out.isatty():
            print(f"\r\033[K{text}", end="", file=self._out, flush=True)
        elif before != verb or done // _STEP > last // _STEP or (done == self._total > last):
            print(text, file=self._out, flush=True)
        else:
            return
        self._shown = (verb, done)

    def end(self) -> None:
        """Leave the line."""
        if self._out.isatty():
            print(file=self._out, flush=True)


def pinned(files: Sequence[Path]) -> dict[str, str]:
    """Return name -> version of the pins; names as in the names of metadata folders: lower case, with underscores."""
    lines = (line.partition("#")[0].strip() for file in files for line in file.read_text().splitlines())
    pins = (line.partition("==") for line in lines if line)
    return {re.sub(r"[-_.]+", "_", name).lower(): version for name, _, version in pins}


def installed(pins: dict[str, str], folder: Path) -> int:
    """Return how many of the pins lie in a folder of packages. pip writes a package's metadata when the package is there."""
    found = (path.name.removesuffix(".dist-info").rpartition("-") for path in folder.glob("*.dist-info"))
    names = {re.sub(r"[-_.]+", "_", name).lower(): version.partition("+")[0] for name, _, version in found}
    return sum(names.get(name) == version for name, version in pins.items())


def run(command: Sequence[str], log: IO[str], progress: Progress, pins: dict[str, str], folder: Path) -> int:
    """Run pip, with its output in `log` and its progress shown; return its exit status.

    pip names each package as it downloads it. While it installs them it says nothing, so the installed ones are counted.
    """
    found = 0
    current = ""
    installing = threading.Event()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as pip:
        assert pip.stdout

        def read(lines: IO[str]) -> None:
            nonlocal found, current
            for line in lines:
                log.write(line)
                log.flush()
                if match := _FOUND.match(line):
                    found, current = found + 1, f"{match[1]}-{match[2]}"
                elif line.startswith("Installing collected packages"):
                    installing.set()

        reader = threading.Thread(target=read, args=(pip.stdout,))
        reader.start()
        while reader.is_alive():
            reader.join(_POLL_S)
            if installing.is_set():
                progress.show("installing", installed(pins, folder))
            elif found:
                progress.show("downloading", found, current)
        if installing.is_set():
            progress.show("installing", installed(pins, folder))
        progress.end()
    return pip.returncode


def main() -> int:
    """Install everything; return the exit status."""
    started = time.monotonic()
    files = [ROOT / name for name in PINS]
    pins = pinned(files)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    log_file = build / "install.log"
    print(f"installing {len(pins)} packages, about 3.5 GB, into {sys.prefix}", flush=True)
    folder = Path(sysconfig.get_path("purelib"))
    listed = [argument for file in files for argument in ("-r", str(file))]
    own = [*PIP, "--no-build-isolation", "-e", str(ROOT)]
    with log_file.open("w") as log:
        status = run([*PIP, *listed], log, Progress(len(pins), sys.stdout), pins, folder)
        status = status or subprocess.run(own, check=False, stdout=log, stderr=subprocess.STDOUT).returncode
    if status:
        print("\n".join(log_file.read_text().splitlines()[-_TAIL:]), file=sys.stderr)
        print(f"pip failed; all that it said is in {log_file}", file=sys.stderr)
        return status
    seconds = round(time.monotonic() - started)
    (build / "install.json").write_text(json.dumps({"install_s": seconds}) + "\n")
    print(f"installed in {seconds} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
