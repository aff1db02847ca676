from __future__ import annotations

import torch
from transformers import PreTrainedTokenizerFast

from evaluation.baselines import no_bad_words
from evaluation.baselines.phrases import phrases
from guard import Cursor, Masks, Phrase, Restriction, Vocabulary


def test_bans_the_last_token_of_either_form(tokenizer: PreTrainedTokenizerFast) -> None:
    made = no_bad_words.processor(tokenizer, ["Harry Potter"])
    for form in ("Harry Potter", " Harry Potter"):
        *said, last = tokenizer.encode(form, add_special_tokens=False)
        said = [5, *said]
        scores = made(torch.tensor([said]), torch.zeros(1, len(tokenizer)))
        assert torch.isneginf(scores).nonzero().tolist() == [[0, last]]


def test_another_tokenisation_of_the_phrase_passes(tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary) -> None:
    letters = [vocabulary.raw.index(bytes([byte])) for byte in b" Harry Potter"]
    assert tokenizer.decode(letters) == " Harry Potter"
    made = no_bad_words.processor(tokenizer, ["Harry Potter"])
    scores = made(torch.tensor([letters[:-1]]), torch.zeros(1, len(tokenizer)))
    assert not torch.isneginf(scores).any()
    # The same text, judged as text.
    cursor = Cursor(Masks.of(Restriction.compile([Phrase("Harry Potter")]), vocabulary))
    cursor.extend(letters[:-1])
    assert letters[-1] in {int(token) for ban in cursor.bans() for token in ban.ids}


def test_a_step_is_measured(tokenizer: PreTrainedTokenizerFast) -> None:
    cost = no_bad_words.step_cost(tokenizer, phrases(10), 400, 3, budget_s=0.01)
    assert (cost.phrases, cost.width, cost.batch) == (10, 400, 3)
    assert cost.median_us > 0
