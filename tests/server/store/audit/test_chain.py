"""The chain of hashes, and the key that seals its head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from server.store.audit.chain import GENESIS, Fault, Head, Walk, canonical, link, read_key

KEY = b"k" * 32


def test_a_key_has_32_bytes(tmp_path: Any) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY)
    assert read_key(file) == KEY
    file.write_bytes(KEY[1:])
    with pytest.raises(ValueError):
        read_key(file)


def chained(*bodies: str) -> tuple[Head, list[tuple[int, str, str, str]]]:
    """Return a head and its records: number, hash before, body, hash."""
    found, before = [], GENESIS
    for seq, body in enumerate(bodies, 1):
        digest = link(before, body)
        found.append((seq, before, body, digest))
        before = digest
    return Head(seq=len(bodies), hash=before, count=len(bodies)), found


def walk(head: Head, records: list[tuple[int, str, str, str]]) -> Fault | None:
    steps = Walk(head)
    for record in records:
        if fault := steps.step(*record):
            return fault
    return steps.end(head)


def test_a_chain_that_nobody_touched_holds() -> None:
    assert walk(*chained("a", "b", "c")) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda records: [records[0], records[2]], Fault(2, "missing")),
        (lambda records: [records[0], records[0]], Fault(1, "extra")),
        (lambda records: records[:2], Fault(3, "truncated")),
        (lambda records: [records[0], (2, records[1][1], "x", records[1][3]), records[2]], Fault(2, "changed")),
        (lambda records: [records[0], (2, GENESIS, *records[1][2:]), records[2]], Fault(2, "order")),
    ],
)
def test_the_first_fault_is_named(change: Callable[[list[Any]], list[Any]], fault: Fault) -> None:
    head, records = chained("a", "b", "c")
    assert walk(head, change(records)) == fault


def test_a_fault_says_what_is_wrong() -> None:
    assert str(Fault(2, "missing")) == "record 2: it is not there"


def test_only_the_key_makes_the_seal() -> None:
    head, _ = chained("a")
    assert head.sealed_by(KEY, head.seal(KEY))
    assert not head.sealed_by(b"o" * 32, head.seal(KEY))


def test_another_head_has_another_seal() -> None:
    head, _ = chained("a")
    assert not replace(head, count=2).sealed_by(KEY, head.seal(KEY))


@pytest.mark.parametrize("head", [Head(seq=2, count=1), Head(seq=1, count=-1), Head(seq="1", count=1)])  # type: ignore[arg-type]
def test_a_head_that_contradicts_itself_is_wrong(head: Head) -> None:
    assert head.fault() is not None


def test_what_is_hashed_has_one_form() -> None:
    assert canonical({"b": [1, "ü"], "a": None}) == '{"a":null,"b":[1,"ü"]}'
