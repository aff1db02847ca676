"""A chain of hashes over records: a change of one record shows in all that follow.

Each record's hash covers its content and the hash before it, as in Schneier and Kelsey, Secure Audit Logs to Support Computer
Forensics (ACM TISSEC 2(2), 1999). A chain alone does not show that its end was cut off (Ma and Tsudik, A New Approach to Secure
Logging, DBSec 2008). So the head of the chain is stored too: where the chain begins and ends, and how long it is. A secret
key may seal the head (HMAC, RFC 2104): somebody who can write the database but cannot read the key cannot compute a new seal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

GENESIS = "0" * 64
"""The hash that the first record of a chain has as the one before it."""

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
    """The first fault in a chain: the number of the record, and what is wrong."""

    seq: int
    problem: Problem

    def __str__(self) -> str:
        return f"record {self.seq}: {_MEANING[self.problem]}"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends, how many records it has, and where it begins: number and hash of the last record that was pruned."""

    seq: int = 0
    hash: str = GENESIS
    count: int = 0
    anchor_seq: int = 0
    anchor_hash: str = GENESIS

    def seal(self, key: bytes) -> str:
        """Return the HMAC-SHA256 of the head under `key`, in hexadecimal."""
        return hmac.new(key, canonical(asdict(self)).encode(), hashlib.sha256).hexdigest()

    def sealed_by(self, key: bytes, seal: object) -> bool:
        """Whether `seal` is the head's seal under `key`. The comparison takes constant time."""
        return hmac.compare_digest(self.seal(key).encode(), str(seal).encode())

    def fault(self) -> Fault | None:
        """Return what is wrong with the head itself, None if nothing is. SQLite can hold text in a column of numbers."""
        if not all(isinstance(number, int) for number in (self.seq, self.count, self.anchor_seq)):
            return Fault(0, "head")
        return None if self.count == self.seq - self.anchor_seq >= 0 else Fault(self.seq, "head")


def canonical(value: Any) -> str:
    """Return `value` as JSON in the form that is hashed: keys sorted, no spaces, and only the escapes that JSON requires.

    Raises:
        ValueError: `value` holds NaN or infinity.
        TypeError: `value` holds something else that JSON does not have.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def link(previous: str, body: str) -> str:
    """Return the hash of a record: SHA-256 over the hash before it (64 hexadecimal digits) and its canonical body in UTF-8.

    Raises:
        UnicodeEncodeError: `body` holds half of a surrogate pair. This is a ValueError.
    """
    return hashlib.sha256((previous + body).encode()).hexdigest()


class Walk:
    """Follows a chain record by record from its beginning, and finds the first record that does not fit."""

    def __init__(self, head: Head) -> None:
        self.seq = head.anchor_seq
        self.hash = head.anchor_hash

    def step(self, seq: int, previous: object, body: str | None, digest: object) -> Fault | None:
        """Take the next record in the order of numbers, and return what is wrong with it, None if nothing is.

        Args:
            seq: the record's number.
            previous: the hash before it, as the record holds it.
            body: the record's canonical body; None if it cannot be read.
            digest: the record's own hash, as it holds it.
        """
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
        """Return what is wrong with the end of the chain, as `head` describes it. Call this after the last record."""
        if self.seq < head.seq:
            return Fault(self.seq + 1, "truncated")
        return None if self.hash == head.hash else Fault(self.seq, "changed")


def read_key(path: Path) -> bytes:
    """Return the key in a file: all its bytes. Raises ValueError if there are fewer than 32, OSError if it cannot be read."""
    key = path.read_bytes()
    if len(key) < 32:
        raise ValueError(f"{path}: an audit key needs at least 32 bytes, and this file has {len(key)}")
    return key
