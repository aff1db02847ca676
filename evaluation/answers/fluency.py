"""How likely a text is as an answer of the unguarded model: sums of log-probabilities, by transformers."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import Any

from tqdm import tqdm


class Likelihood:
    """The unguarded model, which says how likely texts are. It loads the model when it is made.

    Args:
        folder: The model's folder.
    """

    def __init__(self, folder: str) -> None:
        # Imported here: it takes seconds, and vLLM's workers import the package again.
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()

    def prompt_ids(self, question: str) -> list[int]:
        """Return the token ids of a prompt that asks the question."""
        messages = [{"role": "user", "content": question}]
        text: str = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def of(self, question: str, answer: str) -> tuple[float, int]:
        """Return the sum of the log-probabilities (natural) of the answer's tokens, and their number; (0, 0) of an empty one."""
        import torch

        prompt = self.prompt_ids(question)
        ids: list[int] = self.tokenizer.encode(answer, add_special_tokens=False)
        if not ids:
            return 0.0, 0
        with torch.inference_mode():
            logits = self.model(torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1].float()
            found = torch.log_softmax(logits, dim=-1)[torch.arange(len(ids)), torch.tensor(ids)]
        return float(found.sum()), len(ids)

    def all_of(self, asked: Sequence[tuple[str, str]], label: str) -> list[tuple[float, int]]:
        """Return `of` for each question and answer; progress goes to stderr."""
        return [self.of(question, answer) for question, answer in tqdm(asked, desc=label, file=sys.stderr)]


def written(answer: str, say: Collection[str]) -> str:
    """Return the text that the model wrote: the answer without the texts that the server put there."""
    for text in say:
        answer = answer.replace(text, "")
    return answer.strip()
