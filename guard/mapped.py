"""Safetensors files, written whole or not at all, and mapped into memory read-only: workers on one machine share the pages, and
loading copies nothing.

The library's own numpy reader copies. The format is its documentation's: eight bytes, the header's length; the header, JSON;
the arrays.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

_TYPES = {"U8": np.uint8, "I32": np.int32, "I64": np.int64, "F32": np.float32, "BOOL": np.bool_}
# Bytes from which on a file is mapped, not read.
_MAPPED_FROM = 1 << 20
_MAX_HEADER = 1 << 20


def store(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: dict[str, str]) -> None:
    """Write arrays and metadata to `path`; readable by this user alone, complete or not there at all.

    A file that holds just that stays as it is. Raises OSError; then nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = save(dict(arrays), metadata=metadata)
    # Reading costs a tenth of writing, which waits for the disk: a server that starts again has its restrictions there.
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    # mkstemp opens the file with mode 0600: phrases can be read back from the arrays, and nobody else may change what is banned.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def load(path: Path) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Return a file's metadata and arrays. Raises OSError, and ValueError for a file that is not whole or not of this format."""
    size = path.stat().st_size
    if size < 8:
        raise ValueError("truncated before the header")
    # A mapping keeps a file descriptor: ten thousand small restrictions would use up what a process may have.
    data = np.memmap(path, np.uint8, "r") if size > _MAPPED_FROM else np.frombuffer(path.read_bytes(), np.uint8)
    length = int.from_bytes(data[:8].tobytes(), "little")
    if length > min(size - 8, _MAX_HEADER):
        raise ValueError("truncated within the header, or not a header")
    header = json.loads(data[8 : 8 + length].tobytes())
    if not isinstance(header, dict):
        raise ValueError("the header is not an object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ValueError("the header's metadata are not an object")
    body = data[8 + length :]
    arrays = {name: _array(body, name, entry) for name, entry in header.items()}
    if sum(array.nbytes for array in arrays.values()) != len(body):
        raise ValueError("the arrays do not fill the file")
    return metadata, arrays


def _array(body: NDArray[np.uint8], name: str, entry: Any) -> NDArray[Any]:
    try:
        kind, shape, (begin, end) = np.dtype(_TYPES[entry["dtype"]]), entry["shape"], entry["data_offsets"]
        if not 0 <= begin <= end <= len(body):
            raise ValueError(f"array {name} lies outside the file")
        return np.frombuffer(body[begin:end], kind).reshape(shape)
    except (KeyError, TypeError) as error:
        raise ValueError(f"array {name} is described in a way that is not understood") from error
