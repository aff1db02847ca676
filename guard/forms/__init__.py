"""Forms: the other ways to write a phrase that count as the phrase. See `guard.form.Form` for one of them.

`derive` puts them together: endings and cases (inflection), distinctive words (word), people (order, initials, middle), dates,
numbers, and spelling. `judgement` says which names are made of ordinary words.
"""

from guard.form import FORM_KINDS, Form
from guard.forms.derive import MAX_FORMS, forms_left_out, forms_of
from guard.forms.endings import ENDINGS, endings_for
from guard.forms.judgement import looks_like_name, made_of_ordinary_words

__all__ = [
    "ENDINGS",
    "FORM_KINDS",
    "MAX_FORMS",
    "Form",
    "endings_for",
    "forms_left_out",
    "forms_of",
    "looks_like_name",
    "made_of_ordinary_words",
]
