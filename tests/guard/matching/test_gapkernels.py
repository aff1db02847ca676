"""The loops that find names with one more word in between."""

from __future__ import annotations

import numpy as np

from guard.form import Form
from guard.matching import gapkernels
from guard.matching.gapkernels import FRESH, PASSED, PASSING, PLAIN
from guard.matching.gaps import GapAutomaton
from guard.matching.trie import BRIEF

AUTOMATON = GapAutomaton.build([Form("ann bell cole", "gated", kind="middle", gap=True)])


def threads(text: str) -> set[tuple[bytes, int]]:
    """Read `text` from its beginning; return the path and the kind of each thread."""
    nodes, kinds = np.zeros(gapkernels.THREADS, np.int32), np.zeros(gapkernels.THREADS, np.uint8)
    count = gapkernels.begin(AUTOMATON.first_child, AUTOMATON.label, nodes, kinds)
    read = np.frombuffer(text.encode(), np.uint8)
    count, letters, gap = gapkernels.advance(AUTOMATON.first_child, AUTOMATON.label, nodes, kinds, count, 0, 1, read)
    assert letters <= BRIEF + 1
    assert gap in (0, 1, 2)
    return {(path(int(node)), int(kind)) for node, kind in zip(nodes[:count], kinds[:count], strict=True)}


def path(node: int) -> bytes:
    labels = bytearray()
    while node:
        labels.append(AUTOMATON.label[node])
        node = int(np.searchsorted(AUTOMATON.first_child, node, side="right")) - 1
    return bytes(reversed(labels))


def test_threads_by_hand() -> None:
    assert threads("") == {(b" ", PLAIN)}
    assert threads("ann") == {(b" ann", PLAIN)}
    assert threads("ann ") == {(b" ", PLAIN), (b" ann ", PLAIN), (b" ann ", FRESH)}
    assert threads("ann x") == {(b" ann ", PASSING)}
    assert threads("ann x ") == {(b" ", PLAIN), (b" ann ", PASSED)}
    assert threads("ann x bell ") == {(b" ", PLAIN), (b" ann bell ", PASSED)}
    assert threads("ann bell x ") == {(b" ", PLAIN), (b" ann bell ", PASSED)}


def test_a_second_word_in_between_is_one_too_many() -> None:
    assert threads("ann x y ") == {(b" ", PLAIN)}
    assert threads("ann x bell y ") == {(b" ", PLAIN)}


def test_a_sentence_ends_behind_a_word_of_four_letters() -> None:
    assert (b" ann bell ", FRESH) in threads("ann bell.")
    assert threads("ann bell. ") == {(b" ", PLAIN)}
    assert (b" ann ", FRESH) in threads("ann. ")
    assert (b" ann ", PASSED) in threads("ann J. ")


def test_threads_have_an_end() -> None:
    assert len(threads("ann ann ann bell ann bell cole ann ")) <= gapkernels.THREADS
