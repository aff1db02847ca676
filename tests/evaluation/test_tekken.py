"""The tekken reader: a file made by hand, and the one that mistral_common ships."""

from __future__ import annotations

import base64
import importlib.resources
import json
import time
from pathlib import Path
from typing import Any

import pytest

from evaluation.tekken import vocabulary_of_tekken
from guard.errors import VocabularyError


def description(**changes: Any) -> dict[str, Any]:
    tokens = [*(bytes([b]) for b in range(256)), b" Potter", "哈".encode()[:2], b"left out"]
    config = {"default_vocab_size": 261, "default_num_special_tokens": 3, "num_vocab_tokens": 259, "version": "v3"}
    vocabulary = [
        {"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": None} for rank, token in enumerate(tokens)
    ]
    return {"config": config, "vocab": vocabulary} | changes


def test_special_ids_come_first_and_entries_beyond_the_size_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "tekken.json"
    path.write_text(json.dumps(description()))
    vocabulary = vocabulary_of_tekken(path)
    assert len(vocabulary) == 261
    assert vocabulary.special == {0, 1, 2}
    assert vocabulary.raw[:5] == [b"", b"", b"", b"\x00", b"\x01"]
    assert vocabulary.raw[259:] == [b" Potter", b"\xe5\x93"]
    assert 260 in vocabulary.cut
    assert list(vocabulary_of_tekken(path.read_text(), 300).raw[261:]) == [b""] * 39


def _without(key: str) -> dict[str, Any]:
    return {k: v for k, v in description().items() if k != key}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps(_without("config")),
        json.dumps(_without("vocab")),
        json.dumps(description(vocab=[{"rank": 0, "token_bytes": "!"}])),
        json.dumps(description(vocab=description()["vocab"][1:])),
        json.dumps(description(vocab=description()["vocab"][:200])),
        json.dumps(description(config={"default_vocab_size": 1, "default_num_special_tokens": 3})),
    ],
    ids=range(9),
)
def test_what_is_not_a_tekken_file_is_an_error(content: str) -> None:
    with pytest.raises(VocabularyError, match="not a tekken file"):
        vocabulary_of_tekken(content)


@pytest.mark.slow
def test_a_large_vocabulary_is_mistral_s_own_and_is_read_in_little_time() -> None:
    tekkenizer = pytest.importorskip("mistral_common.tokens.tokenizers.tekken").Tekkenizer
    path = Path(str(importlib.resources.files("mistral_common") / "data" / "tekken_240911.json"))
    begin = time.process_time()
    vocabulary = vocabulary_of_tekken(path, 131_080)
    assert time.process_time() - begin < 3
    theirs = tekkenizer.from_file(path)
    assert vocabulary.special == theirs.special_ids
    assert list(vocabulary.raw) == [theirs.id_to_byte_piece(t) for t in range(theirs.n_words)] + [b""] * 8
    text = "Ángström met Harry Potter 哈利波特 in 1999 👍🏽 — naïve?"
    assert b"".join(vocabulary.raw[t] for t in theirs.encode(text, bos=True, eos=True)).decode() == text
