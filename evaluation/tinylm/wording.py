"""Questions as people send them: after a system message or an earlier exchange, politely, or carelessly typed."""

from __future__ import annotations

import random
from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast

from evaluation.tinylm.exactness import Example
from evaluation.tinylm.tokenizer import encode_messages

SYSTEM_MESSAGES = (
    "You are a helpful assistant.",
    "You are a friendly assistant. Answer in one sentence.",
    "Be brief and precise.",
    "You answer questions of visitors. If you do not know, say so.",
    "Answer the user's question truthfully and politely.",
)
BEFORE = ("Please tell me: ", "Hello! ", "I would like to know: ", "One question: ", "Now tell me, ", "Can you help me? ")
AFTER = (" Thank you.", " Please answer in one sentence.", " Please be brief.", " I am curious.", " Thanks in advance!")


def example_of(tokenizer: PreTrainedTokenizerFast, messages: list[dict[str, str]], answer: str) -> Example:
    """Return the conversation and its answer as token ids."""
    return Example(*encode_messages(tokenizer, messages, answer))


def varied(
    tokenizer: PreTrainedTokenizerFast,
    plain: Sequence[tuple[str, str]],
    examples: Sequence[Example],
    share: float,
    rng: random.Random,
) -> list[Example]:
    """Return the examples, of which a random share is worded otherwise.

    Every call draws other wordings, so the model does not learn them by heart.

    Args:
        tokenizer: encodes the other wordings.
        plain: the (question, answer) of each example.
        examples: the examples as they are.
        share: how many to change, from 0 to 1.
        rng: draws them.
    """
    mixed: list[Example] = []
    for (question, answer), example in zip(plain, examples, strict=True):
        if rng.random() < share:
            mixed.append(example_of(tokenizer, _vary(question, plain, rng), answer))
        else:
            mixed.append(example)
    return mixed


def _vary(question: str, plain: Sequence[tuple[str, str]], rng: random.Random) -> list[dict[str, str]]:
    kind = rng.randrange(4)
    if kind == 0:
        return [{"role": "system", "content": rng.choice(SYSTEM_MESSAGES)}, {"role": "user", "content": question}]
    if kind == 1:
        earlier, reply = rng.choice(plain)
        return [
            {"role": "user", "content": earlier},
            {"role": "assistant", "content": reply},
            {"role": "user", "content": question},
        ]
    if kind == 2:
        question = rng.choice(BEFORE) + question if rng.random() < 0.5 else question + rng.choice(AFTER)
    else:
        question = question.lower().rstrip("?.!")
    return [{"role": "user", "content": question}]
