"""Events are the same wherever the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.answers.events import Event, EventReader, written

STREAM = b'data: {"a": 1}\n\ndata: {"b": "x\xc3\xb6"}\n\nevent: ping\ndata: {}\n\n: heartbeat\n\ndata: [DONE]\n\n'
EVENTS = [(b'{"a": 1}', None), (b'{"b": "x\xc3\xb6"}', None), (b"{}", b"ping"), (b"", None), (b"[DONE]", None)]


def read(*pieces: bytes) -> list[Event]:
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.end()


def said(events: list[Event]) -> list[tuple[bytes, bytes | None]]:
    return [(event.data, event.name) for event in events]


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_a_stream_cut_anywhere_gives_the_same_events(cut: int) -> None:
    assert said(read(STREAM[:cut], STREAM[cut:])) == EVENTS


def test_a_stream_of_single_bytes_gives_the_same_events() -> None:
    assert said(read(*(STREAM[at : at + 1] for at in range(len(STREAM))))) == EVENTS


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_of_the_standard_ends_a_line(end: bytes) -> None:
    stream = STREAM.replace(b"\n", end)
    for cut in range(len(stream) + 1):
        assert said(read(stream[:cut], stream[cut:])) == EVENTS


def test_an_event_that_is_passed_on_keeps_its_bytes() -> None:
    assert b"".join(map(written, read(STREAM))) == STREAM


def test_an_unfinished_event_is_given_at_the_end() -> None:
    reader = EventReader()
    assert reader.feed(b"data: 1\n\ndata: 2") == [Event(b"1", None, b"data: 1")]
    assert said(reader.end()) == [(b"2", None)]
    assert reader.end() == []


def test_data_of_several_lines_is_one_text() -> None:
    assert said(read(b"data: a\ndata:b\ndata:  c\n\n")) == [(b"a\nb\n c", None)]


def test_a_new_event_is_written_with_its_name() -> None:
    assert written(Event(b"2", b"message_delta")) == b"event: message_delta\ndata: 2\n\n"


@given(st.lists(st.tuples(st.binary().filter(lambda data: b"\r" not in data), st.sampled_from([None, b"delta", b"stop"]))))
def test_what_is_written_is_read_again(events: list[tuple[bytes, bytes | None]]) -> None:
    assert said(read(*(written(Event(data, name)) for data, name in events))) == events
