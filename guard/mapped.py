"""Safetensors files that are written completely or not at all, and mapped into memory read-only.

Loading a mapped file copies nothing, and the workers on one machine share its pages. The safetensors library's own numpy reader
copies, so this module reads the format itself, as its documentation describes it: eight bytes with the header's length, the
header as JSON, the arrays.
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

_TYPES = {"U8": np.uint8, "I32": np.int32, "I64": np.int64, "F16": np.float16, "F32": np.float32, "BOOL": np.bool_}
# A file with more bytes is mapped, a smaller one read.
_MAPPED_FROM = 1 << 20
_MAX_HEADER = 1 << 20


def store(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: dict[str, str]) -> None:
    """Write a file that only this user can read. It appears at `path` complete or not at all.

    If the file at `path` has this content already, it is not written again.

    Args:
        path: The file. Its folder is made if it does not exist.
        arrays: uint8, int32, int64, float16, float32 or bool arrays by name.
        metadata: Strings that are kept beside them.

    Raises:
        OSError: If the file cannot be written. Then nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = save(dict(arrays), metadata=metadata)
    # Writing waits for the disk and takes ten times as long as reading. A server that starts again finds its restrictions there.
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    # mkstemp makes the file with mode 0600: the arrays reveal the phrases, and no other user may change what is banned.
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
    """Return a file's metadata and its arrays, which are read-only.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is truncated or is not a safetensors file.
    """
    size = path.stat().st_size
    if size < 8:
        raise ValueError("the file is truncated before the header")
    # A mapping keeps a file descriptor open, and ten thousand small restrictions would need more than a process may have.
    data = np.memmap(path, np.uint8, "r") if size > _MAPPED_FROM else np.frombuffer(path.read_bytes(), np.uint8)
    length = int.from_bytes(data[:8].tobytes(), "little")
    if length > min(size - 8, _MAX_HEADER):
        raise ValueError("the file is truncated within the header, or has none")
    header = json.loads(data[8 : 8 + length].tobytes())
    if not isinstance(header, dict):
        raise ValueError("the header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise ValueError("the header's metadata are not a JSON object")
    body = data[8 + length :]
    arrays = {name: _array(body, name, entry) for name, entry in header.items()}
    if sum(array.nbytes for array in arrays.values()) != len(body):
        raise ValueError("the arrays and the file differ in size")
    return metadata, arrays


def _array(body: NDArray[np.uint8], name: str, entry: Any) -> NDArray[Any]:
    try:
        kind, shape, (begin, end) = np.dtype(_TYPES[entry["dtype"]]), entry["shape"], entry["data_offsets"]
        if not 0 <= begin <= end <= len(body):
            raise ValueError(f"array {name} lies outside the file")
        return np.frombuffer(body[begin:end], kind).reshape(shape)
    except (KeyError, TypeError) as error:
        raise ValueError(f"the header's entry of array {name} is malformed or has an unknown type") from error
