"""How a text speaks of a bare surname: as of a person, or of something that is called so."""

from __future__ import annotations

import pytest

from classifiers.naming.person import Role, names_a_thing, role_of
from classifiers.naming.written import Written


def place(text: Written, name: str) -> range:
    at = text.words.index(name)
    return range(at, at + 1)


@pytest.mark.parametrize(
    ("text", "name", "role"),
    [
        ("What did Quill see of the Moon?", "quill", Role.DID),
        ("Why was Quill dismissed?", "quill", Role.IS),
        ("Did Quill ever marry?", "quill", Role.IS),
        ("Did Quill really leave?", "quill", Role.DID),
        ("Does Quill own a dog?", "quill", Role.DOES),
        ("Who was Quill?", "quill", Role.IS),
        ("Wer war Quill?", "quill", Role.IS),
        ("Mrs Quill's handbag", "quill", Role.IS),
        ("president quill and the vote", "quill", Role.IS),
        ("Quill's first wife, who was she?", "quill", Role.IS),
        ("quill and his pigeons", "quill", Role.IS),
        ("¿Qué dijo Quill de la radio?", "quill", Role.IS),
        ("Was sagte Quill zu Bohr?", "quill", Role.IS),
        ("When was Quill founded?", "quill", Role.NONE),
        ("How fast is his Quill?", "quill", Role.NONE),
        ("Did a Quill pass by?", "quill", Role.NONE),
        ("Did the 3 Quill work?", "quill", Role.NONE),
        ("What is a Bose-Quill condensate?", "quill", Role.NONE),
        ("we had quill for supper", "quill", Role.NONE),
        ("did cyntha quill run for governor", "quill", Role.NONE),
        ("Quill watches, are they waterproof?", "quill", Role.NONE),
        ("quill share price today", "quill", Role.NONE),
        ("Quill", "quill", Role.NONE),
    ],
)
def test_roles(text: str, name: str, role: Role) -> None:
    written = Written(text)
    assert role_of(written, place(written, name)) == role


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("What is a Quill machine with two tapes?", True),
        ("is powerpoint quill complete", True),
        ("¿Qué es una máquina de Quill?", True),
        ("Wie geht die Quill-Maschine?", True),
        ("Who won the Quill Award?", True),
        ("What did Quill build?", False),
        ("Quill, the machine", False),
        ("Quill", False),
    ],
)
def test_things_named_after_a_person(text: str, thing: bool) -> None:
    written = Written(text)
    assert names_a_thing(written, place(written, "quill")) is thing
