"""What hypothesis draws for the core's tests: few letters, so that phrases, tokens and texts collide often."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from guard.errors import PhraseError
from guard.form import Form
from guard.phrase import Phrase

ALPHABET = "abA é ß-哈利.. s"


# Words as long as those that may end a sentence, and shorter ones, with multi-byte letters next to dots.
SENTENCES = st.lists(
    st.sampled_from(["a", "bb", "abb", "aabb", "aaabb", "éß", "哈", ". ", ".", " ", ". "]), min_size=6, max_size=16
).map(lambda parts: "".join(parts) + "a" * 8)


def _phrase(text: str, scope: str, match: str, penalty: float, beta: float, ending: bool) -> Phrase | None:
    try:
        if ending and match == "word":
            return Form(text, scope, penalty=penalty, force=True, kind="inflection", ending=True)  # type: ignore[arg-type]
        return Phrase(text, scope, match, penalty, beta, force=True)  # type: ignore[arg-type]
    except PhraseError:
        return None


phrases = st.lists(
    st.builds(
        _phrase,
        st.one_of(
            st.text(ALPHABET, min_size=1, max_size=6),
            st.text("ab é-", min_size=8, max_size=14),
            st.text("abb ..", min_size=8, max_size=14),
            st.text("ab ", min_size=3, max_size=5).map(lambda tail: "aabb. " + tail),
            # Substrings and words that differ only in where a sentence ends, behind short words and long ones.
            st.lists(st.sampled_from(["a", "bb", "abb", "aabb", "aaabb", "éé哈"]), min_size=2, max_size=3).flatmap(
                lambda words: st.sampled_from([" ", ". ", "."]).map(lambda gap: gap.join(words))
            ),
        ),
        st.sampled_from(["always", "gated"]),
        st.sampled_from(["word", "prefix", "substring"]),
        st.sampled_from([math.inf, math.inf, 2.5, 7.0]),
        st.sampled_from([1.0, 1.0, 1.0, 0.7, 0.3]),
        st.sampled_from([False, False, True]),
    ).filter(lambda p: p is not None),
    min_size=1,
    max_size=6,
)


@st.composite
def vocabularies(draw: st.DrawFn) -> list[bytes | None]:
    """Every byte of the alphabet as a token, some longer tokens cut anywhere, and two special ones."""
    alphabet = sorted(set(ALPHABET.encode()))
    single = [bytes([b]) for b in alphabet]
    text = draw(
        st.one_of(st.text(ALPHABET, min_size=8, max_size=40), st.text("ab .", min_size=12, max_size=40), SENTENCES)
    ).encode()
    cuts = draw(st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, 7)), max_size=20))
    return [None, *single, *(text[at : at + size] for at, size in cuts), None, b"\xff"]
