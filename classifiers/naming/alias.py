"""The alias classifier: a text is about a target if it names the target, in any way of writing the name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from classifiers.answering import InContext
from classifiers.naming.names import variants
from classifiers.naming.transliteration import TransliterationIndex
from classifiers.naming.typos import TypoIndex
from classifiers.naming.vowelless import VowellessIndex
from classifiers.protocol import Match, Screened, best_matches
from classifiers.reading.readings import Reading
from classifiers.reading.views import views
from classifiers.target import ForgetTarget, check_ids
from guard.folding import fold
from guard.forms.judgement import looks_like_name
from guard.forms.names import is_specific
from guard.matching.finder import Finder
from guard.phrase import MAX_CHARACTERS, MatchKind, Phrase

NAME = "alias"
EXACT = 1.0
"""Score of a name or an identifying phrase in its listed form."""
VARIANT = 0.95
"""Score of a variant of a name (`classifiers.naming.names`)."""
TYPO = 0.9
"""Score of a name with one typing error or with other word divisions; a second error subtracts 0.05."""
TRANSLITERATION = 0.85
"""Score of a name in another script."""
VOWELLESS = 0.85
"""Score of the consonants of a name."""
FACT = 0.8
"""Score of facts of a target that must not be in a prompt."""
READING = 0.9
"""Factor of the score if the name was found in another reading of the text."""

# The fewest letters of a name that is searched for without word boundaries.
_JOINED = 8
# A gated phrase of this many words is no chance.
_PASSAGE = 5
# The fewest digits of a number that is a hint.
_NUMBER = 4


class AliasClassifier:
    """Finds in a text what identifies a target: its names, and its phrases of the scope `always`.

    Evidence and scores, the most certain first:

    - "alias" 1.0, "phrase" 1.0: the folded text contains the listed form between word boundaries. A phrase of the scope `always`
      is by definition so specific that no other answer needs it, so a prompt that contains it ("the author of <title>") describes
      the target. Its `match` says whether word boundaries count.
    - "variant" 0.95: parts in another order, initials, a title or a middle name left out (`classifiers.naming.names`).
    - "typo" 0.9 or 0.85: one or two typing errors in a long name (`classifiers.naming.typos`).
    - "transliteration" 0.85: the name in another script (`classifiers.naming.transliteration`).
    - "vowelless" 0.85: the consonants of the name without its vowels (`classifiers.naming.vowelless`).
    - "fact" 0.8: facts of a target whose facts must not be in a prompt (`InContext.REFUSE`), in their listed form: one that looks
      like a name ("Kirkby Mallory") or has five words, or two different ones that have two words or a number. A gated phrase is
      by definition not specific, so a single date or an ordinary word is no match.
    - "reading:<kind>": 0.9 times the above, in a text that was hidden in this one (`classifiers.reading`).

    The classifier searches the whole text, so that no name is lost between windows. The time is linear in the text and does not
    depend on the number of names.
    """

    def __init__(self, targets: Sequence[ForgetTarget], phrases: bool = True, in_context: InContext = InContext.SUPPRESS) -> None:
        """Compile the names.

        Args:
            targets: The forget targets, each with an id of its own.
            phrases: Whether phrases of the scope `always` count as well as names.
            in_context: What happens to facts in a prompt if the target does not say it.

        Raises:
            ValueError: Two targets have the same id.
        """
        check_ids(targets)
        listed: dict[MatchKind, dict[str, dict[str, str]]] = {}
        others: dict[str, dict[str, str]] = {}
        written: dict[str, list[str]] = {}
        facts: dict[str, dict[str, str]] = {}
        for target in targets:
            if target.action.bans and (target.in_context or in_context) is InContext.REFUSE:
                for phrase in target.phrases:
                    if phrase.scope == "gated" and (evidence := _telling(phrase)):
                        facts.setdefault(phrase.folded, {})[target.id] = evidence
            for name in target.names:
                written.setdefault(name, []).append(target.id)
                listed.setdefault("word", {}).setdefault(" ".join(fold(name).split()), {}).setdefault(target.id, "alias")
                for variant in variants(name):
                    if len(variant) <= MAX_CHARACTERS:
                        others.setdefault(variant, {})[target.id] = "variant"
            for phrase in target.phrases if phrases else ():
                if phrase.scope == "always":
                    listed.setdefault(phrase.match, {}).setdefault(phrase.folded, {}).setdefault(target.id, "phrase")
        self._listed = [_Search(patterns, match) for match, patterns in listed.items()]
        self._variants = _Search(others, "word")
        self._facts = _Search(facts, "word") if facts else None
        names = listed.get("word", {})
        joined = {
            text.replace(" ", ""): dict.fromkeys(ids, "alias")
            for text, ids in names.items()
            if "alias" in ids.values() and len(text.replace(" ", "")) >= _JOINED
        }
        self._joined = _Search(joined, "substring")
        inverted = [text for text in others if is_specific(text.split())]
        self._misspelt = {**{text: others[text] for text in inverted}, **names}
        self._typos = TypoIndex(list(self._misspelt))
        self._typo_owners = [tuple(ids) for ids in self._misspelt.values()]
        self._vowelless = VowellessIndex(list(self._misspelt))
        written.update({text: list(others[text]) for text in inverted if text not in written})
        self._written = list(written.values())
        self._transliterations = TransliterationIndex(list(written))

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text."""
        return [self._search(screened.text, screened.readings) for screened in texts]

    def _search(self, text: str, readings: Iterable[Reading]) -> list[Match]:
        found = self._named(text)
        found += [
            Match(target_id, TRANSLITERATION, "transliteration", NAME)
            for index in self._transliterations.find(text)
            for target_id in self._written[index]
        ]
        for reading in readings:
            evidence = f"reading:{reading.kind}"
            hidden = self._named(reading.text) + self._viewed(reading.text)
            if reading.kind == "spelled":
                # Separated letters do not show where a word begins.
                hidden += self._joined.matches(fold(reading.text).replace(" ", ""), EXACT)
            found += [Match(match.target_id, match.score * READING, evidence, NAME) for match in hidden]
        # Last, because separated letters are also initials, and of equal scores the first match is kept.
        return best_matches(found + self._viewed(text))

    def _named(self, text: str) -> list[Match]:
        folded = fold(text)
        found = [match for search in self._listed for match in search.matches(folded, EXACT)]
        # Of equal scores "alias" comes before "phrase".
        found.sort(key=lambda match: match.evidence)
        found += self._variants.matches(folded, VARIANT)
        for typo in self._typos.find(folded):
            score = TYPO - 0.05 * max(typo.distance - 1, 0)
            found += [Match(target_id, score, "typo", NAME) for target_id in self._typo_owners[typo.index]]
        for index in self._vowelless.find(folded):
            found += [Match(target_id, VOWELLESS, "vowelless", NAME) for target_id in self._typo_owners[index]]
        return found + self._pasted(folded)

    def _pasted(self, folded: str) -> list[Match]:
        """Return the targets whose facts a text gives away."""
        held = self._facts.held(folded) if self._facts else {}
        hints: Counter[str] = Counter()
        for text, owners in held.items():
            # "1961" in "3 February 1961" is no second fact.
            if not any(f" {text} " in f" {other} " for other in held if other != text):
                hints.update(owners.keys())
        told = {target_id for owners in held.values() for target_id, evidence in owners.items() if evidence == "fact"}
        return [Match(target_id, FACT, "fact", NAME) for target_id, count in hints.items() if count > 1 or target_id in told]

    def _viewed(self, text: str) -> list[Match]:
        found: list[Match] = []
        for view in views(text):
            searches = self._listed if view.whole_words else [self._joined]
            found += [
                Match(match.target_id, EXACT * READING, f"reading:{view.kind}", NAME)
                for search in searches
                for match in search.matches(view.text, EXACT, view.letters)
            ]
        return found


