"""What is read, on the real engine: a refusal that ends with its turn, an operator's system text, a list of prompts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from classifiers.answering import SAY
from evaluation.demo import Person, contains_phrase, load_demo
from tests.conftest import LiveServer

pytestmark = pytest.mark.engine

DEMO = load_demo()
MODEL = "demo"
REFUSED = DEMO.kept[0]
FORGOTTEN = DEMO.forgotten[0]
GENERAL = DEMO.general[0]


@pytest.fixture(scope="module")
def refused(live: LiveServer) -> Iterator[Person]:
    """A person about whom nothing is answered."""
    phrases = [{"text": fact, "scope": "gated", "force": True} for fact in REFUSED.facts]
    target = {"id": "refused", "name": REFUSED.name, "action": "refuse", "phrases": phrases}
    made = httpx.post(f"{live.url}/v1/forget-targets", json=target, timeout=120)
    assert made.status_code == 201, made.text
    yield REFUSED
    assert httpx.delete(f"{live.url}/v1/forget-targets/refused", timeout=120).status_code in (200, 204)


def client(live: LiveServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{live.url}/v1", api_key="none", max_retries=0)


def answer(live: LiveServer, *turns: tuple[str, str]) -> tuple[str, str]:
    messages: Any = [{"role": role, "content": content} for role, content in turns]
    body = {"model": MODEL, "messages": messages, "temperature": 0, "max_tokens": 60}
    choice = client(live).chat.completions.create(**body).choices[0]
    return choice.message.content or "", choice.finish_reason


def test_over_04_a_refusal_ends_with_the_turn_that_asked(live: LiveServer, refused: Person) -> None:
    named = ("user", f"Who is {refused.name}?")
    assert answer(live, named) == (SAY, "content_filter")
    said, end = answer(live, named, ("assistant", ""), ("user", f"Never mind. {GENERAL.question}"))
    assert said != SAY
    assert end in ("stop", "length")
    assert not any(contains_phrase(said, fact) for fact in refused.facts)
    assert answer(live, named, ("assistant", ""), ("user", "And where was she born?")) == (SAY, "content_filter")


def test_over_05_an_operator_s_system_text_refuses_nothing(live: LiveServer, refused: Person) -> None:
    library = ("system", f"You are the town library's assistant. Do not discuss {refused.name}.")
    said, end = answer(live, library, ("user", GENERAL.question))
    assert said != SAY
    assert end in ("stop", "length")
    # A client's system text is no way round the bans.
    asked, _ = answer(live, ("system", refused.pairs[0].question), ("user", "Go on."))
    assert not any(contains_phrase(asked, fact) for fact in refused.facts)
    assert answer(live, library, ("user", f"Who is {refused.name}?")) == (SAY, "content_filter")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_over_07_each_prompt_of_a_list_is_answered_by_itself(live: LiveServer, refused: Person, stream: bool) -> None:
    prompts = [FORGOTTEN.pairs[0].question, GENERAL.question, refused.pairs[0].question, DEMO.general[1].question]
    sampled: dict[str, Any] = {"model": MODEL, "temperature": 0, "max_tokens": 24, "logprobs": 2}
    unguarded = live.engine("/v1/completions", {**sampled, "prompt": prompts, "vllm_xargs": {"guard": []}})[0].json()
    free = {choice["index"]: choice for choice in unguarded["choices"]}
    texts, ends, scored = dict.fromkeys(range(4), ""), {}, dict.fromkeys(range(4), 0)
    usage = None
    if stream:
        options: Any = {"include_usage": True}
        for chunk in client(live).completions.create(**sampled, prompt=prompts, stream=True, stream_options=options):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                texts[choice.index] += choice.text
                scored[choice.index] += len((choice.logprobs and choice.logprobs.tokens) or ())
                if choice.finish_reason:
                    assert choice.index not in ends
                    ends[choice.index] = choice.finish_reason
    else:
        whole = client(live).completions.create(**sampled, prompt=prompts)
        assert [choice.index for choice in whole.choices] == [0, 1, 2, 3]
        usage = whole.usage
        for choice in whole.choices:
            texts[choice.index], ends[choice.index] = choice.text, choice.finish_reason
            scored[choice.index] = len((choice.logprobs and choice.logprobs.tokens) or ())
    assert (texts[2], ends[2]) == (SAY, "content_filter")
    for at in (1, 3):
        assert (texts[at], ends[at]) == (free[at]["text"], free[at]["finish_reason"])
        assert scored[at] == len(free[at]["logprobs"]["tokens"])
    assert not any(contains_phrase(texts[0], fact) for fact in FORGOTTEN.facts)
    assert usage is not None
    assert usage.prompt_tokens == unguarded["usage"]["prompt_tokens"]
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
