"""The alias classifier: a text is about a target if it names the target, in any way of writing the name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from classifiers.answering import InContext
from classifiers.naming.cut import CutIndex
from classifiers.naming.distinctive import STRENGTHS, acronym, distinctive, loose_evidence
from classifiers.naming.misspelt import MisspeltIndex
from classifiers.naming.names import initials, loose_variants, variants
from classifiers.naming.occurrence import WORD, Occurrences
from classifiers.naming.pasted import PastedFacts
from classifiers.naming.search import NAME, PART_OF_NAME, WHOLE, Place, Search, match_of
from classifiers.naming.sounds.transliteration import TransliterationIndex
from classifiers.naming.titles import title_variants
from classifiers.naming.topics import TopicIndex
from classifiers.naming.typos import TypoIndex
from classifiers.naming.vowelless import VowellessIndex
from classifiers.naming.weak import is_title, is_weak
from classifiers.naming.written import closed_initials
from classifiers.protocol import Match, Screened, best_matches
from classifiers.reading.readings import Reading
from classifiers.reading.views import views
from classifiers.target import ForgetTarget, check_ids
from guard.folding import fold
from guard.forms.names import is_specific
from guard.phrase import MAX_CHARACTERS, MatchKind

EXACT = 1.0
"""Score of a name or an identifying phrase in its listed form."""
VARIANT = 0.95
"""Score of a variant of a name (`classifiers.naming.names`)."""
TYPO = 0.9
"""Score of a name with one typing error or with other word divisions; a second error subtracts 0.05."""
TRANSLITERATION = 0.85
"""Score of a name in another script."""
TOPIC = 0.8
"""Score of the words of a name that describes something, near each other in any order and form (`classifiers.naming.topics`)."""
VOWELLESS = 0.85
"""Score of the consonants of a name."""
CUT = 0.8
"""Score of a name that is cut short (`classifiers.naming.cut`)."""
READING = 0.9
"""Factor of the score if the name was found in another reading of the text."""

# The fewest letters of a name that is searched for without word boundaries.
_JOINED = 8
# The fewest letters of a distinctive word that is searched for with an error.
_LONG_WORD = 7


class AliasClassifier:
    """Finds in a text what identifies a target: its names, and its phrases of the scope `always`.

    Evidence and scores, the most certain first:

    - "alias" 1.0, "phrase" 1.0: the folded text contains the listed form between word boundaries. A phrase of the scope `always`
      is by definition so specific that no other answer needs it, so a prompt that contains it ("the author of <title>") describes
      the target. Its `match` says whether word boundaries count.
    - "variant" 0.95: parts in another order, initials, a title or a middle name left out (`classifiers.naming.names`); articles,
      prepositions and numbers of a title in another form (`classifiers.naming.titles`).
    - "typo" 0.9 or 0.85: one or two typing errors in a long name (`classifiers.naming.typos`); 0.8: misspelt words
      (`classifiers.naming.misspelt`).
    - "transliteration" 0.85: the name in another script (`classifiers.naming.sounds.transliteration`).
    - "word" 0.8: a distinctive word of a name or of a phrase of the scope `always` (`classifiers.naming.distinctive`).
    - "topic" 0.8: the words of a name that describes something, in any order and form (`classifiers.naming.topics`).
    - "initials" 0.8: those of a person, if the text says that they are initials.
    - "cut" 0.8: a name whose last word is cut short, in a text that asks to go on (`classifiers.naming.cut`).
    - "vowelless" 0.85: the consonants of the name without its vowels (`classifiers.naming.vowelless`).
    - "fact" 0.8: facts of a target whose facts must not be in a prompt (`InContext.REFUSE`), in their listed form: one that looks
      like a name ("Kirkby Mallory") or has five words, or two different ones that have two words or a number. A gated phrase is
      by definition not specific, so a single date or an ordinary word is no match.
    - "reading:<kind>": 0.9 times the above, in a text that was hidden in this one (`classifiers.reading`).

    These matches are uncertain, with the score 0.6:

    - "weak name", "small", "namesake": each occurrence of the name is in doubt (`classifiers.naming.weak`): it may be an ordinary
      word, is one by its small letters, or is called something else ("the novel The Wall").
    - "variant", "typo" and "word" of a weak name, of a short one with misspelt words, and of a word that is not rare enough.
    - "part", with the score 0.5: a surname or given name that many people bear, with a capital or in a text without any, and not
      beside a word of somebody else's name; or the initials of a person in capitals ("Y. T.").

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
        self._occurrences = Occurrences(targets)
        listed: dict[MatchKind, dict[str, dict[str, str]]] = {}
        others: dict[str, dict[str, str]] = {}
        hints: dict[str, dict[str, str]] = {}
        bare: dict[str, dict[str, str]] = {}
        words: dict[str, dict[str, str]] = {}
        small: set[str] = set()
        capitals: dict[str, bool] = {}
        written: dict[str, list[str]] = {}
        for target in targets:
            for name in target.names:
                written.setdefault(name, []).append(target.id)
                folded = " ".join(fold(name).split())
                listed.setdefault("word", {}).setdefault(folded, {}).setdefault(target.id, "alias")
                if not is_title(name):
                    small.add(folded)
                capitals[folded] = name.isupper() and capitals.get(folded, True)
                for variant in variants(name):
                    if len(variant) <= MAX_CHARACTERS:
                        others.setdefault(variant, {})[target.id] = "variant"
                titles = title_variants(name)
                for title in titles:
                    if len(title) <= MAX_CHARACTERS:
                        hints.setdefault(title, {})[target.id] = "variant" if " " in title else "bare"
                if titles and " " in titles[0]:
                    bare.setdefault(titles[0], {})[target.id] = "variant"
                if letters := initials(name):
                    hints.setdefault(letters, {}).setdefault(target.id, PART_OF_NAME)
                for loose in (*loose_variants(name), acronym(name)):
                    if loose and len(loose) <= MAX_CHARACTERS:
                        hints.setdefault(loose, {}).setdefault(target.id, loose_evidence(name, loose))
            always = [phrase for phrase in target.phrases if phrase.scope == "always"] if phrases else []
            for phrase in always:
                listed.setdefault(phrase.match, {}).setdefault(phrase.folded, {}).setdefault(target.id, "phrase")
            for text, is_phrase in (*((name, False) for name in target.names), *((phrase.text, True) for phrase in always)):
                for word, strength in distinctive(text, is_phrase):
                    # Of two strengths the surer one.
                    owners = hints.setdefault(word, {})
                    known = owners.get(target.id)
                    if known is None or (known in STRENGTHS and STRENGTHS.index(strength) < STRENGTHS.index(known)):
                        owners[target.id] = strength
                    if len(word) >= _LONG_WORD:
                        words.setdefault(word, {})[target.id] = strength
        upper = frozenset(folded for folded, every in capitals.items() if every)
        self._listed = [Search(patterns, match, small, upper) for match, patterns in listed.items()]
        both = {text: {**owners, **others[text]} if text in others else owners for text, owners in hints.items()}
        self._hints = Search({**others, **both}, "word")
        self._pasted = PastedFacts(targets, in_context)
        names = listed.get("word", {})
        joined = {
            text.replace(" ", ""): dict.fromkeys(ids, "alias")
            for text, ids in names.items()
            if "alias" in ids.values() and len(text.replace(" ", "")) >= _JOINED
        }
        self._joined = Search(joined, "substring")
        inverted = [text for text in others if is_specific(text.split())]
        typed = {**bare, **{text: others[text] for text in inverted}, **names}
        self._small = frozenset(small)
        self._typed = list(typed.items())
        self._typos = TypoIndex(list(typed))
        spelled = {**words, **bare, **names}
        self._spelled = list(spelled.items())
        self._misspelt = MisspeltIndex(list(spelled))
        self._vowelless = VowellessIndex(list(typed))
        self._whole = list(names.items())
        self._cut = CutIndex(names)
        self._topics = TopicIndex(list(written))
        written.update({text: list(others[text]) for text in inverted if text not in written})
        self._written = list(written.values())
        self._transliterations = TransliterationIndex(list(written))

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text."""
        return [self._search(screened.text, screened.readings) for screened in texts]

    def _search(self, text: str, readings: Iterable[Reading]) -> list[Match]:
        found = self._named(text)
        if (closed := closed_initials(text)) != text:
            found += self._named(closed)
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
            found += [Match(match.target_id, match.score * READING, evidence, NAME, match.certain) for match in hidden]
        found += [Match(owner, CUT, "cut", NAME) for index in self._cut.find(text) for owner in self._whole[index][1]]
        # Last, because separated letters are also initials, and of equal scores the first match is kept.
        return best_matches(found + self._viewed(text))

    def _named(self, text: str) -> list[Match]:
        folded = fold(text)
        place = Place(text)
        found = [match for search in self._listed for match in self._occurrences.judged(search, folded, EXACT, place)]
        # Of equal scores "alias" comes before "phrase".
        found.sort(key=lambda match: match.evidence)
        found += self._occurrences.judged(self._hints, folded, VARIANT, place)
        for typo in self._typos.find(folded):
            text, owners = self._typed[typo.index]
            score = TYPO - 0.05 * max(typo.distance - 1, 0)
            weak = text not in self._small and is_weak(text)
            found += [match_of(target_id, score, "typo", not weak or owner == "phrase") for target_id, owner in owners.items()]
        for index, _, _ in self._misspelt.find(folded.split()):
            text, owners = self._spelled[index]
            sure = " " in text and not is_weak(text)
            found += [match_of(target_id, WORD, "typo", sure and owner in WHOLE) for target_id, owner in owners.items()]
        for index in self._vowelless.find(folded):
            text, owners = self._typed[index]
            weak = text not in self._small and is_weak(text)
            found += [
                match_of(target_id, VOWELLESS, "vowelless", not weak or owner == "phrase") for target_id, owner in owners.items()
            ]
        found += [
            Match(target_id, TOPIC, "topic", NAME) for index in self._topics.find(folded) for target_id in self._written[index]
        ]
        return found + self._pasted.find(folded)

    def _viewed(self, text: str) -> list[Match]:
        found: list[Match] = []
        for view in views(text):
            searches = self._listed if view.whole_words else [self._joined]
            # These are the text itself, with more word boundaries and without its capitals.
            plain = view.kind in ("joined", "scripts")
            found += [
                Match(match.target_id, match.score * READING, f"reading:{view.kind}", NAME, match.certain)
                for search in searches
                for match in search.matches(view.text, EXACT, view.letters, plain)
            ]
        return found
