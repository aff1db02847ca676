"""The follower's loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.folding import SPACE, StreamFolder, fold_character
from guard.matching import followkernels
from guard.matching.automaton import Automaton
from guard.phrase import Phrase
from tests.guard import strategies
from tests.guard.matching import states

PIECES = st.lists(st.text(strategies.ALPHABET + "\u2026.. ", max_size=6), max_size=6)


@settings(deadline=None)
@given(PIECES)
def test_merging_is_what_the_stream_folder_does_and_says_where_each_byte_comes_from(pieces: list[str]) -> None:
    folder, progress = StreamFolder(SPACE), np.array([followkernels.GAP, 1, 0, 0])
    bytes_at, letters_at, words_at = np.ones(256, np.int64), np.zeros(256, np.int64), np.zeros(256, np.int64)
    text, folded = "", ""
    for piece in pieces:
        parts = [fold_character(character).encode() for character in piece]
        raw = np.frombuffer(b"".join(parts), np.uint8)
        source = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        out = np.empty(len(raw), np.uint8)
        written = followkernels.merge(raw, source, len(text), progress, bytes_at, letters_at, words_at, out)
        added = folder.feed_text(piece)
        assert out[:written].tobytes().decode() == added
        text, folded = text + piece, folded + added
    collapsed = (SPACE + folded).replace(". ", ".").encode()
    assert progress[followkernels.BYTES] == len(collapsed)
    letters = [at for at, byte in enumerate(collapsed) if byte not in b" ."]
    assert [at % 2 == 0 for at in bytes_at[: len(collapsed)]] == [byte not in b" ." for byte in collapsed]
    assert letters_at[: progress[followkernels.LETTERS]].tolist() == bytes_at[letters].tolist()
    begin = [at for at in letters if collapsed[at - 1] in b" ."]
    assert words_at[: progress[followkernels.WORDS]].tolist() == bytes_at[begin].tolist()
    for at in letters:
        assert collapsed[at : at + 1] in fold_character(text[bytes_at[at] // 2]).encode()


@settings(max_examples=50, deadline=None)
@given(strategies.phrases)
def test_a_node_and_its_open_suffix(phrases: list[Phrase]) -> None:
    automaton = Automaton.build(phrases)
    paths = states.paths(automaton.first_child, automaton.label)
    for node, path in enumerate(paths):
        assert followkernels.depth_of(automaton.levels, node) == len(path)
        longer = [n for n in automaton.chain(node) if n == 0 or automaton.first_child[n] < automaton.first_child[n + 1]]
        assert followkernels.open_node(automaton.first_child, automaton.fail, node) == longer[0]
