"""How many numbers the kernel reads for one row: `python -m tests.guard.processors.vllm.interpreted.loads`, as JSON.

Triton's interpreter says nothing about time. The number of loads says whether the work grows with the number of phrases.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from triton.runtime.interpreter import interpreter_builder

from guard.decoding.batch import Batch
from guard.decoding.masks import Masks
from guard.decoding.row import Row
from guard.phrase import Phrase
from guard.processors.vllm.editing import edit
from guard.processors.vllm.plan import COUNTED, HELD, HITS, Plan, parts_of
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary

WORDS = 4000


def loads(phrases: int) -> dict[str, int]:
    """Return how many numbers one row reads under a restriction of so many phrases, and how many ids are banned in it."""
    tokens = [None, *(f" w{number}".encode() for number in range(WORDS))]
    texts = [f"w{number % WORDS} w{number // WORDS} w{(number * 7) % WORDS}" for number in range(phrases)]
    masks = Masks.of(Restriction.compile([Phrase(text, force=True) for text in texts]), Vocabulary.of(tokens))
    # The beginning of the first phrase has been said.
    row = Row([masks], [], [1, 1])
    step = Batch({0: row}).edits()
    packed, lengths = Plan.of([step], np.full((1, 1), HELD | HITS | COUNTED, np.int32), np.zeros((1, 1), np.int32)).packed()
    one = torch.zeros(1, dtype=torch.int32)
    count, read = 0, interpreter_builder.create_masked_load

    def counted(ptrs: Any, mask: Any, *others: Any) -> Any:
        nonlocal count
        count += int(np.sum(mask.data))
        return read(ptrs, mask, *others)

    interpreter_builder.create_masked_load = counted
    try:
        logits, outcome = torch.zeros(1, len(tokens)), torch.zeros(1, 1, dtype=torch.int32)
        edit(logits, (one, one, one), parts_of(torch.from_numpy(packed), lengths), outcome, 0, private=True)
    finally:
        interpreter_builder.create_masked_load = read
    return {"phrases": phrases, "vocabulary": len(tokens), "banned": step.banned.shape[1], "loads": count}


if __name__ == "__main__":
    print(json.dumps([loads(phrases) for phrases in (100, 10_000, 100_000)]))
