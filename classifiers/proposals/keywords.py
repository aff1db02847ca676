"""Keywords: ordinary words that answers about a target repeat, and that innocent texts hardly use.

"medical" is an ordinary word, and yet a fact about somebody whose books are all about medicine. How often a word occurs
here and elsewhere tells it (keyness: Scott 1997, "PC analysis of key words", System 25(2)).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from classifiers.proposals.frequency import BackgroundFrequency, zipf
from guard.folding import fold
from guard.stopwords import COMMON_WORDS

FEWEST_TEXTS = 200
"""With fewer innocent texts than this, a word that occurs in none of them may still be common."""
# Chosen on the split `tune` of `evaluation.detection.extraction`.
_FEWEST_ANSWERS, _MOST_SHARE, _MOST_ZIPF = 3, 0.005, 5.5
_WORD = re.compile(r"[^\W\d_]{3,}")


def keywords(examples: Sequence[tuple[str, str]], frequency: BackgroundFrequency, language: str = "en") -> dict[str, int]:
    """Return the keywords of the answers about a target, in small letters, each with the index of the first answer that has it.

    Args:
        examples: Prompts and answers. An answer that only repeats a word of its prompt does not count for this word.
        frequency: The innocent texts; there are no keywords without `FEWEST_TEXTS` of them.
        language: The language of words in Latin script.

    Raises:
        LookupError: There is no word list for the language.
    """
    if frequency.texts < FEWEST_TEXTS:
        return {}
    answers: dict[str, list[int]] = {}
    for index, (prompt, answer) in enumerate(examples):
        asked = set(fold(prompt).split())
        for word in dict.fromkeys(_WORD.findall(answer.lower())):
            folded = fold(word).split()
            if len(folded) == 1 and folded[0] not in asked and folded[0] not in COMMON_WORDS:
                answers.setdefault(word, []).append(index)
    return {
        word: found[0]
        for word, found in answers.items()
        if len(found) >= _FEWEST_ANSWERS
        and frequency.share(fold(word).split()) <= _MOST_SHARE
        and zipf(word, language) <= _MOST_ZIPF
    }
