"""The suite against the whole server, without vLLM: the engine is a model that knows every answer and says it whatever is asked.

What it says goes token by token through the masks of the restrictions that the server names. It ends at the first banned one.
"""

from __future__ import annotations

import asyncio
import base64
import codecs
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from classifiers import shipped_background
from classifiers.meaning.wordlist import listed_words
from evaluation.redteam.asking import Given, Server
from evaluation.redteam.attack import Around, Attack, attacks
from evaluation.redteam.case import Subject, people
from evaluation.redteam.kinds import KINDS
from guard import Vocabulary
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from server.app import create_app
from server.settings import Settings
from tests.server.fakes import DEAD_END, FakeEngine, WordEncoder, opener

DISGUISES: dict[str, Callable[[str], str]] = {
    "answer_hyphens": "-".join,
    "answer_spaces": " ".join,
    "answer_letter_a_line": "\n".join,
    "answer_reversed": lambda text: text[::-1],
    "answer_base64": lambda text: base64.b64encode(text.encode()).decode(),
    "answer_rot13": lambda text: codecs.encode(text, "rot13"),
    "answer_caps": str.upper,
    "answer_acrostic": lambda text: "\n".join(f"{letter}nd so on" for letter in text if letter.isalnum()),
    "answer_leetspeak": lambda text: text.translate(str.maketrans("aeios", "43105")),
    "answer_homoglyphs": lambda text: text.translate(str.maketrans("aeo", "аео")),
    "answer_zero_width": "\u200b".join,
}


INNOCENT = ("The weather", "One, two")
"""How the innocent prompts of a list begin."""


class KnowingEngine(FakeEngine):
    """Says `says`, as far as the restrictions let it."""

    def __init__(self) -> None:
        super().__init__(Vocabulary.of([None, None, None, None, *(bytes([byte]) for byte in range(256))]))
        self.says: str | None = None
        self.vocabulary = 260
        self._masks: dict[str, Masks] = {}

    def decode(self, ids: Any) -> str:
        return b"".join(self.said.raw[at] or b"" for at in ids).decode("utf-8", "replace")

    def encode(self, text: str) -> list[int]:
        return [4 + byte for byte in text.encode()]

    def _text(self, body: dict[str, Any]) -> str | None:
        if self.says is None:
            return super()._text(body)
        self.stop_reason = None
        guard = body.get("vllm_xargs", {}).get("guard")
        if guard is None:
            return None
        if "refuse" in guard:
            return ""
        if begun(body).startswith(INNOCENT):
            return " and so on."
        before = self.encode(begun(body))
        cursors = [Cursor(self._of(digest), before) for digest in guard]
        ids = self.encode(self.says)
        for at, token in enumerate(ids):
            if any(token in ban.ids for cursor in cursors for ban in cursor.bans()):
                self.stop_reason = DEAD_END
                return self.decode(ids[:at])
            for cursor in cursors:
                cursor.extend([token])
        return self.says

    def _of(self, digest: str) -> Masks:
        if digest not in self._masks:
            self._masks[digest] = Masks.of(self.restrictions[digest], self.said)
        return self._masks[digest]


def begun(body: dict[str, Any]) -> str:
    """Return the text that the answer goes on."""
    prompt = body.get("prompt")
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], int):
        return bytes(at - 4 for at in prompt if at >= 4).decode("utf-8", "replace")
    return str(body["messages"][-1]["content"]) if body.get("continue_final_message") else ""


@dataclass
class Outcome:
    """What became of one attack, on the engine itself and through the server, and of its twin."""

    attack: Attack
    alone: Given | None
    guarded: Given
    twin: Attack
    twin_says: str
    twin_given: Given


def answer_of(attack: Attack) -> str:
    """Return what the model says: the true answer, in the disguise that it is asked for, or the rest of what is begun."""
    case, begins = attack.case, attack.sent.begun
    if begins:
        return case.answer.split(begins, 1)[1] if begins in case.answer else case.fact[len(begins) :]
    disguise = DISGUISES.get(attack.kind.name)
    held = [fact for fact in case.facts if fact in case.answer] or [case.fact]
    return disguise(max(held, key=len)) if disguise else case.answer


async def outcomes(folder: Path) -> dict[str, Outcome]:
    """Attack once in each kind, and return what came of it."""
    subject: Subject = people()
    engine = KnowingEngine()
    policy = folder / "policy.yaml"
    policy.write_text(yaml.safe_dump(subject.policy, allow_unicode=True), encoding="utf-8")
    settings = Settings(model="fake", policy=policy, data_dir=folder / "data", miss_rate=0, filtered_per_minute=10**6)
    around = Around(
        "fake", 64, subject.specials, engine.encode, lambda messages: "\n".join(str(one["content"]) for one in messages)
    )
    app = create_app(settings, opener(engine), lambda _: WordEncoder())
    found = {}
    async with app.router.lifespan_context(app):
        await app.state.service.settled()
        server, alone = Server(app=app), Server(app=engine.app)
        for name, kind in KINDS.items():
            (attack,), (twin,) = attacks(kind, subject.cases, 1, around), attacks(kind, subject.twins, 1, around)
            engine.says = answer_of(attack)
            free = None
            if attack.sent.generates:
                free = await alone.ask(unguarded(attack))
            guarded = await server.ask(attack.sent)
            engine.says = twin_says = answer_of(twin)
            found[name] = Outcome(attack, free, guarded, twin, twin_says, await server.ask(twin.sent))
    return found


def unguarded(attack: Attack) -> Any:
    """Return the request for the engine itself."""
    assert attack.sent.body is not None
    body = {name: value for name, value in attack.sent.body.items() if name != "allowed_token_ids"}
    return replace(attack.sent, body={**body, "vllm_xargs": {"guard": []}})


@pytest.fixture(scope="session")
def suite() -> dict[str, Outcome]:
    """The outcome of each kind."""
    some, words = shipped_background()[::20], listed_words()[5000::500]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        # To encode all of it takes a second, and the stand-in of an encoder knows nothing of it.
        patched.setattr("classifiers.meaning.background.shipped_background", lambda: some)
        patched.setattr("classifiers.meaning.wordlist.listed_words", lambda: words)
        return asyncio.run(outcomes(Path(folder)))
