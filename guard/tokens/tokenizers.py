"""The bytes of the tokens of a Hugging Face fast tokenizer.

This module reads the tokenizer's description of itself: the JSON that `tokenizers.Tokenizer.to_str()` returns, with the fields
that the documentation of `tokenizers` describes. So nothing heavy is imported. The bytes of a token are what the described
decoder makes of it in the middle of a text; some decoders drop the spaces of a text's first token.

One difference from the library's decoders remains. If byte tokens in a row are not valid UTF-8 together, `ByteFallback` replaces
all of them; here, those that are characters by themselves remain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import reduce
from typing import Any

from guard.errors import VocabularyError
from guard.tokens.vocabulary import Vocabulary

Step = Callable[[str], str | bytes]

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
# What the WordPiece decoder replaces if `cleanup` is set, in its order.
_CLEANUP = (
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
    (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
)  # fmt: skip


def byte_level_alphabet() -> dict[str, int]:
    """Return the 256 characters that byte-level BPE writes for the 256 bytes (GPT-2; Radford et al. 2019)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + k): b for k, b in enumerate(others)}


def sentencepiece_bytes(piece: str) -> bytes:
    """Return the bytes that a piece of a SentencePiece model adds to a text. "▁" is a space, "<0x41>" the byte 0x41."""
    return _finished(_byte_fallback(piece.replace("\u2581", " ")))


def _finished(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _byte_fallback(token: str) -> str | bytes:
    match = _BYTE_TOKEN.fullmatch(token)
    return bytes([int(match[1], 16)]) if match else token


def _byte_level() -> Step:
    alphabet = byte_level_alphabet()
    # Characters outside the alphabet become one that is not in latin-1, so that the encoding below fails.
    table = dict.fromkeys(range(256), 0xFFFF) | {ord(c): b for c, b in alphabet.items()}

    def decode(token: str) -> str | bytes:
        try:
            return token.translate(table).encode("latin-1")
        except UnicodeEncodeError:
            return token.encode()  # not written in the alphabet, like most added tokens: taken as it is

    return decode


def _wordpiece(prefix: str, cleanup: bool) -> Step:
    def decode(token: str) -> str | bytes:
        text = token[len(prefix) :] if token.startswith(prefix) else " " + token
        return reduce(lambda t, change: t.replace(*change), _CLEANUP, text) if cleanup else text

    return decode


def _replace(pattern: dict[str, str], content: str) -> Step:
    if "String" in pattern:
        return lambda token: token.replace(pattern["String"], content)
    try:
        compiled = re.compile(pattern["Regex"])
    except re.error as error:
        raise VocabularyError(f"cannot follow the decoder's pattern {pattern['Regex']!r}: {error}") from error
    return lambda token: compiled.sub(lambda _: content, token)


def _strip(content: str, start: int, stop: int) -> Step:
    begin, end = re.compile(f"(?:{re.escape(content)}){{0,{start}}}"), re.compile(rf"(?:{re.escape(content)}){{0,{stop}}}\Z")
    return lambda token: end.sub("", begin.sub("", token, count=1), count=1)


def _step(part: dict[str, Any], joined: bool) -> Step | None:
    """Return what one component does to a token; None if nothing. `joined`: whether tokens are one text by then."""
    kind = part["type"]
    if kind == "Replace":
        if joined and len(part["pattern"].get("String", "  ")) != 1:
            raise VocabularyError("cannot tell the bytes of the tokens: the decoder replaces text across tokens")
        return _replace(part["pattern"], part["content"])
    if kind in ("Fuse", "Sequence") or (kind == "Strip" and joined):
        return None  # joins, groups, or changes only the two ends of the text
    if kind == "ByteLevel":
        return _byte_level()
    if kind == "ByteFallback":
        return _byte_fallback
    if kind == "Metaspace":
        return _replace({"String": part.get("replacement", "\u2581")}, " ")
    if kind == "WordPiece":
        return _wordpiece(part.get("prefix", "##"), part.get("cleanup", True))
    if kind == "BPEDecoder":
        return _replace({"String": part.get("suffix", "</w>")}, " ")
    if kind == "Strip":
        return _strip(part["content"], part["start"], part["stop"])
    raise VocabularyError(f"cannot tell the bytes of the tokens: unknown decoder {kind!r}")


def _parts(description: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return a component and the components inside it."""
    if not description:
        return []
    inner = [p for key in ("decoders", "pretokenizers") for part in description.get(key, []) for p in _parts(part)]
    return [description, *inner]


def _decoder(description: dict[str, Any]) -> Callable[[str], bytes]:
    parts = _parts(description.get("decoder"))
    if not parts:
        # Without a decoder the library only joins tokens. How the tokenizer cuts a text tells what they mean.
        parts = [p for p in _parts(description.get("pre_tokenizer")) if p["type"] in ("ByteLevel", "Metaspace")][:1]
        model = description["model"]
        if not parts and model.get("type") == "WordPiece":
            parts = [{"type": "WordPiece", "prefix": model.get("continuing_subword_prefix", "##"), "cleanup": False}]
    if not parts:
        raise VocabularyError("cannot tell the bytes of the tokens: the tokenizer has no decoder")
    steps: list[Step] = []
    joined = in_bytes = False
    for part in parts:
        if in_bytes and part["type"] not in ("Sequence", "Fuse", "Strip"):
            raise VocabularyError(f"cannot follow a decoder that goes on with {part['type']!r} after 'ByteLevel'")
        step = _step(part, joined)
        in_bytes = in_bytes or part["type"] == "ByteLevel"
        joined = joined or in_bytes or part["type"] == "Fuse"
        if step:
            steps.append(step)

    def decode(token: str) -> bytes:
        text: str | bytes = token
        for step in steps:
            if isinstance(text, bytes):
                break
            text = step(text)
        return _finished(text)

    return decode


def vocabulary_of(description: str, size: int | None = None) -> Vocabulary:
    """Build the vocabulary of a tokenizer.

    Args:
        description: The tokenizer's JSON.
        size: The width of the model's logits. Ids up to it that the tokenizer lacks are padding.

    Raises:
        VocabularyError: If it is not the JSON of a tokenizer, or if its decoder does not tell what each token adds to a text.
    """
    try:
        content = json.loads(description)
        decode = _decoder(content)
        model = content["model"]["vocab"]
        # Unigram models list [piece, score] pairs in the order of their ids; the others map pieces to ids.
        ids = {piece: at for at, (piece, _) in enumerate(model)} if isinstance(model, list) else model
        tokens: dict[int, bytes | None] = {at: decode(piece) for piece, at in ids.items()}
        for added in content.get("added_tokens") or ():
            tokens[added["id"]] = None if added.get("special") else decode(added["content"])
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise VocabularyError(f"not the description of a tokenizer: {type(error).__name__} {error}") from error
    if not tokens:
        raise VocabularyError("the tokenizer has no tokens")
    return Vocabulary.of((tokens.get(t, b"") for t in range(max(tokens) + 1)), size)
