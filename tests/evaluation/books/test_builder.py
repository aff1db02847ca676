from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.books.builder import CHUNK, DATA, FORGET, HELD_OUT, KEPT, PROMPTS, REST, build, continuations, cut
from evaluation.books.muse import load, save
from evaluation.data import BOOKS, missing
from evaluation.pairs import load_jsonl
from guard.folding import fold

NEEDS_BOOKS = pytest.mark.skipif(bool(missing(BOOKS)), reason=missing(BOOKS))
WORDS = [str(number) for number in range(1000)]


def test_texts_are_at_even_distances_and_do_not_overlap() -> None:
    assert [text.split()[0] for text in cut(WORDS, 100, 4)] == ["0", "250", "500", "750"]
    assert len(cut(WORDS, 300, 99)) == 3
    assert cut(WORDS, 1000, 1) == [" ".join(WORDS)]
    with pytest.raises(ValueError, match="1000 words is too short for 1001"):
        cut(WORDS, 1001, 1)


def test_a_passage_is_cut_where_the_model_goes_on() -> None:
    (one,) = continuations(WORDS, 50, 1)
    assert one.prompt.split() == WORDS[:50]
    assert one.rest.split() == WORDS[50 : 50 + REST]


@NEEDS_BOOKS
def test_the_books_make_data_in_muses_form(tmp_path: Path) -> None:
    made = build(passages=20, chunks=30)
    assert [len(pairs) for pairs in made.known.values()] == [100, 100]
    assert len(made.verbatim) == 20 * len(PROMPTS)
    assert {name: len(texts) for name, texts in made.seen.items()} == {"forget": 30, "retain": 30, "holdout": 30}
    assert all(len(text.split()) == CHUNK for texts in made.seen.values() for text in texts)
    assert [len(texts) for texts in made.growing.values()] == [1, 2, 3, 4]
    assert [texts[0] for texts in made.following.values()] == made.growing["forget_4"]
    assert len({text for texts in made.seen.values() for text in texts}) == 90
    save(made, tmp_path)
    assert load(tmp_path).verbatim == made.verbatim


@NEEDS_BOOKS
@pytest.mark.parametrize("name", [FORGET, KEPT[0]])
def test_each_answer_is_in_its_book(name: str) -> None:
    pairs = load_jsonl(DATA / f"{name}.jsonl")
    book = set(fold((BOOKS / f"{name}.txt").read_text("utf-8")).split())
    assert len({pair.question for pair in pairs}) == 100
    assert [pair.answer for pair in pairs if not book.issuperset(fold(pair.answer).split())] == []


@NEEDS_BOOKS
def test_what_is_held_out_is_of_other_books() -> None:
    assert not {FORGET, *KEPT} & set(HELD_OUT)
    assert all((BOOKS / f"{name}.txt").is_file() for name in (FORGET, *KEPT, *HELD_OUT))
