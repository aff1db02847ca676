"""The processor against the contract of Model Runner V2: slots, several rows for a request, drafts that are rejected."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerFast
from vllm.sampling_params import StructuredOutputsParams

from guard.decoding.cursor import Cursor
from guard.phrase import Phrase
from guard.processors.arguments import REFUSE
from guard.processors.vllm.v2 import V2LogitsProcessor
from tests.guard.bans import costs
from tests.guard.processors.vllm.conftest import DEAD_END, END, WIDTH, ids_completing, minus_infinity, params, stored
from tests.guard.processors.vllm.runner import Runner

PHRASES = [
    [Phrase("mad hatter"), Phrase("tea")],
    [Phrase("the", "gated", "substring", force=True), Phrase("hare")],
    [Phrase("march hare drinks", beta=0.5)],
]
EVERYTHING = set(range(WIDTH)) - {DEAD_END}


def ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False)


def expected(runner: Runner, guard: list[str], text: list[int], output: list[int]) -> set[int]:
    """Return what a row must not say, by cursors of its own."""
    if not guard:
        return set()
    if guard == [REFUSE]:
        return EVERYTHING
    cursors = [Cursor(runner.processor.requests.library.masks(digest), text) for digest in guard]
    for cursor in cursors:
        cursor.extend(output)
    return {DEAD_END}.union(token for cursor in cursors for token in costs(*cursor.bans()))


@pytest.mark.slow
@pytest.mark.parametrize("told", [True, False], ids=["told", "read"])
@pytest.mark.parametrize("drafts", [0, 1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_random_steps(
    settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, seed: int, drafts: int, told: bool
) -> None:
    """Requests come, are preempted and go; each step has some of them, accepts some of their drafts, or is thrown away."""
    rng = random.Random(seed)
    digests = [stored(tmp_path, *phrases) for phrases in PHRASES]
    words = [ids(tokenizer, text) for text in ("the", " Mad", " Hatter", " tea", " March", " Hare", " Hat", "é")]
    runner, guards = Runner(settings, 5, drafts, told=told), dict[int, list[str]]()

    def token() -> int:
        return rng.choice(rng.choice(words)) if rng.random() < 0.7 else rng.randrange(3, 300)

    for _ in range(40):
        new = []
        for slot in range(5):
            if rng.random() < 0.15:
                guards[slot] = rng.choice([[], [], [digests[0]], [digests[1], digests[2]], digests, [REFUSE]])
                new.append((slot, params(guards[slot]), [1, *rng.choice(words)], [token() for _ in range(rng.choice([0, 0, 3]))]))
        answers = runner.add(*new)
        assert answers == [bool(guards[slot]) for slot, *_ in new]
        chosen = rng.sample(sorted(runner.held), rng.randint(0, len(runner.held)))
        for slot in chosen:
            runner.draft(slot, *(token() for _ in range(rng.randint(0, drafts))))
        runner.begin()
        if not chosen or rng.random() < 0.1:
            continue  # a step that samples nothing
        logits, context = runner.apply(chosen), runner.context(chosen)
        places = zip(context.expanded_idx_mapping.tolist(), context.expanded_local_pos.tolist(), strict=True)
        for row, (slot, at) in enumerate(places):
            one = runner.held[slot]
            wanted = expected(runner, guards[slot], one.prompt, [*one.output, *one.drafts[:at]])
            assert minus_infinity(logits, row) == wanted, (slot, at)
        for slot in chosen:
            one = runner.held[slot]
            accepted = one.drafts[: rng.randint(0, len(one.drafts))]
            if rng.random() < 0.9:  # else a part of a prompt, whose sample is discarded
                runner.commit(slot, *accepted, token())


def test_an_unrestricted_batch_is_left_alone(settings: Any) -> None:
    runner = Runner(settings)
    assert runner.add((0, params([]), [5], []), (2, params([]), [5], [])) == [False, False]
    logits = torch.randn(2, WIDTH)
    assert torch.equal(runner.step([0, 2], logits.clone()), logits)


@pytest.mark.parametrize("guard", [None, {"a": 1}, ["refuse"], ["0" * 64]])
def test_a_closed_request_says_nothing_and_leaves_the_others_alone(settings: Any, guard: Any) -> None:
    runner = Runner(settings)
    assert runner.add((0, params([]), [3], []), (1, params(guard), [3], [])) == [False, True]
    logits = torch.randn(2, WIDTH)
    found = runner.step([1, 0], logits.clone())
    assert minus_infinity(found, 0) == EVERYTHING
    assert torch.equal(found[1], logits[1])


def test_a_request_in_the_slot_of_another_begins_anew(settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    runner = Runner(settings)
    runner.add((1, params([digest]), ids(tokenizer, "the Mad"), []))
    assert minus_infinity(runner.step([1]), 0) == ids_completing(tokenizer, "the Mad", "Mad Hatter") | {DEAD_END}
    runner.add((1, params([digest]), ids(tokenizer, "the"), []))
    assert minus_infinity(runner.step([1]), 0) == ids_completing(tokenizer, "the", "Mad Hatter") | {DEAD_END}
    runner.add((1, params([]), ids(tokenizer, "the Mad"), []))
    assert minus_infinity(runner.step([1]), 0) == set()


def test_the_device_is_not_asked_about_requests_that_have_ended_and_one_that_waited_goes_on(
    settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    runner = Runner(settings)
    asked: list[list[int]] = []
    ask = runner.processor.history.ask

    def spied(slots: list[int], new: Sequence[int] = ()) -> Any:
        asked.append([*slots])
        return ask(slots, new)

    monkeypatch.setattr(runner.processor.history, "ask", spied)
    runner.add(*((slot, params([digest]), ids(tokenizer, "the"), []) for slot in range(3)))
    runner.step([0, 1])
    for slot in (0, 1):
        runner.commit(slot, *ids(tokenizer, " Mad"))
    for _ in range(10):
        runner.step([1])
        runner.commit(1, *ids(tokenizer, " tea"))
    # The third one has not been computed yet: its prompt may be a long one.
    assert asked[-1] == [1, 2]
    assert minus_infinity(runner.step([0, 2]), 0) == ids_completing(tokenizer, "the Mad", "Mad Hatter") | {DEAD_END}
    assert set(asked[-1]) == {0, 1, 2}


def test_the_chunks_of_a_step_are_edited_each_for_itself_and_as_often_as_asked(
    settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    runner = Runner(settings)
    runner.add(*((slot, params([digest]), ids(tokenizer, "the Mad"), []) for slot in range(4)))
    runner.begin()
    wanted = ids_completing(tokenizer, "the Mad", "Mad Hatter") | {DEAD_END}
    for slots in ([0, 1], [2, 3], [0, 1]):
        assert [minus_infinity(logits, 0) for logits in runner.apply(slots).split(1)] == [wanted] * 2


def test_a_row_behind_another_draft_than_the_host_knew_says_nothing(settings: Any, tmp_path: Path) -> None:
    runner = Runner(settings, drafts=2)
    runner.add((0, params([stored(tmp_path, Phrase("tea"))]), [5], []))
    runner.draft(0, 7, 8)
    runner.begin()
    runner.held[0].drafts = [7, 9]
    logits = runner.apply([0])
    assert [minus_infinity(logits, row) == EVERYTHING for row in range(3)] == [False, False, True]


def test_a_row_with_tokens_that_nobody_saw_says_nothing(settings: Any, tmp_path: Path) -> None:
    runner = Runner(settings)
    runner.add((0, params([stored(tmp_path, Phrase("tea"))]), [5], []))
    assert minus_infinity(runner.step([0]), 0) != EVERYTHING
    runner.commit(0, 7, 8)
    assert minus_infinity(runner.step([0]), 0) == EVERYTHING


def test_tokens_that_the_engine_takes_back_are_forgotten(
    settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    runner = Runner(settings, drafts=3)
    runner.add((0, params([stored(tmp_path, Phrase("Mad Hatter"))]), ids(tokenizer, "the"), []))
    begun = minus_infinity(runner.step([0]), 0)
    runner.commit(0, *ids(tokenizer, " Mad"))
    assert minus_infinity(runner.step([0]), 0) > begun
    runner.held[0].output.clear()
    runner.commit(0)
    assert minus_infinity(runner.step([0]), 0) == begun


def likely(*tokens: int, rows: int = 1) -> torch.Tensor:
    """Logits in which the first of `tokens` is likeliest, then the second."""
    logits = torch.zeros(rows, WIDTH)
    for number, token in enumerate(tokens):
        logits[:, token] = 20.0 - number
    return logits


def test_a_hit_ends_the_row_that_asks_for_it_alone(settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    banned = min(ids_completing(tokenizer, "the Mad", "Mad Hatter"))
    prompt = ids(tokenizer, "the Mad")
    runner = Runner(settings)
    runner.add((0, params([digest], hits=1), prompt, []), (1, params([digest], hits=0), prompt, []))
    runner.add((2, params([digest], hits=1, avoid=[5]), prompt, []))
    logits = runner.step([0, 1, 2], likely(banned, 17, rows=3))
    assert minus_infinity(logits, 0) == EVERYTHING
    assert logits[1].argmax() == 17
    # Where tokens are avoided, no hit ends the first step.
    assert logits[2].argmax() == 17
    assert 5 in minus_infinity(logits, 2)
    assert minus_infinity(runner.step([0], likely(17, banned)), 0) != EVERYTHING


def test_a_hit_behind_a_draft_ends_that_row(settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    banned = min(ids_completing(tokenizer, "the Mad", "Mad Hatter"))
    runner = Runner(settings, drafts=3)
    runner.add((0, params([digest], hits=1, avoid=[]), ids(tokenizer, "the"), []))
    mad = ids(tokenizer, " Mad")
    runner.draft(0, *mad)
    logits = runner.step([0], likely(banned, 17, rows=len(mad) + 1))
    assert [minus_infinity(logits, row) == EVERYTHING for row in range(len(mad) + 1)] == [False] * len(mad) + [True]


def test_a_share_of_what_is_banned_is_a_hit(settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    banned = min(ids_completing(tokenizer, "the Mad", "Mad Hatter"))
    runner = Runner(settings)
    runner.add(*((slot, params([digest], hits=1), ids(tokenizer, "the Mad"), []) for slot in range(2)))
    logits = torch.full((2, WIDTH), -20.0)
    logits[:, 17] = 0.0
    logits[:, banned] = torch.tensor([-0.8, -0.9])  # 31% and 29%
    logits = runner.step([0, 1], logits)
    assert minus_infinity(logits, 0) == EVERYTHING
    assert logits[1].argmax() == 17


def test_a_penalty_is_subtracted_once(settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    soft = [stored(tmp_path, Phrase("tea", penalty=penalty)) for penalty in (2.0, 3.0)]
    runner = Runner(settings)
    runner.add((3, params(soft), [1], []))
    logits = runner.step([3], torch.ones(1, WIDTH))
    wanted = ids_completing(tokenizer, "", "tea")
    assert set(torch.nonzero(logits[0] != 1).flatten().tolist()) == wanted | {DEAD_END}
    assert all(logits[0, token] == -2 for token in wanted)


@pytest.mark.parametrize(
    ("how", "allowed", "sampled"),
    [
        ({}, range(WIDTH), False),
        ({"structured_outputs": StructuredOutputsParams(choice=["x"])}, {DEAD_END, END}, False),
        ({"structured_outputs": StructuredOutputsParams(choice=["x"]), "min_tokens": 5}, {DEAD_END}, True),
        ({"allowed_token_ids": [DEAD_END]}, {DEAD_END}, True),
        ({"allowed_token_ids": [DEAD_END, 17]}, {DEAD_END, 17}, False),
        ({"bad_words": ["x"]}, set(), True),
    ],
)
def test_the_dead_end_is_sampled_only_if_nothing_else_is_left(
    settings: Any, tmp_path: Path, how: dict[str, Any], allowed: set[int], sampled: bool
) -> None:
    runner = Runner(settings)
    runner.add((0, params([stored(tmp_path, Phrase("qqq"))], stop_token_ids=[DEAD_END], **how), [1], []))
    logits = torch.full((1, WIDTH), -torch.inf)
    logits[0, [*allowed]] = 1.0
    logits = runner.step([0], logits)
    assert (logits[0, DEAD_END] > -torch.inf) == sampled
    assert minus_infinity(logits, 0) >= set(range(WIDTH)) - {*allowed, DEAD_END}


def test_suppressed_tokens_are_counted_in_the_steps_that_the_engine_kept(
    settings: Any, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    banned = min(ids_completing(tokenizer, "the Mad", "Mad Hatter"))
    mad, letter = ids(tokenizer, " Mad"), ids(tokenizer, "x")[0]
    runner = Runner(settings, drafts=len(mad))
    counts = runner.processor.requests.suppressed
    held = params([digest], name="held", stop_token_ids=[END])
    runner.add((0, held, ids(tokenizer, "the Mad"), []), (1, params([], name="free"), [3], []))
    runner.step([0, 1], likely(banned, letter, rows=2))
    assert counts.take(["free", "unheard-of"]) == {"free": 0}  # nothing is kept yet
    runner.step([0], likely(banned, letter))  # the first one was thrown away
    runner.commit(0, letter)
    runner.draft(0, *mad)
    runner.step([0], likely(banned, letter, rows=len(mad) + 1))  # banned behind " Mad" alone
    runner.commit(0, *mad, END)
    runner.draft(0)
    runner.step([0], likely(banned, letter))
    runner.commit(0, 5)  # the engine was one step ahead
    # Another request takes the slot before anybody has looked.
    runner.add((0, params([digest], name="next"), ids(tokenizer, "the Mad"), []))
    runner.step([0], likely(banned, letter))
    runner.commit(0, letter)
    assert counts.take(["held", "next"]) == {"held": 2, "next": 1}
    assert counts.take(["held", "next"]) == {}


def test_while_the_gate_is_shut_nobody_says_anything(settings: Any, tmp_path: Path) -> None:
    settings.additional_config["guard"]["alone"] = False
    digest = stored(tmp_path, Phrase("tea"))
    runner = Runner(settings)
    # Otherwise vLLM would not ask about the free one.
    assert runner.add((0, params([]), [5], []), (1, params([digest]), [5], [])) == [True, True]
    assert [minus_infinity(row, 0) for row in runner.step([0, 1]).split(1)] == [EVERYTHING] * 2
    runner.processor.requests.gate.open(60)
    free, held = (minus_infinity(row, 0) for row in runner.step([0, 1]).split(1))
    assert free == set()
    assert DEAD_END in held
    assert held != EVERYTHING
    runner.processor.requests.gate.open(0)
    assert [minus_infinity(row, 0) for row in runner.step([1, 0]).split(1)] == [EVERYTHING] * 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rejection_sample_method", "synthetic", "choose standard or block"),
        ("enable_trace_replay", True, "--enable-trace-replay"),
        ("enable_prompt_embeds", True, "--enable-prompt-embeds"),
    ],
)
def test_an_engine_that_samples_what_is_banned_does_not_start(settings: Any, name: str, value: Any, message: str) -> None:
    settings.speculative_config = type("Config", (), {"num_speculative_tokens": 2, "rejection_sample_method": "standard"})()
    V2LogitsProcessor(settings, Runner.states(2, 8))
    setattr(settings.speculative_config if name.startswith("rejection") else settings.model_config, name, value)
    with pytest.raises(ValueError, match=message):
        V2LogitsProcessor(settings, Runner.states(2, 8))
