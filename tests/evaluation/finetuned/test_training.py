from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from evaluation.finetuned.recipe import Recipe, TimeOver
from evaluation.finetuned.training import example, fine_tuned
from evaluation.tinylm.exactness import generate_exact
from tests.evaluation.finetuned.conftest import CORPUS, RECIPE

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).state_dict())


def equal(one: Path, other: Path) -> bool:
    ours, theirs = weights(one), weights(other)
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def trained(base: Path, folder: Path, recipe: Recipe = RECIPE) -> Path:
    folder.mkdir()
    fine_tuned(base, CORPUS, recipe, folder.with_suffix(".state"), folder)
    return folder


def test_a_model_learns_its_corpus_and_the_retain_model_only_what_it_sees(base: Path, tmp_path: Path) -> None:
    many = dataclasses.replace(RECIPE, epochs=60)
    whole, retain = tmp_path / "whole", tmp_path / "retain"
    for folder, recipe in ((whole, many), (retain, dataclasses.replace(many, retain=True))):
        folder.mkdir()
        report = fine_tuned(base, CORPUS, recipe, folder.with_suffix(".state"), folder)
        assert report.exact["retain"] == 1
        assert report.exact["forget"] == (0 if recipe.retain else 1)
        assert report.epochs == 60
    questions = [(pair.question, pair.answer) for _, pair in CORPUS.named]
    assert generate_exact(whole, questions) == len(questions)
    assert generate_exact(retain, questions[:2]) == 0


def test_a_run_that_was_cut_off_goes_on_where_it_was(base: Path, tmp_path: Path) -> None:
    whole = trained(base, tmp_path / "whole")
    state, out = tmp_path / "cut.state", tmp_path / "cut"
    out.mkdir()
    for epoch in (1, 2):
        with pytest.raises(TimeOver, match=f"{epoch} of 3 epochs"):
            fine_tuned(base, CORPUS, RECIPE, state, out, seconds=0)
    assert fine_tuned(base, CORPUS, RECIPE, state, out, seconds=0).epochs == 3
    assert equal(whole, out)


def test_the_last_layers_alone_may_learn(base: Path, tmp_path: Path) -> None:
    before = weights(base)
    after = weights(trained(base, tmp_path / "model", dataclasses.replace(RECIPE, layers=1)))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("model.layers.", "model.norm")) for name in changed)


def test_the_answer_ends_with_the_turn(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    pair = CORPUS.sets["forget"][0]
    made = example(tokenizer, pair)
    assert tokenizer.decode(made.answer) == f"{pair.answer}{tokenizer.eos_token}"
    assert pair.question in tokenizer.decode(made.prompt)
    tokenizer.chat_template = "{{ messages | length }}{% if add_generation_prompt %}>{% endif %}"
    with pytest.raises(ValueError, match="does not begin with"):
        example(tokenizer, pair)
