"""Repaired answers: no banned phrase leaves, whatever the model wants to say, however the stream is cut, streamed or whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from classifiers import ForgetTarget, Match
from classifiers.answering import Answering
from guard.folding import fold
from guard.phrase import Phrase
from guard.reference import spans
from guard.restriction import Restriction
from server.answers.leads import Leads
from server.answers.plan import Plan
from server.answers.repair import Repair
from server.answers.repaired import Repaired
from server.answers.reply import Reply, deliver, replied
from server.answers.terms import Unverified
from server.metrics import Metrics
from server.openai.forms import ChatForm, CompletionForm
from server.screening.decision import Decision
from server.screening.snapshot import PolicySnapshot
from tests.server.answers.conftest import Client, nothing
from tests.server.answers.toy import DEAD_END, Toy

SAY = "I cannot say."
ALWAYS, GATED = "a" * 64, "b" * 64
WORDS = [
    "",
    "",
    "The",
    " Ron",
    " Weas",
    "ley",
    " is",
    " a",
    " boy",
    ".",
    " He",
    " has",
    " red",
    " hair",
    " Hog",
    "warts",
    " Ronald",
]
DEAD, END, THE, RON, WEAS, LEY, IS, A, BOY, DOT, HE, HAS, RED, HAIR, HOG, WARTS, RONALD = range(len(WORDS))
BANNED = {ALWAYS: [Phrase("Ron Weasley")], GATED: [Phrase("Hogwarts"), Phrase("red hair")]}


class NoClassifier:
    """Finds nothing."""

    def classify(self, texts: Sequence[Any]) -> list[list[Match]]:
        return [[] for _ in texts]


@dataclass
class Case:
    """A request to a toy engine under a policy with one target."""

    successors: Mapping[int, Sequence[int]]
    answer: str = "abstain"
    matched: bool = True
    together: int = 1
    body: dict[str, Any] = field(default_factory=dict)
    escalated: list[str] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    verdict: str = "restrict"

    def __post_init__(self) -> None:
        target = ForgetTarget(
            id="ron",
            name="Ron Weasley",
            phrases=[Phrase("Hogwarts", scope="gated"), Phrase("red hair", scope="gated")],
            answer=self.answer,
            say=SAY,
            forms=(),
        )
        self.restrictions = {digest: Restriction.compile(phrases) for digest, phrases in BANNED.items()}
        self.snapshot = PolicySnapshot(1, {"ron": target}, (ALWAYS,), {"ron": GATED}, NoClassifier(), Answering())
        self.engine = Toy(WORDS, self.successors, BANNED, self.together)

    def plan(self) -> Plan:
        matches = (Match("ron", 1.0, "name", "alias"),) if self.matched else ()
        digests = (ALWAYS, GATED) if self.matched else (ALWAYS,)
        decision = Decision(self.verdict if self.matched else "allow", digests, matches)
        return Plan(
            decision, self.snapshot, self.restrictions.__getitem__, Unverified, "content_filter", hits=True, continues=True
        )

    async def reply(self, *, chat: bool, stream: bool, cut: int | None = None) -> Client:
        plan = self.plan()
        form = ChatForm() if chat else CompletionForm()
        hits = {} if plan.masks else {"guard_hits": 1}
        body = {"max_tokens": 24, **self.body, "stream": stream, "vllm_xargs": {"guard": plan.decision.argument, **hits}}
        body |= {"messages": []} if chat else {"prompt": [DEAD_END]}
        client = Client()
        app = self.engine if cut is None else cut_at(self.engine, cut)

        def ask(sent: Mapping[str, Any], suffix: str) -> AbstractAsyncContextManager[Reply]:
            return replied(app, scope("/v1/completions"), receiving(sent), CompletionForm())

        async with replied(app, scope("/v1/chat/completions" if chat else "/v1/completions"), receiving(body), form) as reply:
            leads = Leads(self.engine.vocabulary)
            repair = Repair(plan, form, leads, DEAD_END, self.metrics, held=not stream, escalated=self.escalated.append)
            await deliver(reply.after(Repaired(repair, body, ask, self.engine.context, streams=stream)), client, {})
        return client


def leaks(phrases: Sequence[Phrase], text: str) -> bool:
    """Return whether a text says one of the phrases."""
    return any(spans(phrase, fold(text)) for phrase in phrases)


def scope(path: str) -> Scope:
    return {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}


def receiving(body: Mapping[str, Any]) -> Receive:
    sent = False

    async def receive() -> Any:
        nonlocal sent
        if sent:
            return await nothing()
        sent = True
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    return receive


def cut_at(app: Callable[[Scope, Receive, Send], Any], size: int) -> Any:
    """Return an application whose body comes in parts of `size` bytes."""

    async def cutting(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Any) -> None:
            data = message.get("body", b"")
            if message["type"] != "http.response.body" or len(data) <= size:
                await send(message)
                return
            for at in range(0, len(data), size):
                last = at + size >= len(data)
                await send({**message, "body": data[at : at + size], "more_body": not last})

        await app(scope, receive, sending)

    return cutting


def said(client: Client, *, chat: bool, stream: bool, choice: int = 0) -> tuple[str, list[str]]:
    """Return the text of a choice and its reasons for ending."""
    bodies = client.chunks if stream else [json.loads(client.body)]
    assert not stream or all(len(body["choices"]) <= 1 for body in bodies)  # clients read the first choice of a chunk
    choices = [one for body in bodies for one in body["choices"] if one["index"] == choice]
    key = "delta" if stream else "message"
    text = "".join((one[key].get("content") or "") if chat else one["text"] for one in choices)
    return text, [one["finish_reason"] for one in choices if one.get("finish_reason")]


def path(*tokens: int) -> dict[int, list[int]]:
    """Return successors that make the model say these tokens, each of which occurs once."""
    return {before: [after] for before, after in zip([DEAD, *tokens], tokens, strict=False)}


BOTH = pytest.mark.parametrize(("chat", "stream"), [(True, True), (True, False), (False, True), (False, False)])


@BOTH
async def test_an_answer_without_a_hit_is_as_the_engine_gave_it(chat: bool, stream: bool) -> None:
    case = Case(path(THE, BOY, IS, RED, DOT), matched=False)
    client = await case.reply(chat=chat, stream=stream)
    assert said(client, chat=chat, stream=stream) == ("The boy is red.", ["stop"])
    assert b'token_ids":[' not in client.body.replace(b" ", b"")
    assert len(case.engine.bodies) == 1


@BOTH
async def test_abstain_drops_the_sentence_and_says_the_text(chat: bool, stream: bool) -> None:
    case = Case(path(THE, BOY, HAS, HAIR, DOT, HE, IS, HOG, WARTS))
    client = await case.reply(chat=chat, stream=stream)
    assert said(client, chat=chat, stream=stream) == (f"The boy has hair. {SAY}", ["content_filter"])
    assert len(case.engine.bodies) == 1


@BOTH
async def test_rephrase_goes_another_way(chat: bool, stream: bool) -> None:
    successors = {**path(THE, BOY, HAS, RED, HAIR), HAS: [RED, A], A: [HAIR], HAIR: [DOT]}
    case = Case(successors, answer="rephrase")
    client = await case.reply(chat=chat, stream=stream)
    assert said(client, chat=chat, stream=stream) == ("The boy has a hair.", ["stop"])
    again = case.engine.bodies[1]
    assert again["prompt"] == [DEAD_END, THE, BOY, HAS]
    assert RED in again["vllm_xargs"]["guard_avoid"]


@BOTH
async def test_a_model_that_knows_no_other_way_abstains(chat: bool, stream: bool) -> None:
    # Each way to go on leads to the phrase.
    successors = {**path(THE, BOY, HAS), HAS: [RED, A, IS, HE], A: [RED], IS: [RED], HE: [RED], RED: [HAIR]}
    case = Case(successors, answer="rephrase")
    client = await case.reply(chat=chat, stream=stream)
    assert said(client, chat=chat, stream=stream) == (SAY, ["content_filter"])
    assert 1 < len(case.engine.bodies) <= 9


@BOTH
async def test_mask_takes_the_next_best_token(chat: bool, stream: bool) -> None:
    case = Case({**path(THE, BOY, HAS, RED, HAIR), RED: [HAIR, BOY], BOY: [HAS]}, answer="mask")
    case.body = {"max_tokens": 5}
    client = await case.reply(chat=chat, stream=stream)
    assert said(client, chat=chat, stream=stream) == ("The boy has red boy", ["length"])
    assert len(case.engine.bodies) == 1


@BOTH
async def test_a_hit_in_an_unmatched_answer_makes_it_one_about_the_target(chat: bool, stream: bool) -> None:
    case = Case(path(THE, BOY, DOT, HE, IS, RON, WEAS, LEY), matched=False)
    client = await case.reply(chat=chat, stream=stream)
    text, ends = said(client, chat=chat, stream=stream)
    # In a stream the beginning of the sentence has left already.
    assert text == (f"The boy. He is \u2026 {SAY}" if stream else f"The boy. {SAY}")
    assert ends == ["content_filter"]
    assert case.escalated == ["ron"]


async def test_after_the_escalation_the_gated_phrases_are_banned() -> None:
    successors = {**path(THE, BOY, IS), IS: [RON, A], RON: [WEAS], WEAS: [LEY], A: [RED], RED: [HAIR]}
    case = Case(successors, matched=False, answer="rephrase")
    client = await case.reply(chat=True, stream=False)
    assert case.engine.bodies[1]["vllm_xargs"]["guard"] == [ALWAYS, GATED]
    text, _ = said(client, chat=True, stream=False)
    assert not leaks([phrase for phrases in BANNED.values() for phrase in phrases], text)


@BOTH
async def test_a_refused_request_says_the_text_alone(chat: bool, stream: bool) -> None:
    case = Case(path(THE), verdict="refuse")
    client = await case.reply(chat=chat, stream=stream)
    assert said(client, chat=chat, stream=stream) == (SAY, ["content_filter"])


async def test_the_log_probabilities_are_those_of_the_tokens_that_left() -> None:
    successors = {**path(THE, BOY, HAS, RED, HAIR), HAS: [RED, A], A: [HAIR], HAIR: [DOT]}
    for chat in (True, False):
        for stream in (True, False):
            case = Case(successors, answer="rephrase", body={"logprobs": True if chat else 0})
            client = await case.reply(chat=chat, stream=stream)
            bodies = client.chunks if stream else [json.loads(client.body)]
            scores = [one["logprobs"] for body in bodies for one in body["choices"] if one.get("logprobs")]
            tokens = (
                [entry["token"] for each in scores for entry in each["content"]]
                if chat
                else [token for each in scores for token in each["tokens"]]
            )
            assert "".join(tokens) == "The boy has a hair."
            if not chat:
                offsets = [offset for each in scores for offset in each["text_offset"]]
                assert offsets == [len("".join(tokens[:at])) for at in range(len(tokens))] or stream


@pytest.mark.parametrize("stream", [True, False])
async def test_the_usage_is_that_of_all_calls(stream: bool) -> None:
    successors = {**path(THE, BOY, HAS, RED, HAIR), HAS: [RED, A], A: [HAIR], HAIR: [DOT]}
    case = Case(successors, answer="rephrase", body={"stream_options": {"include_usage": True}} if stream else {})
    client = await case.reply(chat=True, stream=stream)
    usage = client.chunks[-1]["usage"] if stream else json.loads(client.body)["usage"]
    # "The boy has red" was said and " red" dropped; then " a hair." and the end.
    assert usage == {
        "prompt_tokens": 1,
        "completion_tokens": 8,
        "total_tokens": 9,
        "completion_tokens_details": {"rejected_prediction_tokens": 1},
    }


async def test_each_choice_goes_its_own_way() -> None:
    successors = {DEAD: [THE, HE, HOG], THE: [BOY], HE: [IS], IS: [RED], RED: [HAIR, BOY], HOG: [WARTS], BOY: [DOT]}
    for stream in (True, False):
        case = Case(successors, answer="abstain", body={"n": 3})
        client = await case.reply(chat=True, stream=stream)
        assert [said(client, chat=True, stream=stream, choice=k) for k in range(3)] == [
            ("The boy.", ["stop"]),
            (SAY, ["content_filter"]),
            (SAY, ["content_filter"]),
        ]


async def test_the_length_is_that_of_what_is_kept() -> None:
    successors = {**path(THE, BOY, HAS, RED, HAIR), HAS: [RED, A], A: [HAIR], HAIR: [DOT]}
    case = Case(successors, answer="rephrase", body={"max_tokens": 5})
    client = await case.reply(chat=True, stream=False)
    assert said(client, chat=True, stream=False) == ("The boy has a hair", ["length"])


TOKENS = list(range(2, len(WORDS)))


@given(
    successors=st.dictionaries(
        st.sampled_from([DEAD, *TOKENS]), st.lists(st.sampled_from(TOKENS), min_size=1, max_size=4), min_size=8
    ),
    answer=st.sampled_from(["abstain", "rephrase", "mask"]),
    matched=st.booleans(),
    chat=st.booleans(),
    n=st.integers(1, 3),
    cut=st.integers(1, 400),
    together=st.integers(1, 3),
)
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
async def test_nothing_banned_leaves_and_streams_say_what_whole_answers_say(
    successors: dict[int, list[int]], answer: str, matched: bool, chat: bool, n: int, cut: int, together: int
) -> None:
    banned = [phrase for phrases in BANNED.values() for phrase in phrases] if matched else BANNED[ALWAYS]
    told = []
    for stream in (True, False):
        case = Case(successors, answer, matched, together, {"n": n, "max_tokens": 12})
        client = await case.reply(chat=chat, stream=stream, cut=cut)
        found = [said(client, chat=chat, stream=stream, choice=k) for k in range(n)]
        for text, ends in found:
            assert not leaks(banned, text), text
            assert len(ends) == 1
            assert (ends == ["content_filter"]) == text.endswith(SAY)
        assert b'token_ids":[' not in client.body.replace(b" ", b"")
        told.append(found)
    if matched and together == 1:
        assert told[0] == told[1]
