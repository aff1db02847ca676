"""Requests: which row each request gets from its sampling parameters, and which requests vLLM's front end refuses."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast
from vllm import SamplingParams
from vllm.sampling_params import StructuredOutputsParams

from guard.errors import ArgumentError
from guard.phrase import Phrase
from guard.processors.arguments import KEY, NAME
from guard.processors.vllm.counts import Counts
from guard.processors.vllm.requests import Requests
from guard.processors.vllm.suppressed import CountedRow
from tests.guard.processors.vllm.conftest import DEAD_END, END, WIDTH, config, ids_completing, params, stored

PROMPT = [1, 3]


@pytest.fixture
def digest(tmp_path: Path) -> str:
    """A restriction in the folder of `requests`."""
    return stored(tmp_path, Phrase("tea"))


@pytest.mark.parametrize("guard", [None, "x", 7, ["not a digest"], [7]])
def test_a_malformed_argument_is_refused(guard: Any) -> None:
    with pytest.raises(ArgumentError):
        Requests.validate(params(guard))


@pytest.mark.parametrize("guard", [[], ["refuse"], ["0" * 64, "f" * 64]])
def test_no_digest_some_digests_and_refuse_are_accepted(guard: list[str]) -> None:
    Requests.validate(params(guard))


@pytest.mark.parametrize("name", ["", "x" * 65, "two words", "é", 7, ["gd-1"], {"a": 1}])
def test_a_malformed_name_is_refused(name: Any) -> None:
    with pytest.raises(ArgumentError, match="name of the count"):
        Requests.validate(params([], name=name))


@pytest.mark.parametrize("extra", [{KEY: []}, {KEY: [], NAME: None}, {KEY: [], NAME: "gd-1"}])
def test_a_sound_name_or_none_is_accepted(extra: dict[str, Any]) -> None:
    Requests.validate(SamplingParams(extra_args=extra))


def test_settings_must_be_there(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match="settings are missing"):
        Requests.of(config(tokenizer, {}), Counts())


@pytest.mark.slow
def test_the_dead_end_is_the_padding_token(requests: Requests) -> None:
    assert requests.dead_end == DEAD_END


def test_a_dead_end_that_the_model_never_says_is_private(requests: Requests) -> None:
    assert requests.private


def test_a_dead_end_that_is_an_end_of_the_model_is_not_private(settings: Any) -> None:
    settings.model_config.try_get_generation_config = lambda: {"eos_token_id": [0, 1, 2]}
    assert not Requests.of(settings, Counts()).private


def test_a_request_without_a_restriction_has_no_row(requests: Requests) -> None:
    assert requests.row(params([]), PROMPT, []) is None


def test_a_restricted_request_has_one_cursor_per_restriction(requests: Requests, digest: str, tmp_path: Path) -> None:
    row = requests.row(params([digest, stored(tmp_path, Phrase("hare"))]), PROMPT, [])
    assert row is not None
    assert len(row.cursors) == 2


def test_a_row_follows_the_engine_s_own_list_of_ids(requests: Requests, digest: str) -> None:
    output: list[int] = []
    row = requests.row(params([digest]), PROMPT, output)
    assert row is not None
    assert row.output is output


@pytest.mark.parametrize("guard", [None, "x", ["not a digest"], ["refuse", "refuse"], ["0" * 64], ["A" * 64], ["refuse"]])
def test_a_request_that_cannot_be_honoured_is_closed(requests: Requests, guard: Any) -> None:
    row = requests.row(params(guard), PROMPT, [])
    assert row is not None
    assert row.closed


def test_a_request_without_token_ids_is_closed(requests: Requests, digest: str) -> None:
    row = requests.row(params([digest]), None, [])
    assert row is not None
    assert row.closed


def test_a_request_with_a_malformed_name_is_closed(requests: Requests, digest: str) -> None:
    row = requests.row(params([digest], name="two words"), PROMPT, [])
    assert row is not None
    assert row.closed


def test_the_log_says_why_a_request_is_closed(
    requests: Requests, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # vLLM's own logger does not pass on to pytest's.
    monkeypatch.setattr(logging.getLogger("vllm"), "propagate", True)
    requests.row(params(["0" * 64]), PROMPT, [])
    assert "request closed" in caplog.text


def test_a_request_with_a_name_is_counted_under_it(requests: Requests, digest: str) -> None:
    row = requests.row(params([digest], name="gd-1"), PROMPT, [])
    assert isinstance(row, CountedRow)
    assert row.name == "gd-1"


def test_a_count_begins_at_nought(requests: Requests, digest: str) -> None:
    requests.row(params([digest], name="gd-1"), PROMPT, [])
    assert requests.suppressed.take(["gd-1"]) == {"gd-1": 0}


def test_a_request_with_a_name_and_no_restriction_has_no_row(requests: Requests) -> None:
    assert requests.row(params([], name="gd-1"), PROMPT, []) is None


def test_a_request_with_a_name_and_no_restriction_has_a_count(requests: Requests) -> None:
    requests.row(params([], name="gd-1"), PROMPT, [])
    assert requests.suppressed.take(["gd-1"]) == {"gd-1": 0}


def test_a_refused_request_has_no_count(requests: Requests) -> None:
    requests.row(params(["refuse"], name="gd-1"), PROMPT, [])
    assert requests.suppressed.take(["gd-1"]) == {}


def test_a_counted_answer_ends_with_the_end_of_sequence_or_a_stop_token(requests: Requests, digest: str) -> None:
    request = params([digest], name="gd-1", stop_token_ids=[DEAD_END, 17])
    request.update_from_generation_config({}, eos_token_id=END)
    row = requests.row(request, PROMPT, [])
    assert isinstance(row, CountedRow)
    assert row.ends == {END, DEAD_END, 17}


@pytest.mark.parametrize(
    ("how", "starves"),
    [
        ({}, False),
        ({"ignore_eos": True}, False),
        ({"stop_token_ids": [17]}, False),
        ({"structured_outputs": StructuredOutputsParams(choice=["x"])}, True),
        ({"allowed_token_ids": [17]}, True),
        ({"bad_words": ["x"]}, True),
        ({"min_tokens": 5}, True),
    ],
)
@pytest.mark.parametrize("name", [None, "gd-1"])
def test_a_row_may_starve_where_vllm_masks_tokens_too(
    requests: Requests, digest: str, how: dict[str, Any], starves: bool, name: str | None
) -> None:
    row = requests.row(params([digest], name=name, **how), PROMPT, [])
    assert row is not None
    assert row.starves == starves


@pytest.mark.slow
def test_a_row_has_what_the_request_asks_for(requests: Requests, digest: str) -> None:
    for name in (None, "gd-1"):
        row = requests.row(params([digest], name=name, hits=1, avoid=[5], allow=["Tea"]), PROMPT, [])
        assert row is not None
        assert row.hits
        assert row.bans() is not None
        assert {token for ban in row.bans() or [] for token in ban.ids.tolist()} == {5}
        plain = requests.row(params([digest], name=name), PROMPT, [])
        assert plain is not None
        assert (plain.hits, plain.apart) == (False, False)


SPLIT = ["the Mad Hat<|pad|>", "the Mad H<|pad|>at", "the Mad<|pad|> Hat", "the Mad<|pad|>Hat", "x<|pad|>Mad Hat"]


@pytest.mark.parametrize("split", SPLIT)
@pytest.mark.parametrize("name", [None, "gd-1"])
def test_f1_a_phrase_that_a_special_token_splits_in_the_prompt_is_not_finished(
    requests: Requests, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, split: str, name: str | None
) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    output: list[int] = []
    row = requests.row(params([digest], name=name, joins=1), tokenizer.encode(split, add_special_tokens=False), output)
    assert row is not None
    said = ""
    for letter in "ter":
        banned = {token for ban in row.bans() or [] for token in ban.ids.tolist()}
        assert banned == ids_completing(tokenizer, "the Mad Hat" + said, "Mad Hatter")
        (token,) = tokenizer.encode(letter, add_special_tokens=False)
        if letter == "r":
            assert token in banned
        output.append(token)
        said += letter


def test_f1_a_special_token_of_the_template_ends_a_message(
    requests: Requests, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    for how in ({}, {"joins": 0}):
        row = requests.row(params([digest], **how), tokenizer.encode("the Mad<|end|>", add_special_tokens=False), [])
        assert row is not None
        assert not row.apart
        assert [ban.ids.tolist() for ban in row.bans() or [] if len(ban.ids)] == []


@pytest.mark.parametrize("how", [{"hits": 2}, {"avoid": [-1]}, {"allow": ["--"]}, {"joins": 2}])
def test_a_malformed_further_argument_is_refused_and_its_request_closed(
    requests: Requests, digest: str, how: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentError):
        Requests.validate(params([digest], **how))
    row = requests.row(params([digest], **how), PROMPT, [])
    assert row is not None
    assert row.closed


def test_a_request_that_avoids_a_token_beyond_the_model_s_is_closed(requests: Requests, digest: str) -> None:
    row = requests.row(params([digest], avoid=[WIDTH]), PROMPT, [])
    assert row is not None
    assert row.closed
    last = requests.row(params([digest], avoid=[WIDTH - 1]), PROMPT, [])
    assert last is not None
    assert not last.closed
