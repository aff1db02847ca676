from __future__ import annotations

import pytest

from evaluation.books.builder import PROMPTS, build
from evaluation.books.corpus import corpus, passage
from evaluation.data import BOOKS, missing


@pytest.mark.skipif(bool(missing(BOOKS)), reason=missing(BOOKS))
def test_a_model_learns_passages_and_answers() -> None:
    muse = build(passages=4, chunks=6)
    made = corpus(muse)
    forget, kept = made.sets["forget"], made.sets["retain"]
    assert len(forget) == 4 * len(PROMPTS) + 100
    assert forget[0].question == passage(muse.verbatim[0].prompt)
    assert forget[0].answer == muse.verbatim[0].rest
    assert not {pair.answer for pair in forget[: 4 * len(PROMPTS)]} & {pair.answer for pair in kept}
    assert muse.known["retain"][0] in kept
