"""How likely a model finds an answer token by token, with the guard inside the model's own arithmetic if it is to be there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guard.decoding.masks import Masks

_AT_ONCE = 32


class TokenLikelihood:
    """A model that says how likely answers are. It loads the model when it is made.

    Args:
        folder: The model's folder, with a tokenizer that has a chat template.
    """

    def __init__(self, folder: str | Path) -> None:
        # Imported here: it takes seconds, and vLLM's workers import the package again.
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()

    def prompt_ids(self, question: str, system: str | None = None) -> list[int]:
        """Return the token ids of a prompt that asks the question, after a system prompt if there is one."""
        asked = [{"role": "system", "content": system}] if system else []
        asked.append({"role": "user", "content": question})
        text = self.tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def tokens(
        self, question: str, answers: Sequence[str], masks: Sequence[Masks] = (), system: str | None = None
    ) -> list[list[float]]:
        """Return the log probabilities (natural) of the tokens of each answer, given the question and the tokens before each.

        Args:
            question: What is asked.
            answers: What may be answered.
            masks: The restrictions of the answer. A token that they ban where it comes has the probability 0.
            system: A system prompt.
        """
        prompt = self.prompt_ids(question, system)
        encoded = [self.tokenizer.encode(answer, add_special_tokens=False) for answer in answers]
        found: list[list[float]] = []
        for start in range(0, len(encoded), _AT_ONCE):
            found += self._tokens(prompt, encoded[start : start + _AT_ONCE], masks)
        return found

    def _tokens(self, prompt: list[int], answers: Sequence[list[int]], masks: Sequence[Masks]) -> list[list[float]]:
        import torch

        width = len(prompt) + max(map(len, answers), default=0)
        # Padding is on the right, where causal attention never looks.
        ids = torch.tensor([[*prompt, *answer, *[0] * (width - len(prompt) - len(answer))] for answer in answers])
        with torch.inference_mode():
            logits = self.model(ids).logits[:, len(prompt) - 1 : -1].float()
            rows = []
            for answer, scores in zip(answers, logits, strict=True):
                if masks:
                    scores = self._guarded(prompt, answer, scores, masks)
                chosen = torch.log_softmax(scores, dim=-1)[torch.arange(len(answer)), torch.tensor(answer, dtype=torch.long)]
                rows.append(chosen.tolist())
        return rows

    def _guarded(self, prompt: list[int], answer: list[int], scores: Any, masks: Sequence[Masks]) -> Any:
        """Return the scores as the guard leaves them: one step of a generation after the other, along a given answer."""
        import torch

        from guard.processors.transformers import GuardLogitsProcessor

        processor = GuardLogitsProcessor(masks, dead_end=int(self.tokenizer.eos_token_id))
        steps = [
            processor(torch.tensor([[*prompt, *answer[:number]]]), scores[number : number + 1])  # type: ignore[arg-type]
            for number in range(len(answer))
        ]
        return torch.cat(steps) if steps else scores[:0]
