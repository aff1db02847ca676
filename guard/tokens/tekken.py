"""From Mistral's tekken tokenizer to the bytes of its tokens.

A tekken file is JSON (`mistral_common.tokens.tokenizers.tekken.ModelData`): `config` says how many ids there are
(`default_vocab_size`) and how many of them, the first ones, are special (`default_num_special_tokens`, named or not);
`vocab` lists the other tokens by rank with their bytes in base64, more of them than the ids that are left as a rule.
"""

from __future__ import annotations

import binascii
import json
from pathlib import Path

from guard.errors import VocabularyError
from guard.tokens.vocabulary import Vocabulary


def vocabulary_of_tekken(source: Path | str, size: int | None = None) -> Vocabulary:
    """Build the vocabulary of a tekken file, given by its path (a `Path`) or its content (a `str`); ids up to `size`, the width
    of the model's logits, that it lacks are padding.

    Raises VocabularyError for what is not a tekken file.
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
