"""Mapped files: whole or not there, for their owner alone, and every kind of damage told."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from guard import mapped

ARRAYS: dict[str, NDArray[Any]] = {
    "bytes": np.arange(5, dtype=np.uint8),
    "nodes": np.arange(6, dtype=np.int32).reshape(2, 3),
    "ids": np.arange(3, dtype=np.int64),
    "floats": np.array([[0.5], [np.inf]], np.float32),
    "halves": np.array([[0.5], [np.inf]], np.float16),
    "flags": np.array([True, False]),
    "nothing": np.zeros((0, 4), np.float32),
}


def file_of(header: Any, body: bytes = b"") -> bytes:
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(content).to_bytes(8, "little") + content + body


def test_what_is_stored_is_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "made" / "when needed"
    mapped.store(path, ARRAYS, {"format": "1"})
    metadata, arrays = mapped.load(path)
    assert metadata == {"format": "1"}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_the_file_is_a_safetensors_file(tmp_path: Path) -> None:
    mapped.store(tmp_path / "file", ARRAYS, {})
    read = load_file(tmp_path / "file")
    assert all((read[name] == array).all() for name, array in ARRAYS.items())


def test_without_metadata(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(file_of({}))
    assert mapped.load(tmp_path / "file") == ({}, {})


@pytest.mark.parametrize("limit", [0, 1 << 20], ids=["mapped", "read"])
def test_loaded_arrays_are_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(mapped, "_MAPPED_FROM", limit)
    mapped.store(tmp_path / "file", ARRAYS, {})
    _, arrays = mapped.load(tmp_path / "file")
    with pytest.raises(ValueError, match="read-only"):
        arrays["ids"][0] = 7


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    mapped.store(tmp_path / "file", ARRAYS, {})
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_file_that_holds_just_that_stays(tmp_path: Path) -> None:
    for _ in range(2):
        mapped.store(tmp_path / "file", ARRAYS, {"format": "1"})
        written = (tmp_path / "file").stat().st_ino
    mapped.store(tmp_path / "file", ARRAYS, {"format": "1"})
    assert (tmp_path / "file").stat().st_ino == written


def test_a_file_that_holds_something_else_is_replaced(tmp_path: Path) -> None:
    mapped.store(tmp_path / "file", ARRAYS, {"format": "1"})
    mapped.store(tmp_path / "file", ARRAYS, {"format": "2"})
    assert mapped.load(tmp_path / "file")[0] == {"format": "2"}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        mapped.store(tmp_path / "file", ARRAYS, {})
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        mapped.load(tmp_path / "file")


@pytest.mark.parametrize("kept", [0, 7, 20, -1])
def test_a_truncated_file_is_an_error(tmp_path: Path, kept: int) -> None:
    mapped.store(tmp_path / "file", ARRAYS, {})
    (tmp_path / "file").write_bytes((tmp_path / "file").read_bytes()[:kept])
    with pytest.raises(ValueError):
        mapped.load(tmp_path / "file")


ONE = {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"not JSON", b""),
        (b"\xff", b""),
        ([], b""),
        ({"__metadata__": 3}, b""),
        ({"a": 3}, b"1234"),
        ({"a": {"dtype": "U8"}}, b"1234"),
        ({"a": ONE | {"dtype": "F7"}}, b"1234"),
        ({"a": ONE | {"shape": [5]}}, b"1234"),
        ({"a": ONE | {"data_offsets": [0, 5]}}, b"1234"),
        ({"a": ONE | {"data_offsets": [3, 1]}}, b"1234"),
        ({"a": ONE | {"data_offsets": ["0", "4"]}}, b"1234"),
        ({"a": ONE | {"dtype": "I64"}}, b"1234"),
        ({"a": ONE}, b"12345"),
    ],
    ids=repr,
)
def test_a_file_of_another_kind_is_an_error(tmp_path: Path, header: Any, body: bytes) -> None:
    (tmp_path / "file").write_bytes(file_of(header, body))
    with pytest.raises(ValueError):
        mapped.load(tmp_path / "file")
