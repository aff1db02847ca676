"""Vocabularies of the kinds of tokenizer there are: each id's bytes are what decoding it adds to a text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from guard.errors import VocabularyError
from guard.folding import fold
from guard.tokens.tokenizers import byte_level_alphabet, vocabulary_of

TEXT = ["Harry Potter went to Hogwarts.", "café 哈利波特 naïve", "H-a-r-r-y 1999 👍"] * 3


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=320, special_tokens=["<|end|>"], initial_alphabet=alphabet)
    )
    tokenizer.add_tokens([AddedToken("Hög warts", special=False)])
    return tokenizer


def sentencepiece() -> Tokenizer:
    characters = sorted({c for text in TEXT for c in text.replace(" ", "▁")} - set("哈👍"))
    pieces = ["<unk>", "<s>", *(f"<0x{b:02X}>" for b in range(256)), "▁Harry", "▁Pot", "ter", *characters]
    vocabulary = {piece: at for at, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(["<s>", "<unk>"])
    return tokenizer


def wordpiece() -> Tokenizer:
    letters = sorted({c for text in TEXT for c in text if c != " "})
    pieces = ["[UNK]", "[CLS]", *letters, *("##" + c for c in letters), "Harry", "Pot", "##ter", "##y"]
    tokenizer = Tokenizer(models.WordPiece(vocab={p: i for i, p in enumerate(dict.fromkeys(pieces))}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    tokenizer.add_special_tokens(["[CLS]", "[UNK]"])
    return tokenizer


def llama2() -> Tokenizer:
    # An older converted form: Metaspace does what Prepend, Replace and Strip do above, byte tokens beside it.
    tokenizer = sentencepiece()
    tokenizer.normalizer = None
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")])
    tokenizer.add_tokens([AddedToken("▁the▁Hatter", normalized=False), AddedToken("tea cup", lstrip=True, rstrip=True)])
    return tokenizer


def llama3() -> Tokenizer:
    tokenizer = byte_level()
    split = pre_tokenizers.Split(Regex(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|eot_id|>"])
    return tokenizer


def qwen() -> Tokenizer:
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_tokens([AddedToken("<think>", normalized=False, special=False), AddedToken("</think>", special=False)])
    return tokenizer


def gemma() -> Tokenizer:
    # No space in front of a text, runs of spaces as tokens, line breaks as user-defined pieces.
    characters = sorted({c for text in TEXT for c in text.replace(" ", "▁")} - set("哈👍"))
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", *("▁" * n for n in range(2, 6)), "\n", "\n\n", "▁Potter"]
    vocabulary = {p: at for at, p in enumerate([*pieces, *(f"<0x{b:02X}>" for b in range(256)), *characters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("▁", "▁")], unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(["<pad>", "<eos>", "<bos>", "<unk>"])
    tokenizer.add_tokens([AddedToken("▁▁▁", normalized=False), AddedToken("\n\n", normalized=False)])
    return tokenizer


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(
        TEXT, trainers.UnigramTrainer(vocab_size=80, special_tokens=["<unk>", "</s>"], unk_token="<unk>")
    )
    return tokenizer


def unigram_with_bytes() -> Tokenizer:
    pieces = ["<unk>", *(f"<0x{b:02X}>" for b in range(256)), "▁", "▁Harry", "▁Pot", "ter", *"abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Tokenizer(models.Unigram([(p, -float(len(p) == 1)) for p in pieces], 0, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def tidying_wordpiece() -> Tokenizer:
    tokenizer = wordpiece()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer.add_tokens(["n't", "##tery", "q v"])
    return tokenizer


def end_of_word() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    trainer = trainers.BpeTrainer(vocab_size=120, special_tokens=["<unk>"], end_of_word_suffix="</w>")
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


KINDS = [
    byte_level, llama3, qwen, sentencepiece, llama2, gemma, unigram, unigram_with_bytes, wordpiece, tidying_wordpiece,
    end_of_word,
]  # fmt: skip
MADE = {make.__name__: (tokenizer := make(), vocabulary_of(tokenizer.to_str())) for make in KINDS}
WORDS = [
    "Harry",
    "Potter",
    "tea cup",
    "▁the▁Hatter",
    "Hög",
    "Hög warts",
    "n't",
    "##tery",
    "<think>",
    "  ",
    "\n\n",
    " ",
    "哈",
    "é",
]
TEXTS = st.one_of(
    st.sampled_from(TEXT), st.lists(st.sampled_from([*WORDS, "<0x41>", "don't", "end."])).map("".join), st.text(max_size=20)
)


@pytest.mark.parametrize("kind", MADE)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_the_bytes_of_ids_are_the_decoded_text(kind: str, text: str) -> None:
    tokenizer, vocabulary = MADE[kind]
    # Behind a word: Metaspace drops the spaces of a text's very first token, inner ones too.
    ids = tokenizer.encode("Harry " + text, add_special_tokens=False).ids
    ours = b"".join(vocabulary.raw[t] for t in ids).decode("utf-8", "replace")
    assert fold(ours).strip() == fold(tokenizer.decode(ids)).strip()


@pytest.mark.parametrize("kind", MADE)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
@pytest.mark.slow
def test_so_are_those_of_any_ids_that_are_utf8(kind: str, data: st.DataObject) -> None:
    tokenizer, vocabulary = MADE[kind]
    whole = [t for t in range(len(vocabulary)) if t not in vocabulary.cut]
    ids = data.draw(st.lists(st.sampled_from(whole), max_size=8))
    # A byte that is no character by itself, alone or between others, is where a ByteFallback may read more as broken than we do.
    before = tokenizer.encode("Harry", add_special_tokens=False).ids
    ids = before + [t for t in ids if not _invalid(vocabulary.raw[t])]
    ours = b"".join(vocabulary.raw[t] for t in ids).decode()
    assert fold(ours).strip() == fold(tokenizer.decode(ids)).strip()


def _invalid(raw: bytes) -> bool:
    return "\ufffd" in raw.decode("utf-8", "replace")


@pytest.mark.parametrize("kind", MADE)
def test_every_id_is_held(kind: str) -> None:
    tokenizer, vocabulary = MADE[kind]
    assert len(vocabulary) == tokenizer.get_vocab_size()
    special = {t for t, added in tokenizer.get_added_tokens_decoder().items() if added.special}
    assert vocabulary.special == special
    # In the middle of a text, with what stands before it taken off.
    before = next(t for t, raw in enumerate(vocabulary.raw) if raw.strip() == b"H")
    for t in range(len(vocabulary)):
        if t not in special and not _invalid(vocabulary.raw[t]):
            decoded = tokenizer.decode([before, t, before])
            assert (
                fold((vocabulary.raw[before] + vocabulary.raw[t] + vocabulary.raw[before]).decode()).strip()
                == fold(decoded).strip()
            )


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_byte_level_bytes_are_exactly_the_text(text: str) -> None:
    tokenizer = _BYTE_LEVEL
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    special = {tokenizer.token_to_id("<|end|>")}
    ours = b"".join(_VOCABULARY.raw[t] for t in ids if t not in special)
    assert ours.decode("utf-8", "replace") == tokenizer.decode(ids)


_BYTE_LEVEL = byte_level()
_VOCABULARY = vocabulary_of(_BYTE_LEVEL.to_str())


def test_special_tokens_add_no_text_and_other_added_ones_do() -> None:
    vocabulary = vocabulary_of(byte_level().to_str(), 400)
    end, added = _BYTE_LEVEL.token_to_id("<|end|>"), _BYTE_LEVEL.token_to_id("Hög warts")
    assert vocabulary.raw[end] == b""
    assert vocabulary.special == {end}
    assert vocabulary.raw[added] == "Hög warts".encode()
    assert len(vocabulary) == 400
    assert vocabulary.raw[399] == b""


def test_the_byte_level_alphabet_is_the_library_s() -> None:
    assert set(byte_level_alphabet()) == set(pre_tokenizers.ByteLevel.alphabet())
    assert sorted(byte_level_alphabet().values()) == list(range(256))


def test_a_tokenizer_without_byte_information_is_an_error() -> None:
    with pytest.raises(VocabularyError, match="cannot tell the bytes"):
        vocabulary_of(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).to_str())


def test_ids_with_holes_are_padding() -> None:
    description = json.loads(byte_level().to_str())
    description["added_tokens"][-1]["id"] = 400
    vocabulary = vocabulary_of(json.dumps(description), 402)
    assert vocabulary.raw[400] == "Hög warts".encode()
    assert set(vocabulary.raw[len(description["model"]["vocab"]) : 400]) | {vocabulary.raw[401]} == {b""}


def test_a_wordpiece_without_a_decoder_is_read_as_what_it_is() -> None:
    description = json.loads(wordpiece().to_str()) | {"decoder": None}
    assert list(vocabulary_of(json.dumps(description)).raw) == list(MADE["wordpiece"][1].raw)


def _decoder(*parts: decoders.Decoder) -> str:
    tokenizer = sentencepiece()
    tokenizer.decoder = decoders.Sequence(list(parts))
    return tokenizer.to_str()


def test_what_each_decoder_does() -> None:
    pieces = sentencepiece().get_vocab()
    stripped = vocabulary_of(_decoder(decoders.Strip("▁", 1, 0), decoders.Replace(Regex("[rt]+"), "x"), decoders.Fuse()))
    assert stripped.raw[pieces["▁Harry"]] == b"Haxy"
    last = vocabulary_of(
        _decoder(decoders.Strip("r", 0, 1), decoders.Fuse(), decoders.Strip("t", 1, 1), decoders.Replace("e", " "))
    )
    assert last.raw[pieces["ter"]] == b"t "
    assert vocabulary_of(_decoder(decoders.Fuse())).raw[pieces["<0x41>"]] == b"<0x41>"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([decoders.CTC()], "unknown decoder 'CTC'"),
        ([decoders.Fuse(), decoders.Replace("ab", "c")], "across tokens"),
        ([decoders.Fuse(), decoders.Replace(Regex("a"), "c")], "across tokens"),
        ([decoders.ByteLevel(), decoders.Metaspace()], "'Metaspace' after 'ByteLevel'"),
        ([decoders.Replace(Regex(r"\p{L}"), "c")], "pattern"),
    ],
)
def test_a_decoder_that_cannot_be_followed_is_an_error(parts: list[decoders.Decoder], message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        vocabulary_of(_decoder(*parts))


@pytest.mark.parametrize("description", ["", "[]", "{}", '{"model": {}}', '{"model": {"vocab": {"a": 0}}, "decoder": {}}'])
def test_what_does_not_describe_a_tokenizer_is_an_error(description: str) -> None:
    with pytest.raises(VocabularyError):
        vocabulary_of(description)


def test_an_empty_tokenizer_is_an_error() -> None:
    description = json.loads(byte_level().to_str()) | {"added_tokens": []}
    description["model"]["vocab"] = {}
    with pytest.raises(VocabularyError, match="no tokens"):
        vocabulary_of(json.dumps(description))
