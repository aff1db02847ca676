"""The language of a text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LEAST_CONFIDENCE: Final = 0.4
"""The least probability of a language. Single words and code have less, questions of four words with a foreign name more."""
_MOST: Final = 2000  # the beginning of a text says which language it is in
_FEWEST_LETTERS: Final = 8
# A letter of these scripts says as much as four of an alphabet.
_DENSE: Final = ("\u2e80", "\ud7ff")

_CODES = """
    af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja jv ka kk km kn ko lo lt lv
    mk ml mn mr ms my ne nl no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh
"""
LANGUAGES: Final = tuple(_CODES.split())
"""The languages (ISO 639-1) among which `language_of` chooses. Many people write each. Fewer languages mean fewer mistakes."""


def language_of(text: str) -> str | None:
    """Return the language of a text (ISO 639-1, one of `LANGUAGES`), None where it cannot be told: few letters, or too unsure.

    The model is that of py3langid, a naive Bayes classifier of byte n-grams (Lui and Baldwin, langid.py, ACL 2012 system
    demonstrations). It takes about 0.1 ms per 100 characters, and half a second the first time.
    """
    head = text[:_MOST]
    letters = sum(4 if _DENSE[0] <= character <= _DENSE[1] else 1 for character in head if character.isalpha())
    if letters < _FEWEST_LETTERS:
        return None
    language, confidence = _identifier().classify(head.encode("utf-8", "replace"))
    return str(language) if confidence >= LEAST_CONFIDENCE else None


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    # Imported here: reading the compressed model takes half a second, which a process that reads no prompts need not spend.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier
