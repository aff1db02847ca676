"""Vectors that are kept in a file, each under a hash of its text, so that a start need not encode ten thousand names anew."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.meaning.encoder import Encoder, Vectors

_KEY = 16  # bytes of a text's hash


class KeptEncoder:
    """Adds a file of vectors to an encoder. A text whose vector is in it is not encoded again. Safe for threads.

    The file grows by what is new; `keep` writes it anew with what is still needed. It holds hashes, no texts, and can be read by
    its owner alone. A damaged end, as a killed process leaves it, is ignored.
    """

    def __init__(self, encoder: Encoder, file: Path | None) -> None:
        """Read the file; None keeps vectors in memory alone.

        Raises:
            OSError: The file cannot be read or written.
        """
        self._encoder = encoder
        self._file = file
        self._salt = encoder.fingerprint.encode()
        self._record = np.dtype([("key", f"S{_KEY}"), ("vector", "<f2", (encoder.dimension,))])
        self._known: dict[bytes, NDArray[np.float16]] = {}
        self._lock = threading.Lock()
        if file is not None and file.is_file():
            data = file.read_bytes()
            whole = len(data) // self._record.itemsize
            for record in np.frombuffer(data, self._record, whole):
                self._known[bytes(record["key"])] = record["vector"]
            if whole * self._record.itemsize != len(data):
                self._write(self._known)

    @property
    def dimension(self) -> int:
        """The number of values of a vector."""
        return self._encoder.dimension

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the encoder."""
        return self._encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of `texts`: float32 [texts, dimension], rounded to float16.

        Raises:
            EncoderError: The encoder fails; other encoders may raise other exceptions.
            OSError: The file cannot be written.
        """
        keys = [self._key(text) for text in texts]
        with self._lock:
            # Apart from what is known: `keep` of another thread may forget a vector meanwhile.
            found = {key: self._known[key] for key in keys if key in self._known}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            rows = self._encoder.encode(list(missing.values())).astype(np.float16)
            new = dict(zip(missing, rows, strict=True))
            found |= new
            with self._lock:
                self._known.update(new)
                if self._file is not None:
                    self._append(new)
        if not keys:
            return np.zeros((0, self.dimension), np.float32)
        return np.stack([found[key] for key in keys]).astype(np.float32)

    def keep(self, texts: Sequence[str]) -> None:
        """Forget the vectors of all other texts, in the file too. Raises OSError if it cannot be written."""
        wanted = {self._key(text) for text in texts}
        with self._lock:
            if not self._known.keys() <= wanted:
                self._known = {key: row for key, row in self._known.items() if key in wanted}
                if self._file is not None:
                    self._write(self._known)

    def _key(self, text: str) -> bytes:
        # The last byte is never zero: numpy drops zeros at the end of byte strings.
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY - 1, key=self._salt[-64:]).digest()
        return digest + b"\1"

    def _append(self, new: dict[bytes, NDArray[np.float16]]) -> None:
        assert self._file is not None
        with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
            file.write(self._bytes(new))

    def _write(self, known: dict[bytes, NDArray[np.float16]]) -> None:
        assert self._file is not None
        part = self._file.with_suffix(".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._bytes(known))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)

    def _bytes(self, rows: dict[bytes, NDArray[np.float16]]) -> bytes:
        records = np.empty(len(rows), self._record)
        for place, (key, row) in enumerate(rows.items()):
            records[place] = (key, row)
        return records.tobytes()
