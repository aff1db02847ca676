"""Extraction: proposes phrases to the operator that answers about a target reveal, each with a reason.

It does not change the policy, and it uses no language model. Capital letters, patterns and frequencies decide, so a fact in
ordinary words (who did what to whom) is not found, unless several answers repeat its words (`classifiers.proposals.keywords`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from classifiers.proposals.frequency import LONGEST, BackgroundFrequency, joint_zipf, zipf
from classifiers.proposals.keywords import keywords
from classifiers.proposals.spans import Span, capitalised, days, numbers, titles
from classifiers.target import ForgetTarget
from guard.doubt import doubt
from guard.folding import fold
from guard.phrase import MAX_CHARACTERS, Phrase, Scope
from guard.stopwords import COMMON_WORDS

Reason = Literal["name", "title", "date", "place", "number", "rare word", "rare n-gram", "keyword"]

_WORD = re.compile(r"[^\W_]+")
# "a highly esteemed artist, while": an article and up to two words before a noun, which often is a profession or a kind.
_ARTICLE = re.compile(r"\b(?:an?|as|eine?|une?|una)\s+(?:[\w'\u2019-]+\s+){0,2}$", re.IGNORECASE)
_NEXT_WORD = re.compile(r"\s+([^\W_]+)")
_SENTENCE = re.compile(r"[.!?\u2026\n;]")
# A name after these words is that of another person, usually a famous one.
_OTHERS = re.compile(
    r"\b(?:influenc|inspir|admir|reminiscent|akin to|compar|likes of|idol|fan of|(?:author|writer)s? (?:like|such as))",
    re.IGNORECASE,
)
# An award has other winners too, so innocent answers contain its name.
_AWARD = frozenset(["award", "awards", "prize", "prizes", "medal", "prix", "premio", "preis", "fellowship", "laureate"])
# Two words differ only in the ending if they share at least six letters, and all but the last three of the proposed word.
_STEM, _ENDING = 6, 3
_LONGEST_CHARACTERS = 24
_LONGEST_WORD = 64  # A longer word carries no fact and should not be cached.


@dataclass(frozen=True, slots=True)
class Cuts:
    """The frequencies that decide whether a phrase is specific enough, on the Zipf scale of wordfreq.

    The values were chosen on TOFU's forget01 and five authors of its retain set (`evaluation.detection.extraction`). There, more
    single words cost more of the operator's attention than they are worth: with 4.5 for `gated_zipf`, eight more words per target
    covered at most one more of 106 facts.
    """

    always_joint: float = -1.0
    """A title or name is banned in every answer if its words, taken as independent, are rarer together than this."""
    always_rarest: float = 3.0
    """The rarest word of such a name must be rarer than this: names of well-known people and things consist of listed words."""
    always_word: float = 1.0
    """A single capitalised word of at least seven letters is banned in every answer if it is rarer than this."""
    gated_zipf: float = 4.25
    """A single word that is more common than this is not proposed."""
    gated_noun: float = 5.5
    """The same for a noun after an article ("a highly esteemed artist"), which often is a profession or a kind."""
    gated_share: float = 0.01
    """A single word that is in more than this share of the background's texts is not proposed."""
    gated_joint: float = 0.0
    """Two common words in a row are proposed if they are rarer together than this, and in no text of the background."""
    common_letter: float = 6.8
    """A letter of a script without spaces that is more common than this is a function word."""
    gated_document: float = 3.0
    """Like `gated_zipf`, for the words of documents, which are long and mention many things in passing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposed phrase, the reason, and its source ("examples[3]", "documents[0]").

    `background_count` is the number of background texts that contain it (an upper bound for more than four words). `zipf` is its
    frequency by the word lists, with its words taken as independent.
    """

    phrase: Phrase
    reason: Reason
    source: str
    background_count: int
    zipf: float


def extract(
    target: ForgetTarget,
    background: Sequence[str] | BackgroundFrequency = (),
    *,
    cuts: Cuts | None = None,
    language: str = "en",
) -> list[Candidate]:
    """Propose phrases for a target from the completions of its examples and from its documents.

    Specific titles and names have the scope `always`; places, dates, numbers and single words are `gated`. A phrase is not
    proposed if the prompt of the same example contains it, if a name or explicit phrase of the target already bans it, or if a
    part of it other than a number is proposed with the same scope or with `always`.

    Args:
        target: The forget target.
        background: Innocent texts, preferably of the same kind as the examples. Give a `BackgroundFrequency` for several targets.
        cuts: The frequencies that decide; None for the defaults.
        language: The language of words in Latin script.

    Returns:
        The proposals in the order of the text. The same arguments give the same list.

    Raises:
        LookupError: There is no word list for the language.
    """
    cuts = cuts or Cuts()
    frequency = background if isinstance(background, BackgroundFrequency) else BackgroundFrequency(background)
    extraction = _Extraction(target, frequency, cuts, language)
    for index, example in enumerate(target.examples):
        extraction.read(example.completion, example.prompt, f"examples[{index}]", cuts.gated_zipf, cuts.gated_noun)
    for index, document in enumerate(target.documents):
        extraction.read(document, "", f"documents[{index}]", cuts.gated_document, cuts.gated_document)
    for word, index in keywords([(one.prompt, one.completion) for one in target.examples], frequency, language).items():
        extraction.add_keyword(word, f"examples[{index}]", target.examples[index].prompt)
    return extraction.candidates()


