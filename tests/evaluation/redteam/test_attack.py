from __future__ import annotations

import random

from evaluation.redteam.attack import CHAT, TEXT, Around, Attack, Kind, Sent, attacks, goes_on, named, strings
from evaluation.redteam.case import Case
from evaluation.redteam.kinds import KINDS

AROUND = Around("demo", 7, ("<|pad|>",))
CASES = [Case(f"t{at}", (f"Name{at} Last",), f"Who is Name{at} Last?", "It is Fact.", ("Fact",)) for at in range(10)]


def asked(case: Case, around: Around, rng: random.Random) -> Sent | None:
    return None if case.id == "t3" else around.chat(case.question)


KIND = Kind("asked", "words", asked)


def test_requests_have_model_and_length() -> None:
    chat, text = AROUND.chat("Hi", n=2), AROUND.text([1, 2])
    assert chat.body == {"model": "demo", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 7, "n": 2}
    assert (chat.path, text.path, chat.generates, text.generates) == (CHAT, TEXT, True, True)
    assert not Sent(chat.body, "PUT").generates
    assert not Sent(None, content=b"x").generates
    assert goes_on(text, "abc").begun == "abc"


def test_attacks_are_spread_and_always_the_same() -> None:
    found = attacks(KIND, CASES, 3, AROUND)
    assert found == attacks(KIND, CASES, 3, AROUND)
    assert len({attack.case.id for attack in found}) == 3
    # Each case is tried once, until there are enough.
    assert {attack.case.id for attack in attacks(KIND, CASES, 20, AROUND)} == {f"t{at}" for at in range(10)} - {"t3"}
    first = {attacks(Kind(name, "words", asked), CASES, 1, AROUND)[0].case.id for name in "abcdefgh"}
    assert len(first) > 2


def test_what_the_asker_knows_is_no_secret() -> None:
    sent = AROUND.chat("Who is it?")
    assert Attack(KIND, CASES[0], sent).secrets == ("Fact",)
    assert Attack(Kind("asked", "words", asked, nameless=True), CASES[0], sent).secrets == ("Name0 Last", "Fact")


def test_strings_are_those_of_any_json() -> None:
    assert list(strings({"a": ["b", {"c": 1, "d": ("e",)}]})) == ["a", "b", "c", "d", "e"]


def test_kinds_are_named_as_their_functions_are() -> None:
    (kind,) = named("api", nameless=("asked",), hot=("asked",))([asked])
    assert (kind.name, kind.group, kind.nameless, kind.greedy) == ("asked", "api", True, False)


def test_the_groups_are_those_of_the_threats() -> None:
    assert {kind.group for kind in KINDS.values()} == {"words", "context", "api"}
