"""Texts that go along phrases and exceptions, cut into tokens: hypothesis draws them for the tests of exceptions and gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from guard import Cursor, Masks, Phrase, Restriction, Vocabulary, reference
from guard.decoding.allowing import patterns_of
from guard.decoding.batch import Batch
from guard.decoding.edits import Edits
from guard.decoding.row import Row
from guard.errors import PhraseError
from guard.excepted import Excepted
from guard.form import Form
from tests.guard.bans import costs

WORDS = st.text("ab", min_size=1, max_size=5)
GAPS = st.sampled_from([" ", " ", " ", "-", ". ", "."])


@dataclass(frozen=True)
class Script:
    """Phrases, exceptions, tokens, ids of tokens to be said one after the other, and texts that may be said."""

    phrases: list[Phrase]
    exceptions: list[Excepted]
    tokens: list[bytes | None]
    said: list[int]
    allowed: list[str]


@st.composite
def texts(draw: st.DrawFn, most: int) -> str:
    """One to `most` words."""
    words = draw(st.lists(WORDS, min_size=1, max_size=most))
    return "".join(word + draw(GAPS) for word in words[:-1]) + words[-1]


@st.composite
def _phrases(draw: st.DrawFn) -> Phrase | None:
    text, scope = draw(texts(3)), draw(st.sampled_from(["always", "gated"]))
    if draw(st.booleans()):
        flags = {"ending": draw(st.booleans()), "gap": draw(st.booleans())}
        return Form(text, scope, force=True, kind="middle", **flags)  # type: ignore[arg-type]
    match = draw(st.sampled_from(["word", "word", "word", "prefix", "substring"]))
    beta = draw(st.sampled_from([1, 1, 0.5]))
    try:
        return Phrase(text, scope, match, draw(st.sampled_from([float("inf"), 3.0])), beta, force=True)  # type: ignore[arg-type]
    except PhraseError:
        return None


@st.composite
def scripts(draw: st.DrawFn, excepting: bool = True, allowing: bool = False) -> Script:
    """Draw a script whose text is made of the phrases, the exceptions, and words between them.

    `allowing`: whether some of its texts, or parts of them, may be said.
    """
    phrases = [p for p in draw(st.lists(_phrases(), min_size=1, max_size=4)) if p]
    known = [phrase.text for phrase in phrases] or ["a"]
    exceptions = []
    for _ in range(draw(st.integers(1, 3)) if excepting else 0):
        inner, word, other = draw(st.sampled_from(known)), draw(WORDS), draw(WORDS)
        text = draw(st.sampled_from([f"{inner} {word}", f"{word} {inner}", f"{word} {inner} {other}", inner + word]))
        allowed = draw(st.one_of(st.none(), st.sets(st.sampled_from([p.pattern for p in phrases] or ["a"])).map(frozenset)))
        exceptions.append(Excepted(text, allowed))
    pool = [*known, *(text.replace(" ", f" {draw(WORDS)} ", 1) for text in known), *(e.text for e in exceptions)]
    text = " ".join(draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4))).encode()
    sizes = draw(st.lists(st.integers(1, 7), min_size=1, max_size=12))
    pieces, at = [], 0
    for size in sizes:
        if text[at : at + size]:
            pieces.append(text[at : at + size])
            at += size
    tokens: list[bytes | None] = [None, *(bytes([byte]) for byte in b"ab. -"), *dict.fromkeys(pieces)]
    more = draw(st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, 7)), max_size=12))
    tokens += [text[first : first + size] for first, size in more]
    allowed = []
    if allowing:
        parts = [
            part for known in pool for part in (known, known, known.split(" ")[-1], known.split(" ")[0]) if part.strip(" .-")
        ]
        allowed = draw(st.lists(st.sampled_from(parts), min_size=1, max_size=3))
    return Script(phrases, exceptions, tokens, [tokens.index(piece) for piece in pieces], allowed)


def check(script: Script) -> int:
    """Assert that a cursor and a batch ban before each token what the reference says; return how many bans were compared."""
    vocabulary = Vocabulary.of(script.tokens)
    masks = Masks.of(Restriction.compile(script.phrases, exceptions=script.exceptions), vocabulary)
    allowed = patterns_of(script.allowed)
    cursor, output = Cursor(masks, allowed=allowed), list[int]()
    batch = Batch({0: Row([masks], [], output, allowed=allowed)})
    compared = 0
    for token in [*script.said, 0]:
        said = [vocabulary.raw[t] for t in output]
        wanted = {
            t: reference.penalty(script.phrases, said, raw, script.exceptions, script.allowed)
            for t, raw in enumerate(script.tokens)
            if raw
        }
        wanted = {t: penalty for t, penalty in wanted.items() if penalty}
        assert _spoken(script.tokens, costs(*cursor.bans())) == wanted
        assert _spoken(script.tokens, _edited(batch.edits())) == wanted
        compared += len(wanted)
        cursor.extend([token])
        output.append(token)
    return compared


def _spoken(tokens: Sequence[bytes | None], found: dict[int, float]) -> dict[int, float]:
    return {token: penalty for token, penalty in found.items() if tokens[token]}


def _edited(edits: Edits) -> dict[int, float]:
    found = dict.fromkeys(edits.banned[1].tolist(), float(np.inf))
    for token, penalty in zip(edits.soft[1].tolist(), edits.penalties.tolist(), strict=True):
        found[token] = max(found.get(token, 0.0), penalty)
    return found
