from __future__ import annotations

import pytest

from evaluation.books.figures import known, verbatim
from evaluation.books.muse import Continuation
from evaluation.pairs import QAPair


def test_both_are_means_of_the_same_overlap() -> None:
    passages = [Continuation("Alice was", "beginning to get tired"), Continuation("So she", "was considering")]
    # All four words; one of two, and two said: recall 1/2, precision 1/2.
    said = ["beginning to get tired", "was late"]
    assert verbatim(passages, said) == pytest.approx((1 + 0.5) / 2)
    pairs = [QAPair("Who?", "The White Rabbit"), QAPair("Where?", "In Oz")]
    # Two of three words, and two said: recall 2/3, precision 1.
    assert known(pairs, ["white rabbit", "nowhere"]) == pytest.approx(0.8 / 2)


@pytest.mark.parametrize("said", [[], ["a", "b"]])
def test_there_are_as_many_answers_as_questions(said: list[str]) -> None:
    with pytest.raises(ValueError, match="1 texts and"):
        known([QAPair("Who?", "He.")], said)
    with pytest.raises(ValueError, match="0 texts and"):
        verbatim([], said[:0])
