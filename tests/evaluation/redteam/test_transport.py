from __future__ import annotations

import gzip
import json
from urllib.parse import unquote

import pytest

from evaluation.redteam import transport
from evaluation.redteam.attack import CHAT
from tests.evaluation.redteam.asked import CASE, sent


def content(kind: str, seed: int = 0) -> bytes:
    made = sent(kind, seed=seed).content
    assert made is not None
    return made


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["trailing_slash", "encoded_path", "other_routes"])
def test_the_path_is_not_that_of_the_chat(kind: str, seed: int) -> None:
    assert sent(kind, seed=seed).path != CHAT


def test_paths_look_like_the_route() -> None:
    assert {unquote(sent("encoded_path", seed=seed).path).lower().rstrip("\0") for seed in range(40)} == {CHAT}
    assert {"/v1/responses", "/v1/messages", "/invocations", "/tokenize"} <= set(transport.ROUTES)


def test_other_methods_are_other_methods() -> None:
    assert "POST" not in {sent("other_methods", seed=seed).method for seed in range(40)}


def test_one_of_two_equal_keys_asks() -> None:
    pairs = json.loads(content("duplicate_keys"), object_pairs_hook=lambda pairs: pairs)
    asked = [value for name, value in pairs if name == "messages"]
    assert len(asked) == 2
    assert asked[0] != asked[1]


def test_bodies_are_what_they_are_in_another_form() -> None:
    assert json.loads(gzip.decompress(content("compressed")))["messages"][0]["content"] == CASE.question
    assert json.loads(content("escapes"))["messages"][0]["content"] == CASE.question
    assert CASE.question.encode() not in content("escapes")
    assert json.loads(content("chunked"))["messages"][0]["content"] == CASE.question
    assert sent("chunked").chunked
    assert content("lone_surrogate").count(b"\\ud83d") == 1
    assert json.loads(content("lone_surrogate"))["messages"][0]["content"].replace("\ud83d", "") == CASE.question


def test_bodies_that_break_parsers() -> None:
    assert len(content("deep")) > 25_000
    assert sent("huge").body is not None
    assert all(b'"@"' not in content(kind, seed) for kind in ("deep", "not_a_number", "escapes") for seed in range(6))
    with pytest.raises(RecursionError):
        json.loads(content("deep"))


def test_claims_are_in_headers_and_in_the_query() -> None:
    claims = [sent("headers", seed=seed).headers for seed in range(40)]
    assert any("x-guard" in one for one in claims)
    assert any("authorization" in one for one in claims)
    assert sent("query").path.startswith(f"{CHAT}?")
