"""A chain of hashes over records: a change to one shows in all that follow.

Each record's hash covers its content and the hash before it, as in Schneier and Kelsey, Secure Audit Logs to Support Computer
Forensics (ACM TISSEC 2(2), 1999). A chain alone does not show that its end was cut off (Ma and Tsudik, A New Approach to Secure
Logging, DBSec 2008), so its head is kept beside it: where the chain begins, where it ends, and how long it is. A head may be
sealed under a secret key (HMAC, RFC 2104): who can write the database but not read the key can then not compute it anew.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

GENESIS = "0" * 64
"""What the first record of a chain has for the hash before it."""

Problem = Literal["changed", "missing", "order", "extra", "truncated", "head", "seal", "prune"]

_MEANING: dict[Problem, str] = {
    "changed": "its content is not what was written",
    "missing": "it is not there",
    "order": "it does not follow the record before it: one of the two was changed, moved or put in",
    "extra": "it lies outside the chain",
    "truncated": "it is not there, nor is anything after it: the end was cut off",
    "head": "the head does not describe the records that are there",
    "seal": "the head was not written by a holder of the key",
    "prune": "the records before it are gone, and no record says that they were pruned",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing wrong with a chain: the number of the record it was found at, and what is wrong."""

    seq: int
    problem: Problem

    def __str__(self) -> str:
        return f"record {self.seq}: {_MEANING[self.problem]}"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain begins (the last record removed from its front: number and hash), where it ends, how many records it has."""

    seq: int = 0
    hash: str = GENESIS
    count: int = 0
    anchor_seq: int = 0
    anchor_hash: str = GENESIS

    def seal(self, key: bytes) -> str:
        """Return the HMAC-SHA256 of the head under `key`, in hexadecimal."""
        return hmac.new(key, canonical(asdict(self)).encode(), hashlib.sha256).hexdigest()

    def sealed_by(self, key: bytes, seal: object) -> bool:
        """Whether `seal` is the head's seal under `key`; compared in constant time."""
        return hmac.compare_digest(self.seal(key).encode(), str(seal).encode())

    def fault(self) -> Fault | None:
        """Return what is wrong with the head by itself. SQLite keeps text in a column of numbers if told to."""
        if not all(isinstance(number, int) for number in (self.seq, self.count, self.anchor_seq)):
            return Fault(0, "head")
        return None if self.count == self.seq - self.anchor_seq >= 0 else Fault(self.seq, "head")


def canonical(value: Any) -> str:
    """Return `value` as JSON in the one form that is hashed: keys sorted, no spaces, no escapes but those JSON asks for.

    Raises ValueError (NaN, infinity) or TypeError for what JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def link(previous: str, body: str) -> str:
    """Return the hash of a record: SHA-256 of the hash before it (64 hexadecimal digits) and its canonical body, in UTF-8.

    Raises UnicodeEncodeError, a ValueError, for half of a surrogate pair.
    """
    return hashlib.sha256((previous + body).encode()).hexdigest()


class Walk:
    """Follows a chain record by record from its anchor, and tells the first that does not belong there."""

    def __init__(self, head: Head) -> None:
        self.seq = head.anchor_seq
        self.hash = head.anchor_hash

    def step(self, seq: int, previous: object, body: str | None, digest: object) -> Fault | None:
        """Take the next record by number: its body in canonical form, None if it cannot be read, and the hashes it holds."""
        if seq > self.seq + 1:
            return Fault(self.seq + 1, "missing")
        if seq <= self.seq:
            return Fault(seq, "extra")
        if previous != self.hash:
            return Fault(seq, "order")
        if body is None or link(self.hash, body) != digest:
            return Fault(seq, "changed")
        self.seq, self.hash = seq, str(digest)
        return None

    def end(self, head: Head) -> Fault | None:
        """Return what is wrong with the end of the chain that `head` describes; every record must have been taken."""
        if self.seq < head.seq:
            return Fault(self.seq + 1, "truncated")
        return None if self.hash == head.hash else Fault(self.seq, "changed")


def read_key(path: Path) -> bytes:
    """Return the key in a file: all its bytes. Raises ValueError for fewer than 32, OSError for a file that cannot be read."""
    key = path.read_bytes()
    if len(key) < 32:
        raise ValueError("an audit key has at least 32 bytes")
    return key
