"""A note of the audit log's head in a file outside the database: `SEQ:HASH`, the form of a witness for `audit verify`.

The log's own head lies beside the records, so whoever can write the database can cut off the end of the log and put back a
head and a seal that fit. The note shows it. It is written after a transaction is committed, so it may be behind the log and
is never ahead of it. Each server that shares a database has a note of its own.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from server.store.audit.chain import Head

logger = logging.getLogger(__name__)

_WITNESS = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


def witness_in(text: str) -> tuple[int, str] | None:
    """Return the number and the hash of the record that a witness names, None if the text is none."""
    parts = _WITNESS.fullmatch(text)
    return (int(parts[1]), parts[2]) if parts else None


class HeadFile:
    """The file. `last` is the number and hash that it says; None if there is no file, or one that a crash has emptied."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one. Raises OSError if it cannot be read."""
        self._path = path
        self._keeps = False
        self.last = witness_in(path.read_text("ascii", "replace").strip()) if path.exists() else None

    def keep(self) -> None:
        """Leave the file as it is from now on: the log lacks the record that it names."""
        if not self._keeps and self.last:
            self._keeps = True
            logger.error(
                "the audit log does not have record %d as %s notes it: its end was cut off, or an older copy of the database was "
                "put back; run `guard-server audit verify`; if you put back a copy yourself, remove the file",
                self.last[0],
                self._path,
            )

    def follows(self, head: Head) -> None:
        """Compare the log's head, before something is written behind it."""
        if self.last and head.seq < self.last[0]:
            self.keep()

    def write(self, head: Head) -> None:
        """Write the head. Call this after the transaction that moved it was committed."""
        if self._keeps or (self.last and head.seq < self.last[0]):
            return
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(f"{head.seq}:{head.hash}\n")
            new.replace(self._path)
        except OSError as error:
            # The record is committed. The note is behind until it can be written again.
            logger.error("the head of the audit log was not noted in %s: %s", self._path, error.strerror)
            return
        self.last = (head.seq, head.hash)
