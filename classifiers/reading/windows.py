"""Windows: a text of any length, cut into pieces short enough for an encoder to read whole and to recognise a question in.

An encoder reads so many word pieces and silently drops the rest; what it drops was never screened. So the pieces are counted
here, by an upper bound that needs no tokenizer. A WordPiece tokenizer (Wu et al. 2016, arXiv 1609.08144; BERT's) yields at most
one piece for each character of the canonically decomposed text that is not white space, because a piece holds at least one of
them. English prose has several characters a piece, so there the bound leaves windows of fewer words than `size`.

A vector of a whole passage hides a question that is a small part of it, so sentences are windows too. To encode every text as
sentences and as passages would cost two and a third times its length; `windows` spends that only where questions stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from classifiers.reading.sentences import Word, asks, clauses, refers_back, sentences, words_of

MAX_PIECES = 250
"""Upper bound of the word pieces in a window, without an encoder's own two markers."""

DENSE = 128
"""Words: a text up to this length is read in sentences and in passages; of a longer one, its last words are."""

# A word longer than this is cut. Below MAX_PIECES / 4, so that the last word of a window can always be repeated in the next.
_LONGEST_WORD = 60
# Words of a sentence so short that it is read with its neighbours as well.
_SCRAP = 3
# Words before a question that refers back, and the fewest words from one such window to the next.
_BEFORE, _STRIDE = 24, 16

# Around a quoted or emphasised question; with them its vector is another one.
_MARKS = '"*_`\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d\u300e\u300f '


def passages(text: str, size: int = 64, overlap: int = 16) -> list[str]:
    """Cut `text` into overlapping passages, in order; [] if it holds nothing but white space.

    A passage is at most `size` words, at most `MAX_PIECES` characters that are not white space (of the canonically decomposed
    text), and its words are joined by one space: at most MAX_PIECES + size - 1 characters. Nothing is left out: every word is
    whole in some passage; a word of more than 60 characters (a text without spaces) is cut into parts of at most 60, and each
    part is. Where a sentence or a line ends in the second half of a passage, the passage ends there. The next passage repeats at
    most `overlap` words and at most a quarter of `MAX_PIECES`. A sentence end within a word ("egg?What") cuts the word.

    The time is linear in the text, whatever it consists of.

    Raises ValueError unless 0 <= overlap <= size / 2 and size >= 1.
    """
    _check(size, overlap)
    return list(_passages(words_of(text, _LONGEST_WORD), size, overlap))


def windows(text: str, size: int = 64, overlap: int = 16) -> list[str]:
    """Cut `text` into everything that may be a question by itself; each window once, [] if there is nothing but white space.

    - Each sentence, line or list item. One that is longer than a passage is cut as `passages` does.
    - Of a question, a request, and whatever the text ends with: its clauses (after a colon, within quotation marks, after "and"
      before a word that asks), and if it refers back (a pronoun, or few words) the same with up to 24 words before it.
    - The passages of a text of at most `DENSE` words, and of the last sentences of a longer one, half a passage in all.
    - Runs of very short lines together, so that one word a line is read as a sentence all the same.

    Every word is whole in some window, with the bounds of `passages`; quotation and emphasis marks around a window are left
    out. In all at most ten times the words of the text, for texts that are all short questions; for prose with much dialogue 1.4
    times its word pieces. The time is linear in the text. 33,900 word pieces of a novel: 2,000 windows in 0.4 s; encoding took
    the default encoder 6.7 s of one core (AMD Zen 4) and 90 MB.

    Raises ValueError unless 0 <= overlap <= size / 2 and size >= 1.
    """
    _check(size, overlap)
    words = words_of(text, _LONGEST_WORD)
    cut = (window.strip(_MARKS) or window for window in _windows(words, size, overlap))
    return list(dict.fromkeys(cut))


def _windows(words: Sequence[Word], size: int, overlap: int) -> Iterator[str]:
    spans = sentences(words)
    dense = 0 if len(words) <= DENSE else _dense_from(spans, max(1, size // 2))
    for start, end in spans:
        yield from _passages(words[start:end], size, overlap)
    yield from _passages(words[dense:], size, overlap)
    context = -_STRIDE
    for start, end in spans:
        sentence = words[start:end]
        if not asks(sentence) and end < len(words):
            continue
        for first, last in clauses(sentence):
            yield from _passages(sentence[first:last], size, overlap)
        if start and end - context >= _STRIDE and refers_back(sentence):
            yield from _passages(words[_before(spans, words, start) : end], size, overlap)
            context = end
    if dense:
        for first, last in _scraps(spans):
            yield from _passages(words[first:last], size, overlap)


def _dense_from(spans: Sequence[tuple[int, int]], size: int) -> int:
    """Return where the last sentences begin that have at most `size` words in all; the last one counts in any case."""
    last = spans[-1][1]
    start = max(spans[-1][0], last - DENSE)
    for first, _ in reversed(spans):
        if last - first > size:
            break
        start = first
    return start


def _before(spans: Sequence[tuple[int, int]], words: Sequence[Word], start: int) -> int:
    """Return where the context of the sentence at `start` begins: at a sentence or line, at most `_BEFORE` words before it."""
    first = max(0, start - _BEFORE)
    return next((at + 1 for at in range(first - 1, start - 1) if at >= 0 and words[at].end), first)


def _scraps(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the runs of two or more sentences of at most `_SCRAP` words each, with the sentence that follows."""
    run: list[tuple[int, int]] = []
    for start, end in spans:
        if end - start <= _SCRAP:
            run.append((start, end))
            continue
        if len(run) > 1:
            yield run[0][0], end if end - start <= _STRIDE else start
        run = []
    if len(run) > 1:
        yield run[0][0], run[-1][1]


def _passages(words: Sequence[Word], size: int, overlap: int) -> Iterator[str]:
    start = 0
    while start < len(words):
        end, pieces = start, 0
        while end < len(words) and end - start < size and pieces + words[end].pieces <= MAX_PIECES:
            pieces += words[end].pieces
            end += 1
        if end < len(words):
            end = _cut(words, start, end)
        yield " ".join(word.text for word in words[start:end])
        if end == len(words):
            break
        start = _step_back(words, start, end, overlap)


def _cut(words: Sequence[Word], start: int, end: int) -> int:
    """Return the end of the last sentence in the second half of the passage; `end` if none ends there."""
    for cut in range(end, start + (end - start + 1) // 2, -1):
        if words[cut - 1].end:
            return cut
    return end


def _step_back(words: Sequence[Word], start: int, end: int, overlap: int) -> int:
    """Return where the next passage starts. It passes at least half of this one, which keeps the whole linear."""
    pieces = 0
    first = max(end - overlap, start + (end - start + 1) // 2)
    at = end
    while at > first and pieces + words[at - 1].pieces <= MAX_PIECES // 4:
        at -= 1
        pieces += words[at].pieces
    return at


def _check(size: int, overlap: int) -> None:
    if size < 1 or not 0 <= overlap <= size // 2:
        raise ValueError(f"size {size}, overlap {overlap}: needs size >= 1 and 0 <= overlap <= size / 2")
