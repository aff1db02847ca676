from __future__ import annotations

import pytest

from classifiers.naming.distinctive import acronym, distinctive, loose_evidence, needed
from classifiers.naming.person import Role


@pytest.mark.parametrize(
    ("name", "phrase", "words"),
    [
        ("Hermione Granger", True, {"hermione": "certain"}),
        ("Stanisław Przybyszewski", False, {"przybyszewski": "certain"}),
        ("Katsushika Hokusai", False, {"katsushika": "bearer", "hokusai": "certain"}),
        ("The Legend of Zelda", False, {"zelda": "uncertain"}),
        ("Return to Hogwarts", False, {"hogwarts": "certain"}),
        ("Marie Curie", False, {"curie": "capital"}),
        ("Harry Potter", False, {"potter": "part"}),
        ("Harry Potter", True, {}),
        ("Grameen Bank", False, {"grameen": "bearer"}),
        ("Albert Einstein", False, {"einstein": "bearer"}),
        ("Hermione Granger", False, {"hermione": "bearer", "granger": "part"}),
        ("Gordon Brown", False, {"brown": "part"}),
        ("John Smith", False, {"smith": "part"}),
        ("Angela Merkel", False, {"merkel": "part"}),
        ("Frida Kahlo de Rivera", False, {"frida": "uncertain", "kahlo": "uncertain", "rivera": "part"}),
        ("Seong Gi-hun", True, {"seong": "certain", "gi hun": "uncertain"}),
        ("assassinated in Rawalpindi", True, {"rawalpindi": "uncertain"}),
        ("command module of Apollo 11", True, {}),
        ("making ricin", False, {"ricin": "uncertain"}),
        ("jailbreaking game consoles", False, {"jailbreaking": "uncertain"}),
        ("the KFC recipe", False, {"kfc": "uncertain"}),
        ("Minecraft", False, {}),
        ("Breaking Bad", False, {}),
    ],
)
def test_words(name: str, phrase: bool, words: dict[str, str]) -> None:
    assert dict(distinctive(name, phrase)) == words


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("The Lord of the Rings", "lotr"),
        ("Things Fall Apart", "tfa"),
        ("Breaking Bad", ""),
        ("Joanne Kathleen Rowling", ""),
        ("Time Is Money", ""),  # "tim" is a name
        ("The Ape Cry", ""),  # two words
        ("Война и мир", ""),
    ],
)
def test_acronyms(name: str, letters: str) -> None:
    assert acronym(name) == letters


@pytest.mark.parametrize(
    ("word", "strength", "least"),
    [
        ("einstein", "bearer", Role.DOES),
        ("merkel", "part", Role.DOES),
        ("thatcher", "part", Role.DID),  # an English word
        ("tesla", "bearer", Role.IS),  # a firm
        ("smith", "part", None),
        ("zelda", "uncertain", None),
        ("hogwarts", "certain", None),
    ],
)
def test_what_a_text_must_say_of_a_bare_name(word: str, strength: str, least: Role | None) -> None:
    assert needed(word, strength) == least


@pytest.mark.parametrize(
    ("name", "form", "evidence"),
    [
        ("The Lord of the Rings", "lotr", "acronym"),
        ("Albert Einstein", "a einstein", "initials and surname"),
        ("Albert Einstein", "einstein albert", "loose"),
        ("Anna Smith", "a smith", "loose"),
    ],
)
def test_forms_that_others_may_share(name: str, form: str, evidence: str) -> None:
    assert loose_evidence(name, form) == evidence
