from __future__ import annotations

import pytest

from classifiers.naming.distinctive import acronym, distinctive


@pytest.mark.parametrize(
    ("name", "phrase", "words"),
    [
        ("Hermione Granger", True, {"hermione": "certain"}),
        ("Stanisław Przybyszewski", False, {"przybyszewski": "certain"}),
        ("Katsushika Hokusai", False, {"katsushika": "uncertain", "hokusai": "certain"}),
        ("The Legend of Zelda", False, {"zelda": "uncertain"}),
        ("Return to Hogwarts", False, {"hogwarts": "certain"}),
        ("Marie Curie", False, {"curie": "capital"}),
        ("Harry Potter", False, {"potter": "part"}),
        ("Harry Potter", True, {}),
        ("Grameen Bank", False, {"grameen": "uncertain"}),
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