def _telling(phrase: Phrase) -> str:
    """Return "fact" if a gated phrase alone gives its target away, "hint" if two do, "" if any number of them may be chance."""
    words = phrase.folded.split()
    if looks_like_name(phrase.text) or len(words) >= _PASSAGE:
        return "fact"
    return "hint" if len(words) > 1 or (words[0].isdigit() and len(words[0]) >= _NUMBER) else ""


class _Search:
    """Folded texts to search for, and for each the targets that it identifies, with the evidence."""

    def __init__(self, patterns: Mapping[str, Mapping[str, str]], match: MatchKind) -> None:
        # A finder reports equal patterns once and knows no targets, so each pattern is entered once, for all its
        # targets. There is one finder per kind of match, because two kinds of the same text would share a pattern.
        self._finder = Finder([Phrase(folded, match=match, force=True) for folded in patterns])
        self._texts = list(patterns)
        self._owners = [tuple(owners.items()) for owners in patterns.values()]
        self._letters = [len(folded) - folded.count(" ") for folded in patterns]

    def held(self, folded: str) -> dict[str, dict[str, str]]:
        """Return the texts in `folded`, each with the targets that it identifies."""
        found = sorted({index for index, _ in self._finder.find(folded)})
        return {self._texts[index]: dict(self._owners[index]) for index in found}

    def matches(self, folded: str, score: float, letters: int = 0) -> list[Match]:
        """Return a match for each target of each text in `folded` that has at least `letters` letters."""
        return [
            Match(target_id, score, evidence, NAME)
            for index in sorted({index for index, _ in self._finder.find(folded)})
            if self._letters[index] >= letters
            for target_id, evidence in self._owners[index]
        ]
