"""The adapter in transformers' own `generate`: a tiny random Llama, whose free output says what to ban."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, LogitsProcessor, PreTrainedTokenizerFast

from guard import reference
from guard.decoding.masks import Masks
from guard.phrase import Phrase
from guard.processors import transformers as module
from guard.processors.transformers import DEAD_END_LOGIT, GuardLogitsProcessor
from guard.restriction import Restriction
from guard.tokens.tokenizers import vocabulary_of
from guard.tokens.vocabulary import Vocabulary

# Many of the words these models say are stop words.
forced = partial(Phrase, force=True)

pytestmark = pytest.mark.usefixtures("one_thread")
TEXT = ["the Mad Hatter drinks tea with the March Hare", "a café in Zürich, 1999; a dormouse sleeps in the teapot"]
PAD, BOS, END = 0, 1, 2
WIDER = 8


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    # The alphabet is that of the text alone: few tokens, so that the slow processor can look at each; é and ü are two each.
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=72, special_tokens=["<|pad|>", "<|bos|>", "<|end|>"]))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<|pad|>", bos_token="<|bos|>", eos_token="<|end|>", padding_side="left"
    )


@pytest.fixture(scope="module")
def vocabulary(tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    return vocabulary_of(tokenizer.backend_tokenizer.to_str())


@pytest.fixture(scope="module")
def model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=len(tokenizer) + WIDER,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        # Larger than usual: a random model's distribution should not be flat.
        initializer_range=0.3,
    )
    return LlamaForCausalLM(config).eval()


def masks(vocabulary: Vocabulary, *phrases: Phrase) -> Masks:
    return Masks.of(Restriction.compile(phrases), vocabulary)


def generate(model: LlamaForCausalLM, inputs: Any, processor: Any = None, **how: Any) -> torch.Tensor:
    how = {"max_new_tokens": 16, "pad_token_id": PAD, "eos_token_id": [END, PAD], "bos_token_id": BOS, "do_sample": False} | how
    torch.manual_seed(11)
    return model.generate(**inputs, logits_processor=[processor] if processor else [], **how)


def said(vocabulary: Vocabulary, row: torch.Tensor) -> list[bytes]:
    """The bytes of the last message of the prompt and of the answer: prompts here begin with the only special token."""
    return [vocabulary.raw[t] if t < len(vocabulary) else b"" for t in row.tolist()]


def folded(vocabulary: Vocabulary, row: torch.Tensor) -> str:
    return reference.folded_stream(said(vocabulary, row))


def says(vocabulary: Vocabulary, phrases: Sequence[Phrase], rows: torch.Tensor, length: int) -> bool:
    """Whether an answer, behind a prompt of `length` ids, says what the prompt does not say already."""
    return any(
        reference.occurrences(phrase, folded(vocabulary, row)) - reference.occurrences(phrase, folded(vocabulary, row[:length]))
        for phrase in phrases
        for row in rows
    )


def words_across(vocabulary: Vocabulary, rows: torch.Tensor, prompt_length: int) -> list[Phrase]:
    """Two words of each row: the one in which the answer begins, or the first after it, and the next."""
    phrases = []
    for row in rows:
        before = len(folded(vocabulary, row[:prompt_length]).split())
        phrases.append(forced(" ".join(folded(vocabulary, row).split()[before - 1 : before + 1])))
    return phrases


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"do_sample": True, "num_return_sequences": 6},
        {"do_sample": True, "top_k": 5, "temperature": 0.7, "num_return_sequences": 6},
        {"num_beams": 4, "num_return_sequences": 4},
        {"num_beams": 7, "num_return_sequences": 2},
        {"num_beams": 4, "do_sample": True, "num_return_sequences": 3},
        {"use_cache": False, "num_beams": 3},
    ],
    ids=str,
)
@pytest.mark.slow
def test_what_the_model_would_say_is_not_said(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary, how: dict[str, Any]
) -> None:
    # The space at the end: what the model says begins a word.
    inputs = tokenizer("<|bos|>the March ", return_tensors="pt", return_token_type_ids=False)
    length = inputs["input_ids"].shape[1]
    free = generate(model, inputs, **how)
    single = [forced(word) for row in free for word in folded(vocabulary, row[length:]).split() if word.isascii()][:8]
    banned = [*single, *words_across(vocabulary, free, length)]
    assert says(vocabulary, single, free, length)
    assert says(vocabulary, words_across(vocabulary, free, length), free, length)
    rows = generate(model, inputs, GuardLogitsProcessor([masks(vocabulary, *banned)], PAD), **how)
    assert not says(vocabulary, banned, rows, length)


class Naive(LogitsProcessor):
    """The same from scratch at each step, on strings."""

    def __init__(self, phrases: Sequence[Phrase], vocabulary: Vocabulary) -> None:
        self.phrases, self.vocabulary = phrases, vocabulary

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = scores.clone()
        for row, line in zip(input_ids, scores, strict=True):
            before = said(self.vocabulary, row)
            for token, raw in enumerate(self.vocabulary.raw):
                if raw:
                    line[token] -= reference.penalty(self.phrases, before, raw)
        return scores


@pytest.mark.slow
@pytest.mark.parametrize("how", [{"num_beams": 4}, {"num_beams": 7, "do_sample": True}, {"num_beams": 1}], ids=str)
def test_beams_are_those_of_a_processor_that_knows_only_strings(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary, how: dict[str, Any]
) -> None:
    inputs = tokenizer(
        ["<|bos|>the Mad", "<|bos|>a dormouse sleeps"], return_tensors="pt", padding=True, return_token_type_ids=False
    )
    length = inputs["input_ids"].shape[1]
    how = how | {"max_new_tokens": 8, "num_return_sequences": how["num_beams"]}
    free = generate(model, inputs, **how)
    words = {word for row in free for word in folded(vocabulary, row[length:]).split()}
    phrases = [
        *(forced(word, penalty=1.5) for word in sorted(words)[::3]),
        *(forced(word) for word in sorted(words)[1::3]),
        *words_across(vocabulary, free, length),
        *(forced(word[:2], match="substring") for word in sorted(words)[2::7]),
    ]
    ours = generate(model, inputs, GuardLogitsProcessor([masks(vocabulary, *phrases)], PAD), **how)
    assert torch.equal(ours, generate(model, inputs, Naive(phrases, vocabulary), **how))
    assert not torch.equal(ours, free)


def test_each_prompt_of_a_batch_has_its_own_restrictions(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary
) -> None:
    # The same prompt three times: only the restrictions differ.
    inputs = tokenizer(["<|bos|>the March"] * 3, return_tensors="pt", return_token_type_ids=False)
    length = inputs["input_ids"].shape[1]
    free = generate(model, inputs, num_beams=3)
    letters = folded(vocabulary, free[0][length:]).replace(" ", "")
    one, other = forced(letters[:3], match="substring"), forced(letters[-3:], match="substring")
    each = [[], [masks(vocabulary, one)], [masks(vocabulary, one), masks(vocabulary, other)]]
    rows = generate(model, inputs, GuardLogitsProcessor(each, PAD), num_beams=3)
    size = min(rows.shape[1], free.shape[1])
    assert torch.equal(rows[0, :size], free[0, :size])
    assert not says(vocabulary, [one], rows[1:], length)
    assert not says(vocabulary, [other], rows[2:], length)


@pytest.mark.parametrize("pad", [PAD, 9])
def test_padding_on_the_left_is_no_text(vocabulary: Vocabulary, tokenizer: PreTrainedTokenizerFast, pad: int) -> None:
    # Id 9 stands for a tokenizer whose padding is an ordinary token; its text would part or join words.
    restriction = masks(vocabulary, forced("mad hatter"), forced("hare", match="prefix"))
    prompt = tokenizer.encode("the Mad Hatte", add_special_tokens=False)
    padded = [pad] * 5 + prompt
    bare = GuardLogitsProcessor([restriction], PAD)(torch.tensor([prompt]), torch.zeros(1, len(vocabulary)))
    full = GuardLogitsProcessor([restriction], PAD, pad=pad)(torch.tensor([padded]), torch.zeros(1, len(vocabulary)))
    assert torch.isneginf(bare).any()
    assert torch.equal(bare, full)


@pytest.mark.parametrize("width", [40, 200])
def test_scores_narrower_or_wider_than_the_tokenizer(vocabulary: Vocabulary, width: int) -> None:
    every = masks(
        vocabulary, *(forced(letter, match="substring") for letter in "aeiou"), forced("t", penalty=3, match="substring")
    )
    scores = GuardLogitsProcessor([every], PAD)(torch.tensor([[BOS]]), torch.zeros(1, width))
    whole = GuardLogitsProcessor([every], PAD)(torch.tensor([[BOS]]), torch.zeros(1, len(vocabulary)))
    shared = min(width, len(vocabulary))
    assert torch.equal(scores[:, :shared], whole[:, :shared])
    assert not scores[:, len(vocabulary) :].any()
    assert set(whole.unique().tolist()) == {-torch.inf, -3.0, 0.0}


def test_a_row_with_nothing_left_says_the_dead_end(vocabulary: Vocabulary) -> None:
    tea = masks(vocabulary, forced("a", match="substring"))
    scores = torch.zeros(2, len(vocabulary))
    scores[1] = -torch.inf
    scores[1, next(t for t, raw in enumerate(vocabulary.raw) if raw == b"a")] = 1.0
    before = scores.clone()
    after = GuardLogitsProcessor([tea], PAD)(torch.tensor([[BOS], [BOS]]), scores)
    assert torch.equal(scores, before)
    assert after[0, PAD] == 0
    assert after[1].argmax() == PAD
    assert after[1, PAD] == DEAD_END_LOGIT


@pytest.mark.slow
def test_one_processor_serves_calls_after_each_other(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary
) -> None:
    first = tokenizer("<|bos|>the March", return_tensors="pt", return_token_type_ids=False)
    second = tokenizer("<|bos|>the March Hare sleeps in the teapot in a cafe", return_tensors="pt", return_token_type_ids=False)
    banned = masks(vocabulary, *(forced(word, match="prefix") for word in ("h", "te", "a", "dor")))
    used = GuardLogitsProcessor([banned], PAD)
    for inputs in (first, second, first, second):
        assert torch.equal(
            generate(model, inputs, used, num_beams=3), generate(model, inputs, GuardLogitsProcessor([banned], PAD), num_beams=3)
        )


def test_a_step_reads_one_token_and_tokens_taken_back_are_forgotten(vocabulary: Vocabulary) -> None:
    processor = GuardLogitsProcessor([masks(vocabulary, forced("mad hatter"), forced("dormouse"))], PAD)
    ids = torch.tensor([[BOS, 5, 6, 7, 8, 9, 10]])

    def step(length: int) -> torch.Tensor:
        return processor(ids[:, :length], torch.zeros(1, len(vocabulary)))

    def afresh(length: int) -> torch.Tensor:
        return GuardLogitsProcessor([masks(vocabulary, forced("mad hatter"), forced("dormouse"))], PAD)(
            ids[:, :length], torch.zeros(1, len(vocabulary))
        )

    for length in (3, 4, 5, 6, 7):
        assert torch.equal(step(length), afresh(length))
        assert processor._prompt_length == 3
        assert len(processor._states) == 1
    # An assistant's candidates were refused.
    assert torch.equal(step(5), afresh(5))
    assert processor._prompt_length == 3
    processor.reset()
    step(6)
    assert processor._prompt_length == 6


def test_a_beam_search_reads_the_prompt_once(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    class Counting(module.Cursor):
        def __init__(self, masks: Masks, prompt: Sequence[int] = ()) -> None:
            read.append(len(prompt))
            super().__init__(masks, prompt)

    monkeypatch.setattr(module, "Cursor", Counting)
    inputs = tokenizer(["<|bos|>the March", "<|bos|>the Mad  "], return_tensors="pt", padding=True, return_token_type_ids=False)
    generate(model, inputs, GuardLogitsProcessor([masks(vocabulary, forced("tea"))], PAD), num_beams=4)
    assert read == [inputs["input_ids"].shape[1]] * 2


def test_what_does_not_fit_is_an_error(vocabulary: Vocabulary) -> None:
    tea = masks(vocabulary, forced("tea"))
    with pytest.raises(ValueError, match="the number of rows, 3, must be a multiple of the number of prompts in `masks`, 2"):
        GuardLogitsProcessor([[tea], []], PAD)(torch.zeros(3, 1, dtype=torch.long), torch.zeros(3, 40))
    with pytest.raises(ValueError, match="dead-end token 40"):
        GuardLogitsProcessor([tea], 40)(torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, 40))
