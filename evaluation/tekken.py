"""The bytes of the tokens of Mistral's tekken tokenizer.

A tekken file is JSON (`mistral_common.tokens.tokenizers.tekken.ModelData`). `config` has the number of ids
(`default_vocab_size`) and how many of the first ones are special, whether named or not (`default_num_special_tokens`). `vocab`
lists the other tokens by rank with their bytes in base64, usually more of them than there are ids left.
"""

from __future__ import annotations

import binascii
import json
from pathlib import Path

from guard.errors import VocabularyError
from guard.tokens.vocabulary import Vocabulary


def vocabulary_of_tekken(source: Path | str, size: int | None = None) -> Vocabulary:
    """Build the vocabulary of a tekken file.

    Args:
        source: The file's path (a `Path`) or its content (a `str`).
        size: The width of the model's logits. Ids up to it that the file lacks are padding.

    Raises:
        VocabularyError: If it is not a tekken file.
    """
    content = source.read_text("utf-8") if isinstance(source, Path) else source
    try:
        description = json.loads(content)
        special = int(description["config"]["default_num_special_tokens"])
        ordinary = int(description["config"]["default_vocab_size"]) - special
        entries = description["vocab"][:ordinary]
        ranks = [entry["rank"] for entry in entries]
        tokens = [binascii.a2b_base64(entry["token_bytes"]) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise VocabularyError(f"not a tekken file: {type(error).__name__} {error}") from error
    if special < 0 or ranks != list(range(ordinary)):
        raise VocabularyError(f"not a tekken file: {len(ranks)} tokens in order of rank, expected {ordinary}")
    return Vocabulary.of([*([None] * special), *tokens], size)
