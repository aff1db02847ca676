"""A slow reference for tests: whether a phrase or one of its forms occurs in a text, by regular expressions."""

from __future__ import annotations

import re
from collections.abc import Collection

from guard.form import FORM_KINDS, Form
from guard.forms import endings_for, forms_of
from guard.forms.names import folded_words
from guard.phrase import FormKind, MatchKind, Phrase, Scope


def pattern(phrase: Phrase) -> str:
    """Return the regular expression of a phrase or a form, for folded text with single spaces."""
    words = [re.escape(word) for word in phrase.folded.replace(".", " ").split()]
    between = " "
    ending = ""
    if isinstance(phrase, Form):
        between = r" (?:\S+ )?" if phrase.gap else " "
        if phrase.ending:
            ending = f"(?:{'|'.join(map(re.escape, endings_for(phrase.folded.split()[-1])))})?"
    return rf"(?<!\S){between.join(words)}{ending}(?!\S)"


def said(phrase: Phrase | str, text: str, *, name: bool = True, kinds: Collection[FormKind] = FORM_KINDS) -> str:
    """Return how a phrase occurs in a text: as "itself", by the kind of its first form that does, or "" if it does not."""
    if isinstance(phrase, str):
        phrase = Phrase(phrase)
    folded = " ".join(folded_words(text))
    if re.search(pattern(phrase), folded):
        return "itself"
    return next((form.kind for form in forms_of(phrase, name=name, kinds=kinds) if re.search(pattern(form), folded)), "")


def shown(text: str, *, name: bool = True, scope: Scope = "always", match: MatchKind = "word") -> set[str]:
    """Return the forms of a text, with "+" for an ending, "_" for a gap."""
    forms = forms_of(Phrase(text, scope, match), name=name)
    return {f"{form.folded}{'+' * form.ending}{'_' * form.gap}" for form in forms}