class _Prompt:
    """What a prompt already says: its folded words, their beginnings, and its dates."""

    def __init__(self, text: str) -> None:
        words = fold(text).split()
        self.words = frozenset(words)
        self._run = f" {' '.join(words)} "
        self._beginnings = frozenset(
            word[:length] for word in self.words for length in range(_STEM, min(len(word), _LONGEST_WORD) + 1)
        )
        self._days = [day for _, _, day in days(text)]
        self.years = frozenset(day.year for day in self._days)

    def says(self, folded: str) -> bool:
        return f" {folded} " in self._run

    def says_word(self, word: str) -> bool:
        """Return whether the prompt contains this word, or one that differs only in the ending."""
        return word in self.words or word[: max(_STEM, len(word) - _ENDING)] in self._beginnings

    def says_day(self, readings: frozenset[tuple[int, int]]) -> bool:
        return any(readings & day.readings for day in self._days)


class _Extraction:
    """The phrases that have been found for one target so far."""

    def __init__(self, target: ForgetTarget, frequency: BackgroundFrequency, cuts: Cuts, language: str) -> None:
        self._frequency, self._cuts, self._language = frequency, cuts, language
        self._found: dict[str, Candidate] = {}
        # Phrases that are already banned. A part of a name ("Byron") reveals no more than a prompt that names the target.
        self._banned = {phrase.folded: phrase.scope for phrase in target.own_phrases()}
        self._names = [Phrase(name, force=True).folded for name in target.names]
        texts = [text for example in target.examples for text in (example.prompt, example.completion)] + target.documents
        self._lower = {word for text in texts for word in _WORD.findall(text) if word.islower()}

    def candidates(self) -> list[Candidate]:
        # The operator may well delete a number from the list; the date that contains it should then remain.
        parts = {folded: c.phrase.scope for folded, c in self._found.items() if c.reason != "number"}
        scopes = self._banned | parts
        return [c for folded, c in self._found.items() if not _has_banned_part(folded, c.phrase.scope, scopes)]

    def add_keyword(self, word: str, source: str, prompt: str) -> None:
        """Add a word that completions repeat."""
        self._add(word, "gated", "keyword", source, _Prompt(prompt))

    def read(self, text: str, prompt_text: str, source: str, word_cut: float, noun_cut: float) -> None:
        """Add the phrases of a text: single words up to the Zipf value `word_cut`, nouns after an article up to `noun_cut`."""
        prompt = _Prompt(prompt_text)
        taken = bytearray(len(text))

        def free(start: int, end: int) -> bool:
            if any(taken[start:end]):
                return False
            taken[start:end] = b"\1" * (end - start)
            return True

        for span in titles(text):
            if free(span.start, span.end):
                # A subtitle ("A Comprehensive Analysis") is not specific enough by itself.
                self._add_all(span.forms[:2], "always", "title", source, prompt)
                self._add_all(span.forms[2:], "gated", "title", source, prompt)
        for start, end, day in days(text):
            if free(start, end):
                forms = day.forms() if not prompt.says_day(day.readings) else (day.year,) if day.year else ()
                self._add_all((form for form in forms if form not in prompt.years), "gated", "date", source, prompt)
        for span in capitalised(text, self._lower, self._names):
            if free(span.start, span.end):
                self._add_run(text, span, source, prompt)
        for span in numbers(text):
            if free(span.start, span.end) and not any(prompt.says(fold(form).strip()) for form in span.forms):
                self._add_all(span.forms, "gated", "number", source, prompt)
        self._read_words(text, taken, prompt, source, (word_cut, noun_cut))

    def _read_words(self, text: str, taken: bytearray, prompt: _Prompt, source: str, cuts: tuple[float, float]) -> None:
        """Add single words and n-grams outside the titles, names, dates and numbers, which are `taken`."""
        before: list[tuple[str, int]] = []  # Consecutive words that may be part of an n-gram, and the end of each.
        for found in _WORD.finditer(text):
            word, (start, end) = found[0], found.span()
            if before and (start - before[-1][1] > 1 or text[before[-1][1] : start] not in (" ", "\u00a0")):
                self._add_ngram(before, source, prompt)
                before = []
            folded = fold(word).strip()
            if any(taken[start:end]) or len(folded) < 3 or folded in COMMON_WORDS or prompt.says_word(folded):
                self._add_ngram(before, source, prompt)
                before = []
            elif " " in folded:  # a script without spaces
                self._add_characters(folded.split(), source, prompt)
            elif len(folded) <= _LONGEST_WORD:
                commonness = zipf(word, self._language)
                alone = commonness <= max(cuts) and commonness <= cuts[_is_head(text, found)]
                alone = alone and self._frequency.share([folded]) <= self._cuts.gated_share
                if alone:
                    self._add(word.lower(), "gated", "rare word", source, prompt)
                if not alone or word.lower() == word.upper():
                    before.append((word, end))
        self._add_ngram(before, source, prompt)

    def _add_run(self, text: str, span: Span, source: str, prompt: _Prompt) -> None:
        """Add a run of capitalised words."""
        placed = span.kind == "place"
        others = _OTHERS.search(_SENTENCE.split(text[max(0, span.start - 160) : span.start])[-1])
        self._add(span.forms[0], "gated" if placed or others else "always", "place" if placed else "name", source, prompt)

    def _add_ngram(self, words: Sequence[tuple[str, int]], source: str, prompt: _Prompt) -> None:
        """Add each pair of neighbours; in a script without capitals, where this may be a name, up to four words together."""
        if 2 <= len(words) <= LONGEST and all(word.lower() == word.upper() for word, _ in words):
            self._add(" ".join(word for word, _ in words), "always", "rare n-gram", source, prompt)
            return
        for (first, _), (second, _) in pairwise(words):
            if joint_zipf((first, second), self._language) <= self._cuts.gated_joint:
                self._add(f"{first} {second}".lower(), "gated", "rare n-gram", source, prompt, most=0)

    def _add_characters(self, letters: Sequence[str], source: str, prompt: _Prompt) -> None:
        """Add the parts of a text without spaces in which no pair of neighbours is a known word or in prompt or background."""
        run: list[str] = []
        for letter, following in zip(letters, [*letters[1:], ""], strict=True):
            if zipf(letter, self._language) < self._cuts.common_letter:
                run.append(letter)
                pair = letter + following
                known = zipf(pair, self._language) > self._cuts.always_rarest or self._frequency.count([letter, following]) > 0
                if following and not known and not prompt.says(f"{letter} {following}"):
                    continue
            if 2 <= len(run) <= _LONGEST_CHARACTERS:
                self._add("".join(run), "always" if len(run) > 3 else "gated", "rare n-gram", source, prompt)
            run = []

    def _add_all(self, forms: Iterable[str], scope: Scope, reason: Reason, source: str, prompt: _Prompt) -> None:
        for form in forms:
            self._add(form, scope, reason, source, prompt)

    def _add(self, text: str, scope: Scope, reason: Reason, source: str, prompt: _Prompt, most: int = 2**31) -> None:
        """Add a phrase unless the prompt or a name contains it, or more than `most` texts of the background do."""
        folded = fold(text).strip()
        words = folded.split()
        if len(text) > MAX_CHARACTERS or not words or COMMON_WORDS.issuperset(words) or prompt.says(folded):
            return
        if folded in self._banned or any(f" {folded} " in f" {name} " for name in self._names):
            return
        count = self._frequency.count(words)
        if count > most:
            return
        joint = joint_zipf(words, self._language)
        if scope == "always" and not self._specific(words, reason, count, joint):
            scope = "gated"
        known = self._found.get(folded)
        # A phrase that looks common in one place is common.
        if known is None or (known.phrase.scope == "always" and scope == "gated"):
            # A number of one digit may be a fact. Whoever takes the proposal insists on it.
            forced = doubt(text, folded) is not None
            self._found[folded] = Candidate(Phrase(text, scope, force=forced), reason, source, count, joint)

    def _specific(self, words: Sequence[str], reason: Reason, count: int, joint: float) -> bool:
        """Return whether a title or name may be banned in every answer."""
        rarest = min(zipf(word, self._language) for word in words)
        if count or not _AWARD.isdisjoint(words):
            return False
        if len(words) == 1:
            return len(words[0]) > 6 and rarest < self._cuts.always_word
        # In a script without spaces each letter is a word, and a common one.
        rare = reason == "title" or max(map(len, words)) == 1 or rarest < self._cuts.always_rarest
        return rare and joint < self._cuts.always_joint


def _is_head(text: str, word: re.Match[str]) -> bool:
    """Return whether a word is probably the noun after an article."""
    following = _NEXT_WORD.match(text, word.end())
    ends = following is None or following[1].lower() in COMMON_WORDS
    return ends and _ARTICLE.search(text[max(0, word.start() - 48) : word.start()]) is not None


def _has_banned_part(folded: str, scope: Scope, scopes: dict[str, Scope]) -> bool:
    words = folded.split()
    for first in range(len(words)):
        for last in range(first + 1, len(words) + 1):
            part = " ".join(words[first:last])
            if part != folded and scopes.get(part) in ("always", scope):
                return True
    return False
