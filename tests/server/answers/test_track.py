"""A track: nothing leaves that may have to be taken back, nothing is lost, and a cut is exact."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.answers.chunk import Form, Piece
from server.answers.track import Track
from tests.server.answers.conftest import CHAT, COMPLETION


class Holding:
    """A watch that holds back the last `last` characters."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.read = 0

    def feed(self, text: str) -> None:
        self.read += len(text)

    def free(self) -> int:
        return max(0, self.read - self.last)


def piece(text: str, *ids: int, form: Form = COMPLETION, field: str = "text", end: str | None = None) -> Piece:
    said: dict[str, Any] = {"text": text} if form is COMPLETION else {"delta": {field: text}}
    scores = {"tokens": [str(token) for token in ids], "token_logprobs": [0.0] * len(ids), "text_offset": list(ids)}
    raw = {"index": 0, **said, "token_ids": list(ids), "finish_reason": end, "logprobs": scores if form is COMPLETION else None}
    (read,) = form.read({"choices": [raw]})
    return read


def texts(pieces: list[Piece]) -> list[str]:
    return ["".join(each.texts.values()) for each in pieces]


def test_a_piece_leaves_when_all_of_it_may_leave() -> None:
    track = Track(COMPLETION, lambda _: Holding(3))
    track.add(piece("ab", 1))
    assert track.leaving() == []
    track.add(piece("cd", 2))
    assert track.leaving() == []
    track.add(piece("e", 3))
    assert texts(track.leaving()) == ["ab"]
    assert (track.sent, track.text, track.ids) == (2, "abcde", [1, 2, 3])
    assert texts(track.leaving(ended=True)) == ["cd", "e"]


def test_an_earlier_field_leaves_when_the_next_one_begins() -> None:
    track = Track(CHAT, lambda _: Holding(9))
    track.add(piece("think", 1, form=CHAT, field="reasoning"))
    assert track.leaving() == []
    track.add(piece("say", 2, form=CHAT, field="content"))
    assert texts(track.leaving()) == ["think"]
    assert track.field == "content"


def test_a_cut_inside_a_piece_keeps_its_beginning() -> None:
    track = Track(COMPLETION, lambda _: Holding(99))
    track.add(piece("one two", 1, 2))
    track.add(piece(" three", 3))
    track.cut("text", 3, 1)
    (kept,) = track.leaving(ended=True)
    assert kept.texts == {"text": "one"}
    assert kept.raw["logprobs"] == {"tokens": ["1"], "token_logprobs": [0.0], "text_offset": [1]}
    assert (track.text, track.ids, track.dropped) == ("one", [1], 2)


def test_a_cut_drops_the_fields_after_it() -> None:
    track = Track(CHAT, lambda _: Holding(99))
    track.add(piece("think", 1, form=CHAT, field="reasoning"))
    track.add(piece("say", 2, form=CHAT, field="content"))
    track.cut("reasoning", 2, 0)
    assert texts(track.leaving(ended=True)) == ["th"]
    assert track.texts == {"reasoning": "th"}


def test_other_watches_read_what_was_said() -> None:
    track = Track(COMPLETION, lambda _: Holding(9))
    track.add(piece("abcd", 1))
    track.rewatch(lambda _: Holding(0))
    assert texts(track.leaving()) == ["abcd"]


@given(
    st.lists(st.tuples(st.text("ab ", max_size=4), st.integers(0, 2)), max_size=12),
    st.integers(0, 6),
    st.data(),
)
def test_whatever_is_cut_the_pieces_say_the_text(said: list[tuple[str, int]], held: int, data: st.DataObject) -> None:
    track = Track(COMPLETION, lambda _: Holding(held))
    left: list[Piece] = []
    token = 0
    for text, count in said:
        track.add(piece(text, *range(token, token + count)))
        token += count
        left += track.leaving()
        if track.texts and data.draw(st.booleans()):
            at = data.draw(st.integers(track.sent, len(track.text)))
            gone = sum(len(each.tokens) for each in left)
            tokens = data.draw(st.integers(gone, len(track.ids)))
            before = track.text
            track.cut("text", at, tokens)
            assert track.text == before[:at]
    left += track.leaving(ended=True)
    assert "".join(texts(left)) == track.text
    assert [token for each in left for token in each.tokens] == track.ids
    assert len(track.ids) + track.dropped == token
