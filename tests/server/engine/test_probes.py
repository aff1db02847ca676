"""Two tokens for the startup proof: clear ones where there are any, and never one that the engine cannot say."""

from __future__ import annotations

import pytest

from guard import Vocabulary
from server.engine.probes import choose
from server.errors import GuardFailure
from tests.server.fakes import DEAD_END


def words(*texts: bytes | None) -> list[str]:
    return [probe.word for probe in choose(Vocabulary.of(list(texts)), len(texts))]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # Words before stop words, letters and numbers.
        ((b"the", b"7", b"a", b" cat", b" storm"), ["cat", "storm"]),
        # A word within another would be banned with it.
        ((b"cat", b" catalogue", b"storm"), ["cat", "storm"]),
        ((b"the", b"and"), ["the", "and"]),
        ((b"x", b"y"), ["x", "y"]),
        ((b"1", b"2"), ["1", "2"]),
        ((b"cat",), ["cat"]),
        # Half a character says nothing by itself.
        ((b"\xc3", b"\xa9", None, b" ", b"cat"), ["cat"]),
    ],
)
def test_the_clearest_two_are_chosen(texts: tuple[bytes | None, ...], expected: list[str]) -> None:
    assert words(*texts) == expected


def test_a_vocabulary_without_letters_and_digits_has_none() -> None:
    with pytest.raises(GuardFailure, match="none of the 3 tokens"):
        choose(Vocabulary.of([b" ", b"!", None]), 3)


def test_the_dead_end_and_ids_that_the_model_cannot_say_are_not_chosen() -> None:
    vocabulary = Vocabulary.of([None, None, None, None, b" tea", b" cake", b" jam", b" milk"])
    assert [probe.word for probe in choose(vocabulary, 4)] == ["cake", "jam"]
    assert [probe.word for probe in choose(vocabulary, DEAD_END, 5)] == ["tea"]
