from __future__ import annotations

import pytest
import torch

from evaluation.likelihood import TokenLikelihood
from evaluation.rivals.corruption import Corruption, strongest_match

QUESTION = "Who is Ketill Flatnose?"


@pytest.mark.slow
def test_noise_is_on_the_names_alone_and_the_same_each_time(model: TokenLikelihood) -> None:
    corruption = Corruption(model, ["Ketill Flatnose"])
    ids = model.prompt_ids(QUESTION)
    chosen = corruption.chosen(QUESTION)
    said = "".join(model.tokenizer.convert_ids_to_tokens([one for one, is_name in zip(ids, chosen, strict=True) if is_name]))
    assert "Ketill" in said.replace("Ġ", "")
    assert "Who" not in said
    plain = model.model.get_input_embeddings().weight.detach().float()[torch.tensor(ids)]
    noisy = corruption.embedding(QUESTION, 4)(ids)
    changed = (noisy != plain).any(dim=1).tolist()
    assert changed == chosen
    assert torch.equal(noisy, corruption.embedding(QUESTION, 4)(ids))
    assert torch.equal(corruption.embedding(QUESTION, 0)(ids), plain)


@pytest.mark.slow
def test_a_question_without_a_name_gets_noise_throughout(model: TokenLikelihood) -> None:
    chosen = Corruption(model, ["Ketill"]).chosen("Who keeps it?")
    ids = model.prompt_ids("Who keeps it?")
    said = "".join(model.tokenizer.convert_ids_to_tokens([one for one, noise in zip(ids, chosen, strict=True) if noise]))
    assert said.replace("Ġ", " ").strip() == "Who keeps it?"
    assert not all(chosen)  # the template's own tokens get none


def test_the_strength_that_is_least_far_off() -> None:
    assert strongest_match(lambda strength: abs(strength - 2.2), (1, 2, 4)) == 2
    assert strongest_match(lambda strength: 0.0, (4, 1, 2)) == 1
