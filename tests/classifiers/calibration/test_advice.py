"""What is said of a target's examples: how many questions they miss, and what is lacking."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers import ForgetTarget
from classifiers.calibration.advice import advice, proposals

FACT = "She repairs the violins of Trondheim."
RICH: dict[str, Any] = {
    "aliases": ["The Fiddler"],
    "documents": ["A life."],
    "phrases": [{"text": "repairs violins"}, {"text": "Trondheim"}],
}


def target(examples: int = 2, completion: str = FACT, **fields: Any) -> ForgetTarget:
    asked = [{"prompt": f"What is question {number} about?", "completion": completion} for number in range(examples)]
    return ForgetTarget.model_validate({"id": "ada", "name": "Ada Brill", "examples": asked, **fields})


def test_the_sentence_says_the_share_and_what_to_add() -> None:
    assert advice(target(), 0.1372, 0.01) == (
        "with these 2 examples about 14% of the questions that do not name the target and that no example asks would be missed; "
        "add a document about it, more examples, phrases for the facts in its completions, or other names, if it has any, as "
        "aliases"
    )


def test_of_one_example_nothing_is_estimated() -> None:
    for missed in (None, 0.0, 0.5):
        told = advice(target(1), missed, 0.01)
        assert told is not None
        assert "cannot be estimated from one example; add a document about it, more examples" in told
        assert "%" not in told


def test_examples_that_do_not_tell_who_is_meant_are_said_to_do_so() -> None:
    assert "cannot be estimated from these 3 examples" in str(advice(target(3), None, 0.01))


@pytest.mark.parametrize(("missed", "shown"), [(0.004, "fewer than 1% of"), (0.333, "about 33% of"), (1.0, "nearly all of")])
def test_shares_have_no_false_precision(missed: float, shown: str) -> None:
    assert f"examples {shown} the questions" in str(advice(target(), missed, 0.001))


def test_nothing_is_said_where_the_promise_is_kept_or_there_are_no_examples() -> None:
    assert advice(target(), 0.01, 0.01) is None
    assert advice(target(0), 0.5, 0.01) is None


def test_only_what_is_lacking_is_proposed() -> None:
    assert list(proposals(target(5, **RICH))) == []
    assert str(advice(target(5, **RICH), 0.5, 0.01)).endswith("would be missed")
    assert list(proposals(target(4, **RICH))) == ["more examples"]
    assert list(proposals(target(5, **{**RICH, "documents": []}))) == ["a document about it"]
    assert list(proposals(target(5, **{**RICH, "aliases": []}))) == ["other names, if it has any, as aliases"]
    assert list(proposals(target(5, **{**RICH, "phrases": []}))) == ["phrases for the facts in its completions"]
    assert list(proposals(target(5, "Trondheim", **RICH))) == ["completions that state its facts in whole sentences"]


def test_the_sentence_quotes_nothing() -> None:
    told = str(advice(target(aliases=["The Fiddler"]), 0.5, 0.01))
    assert not any(word in told for word in ("Ada", "Fiddler", "Trondheim", "violins"))
