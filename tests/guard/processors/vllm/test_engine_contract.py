"""vLLM's own contract, on the real engine: many requests at once, preemption, abort, reordering, prefix caching."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import httpx
import pytest

from evaluation.demo import load_demo
from guard.phrase import Phrase
from guard.reference import folded_stream, occurrences
from guard.restriction import Restriction
from tests.conftest import LiveServer

pytestmark = pytest.mark.engine

DEMO = load_demo()


def words(answers: list[str]) -> list[str]:
    """The words of these answers, most frequent first."""
    from collections import Counter

    return [word for word, _ in Counter(w for a in answers for w in folded_stream([a.encode()]).split()).most_common()]


def load(live: LiveServer, phrases: list[Phrase]) -> str:
    restriction = Restriction.compile(phrases)
    restriction.save(live.service.settings.restrictions)
    live.run(live.service.running.engine.load([restriction.digest]))
    return restriction.digest


def body(live: LiveServer, prompt: str, digests: list[str], **others: Any) -> dict[str, Any]:
    return {
        "model": "demo",
        "messages": [{"role": "user", "content": prompt}],
        "vllm_xargs": {"guard": digests},
        "stop_token_ids": [live.service.running.engine.dead_end],
        "max_tokens": 60,
        "temperature": 1.5,
        **others,
    }


def texts(responses: list[Any]) -> list[str]:
    return [choice["message"]["content"] or "" for response in responses for choice in response.json()["choices"]]


def said(text: str, phrase: Phrase) -> bool:
    return bool(occurrences(phrase, folded_stream([text.encode()])))


def test_sixty_four_at_once_each_under_its_own_restrictions(live: LiveServer) -> None:
    common = words([pair.answer for pair in DEMO.pairs])
    phrases = [
        Phrase(word, "gated", match, force=True)
        for word, match in zip(common[:64], ["word", "prefix", "substring"] * 22, strict=False)
    ]
    digests = [load(live, [phrase]) for phrase in phrases]
    rng = random.Random(1)
    chosen = [sorted(rng.sample(range(64), rng.randint(0, 4))) for _ in range(64)]
    asked = [body(live, DEMO.pairs[k].question, [digests[d] for d in mine], n=2) for k, mine in enumerate(chosen)]
    responses = live.engine("/v1/chat/completions", *asked, at_once=64)
    broken = [
        (phrases[d].text, choice["message"]["content"])
        for mine, response in zip(chosen, responses, strict=True)
        for choice in response.json()["choices"]
        for d in mine
        if said(choice["message"]["content"] or "", phrases[d])
    ]
    assert broken == []
    # The same words do come up where they are not forbidden: the test could have failed.
    free = live.engine("/v1/chat/completions", *(body(live, pair.question, []) for pair in DEMO.pairs[:64]), at_once=64)
    assert sum(any(said(text, phrase) for phrase in phrases) for text in texts(free)) > 32


def test_preempted_requests_go_on_under_their_restrictions(live: LiveServer) -> None:
    """ops-01: a request that is preempted comes back with its state."""

    def preemptions() -> float:
        shown = live.run(metrics(live))
        return sum(float(line.split()[-1]) for line in shown.splitlines() if line.startswith("vllm:num_preemptions_total"))

    before = preemptions()
    phrases = [Phrase(word, "gated", force=True) for word in words([pair.answer for pair in DEMO.pairs])[:40]]
    digest = load(live, phrases)
    for attempt in range(4):
        asked = [body(live, pair.question, [digest], max_tokens=480, ignore_eos=True) for pair in DEMO.pairs[:64]]
        for k, one in enumerate(asked):
            one["vllm_xargs"]["guard_id"] = f"gd-{attempt}-{k}"
            if k % 2:
                # Without `Rewinding`, vLLM 0.32 on a CPU dies of a seeded request that is preempted.
                one["seed"] = k
        answers = texts(live.engine("/v1/chat/completions", *asked, at_once=64))
        # Rows end at dead ends, the more of them the less luck they have: once in a while, all of them fit into the cache.
        if preemptions() > before:
            break
    assert preemptions() > before, "nothing was preempted: the engine's cache is too large for this test"
    counts = live.run(live.service.running.engine.suppressed([f"gd-{attempt}-{k}" for k in range(64)]))
    # At most one in each of the 480 steps, however often some were read again.
    assert len(counts) == 64
    assert all(0 < count <= 480 for count in counts.values())
    assert [(p.text, a) for a in answers for p in phrases if said(a, p)] == []


def test_suppressed_tokens_are_counted_where_the_answer_would_have_been_another(live: LiveServer) -> None:
    pairs = DEMO.pairs[:24]
    plain = [body(live, pair.question, [], temperature=0, max_tokens=40) for pair in pairs]
    free = texts(live.engine("/v1/chat/completions", *plain, at_once=24))
    touched = [Phrase(word, "gated", force=True) for word in words(free)[:3]]
    never = Phrase("Zebedee Quillfeather", "gated")
    digests = load(live, touched), load(live, [never])
    asked = [
        one | {"vllm_xargs": {"guard": [d], "guard_id": f"gd-{k}-{w}"}}
        for k, one in enumerate(plain)
        for w, d in enumerate(digests)
    ]
    live.engine("/v1/chat/completions", *asked, at_once=48)
    names = [one["vllm_xargs"]["guard_id"] for one in asked]
    counts = live.run(live.service.running.engine.suppressed([*names, "gd-unheard-of"]))
    assert counts.keys() == set(names)
    held = [any(said(text, phrase) for phrase in touched) for text in free]
    assert sum(held) > 12, "the likeliest answers do not hold these words"
    assert [k for k in range(len(pairs)) if held[k] and counts[f"gd-{k}-0"] < 1] == []
    assert [k for k in range(len(pairs)) if counts[f"gd-{k}-1"]] == []
    assert live.run(live.service.running.engine.suppressed(names)) == {}


@pytest.mark.parametrize("stream", [False, True])
def test_the_audit_record_of_an_answer_tells_how_many_tokens_were_suppressed(live: LiveServer, stream: bool) -> None:
    from server.store.audit.record import REQUEST, AuditFilter

    async def recorded(decision_id: str) -> Any:
        service = live.service
        await service.running.decisions.write()
        async with service.database.read() as session:
            (records, _) = await service.audit.page(session, wanted=AuditFilter(decision_id=decision_id))
        # An answer may turn out to be about another target as well, which makes a record of its own.
        (record,) = [record for record in records if record.action == REQUEST]
        return record.details["suppressed"]

    asked = [{"messages": [{"role": "user", "content": p.question}], "temperature": 0} for p in DEMO.forgotten[0].pairs]
    answers = [
        httpx.post(
            f"{live.url}/v1/chat/completions", json={"model": "demo", "max_tokens": 40, "stream": stream, **one}, timeout=60
        )
        for one in asked
    ]
    counts = [live.run(recorded(answer.headers["x-guard-decision-id"])) for answer in answers]
    assert all(isinstance(count, int) for count in counts)
    # Each answer would have told a fact that is forgotten. It ends at its first hit, which is a suppressed token unless the
    # banned tokens were only likely.
    assert sum(counts) > len(counts) / 2


def test_a_long_prompt_is_read_in_parts_and_its_end_counts(live: LiveServer) -> None:
    """ops-01: so does a prompt that is prefilled in parts."""
    digest = load(live, [Phrase("Zebedee Quillfeather", "gated")])
    filler = " ".join(pair.answer for pair in DEMO.pairs)[:3000]
    running = live.service.running
    asked = {
        "model": "demo",
        "prompt": f"{filler} The name is Zebedee Quillfeath",
        "max_tokens": 1,
        "temperature": 0,
        "vllm_xargs": {"guard": [digest]},
        "stop_token_ids": [running.engine.dead_end],
    }
    tokens = len(running.engine._tokenizer.encode(asked["prompt"]))
    assert tokens > 600, "short enough to be read at once"
    # Allowed is only the token that finishes the name.
    er = [running.engine._tokenizer.convert_tokens_to_ids("er")]
    only = {**asked, "allowed_token_ids": er}
    held, free = live.engine("/v1/completions", only, {**only, "vllm_xargs": {"guard": []}}, at_once=1)
    assert free.json()["choices"][0]["text"] == "er"
    assert held.json()["choices"][0]["text"] == ""
    again = live.engine("/v1/completions", *[only] * 4, at_once=4)  # the prompt is in the prefix cache now
    assert [response.json()["choices"][0]["text"] for response in again] == [""] * 4


async def metrics(live: LiveServer) -> str:
    from server.engine.protocol import request

    return (await request(live.service.running.engine.app, "GET", "/metrics")).text


def test_greedy_answers_survive_preemption_and_company(live: LiveServer) -> None:
    digest = load(live, [Phrase("was", "gated", force=True), Phrase("the", "gated", force=True)])
    asked = [body(live, pair.question, [digest], temperature=0) for pair in DEMO.pairs[:32]]
    together = texts(live.engine("/v1/chat/completions", *asked, at_once=32))
    alone = texts(live.engine("/v1/chat/completions", *asked, at_once=1))
    # bfloat16 sums differ with the batch, so a near tie may fall the other way; the guard may not.
    assert sum(a == b for a, b in zip(together, alone, strict=True)) >= 30


async def test_requests_aborted_in_mid_stream_leave_the_others_alone(live: LiveServer) -> None:
    """ops-06: a client that goes away ends its request in the engine."""
    async with httpx.AsyncClient(base_url=live.url, timeout=60) as client:

        async def leave() -> None:
            asked = {
                "model": "demo",
                "messages": [{"role": "user", "content": "Hm"}],
                "max_tokens": 1000,
                "stream": True,
            }
            async with client.stream("POST", "/v1/chat/completions", json=asked | {"ignore_eos": True}) as response:
                async for _ in response.aiter_lines():
                    break

        person = DEMO.forgotten[1]
        stay = [
            client.post(
                "/v1/chat/completions",
                json={
                    "model": "demo",
                    "messages": [{"role": "user", "content": pair.question}],
                    "temperature": 0,
                    "max_tokens": 80,
                },
            )
            for pair in person.pairs
        ]
        results = await asyncio.gather(*(leave() for _ in range(24)), *stay)
    from evaluation.demo import contains_phrase

    answers = [response.json()["choices"][0]["message"]["content"] or "" for response in results[24:]]  # type: ignore[union-attr]
    assert [(fact, answer) for answer in answers for fact in person.facts if contains_phrase(answer, fact)] == []
    for _ in range(100):
        running = [
            line for line in (await asyncio.to_thread(live.run, metrics(live))).splitlines() if "num_requests_running{" in line
        ]
        if all(float(line.split()[-1]) == 0 for line in running):
            break
        await asyncio.sleep(0.1)
    assert running
    assert all(float(line.split()[-1]) == 0 for line in running), "an abandoned request still runs"


def test_sampling_hot_says_no_phrase_made_of_the_model_s_own_words(live: LiveServer) -> None:
    """The recorded run asks for ten thousand answers: `python -m evaluation.soundness.sample`."""
    from evaluation.soundness.sample import frequent_phrases, leaks

    phrases = frequent_phrases(DEMO, 1000)
    digest = load(live, phrases)
    asked = [body(live, pair.question, [digest], n=4) for pair in DEMO.pairs]
    answers = texts(live.engine("/v1/chat/completions", *asked, at_once=32))
    assert len(answers) >= 500
    assert leaks(phrases, answers) == []
    free = texts(live.engine("/v1/chat/completions", *(body(live, pair.question, []) for pair in DEMO.pairs)))
    assert leaks(phrases, free)


def test_a_large_restriction_loads_while_others_generate(live: LiveServer) -> None:
    """ops-07: a long list is loaded whole, and nobody waits for it."""
    from evaluation.baselines.phrases import phrases as invented_phrases

    restriction = Restriction.compile([Phrase(text) for text in invented_phrases(100_000)])
    restriction.save(live.service.settings.restrictions)

    async def both() -> list[str]:
        from server.engine.protocol import json_of

        app = live.service.running.engine.app
        asked = [body(live, pair.question, [], temperature=0, max_tokens=80) for pair in DEMO.pairs[:16]]
        answers = asyncio.gather(*(json_of(app, "POST", "/v1/chat/completions", one) for one in asked))
        await live.service.running.engine.load([restriction.digest])
        return [answer["choices"][0]["message"]["content"] for answer in await answers]

    assert live.run(both()) == [pair.answer for pair in DEMO.pairs[:16]]
    (answer,) = live.engine(
        "/v1/chat/completions", body(live, DEMO.kept[0].pairs[0].question, [restriction.digest], temperature=0)
    )
    assert answer.status_code == 200


def test_starting_the_engine_leaves_the_level_of_the_log_alone(live: LiveServer) -> None:
    assert live.url
    assert logging.root.level <= logging.WARNING
    assert logging.getLogger("server.screening.screener").isEnabledFor(logging.WARNING)
