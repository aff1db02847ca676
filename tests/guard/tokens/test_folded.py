"""Folding a whole vocabulary at once against folding each token by itself."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from guard.folding import StreamFolder
from guard.tokens.folded import broken, fold_pieces
from guard.tokens.pieces import Pieces
from tests.guard.strategies import ALPHABET

TOKENS = st.lists(
    st.one_of(
        st.text(ALPHABET, max_size=8).map(str.encode),
        st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.binary(max_size=4),
        st.text(st.characters(max_codepoint=0x7F), max_size=8).map(str.encode),
    ),
    max_size=20,
)


@settings(max_examples=300, deadline=None)
@given(TOKENS)
@example([])
@example([b"", b" ", b"", b"  ", b" a  b ", b"\xc3", b" \xc3\xa9", b"\xa9 ", b"", b"\xf0\x9f", "哈利".encode(), b" "])
def test_tokens_fold_together_as_they_do_alone(tokens: list[bytes]) -> None:
    alone = [StreamFolder().feed(token) for token in tokens]
    assert list(fold_pieces(Pieces.of(tokens))) == alone


@given(TOKENS)
def test_broken_tokens_are_those_that_are_not_utf8(tokens: list[bytes]) -> None:
    expected = []
    for at, token in enumerate(tokens):
        try:
            token.decode()
        except UnicodeDecodeError:
            expected.append(at)
    assert broken(Pieces.of(tokens)).tolist() == expected
