"""How likely a model finds an answer token by token, with what steers its decoding inside the model's own arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guard.decoding.masks import Masks

Steering = Callable[[], Any]
"""Makes what changes the scores of one answer's tokens: a `transformers.LogitsProcessor`, or any callable like one."""
Embedding = Callable[[Sequence[int]], Any]
"""Returns the embeddings that a model reads in place of a prompt's token ids: a float tensor [tokens, dimension]."""

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
        ids: list[int] = self.tokenizer.encode(self.prompt(question, system), add_special_tokens=False)
        return ids

    def prompt(self, question: str, system: str | None = None) -> str:
        """Return the text of that prompt, in the model's chat template."""
        asked = [{"role": "system", "content": system}] if system else []
        asked.append({"role": "user", "content": question})
        text: str = self.tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        return text

    def guarded(self, masks: Sequence[Masks]) -> Steering | None:
        """Return the steering of restrictions: a token that they ban where it comes has the probability 0. None without any."""
        if not masks:
            return None
        from guard.processors.transformers import GuardLogitsProcessor

        return partial(GuardLogitsProcessor, masks, dead_end=int(self.tokenizer.eos_token_id))

    def tokens(
        self,
        question: str,
        answers: Sequence[str],
        steering: Steering | None = None,
        system: str | None = None,
        embedding: Embedding | None = None,
    ) -> list[list[float]]:
        """Return the log probabilities (natural) of the tokens of each answer, given the question and the tokens before each.

        Args:
            question: What is asked.
            answers: What may be answered.
            steering: What changes the scores of each answer's tokens.
            system: A system prompt.
            embedding: What the model reads in place of the prompt's token ids.
        """
        prompt = self.prompt_ids(question, system)
        encoded = [self.tokenizer.encode(answer, add_special_tokens=False) for answer in answers]
        found: list[list[float]] = []
        for start in range(0, len(encoded), _AT_ONCE):
            found += self._tokens(prompt, encoded[start : start + _AT_ONCE], steering, embedding)
        return found

    def _tokens(
        self, prompt: list[int], answers: Sequence[list[int]], steering: Steering | None, embedding: Embedding | None
    ) -> list[list[float]]:
        import torch

        width = max(map(len, answers))
        if not width:
            return [[] for _ in answers]
        # Padding is on the right, where causal attention never looks.
        ids = torch.tensor([[*answer, *[0] * (width - len(answer))] for answer in answers])
        asked = torch.tensor([prompt])
        with torch.inference_mode():
            vectors = self.model.get_input_embeddings()(asked)
            if embedding is not None:
                vectors = embedding(prompt).to(vectors).unsqueeze(0)
            # The prompt is read once for all answers.
            read = self.model(inputs_embeds=vectors, use_cache=True, logits_to_keep=1)
            first = read.logits.expand(len(answers), -1, -1)
            read.past_key_values.batch_repeat_interleave(len(answers))
            rest = self.model(ids, past_key_values=read.past_key_values, use_cache=True).logits
            logits = torch.cat([first, rest[:, :-1]], dim=1).float()
            rows = []
            for answer, scores in zip(answers, logits, strict=True):
                if steering is not None:
                    scores = _steered(prompt, answer, scores, steering())
                chosen = torch.log_softmax(scores, dim=-1)[torch.arange(len(answer)), torch.tensor(answer, dtype=torch.long)]
                rows.append(chosen.tolist())
        return rows


def _steered(prompt: list[int], answer: list[int], scores: Any, process: Any) -> Any:
    """Return the scores as the steering leaves them: one step of a generation after the other, along a given answer."""
    import torch

    steps = [process(torch.tensor([[*prompt, *answer[:number]]]), scores[number : number + 1]) for number in range(len(answer))]
    return torch.cat(steps) if steps else scores[:0]
