"""Which prompts the multilingual encoder reads: those in another language than English."""

from __future__ import annotations

import re

from classifiers.reading.language import language_of

# Letters of other scripts than the Latin one. Where one letter is a word, two of them are enough.
_FOREIGN = re.compile(r"[\u0370-\u1dff\u1f00-\u1fff\u2c80-\u2dff\ua640-\uabff\ufb1d-\ufdff\ufe70-\ufefc]")
_DENSE = re.compile(r"[\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]")
_LEAST = 4


def is_foreign(text: str) -> bool:
    """Return whether a text is in another language than English, or has some letters of another script."""
    if not text.isascii() and 2 * len(_DENSE.findall(text)) + len(_FOREIGN.findall(text)) >= _LEAST:
        return True
    return language_of(text) not in ("en", None)
