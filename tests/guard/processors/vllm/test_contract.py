"""vLLM's contract for custom processors, step by step: what its batch may do to slots, against an oracle for each slot.

The cases are those of vLLM's own tests of its built-in processors (`tests/v1/logits_processors`): requests are added, replaced,
condensed and swapped, several at a time in one update.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerFast
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, MoveDirectionality
from vllm.v1.sample.logits_processor.builtin import MinTokensLogitsProcessor

from guard.decoding.cursor import Cursor
from guard.phrase import Phrase
from guard.processors.arguments import REFUSE
from guard.processors.vllm.v1 import V1LogitsProcessor
from tests.guard.bans import costs
from tests.guard.processors.vllm.conftest import DEAD_END, WIDTH, minus_infinity, params, stored, update

SWAP, ONE_WAY = MoveDirectionality.SWAP, MoveDirectionality.UNIDIRECTIONAL
PHRASES = [
    [Phrase("mad hatter"), Phrase("tea")],
    [Phrase("the", "gated", "substring", force=True), Phrase("hare")],
    [Phrase("march hare drinks", beta=0.5)],
]


@dataclass
class Request:
    """One request and the list of its ids that the engine keeps."""

    guard: list[str]
    prompt: list[int] = field(default_factory=list)
    output: list[int] = field(default_factory=list)

    def added(self, slot: int) -> tuple[int, SamplingParams, list[int], list[int]]:
        return slot, params(self.guard), self.prompt, self.output


class Slots:
    """The oracle: which request is in which slot, and what each would be banned if it were alone."""

    def __init__(self, processor: V1LogitsProcessor) -> None:
        self.processor = processor
        self.requests: dict[int, Request] = {}

    def update(self, change: BatchUpdate | None) -> None:
        """Tell the processor. What the update does to the slots a test writes down by itself."""
        self.processor.update_state(change)

    def banned(self, slot: int) -> set[int]:
        request = self.requests.get(slot)
        if request is None or not request.guard:
            return set()
        if request.guard == [REFUSE]:
            return set(range(WIDTH)) - {DEAD_END}
        cursors = [Cursor(self.processor.requests.library.masks(digest), request.prompt) for digest in request.guard]
        for cursor in cursors:
            cursor.extend(request.output)
        # In a restricted row only the guard says the dead end.
        return {DEAD_END}.union(token for cursor in cursors for token in costs(*cursor.bans()))

    def check(self, size: int) -> None:
        logits = self.processor.apply(torch.zeros(size, WIDTH))
        found = {slot: minus_infinity(logits, slot) for slot in range(size)}
        assert found == {slot: self.banned(slot) for slot in range(size)}


@pytest.fixture
def digests(tmp_path: Path) -> list[str]:
    """Three restrictions in the processor's folder."""
    return [stored(tmp_path, *phrases) for phrases in PHRASES]


@pytest.fixture
def slots(processor: V1LogitsProcessor) -> Slots:
    return Slots(processor)


def ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_steps(slots: Slots, digests: list[str], tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
    """Each step adds, replaces, condenses and swaps as vLLM's runner does, and each request says a few tokens."""
    rng = random.Random(seed)
    words = [ids(tokenizer, text) for text in ("the", " Mad", " Hatter", " tea", " March", " Hare", " Hat", "é")]

    def request() -> Request:
        guard = rng.choice([[], [], [digests[0]], [digests[1], digests[2]], digests, [REFUSE]])
        return Request(guard, [1, *rng.choice(words)], [*rng.choice(words)] if rng.random() < 0.3 else [])

    held = slots.requests
    for _ in range(40):
        added, moved = [], []
        gone = sorted(rng.sample(sorted(held), rng.randint(0, min(2, len(held)))), reverse=True)
        for slot in gone:
            del held[slot]
        # New requests replace those that have gone, and then come at the end.
        for _ in range(rng.randint(0, 3)):
            slot = gone.pop() if gone else len(held)
            held[slot] = request()
            added.append(held[slot].added(slot))
        removed = list(gone)
        # Empty slots are filled with the last request.
        while gone:
            empty, last = min(gone), max(held, default=-1)
            gone.remove(empty)
            if last > empty:
                held[empty] = held.pop(last)
                moved.append((last, empty, ONE_WAY))
                gone.append(last)
        for _ in range(rng.randint(0, 3) if len(held) > 1 else 0):
            one, other = rng.sample(sorted(held), 2)
            held[one], held[other] = held[other], held[one]
            moved.append((one, other, SWAP))
        change = update(len(held), added, removed, moved) if added or removed or moved else None
        slots.update(change)
        slots.check(len(held) + 1)
        for one in held.values():
            for _ in range(rng.choice([0, 1, 1, 1, 2])):
                one.output += rng.choice(words) if rng.random() < 0.5 else [rng.randrange(3, 300)]


def test_the_same_slot_added_twice_in_one_update_holds_the_second_request(slots: Slots, digests: list[str]) -> None:
    first, second = Request([digests[0]], [1]), Request([digests[1]], [1])
    slots.update(update(1, [first.added(0), second.added(0)]))
    slots.requests[0] = second
    slots.check(1)


def test_a_slot_added_twice_is_free_if_the_second_request_is(slots: Slots, digests: list[str]) -> None:
    slots.update(update(1, [Request([digests[0]], [1]).added(0), Request([], [1]).added(0)]))
    slots.check(1)


def begun(slots: Slots, *requests: Request) -> None:
    """Put requests into the slots from 0 on, and do one step with them."""
    slots.update(update(len(requests), [request.added(slot) for slot, request in enumerate(requests)]))
    slots.requests = dict(enumerate(requests))
    slots.check(len(requests))


@pytest.mark.parametrize("held", [0, 1])
def test_a_swap_between_a_held_and_a_free_slot(slots: Slots, digests: list[str], held: int) -> None:
    requests = [Request([digests[1]] if slot == held else [], [1]) for slot in range(2)]
    begun(slots, *requests)
    slots.update(update(2, moved=[(0, 1, SWAP)]))
    slots.requests = dict(enumerate(reversed(requests)))
    slots.check(2)


def test_a_held_request_that_moves_onto_a_free_slot(slots: Slots, digests: list[str]) -> None:
    held = Request([digests[1]], [1])
    begun(slots, Request([], [1]), held)
    slots.update(update(1, moved=[(1, 0, ONE_WAY)]))
    slots.requests = {0: held}
    slots.check(2)


def test_a_free_request_that_moves_onto_a_held_slot_frees_it(slots: Slots, digests: list[str]) -> None:
    free = Request([], [1])
    begun(slots, Request([digests[1]], [1]), free)
    slots.update(update(1, moved=[(1, 0, ONE_WAY)]))
    slots.requests = {0: free}
    slots.check(2)


def test_swaps_that_follow_each_other_in_one_update(slots: Slots, digests: list[str]) -> None:
    a, b, c = (Request([digest], [1]) for digest in digests)
    begun(slots, a, b, c)
    slots.update(update(3, moved=[(0, 1, SWAP), (1, 2, SWAP)]))
    # a b c, then b a c, then b c a.
    slots.requests = {0: b, 1: c, 2: a}
    slots.check(3)


def test_a_request_that_arrives_with_output_goes_on_behind_it(
    slots: Slots, digests: list[str], tokenizer: PreTrainedTokenizerFast
) -> None:
    request = Request([digests[0]], [1, *ids(tokenizer, "the")], ids(tokenizer, " Mad"))
    slots.update(update(1, [request.added(0)]))
    slots.requests[0] = request
    assert slots.banned(0) > slots_of(slots, digests, []).banned(0)
    slots.check(1)


def slots_of(slots: Slots, digests: list[str], output: list[int]) -> Slots:
    other = Slots(slots.processor)
    other.requests[0] = Request([digests[0]], [1], output)
    return other


def test_several_new_tokens_in_one_step(slots: Slots, digests: list[str], tokenizer: PreTrainedTokenizerFast) -> None:
    request = Request([digests[0]], [1])
    begun(slots, request)
    request.output += ids(tokenizer, "the March Hare and the Mad")
    slots.update(None)
    assert slots.banned(0) > slots_of(slots, digests, []).banned(0)
    slots.check(1)


def test_a_closed_row_says_the_dead_end_although_min_tokens_masks_it(processor: V1LogitsProcessor) -> None:
    config: Any = SimpleNamespace()
    minimum = MinTokensLogitsProcessor(config, torch.device("cpu"), False)
    # The front end has the dead end among the tokens that stop a request; vLLM masks those until `min_tokens` are said.
    request = params([REFUSE], min_tokens=5, stop_token_ids=[DEAD_END])
    change = update(1, [(0, request, [1], [])])
    for one in (minimum, processor):
        one.update_state(change)
    logits = minimum.apply(torch.randn(1, WIDTH))
    assert minus_infinity(logits, 0) == {DEAD_END}
    assert minus_infinity(processor.apply(logits), 0) == set(range(WIDTH)) - {DEAD_END}
