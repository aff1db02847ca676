"""The processor against vLLM's own contract: its real base class, batch updates and sampling parameters, without an engine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from vllm import SamplingParams
from vllm.sampling_params import StructuredOutputsParams
from vllm.v1.sample.logits_processor import BatchUpdate, MoveDirectionality

from guard.errors import ArgumentError
from guard.phrase import Phrase
from guard.processors.vllm.v1 import GuardLogitsProcessor
from guard.restriction import Restriction

WIDTH = 320
DEAD_END, END = 0, 2


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|pad|>", "<|bos|>", "<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    backend.train_from_iterator(["the Mad Hatter drinks tea with the March Hare"] * 4, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<|pad|>", bos_token="<|bos|>", eos_token="<|end|>")
    folder = tmp_path_factory.mktemp("tokenizer")
    fast.save_pretrained(folder)
    fast.name_or_path = str(folder)
    return fast


@pytest.fixture
def processor(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> GuardLogitsProcessor:
    return GuardLogitsProcessor(config(tokenizer, {"guard": {"folder": str(tmp_path)}}), torch.device("cpu"), False)


def config(tokenizer: PreTrainedTokenizerFast, additional: dict[str, Any]) -> Any:
    model = SimpleNamespace(
        skip_tokenizer_init=False,
        hf_config=None,
        tokenizer=tokenizer.name_or_path,
        runner_type="generate",
        tokenizer_mode="auto",
        tokenizer_revision=None,
        trust_remote_code=False,
        get_vocab_size=lambda: WIDTH,
        try_get_generation_config=dict,
    )
    return SimpleNamespace(model_config=model, additional_config=additional)


def params(guard: Any = None, **others: Any) -> SamplingParams:
    return SamplingParams(extra_args=None if guard is None else {"guard": guard}, **others)


def update(size: int, added: Any = (), removed: Any = (), moved: Any = ()) -> BatchUpdate:
    return BatchUpdate(batch_size=size, removed=list(removed), added=list(added), moved=list(moved))


def minus_infinity(logits: torch.Tensor, row: int) -> set[int]:
    return set(torch.nonzero(torch.isneginf(logits[row])).flatten().tolist())


def ids_completing(tokenizer: PreTrainedTokenizerFast, said: str, phrase: str) -> set[int]:
    """The ids that the strings alone say complete `phrase` after `said`."""
    from guard import reference

    target = [Phrase(phrase)]
    pieces = [tokenizer.backend_tokenizer.decode([t], skip_special_tokens=True) for t in range(len(tokenizer))]
    return {
        t
        for t, piece in enumerate(pieces)
        if "\ufffd" not in piece and reference.penalty(target, [said.encode()], piece.encode())
    }


def test_an_unrestricted_batch_is_left_alone(processor: GuardLogitsProcessor) -> None:
    processor.update_state(update(2, added=[(0, params([]), [5], []), (1, params([]), [5], [])]))
    logits = torch.randn(2, WIDTH)
    before = logits.clone()
    assert torch.equal(processor.apply(logits), before)


def test_only_what_completes_a_phrase_is_banned(
    processor: GuardLogitsProcessor, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    restriction = Restriction.compile([Phrase("Mad Hatter")])
    restriction.save(tmp_path)
    prompt = tokenizer.encode("<|bos|>the Mad", add_special_tokens=False)
    output: list[int] = []
    processor.update_state(update(2, added=[(0, params([]), prompt, []), (1, params([restriction.digest]), prompt, output)]))
    logits = processor.apply(torch.zeros(2, WIDTH))
    assert minus_infinity(logits, 0) == set()
    assert minus_infinity(logits, 1) == ids_completing(tokenizer, "the Mad", "Mad Hatter") | {DEAD_END}
    output += tokenizer.encode(" Hat", add_special_tokens=False)
    processor.update_state(None)
    assert minus_infinity(processor.apply(torch.zeros(2, WIDTH)), 1) >= ids_completing(tokenizer, "the Mad Hat", "Mad Hatter")


def test_rows_follow_requests_that_leave_move_and_swap(processor: GuardLogitsProcessor, tmp_path: Path) -> None:
    names = ["tea", "hare", "hatter", "march"]
    restrictions = [Restriction.compile([Phrase(name, match="substring")]) for name in names]
    for restriction in restrictions:
        restriction.save(tmp_path)

    def fresh() -> list[set[int]]:
        logits = processor.apply(torch.zeros(4, WIDTH))
        return [minus_infinity(logits, row) for row in range(4)]

    added = [(row, params([restriction.digest]), [3], []) for row, restriction in enumerate(restrictions)]
    processor.update_state(update(4, added=added))
    first = fresh()
    assert len({frozenset(row) for row in first}) == 4
    processor.update_state(update(4, moved=[(0, 3, MoveDirectionality.SWAP)]))
    assert fresh() == [first[3], first[1], first[2], first[0]]
    processor.update_state(update(3, removed=[1], moved=[(3, 1, MoveDirectionality.UNIDIRECTIONAL)]))
    assert fresh() == [first[3], first[0], first[2], set()]
    processor.update_state(update(3, added=[(2, params([]), [3], [])]))
    assert fresh() == [first[3], first[0], set(), set()]
    processor.update_state(update(0, removed=[2, 1, 0]))
    assert fresh() == [set()] * 4


@pytest.mark.parametrize("guard", [None, "x", 7, ["not a digest"], [7], {"a": 1}, ["refuse", "refuse"], ["0" * 64], ["A" * 64]])
def test_a_request_that_cannot_be_honoured_says_nothing(processor: GuardLogitsProcessor, guard: Any) -> None:
    processor.update_state(update(2, added=[(0, params(guard), [3], []), (1, params([]), [3], [])]))
    logits = processor.apply(torch.randn(2, WIDTH))
    assert minus_infinity(logits, 0) == set(range(WIDTH)) - {0}
    assert minus_infinity(logits, 1) == set()


def test_a_refused_request_and_one_without_token_ids_say_nothing(processor: GuardLogitsProcessor) -> None:
    processor.update_state(update(2, added=[(0, params(["refuse"]), [3], []), (1, params([]), None, [])]))
    logits = processor.apply(torch.randn(2, WIDTH))
    assert logits.argmax(-1).tolist() == [0, 0]
    assert minus_infinity(logits, 1) == set(range(WIDTH)) - {0}


@pytest.mark.parametrize("guard", [None, "x", 7, ["not a digest"], [7]])
def test_vllm_s_front_end_refuses_what_is_malformed(guard: Any) -> None:
    with pytest.raises(ArgumentError):
        GuardLogitsProcessor.validate_params(params(guard))


def test_vllm_s_front_end_accepts_digests_none_and_refuse() -> None:
    for guard in ([], ["refuse"], ["0" * 64, "f" * 64]):
        GuardLogitsProcessor.validate_params(params(guard))


def test_a_penalty_is_subtracted_once(
    processor: GuardLogitsProcessor, tmp_path: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    soft = [Restriction.compile([Phrase("tea", penalty=p)]) for p in (2.0, 3.0)]
    for restriction in soft:
        restriction.save(tmp_path)
    processor.update_state(update(1, added=[(0, params([r.digest for r in soft]), [1], [])]))
    logits = processor.apply(torch.ones(1, WIDTH))
    expected = ids_completing(tokenizer, "", "tea")
    assert expected
    assert set(torch.nonzero(logits[0] != 1).flatten().tolist()) == expected | {DEAD_END}
    assert all(logits[0, token] == -2 for token in expected)


def test_a_row_with_nothing_left_ends(
    processor: GuardLogitsProcessor, tmp_path: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    restriction = Restriction.compile([Phrase("tea")])
    restriction.save(tmp_path)
    banned = sorted(ids_completing(tokenizer, "", "tea"))
    choice = StructuredOutputsParams(choice=["tea"])
    processor.update_state(update(1, added=[(0, params([restriction.digest], structured_outputs=choice), [1], [])]))
    only_tea = torch.full((1, WIDTH), -torch.inf)
    only_tea[0, banned] = 1.0
    logits = processor.apply(only_tea.clone())
    assert logits[0].argmax() == 0
    assert minus_infinity(logits, 0) == set(range(WIDTH)) - {0}
    only_tea[0, 17] = -3.0
    assert processor.apply(only_tea)[0].argmax() == 17


def leaving(row: Iterable[int]) -> torch.Tensor:
    """Logits of one row in which vLLM left only these tokens, the dead end likeliest of them."""
    logits = torch.full((1, WIDTH), -torch.inf)
    for token in row:
        logits[0, token] = 9.0 if token == DEAD_END else 1.0
    return logits


@pytest.mark.parametrize(
    ("how", "allowed", "sampled"),
    [
        # The model itself holds the dead end likeliest.
        ({}, range(WIDTH), False),
        # The end of a grammar: every stop token is legal there.
        ({"structured_outputs": StructuredOutputsParams(choice=["x"])}, {DEAD_END, END}, False),
        # vLLM's minimum length has masked the end, as `bad_words` can.
        ({"structured_outputs": StructuredOutputsParams(choice=["x"]), "min_tokens": 5}, {DEAD_END}, True),
        ({"allowed_token_ids": [DEAD_END]}, {DEAD_END}, True),
        ({"allowed_token_ids": [DEAD_END, 17]}, {DEAD_END, 17}, False),
        ({"bad_words": ["x"]}, set(), False),
        ({"ignore_eos": True}, range(WIDTH), False),
    ],
)
def test_the_dead_end_is_sampled_only_if_the_guard_chose_it(
    processor: GuardLogitsProcessor, tmp_path: Path, how: dict[str, Any], allowed: Iterable[int], sampled: bool
) -> None:
    restriction = Restriction.compile([Phrase("qqq")])
    restriction.save(tmp_path)
    processor.update_state(update(1, added=[(0, params([restriction.digest], stop_token_ids=[DEAD_END], **how), [1], [])]))
    logits = processor.apply(leaving(allowed))
    assert (logits[0, DEAD_END] > -torch.inf) == sampled
    assert minus_infinity(logits, 0) >= set(range(WIDTH)) - {*allowed}


def test_every_row_that_is_held_keeps_its_dead_end_closed_as_rows_come_and_go(
    processor: GuardLogitsProcessor, tmp_path: Path
) -> None:
    restriction = Restriction.compile([Phrase("tea")])
    restriction.save(tmp_path)

    def closed(size: int) -> list[bool]:
        return torch.isneginf(processor.apply(torch.zeros(size, WIDTH))[:, DEAD_END]).tolist()

    held, free, refused = params([restriction.digest]), params([]), params(["refuse"])
    processor.update_state(update(3, added=[(0, free, [1], []), (1, held, [1], []), (2, refused, [1], [])]))
    assert closed(3) == [False, True, False]
    processor.update_state(update(3, moved=[(0, 1, MoveDirectionality.SWAP)]))
    assert closed(3) == [True, False, False]
    processor.update_state(update(2, removed=[0], moved=[(2, 0, MoveDirectionality.UNIDIRECTIONAL)]))
    assert closed(2) == [False, False]
    processor.update_state(update(2, added=[(1, held, [1], [])]))
    assert closed(2) == [False, True]


def test_a_dead_end_that_is_the_model_s_own_end_stays_possible(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    settings = config(tokenizer, {"guard": {"folder": str(tmp_path)}})
    ends = list(range(len(tokenizer.all_special_ids)))
    settings.model_config.try_get_generation_config = lambda: {"eos_token_id": ends}
    processor = GuardLogitsProcessor(settings, torch.device("cpu"), False)
    restriction = Restriction.compile([Phrase("tea")])
    restriction.save(tmp_path)
    processor.update_state(update(1, added=[(0, params([restriction.digest]), [1], [])]))
    assert not torch.isneginf(processor.apply(torch.zeros(1, WIDTH))[0, ends]).any()


def test_without_settings_the_engine_does_not_start(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match="settings are missing"):
        GuardLogitsProcessor(config(tokenizer, {}), torch.device("cpu"), False)
