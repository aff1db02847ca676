"""The guard's arguments of a request: what is read, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from guard.errors import ArgumentError
from guard.processors.arguments import (
    ALLOW,
    AVOID,
    HITS,
    KEY,
    MOST,
    NAME,
    REFUSE,
    allowed_patterns,
    avoided,
    count_name,
    ends_at_hits,
    guard_argument,
)

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize("value", [[], [REFUSE], [DIGEST], [DIGEST, "f" * 64]])
def test_digests_none_and_refuse_are_read_as_they_are(value: list[str]) -> None:
    assert guard_argument({KEY: value}) == value


@pytest.mark.parametrize("extra", [None, {}, {"other": 1}])
def test_a_missing_argument_is_an_error(extra: Any) -> None:
    with pytest.raises(ArgumentError, match="missing"):
        guard_argument(extra)


@pytest.mark.parametrize("value", [None, "x", DIGEST, 7, {"a": 1}, [7], (DIGEST,)])
def test_what_is_no_list_of_strings_is_an_error(value: Any) -> None:
    with pytest.raises(ArgumentError, match="list"):
        guard_argument({KEY: value})


@pytest.mark.parametrize("item", ["not a digest", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n", ""])
def test_what_is_no_digest_is_an_error(item: str) -> None:
    with pytest.raises(ArgumentError, match="64 hexadecimal digits"):
        guard_argument({KEY: [DIGEST, item]})


@pytest.mark.parametrize("value", [[REFUSE, REFUSE], [DIGEST, REFUSE]])
def test_refuse_goes_alone(value: list[str]) -> None:
    with pytest.raises(ArgumentError):
        guard_argument({KEY: value})


def test_a_name_is_optional() -> None:
    assert count_name(None) is None
    assert count_name({KEY: []}) is None


@pytest.mark.parametrize("name", ["gd-0123456789abcdef", "A_b-9", "x" * 64])
def test_a_name_is_read_as_it_is(name: str) -> None:
    assert count_name({NAME: name}) == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "é", 7, ["gd-1"], "gd-1\n"])
def test_a_malformed_name_is_an_error(name: Any) -> None:
    with pytest.raises(ArgumentError, match="name of the count"):
        count_name({NAME: name})


@pytest.mark.parametrize(("extra", "hits"), [(None, False), ({}, False), ({HITS: 0}, False), ({HITS: 1}, True)])
def test_a_hit_ends_an_answer_that_asks_for_it(extra: Any, hits: bool) -> None:
    assert ends_at_hits(extra) is hits


@pytest.mark.parametrize("value", ["1", 2, -1, 1.0, [1], None])
def test_another_value_for_hits_is_an_error(value: Any) -> None:
    with pytest.raises(ArgumentError, match="guard_hits"):
        ends_at_hits({HITS: value})


def test_avoided_tokens_are_read_as_they_are() -> None:
    assert avoided(None) is None
    assert avoided({KEY: []}) is None
    assert avoided({AVOID: []}) == []
    assert avoided({AVOID: [7, 0]}) == [7, 0]


@pytest.mark.parametrize("value", [7, "7", [-1], ["7"], [1.0], [True], {"a": 1}, [0] * (MOST + 1)])
def test_malformed_avoided_tokens_are_an_error(value: Any) -> None:
    with pytest.raises(ArgumentError, match="guard_avoid"):
        avoided({AVOID: value})


def test_allowed_texts_are_read_as_patterns() -> None:
    assert allowed_patterns(None) == allowed_patterns({ALLOW: []}) == frozenset()
    assert allowed_patterns({ALLOW: ["J. K. Rowling", "HARRY  potter"]}) == {"j k rowling", "harry potter"}


@pytest.mark.parametrize("value", ["Harry", [7], [""], ["--"], ["x" * 513], {"a": 1}, ["\ud800"], ["a"] * (MOST + 1)])
def test_malformed_allowed_texts_are_an_error(value: Any) -> None:
    with pytest.raises(ArgumentError, match="guard_allow"):
        allowed_patterns({ALLOW: value})
