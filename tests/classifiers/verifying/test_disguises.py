"""Other readings, and where what they show is hidden."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.verifying.disguises import located, shown


def test_prose_is_read_backwards_in_rot13_and_by_first_letters_alone() -> None:
    kinds = [one.kind for one in shown("The boy went home and his mother was glad to see him again.")]
    assert set(kinds) == {"reversed", "rot13", "acrostic"}


@given(st.lists(st.sampled_from(["a", "bb", "XX", "c."]), min_size=1, max_size=24), st.sampled_from([" ", "\n"]))
def test_the_words_that_are_needed_are_found(words: list[str], space: str) -> None:
    text = space.join(words)
    if "XX" not in words:
        words = [*words, "XX"]
        text = space.join(words)
    start, end = located(text, 0, len(text), lambda part: "XX" in part)
    assert "XX" in text[start:end]
    if words.count("XX") == 1:
        assert text[start:end] == "XX"


def test_several_words_that_only_show_together_stay_together() -> None:
    text = "one two H a r r y three four"
    start, end = located(text, 0, len(text), lambda part: "H a r r y" in part)
    assert text[start:end] == "H a r r y"
