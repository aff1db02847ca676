"""The startup proof: it works with any vocabulary, whatever the model prefers, and names each way in which an engine disobeys."""

from __future__ import annotations

import asyncio
import importlib.resources
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as run
from hypothesis import strategies as st
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from classifiers.meaning.encoder import bundled_model
from evaluation.tekken import vocabulary_of_tekken
from guard import Vocabulary
from guard.folding import fold
from guard.phrase import Phrase
from guard.processors.tokenizer import vocabulary_from
from guard.restriction import SUFFIX, Restriction
from guard.tokens.tokenizers import byte_level_alphabet, vocabulary_of
from server.engine.probes import choose
from server.engine.proof import prove
from server.errors import EngineFailure, GuardFailure
from tests.conftest import LiveServer
from tests.guard.strategies import vocabularies
from tests.server.fakes import DEAD_END, FakeEngine

MISTRAL = Path(str(importlib.resources.files("mistral_common"))) / "data"
SPECIAL = ["<s>", "</s>", "<unk>", "<pad>"]
assert SPECIAL.index("<pad>") == DEAD_END


def described(model: Any, decoder: Any) -> Vocabulary:
    tokenizer = Tokenizer(model)
    tokenizer.decoder = decoder
    tokenizer.add_special_tokens([AddedToken(special, special=True) for special in SPECIAL])
    return vocabulary_of(tokenizer.to_str())


def ids(pieces: list[str]) -> dict[str, int]:
    return {piece: at for at, piece in enumerate([*SPECIAL, *pieces])}


def byte_level(*words: str) -> Vocabulary:
    alphabet = byte_level_alphabet()
    written = {byte: character for character, byte in alphabet.items()}
    pieces = [*alphabet, *("".join(written[byte] for byte in word.encode()) for word in words)]
    return described(models.BPE(vocab=ids(pieces), merges=[]), decoders.ByteLevel())


def wordpiece(*pieces: str) -> Vocabulary:
    model = models.WordPiece(vocab=ids(list(pieces)), unk_token="<unk>")
    return described(model, decoders.WordPiece(prefix="##", cleanup=True))


def sentencepiece(*pieces: str) -> Vocabulary:
    listed = [(piece, -float(at)) for piece, at in ids([*(f"<0x{byte:02X}>" for byte in range(256)), *pieces]).items()]
    chain = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    return described(models.Unigram(listed, unk_id=2, byte_fallback=True), decoders.Sequence(chain))


def bare(*tokens: bytes) -> Vocabulary:
    return Vocabulary.of([None, None, None, None, *tokens])


VOCABULARIES = {
    "byte-level BPE": (byte_level(" the", "ing", "ting", " Paris", " tea"), ["ing", "paris"]),
    "bytes alone": (byte_level(), ["b", "c"]),
    "WordPiece": (wordpiece("[unused1]", "the", "t", "##t", "##tion", "king", "queen"), ["tion", "king"]),
    "WordPiece, continuations alone": (wordpiece("##a", "##b", "##the"), ["b", "the"]),
    "SentencePiece": (sentencepiece("▁", "▁▁▁", "▁of", "▁Welt", "▁Welten", "▁l'", "stein"), ["welt", "stein"]),
    "SentencePiece, byte fallback alone": (sentencepiece("▁"), ["b", "c"]),
    "another alphabet": (sentencepiece("▁и", "▁мир", "▁Война"), [fold("мир"), fold("воина")]),
    "a script without spaces": (bare("茶".encode(), "酒".encode(), "茶".encode()[:2]), ["茶", "酒"]),
    "single letters": (bare(b"a", b"b", b" c"), ["b", "c"]),
    "stop words alone": (bare(b" the", b" The", b" and", b"."), ["the", "and"]),
    "no letters": (bare(b".", b"7", b"70", b"-", b"8"), ["7", "8"]),
    "one in the other": (bare(b"tea", b" teacup", b" TEA", b"cup"), ["tea", "cup"]),
    # After "aba" the token "bab" ends a text that holds "bab" twice, and one that holds "aba" again.
    "overlapping": (bare(b"aba", b"bab", b"abacus", b"oak"), ["aba", "oak"]),
    "longer than a phrase": (bare(b"x" * 513, b" " + b"long" * 100), ["long" * 100]),
    "several words in a token": (bare(b" New York", b"<tool_call>", b"?"), ["new york", "tool call"]),
    "one usable token": (bare(b" tea", b" Tea", b"...", b"\xe8\x8c"), ["tea"]),
    "one word in the other": (bare(b"a", b"aa", b"\n"), ["aa"]),
}
NOTHING = {
    "no letter or digit": bare(b".", b"--", b" ", b"\n"),
    "parts of characters": bare(b"\xe8", b"\x8c", b"\xb6", b"\xff"),
    "special tokens alone": bare(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of restrictions, with one of a target in it."""
    Restriction.compile([Phrase("Mad Hatter")]).save(tmp_path)
    return tmp_path


def listed(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*" + SUFFIX)}


@contextmanager
def nothing_left(folder: Path, engine: FakeEngine) -> Iterator[None]:
    """Check that neither the folder nor the engine has more or less afterwards than before."""
    before, loaded = {path: path.read_bytes() for path in folder.iterdir()}, list(engine.loaded)
    yield
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert engine.loaded == loaded


def started(folder: Path, vocabulary: Vocabulary = VOCABULARIES["byte-level BPE"][0], kind: type[FakeEngine] = FakeEngine) -> Any:
    engine = kind(vocabulary, folder)
    engine.vocabulary = len(vocabulary)
    return engine


@pytest.mark.parametrize("name", VOCABULARIES)
@pytest.mark.parametrize("prefers", [min, max])
async def test_any_vocabulary_proves(folder: Path, name: str, prefers: Callable[[Collection[int]], int]) -> None:
    vocabulary, words = VOCABULARIES[name]
    probes = choose(vocabulary, DEAD_END)
    assert [probe.word for probe in probes] == words
    assert all(vocabulary.raw[probe.token] == probe.raw for probe in probes)
    engine = started(folder, vocabulary)
    engine.prefers = prefers
    with nothing_left(folder, engine):
        await prove(engine, folder, "fake")
    asked = [body.get("vllm_xargs", {}).get("guard") for body in engine.bodies]
    # Free, one banned where there are two, all banned, no argument, unknown.
    assert [None if guard is None else len(guard) for guard in asked] == [0, *([1, 2] if len(words) == 2 else [1]), None, 1]


def tekken() -> Vocabulary:
    """131,072 tokens."""
    return vocabulary_of_tekken(MISTRAL / "tekken_240911.json")


def mistral_sentencepiece() -> Vocabulary:
    return vocabulary_from(MistralTokenizer.from_file(MISTRAL / "tokenizer.model.v1"), 32_000)


def bert_wordpiece() -> Vocabulary:
    return vocabulary_of((bundled_model() / "tokenizer.json").read_text("utf-8"))


def trained(model: Any, trainer: Any, pre_tokenizer: Any, decoder: Any) -> Vocabulary:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizer, decoder
    tokenizer.train_from_iterator(["The Mad Hatter has tea with the March Hare, 7 cups of tea."] * 8, trainer)
    return vocabulary_of(tokenizer.to_str())


def trained_bpe() -> Vocabulary:
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    return trained(models.BPE(), trainer, pre_tokenizers.ByteLevel(), decoders.ByteLevel())


def trained_unigram() -> Vocabulary:
    trainer = trainers.UnigramTrainer(vocab_size=60, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False)
    return trained(models.Unigram(), trainer, pre_tokenizers.Metaspace(), decoders.Metaspace())


REAL = [tekken, mistral_sentencepiece, bert_wordpiece, trained_bpe, trained_unigram]


@pytest.mark.slow
@pytest.mark.parametrize("made", REAL)
async def test_the_vocabularies_of_real_tokenizers_prove(folder: Path, made: Callable[[], Vocabulary]) -> None:
    vocabulary = made()
    engine = started(folder, vocabulary)
    assert len(choose(vocabulary, DEAD_END)) == 2
    for engine.prefers in (min, max):
        with nothing_left(folder, engine):
            await prove(engine, folder, "fake")
    assert len(engine.bodies) == 10


FAVOURITES = {
    "white space": b" ",
    "a line": b"\n\n",
    "emoji": "\U0001f600".encode(),
    "a digit": b"7",
    "a stop word": b" the",
    "nothing": None,
}


@pytest.mark.parametrize("name", FAVOURITES)
@pytest.mark.parametrize("others", [(), (b" tea", b" cup")])
async def test_whatever_a_model_answers_by_itself_it_proves(folder: Path, name: str, others: tuple[bytes, ...]) -> None:
    """If there is no better token, what it likes to say may be a probe."""
    favourite = FAVOURITES[name]
    vocabulary = bare(*(token for token in FAVOURITES.values() if token is not None), *others)
    liked = DEAD_END if favourite is None else vocabulary.raw.index(favourite)
    engine = started(folder, vocabulary)
    engine.prefers = lambda left: liked if liked in left else max(left)
    with nothing_left(folder, engine):
        await prove(engine, folder, "fake")
    probes = {probe.token for probe in choose(vocabulary, DEAD_END)}
    assert (liked in probes) == (not others and name in ("a digit", "a stop word"))


@pytest.mark.parametrize("name", NOTHING)
async def test_a_vocabulary_that_says_nothing_is_told_before_anything_is_asked(folder: Path, name: str) -> None:
    engine = started(folder, NOTHING[name])
    with nothing_left(folder, engine), pytest.raises(GuardFailure, match=r"none of the \d+ tokens .* own tokenizer"):
        await prove(engine, folder, "fake")
    assert engine.bodies == []


@pytest.mark.slow
@run(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tokens=vocabularies(), prefers=st.sampled_from([min, max]))
def test_whatever_the_tokens_are_the_proof_passes_on_an_engine_that_obeys(
    tmp_path: Path, tokens: list[bytes | None], prefers: Callable[[Collection[int]], int]
) -> None:
    # The proof asks the slow reference what to expect, the engine has the fast matcher.
    engine = started(tmp_path, Vocabulary.of(tokens))
    engine.prefers = prefers
    asyncio.run(prove(engine, tmp_path, "fake"))
    assert len(engine.bodies) == 5


async def test_the_vocabulary_is_read_beside_the_event_loop(folder: Path) -> None:
    threads = []

    class Slow(FakeEngine):
        def tokens(self) -> Vocabulary:
            threads.append(threading.current_thread())
            return super().tokens()

    await prove(started(folder, kind=Slow), folder, "fake")
    assert threads
    assert threading.current_thread() not in threads


@pytest.mark.parametrize("disobeys", [None, 0, 1])
async def test_each_data_parallel_rank_has_to_prove_it(folder: Path, disobeys: int | None) -> None:
    engine = started(folder)
    engine.ranks = 2
    answers, asked = engine.app, list[bytes]()

    async def by_rank(scope: Scope, receive: Receive, send: Send) -> None:
        rank = dict(scope["headers"])[b"x-data-parallel-rank"]
        asked.append(rank)
        engine.obeys = int(rank) != disobeys
        await answers(scope, receive, send)

    engine.app = by_rank
    with nothing_left(folder, engine):
        if disobeys is None:
            await prove(engine, folder, "fake")
            assert asked == [b"0"] * 3 + [b"1"] * 3 + [b"0"] * 2 + [b"1"] * 2
        else:
            with pytest.raises(GuardFailure, match=f"^data-parallel rank {disobeys}: startup proof: .* processor is not live"):
                await prove(engine, folder, "fake")


async def test_a_target_whose_phrase_is_the_proof_s_word_keeps_its_restriction(folder: Path) -> None:
    engine = started(folder)
    for probe in choose(engine.said, DEAD_END):
        restriction = Restriction.compile([Phrase(probe.word, match="substring")])
        restriction.save(folder)
        await engine.load([restriction.digest])
    with nothing_left(folder, engine):
        await prove(engine, folder, "fake")


class Ignores(FakeEngine):
    """Its processor is not live."""

    def token(self, body: dict[str, Any]) -> int:
        return self.prefers(body["allowed_token_ids"])


class IgnoresTheSecond(FakeEngine):
    """It obeys one restriction of a request alone."""

    def token(self, body: dict[str, Any]) -> int:
        xargs = body.get("vllm_xargs", {})
        return super().token(body | {"vllm_xargs": xargs | {"guard": xargs.get("guard", [])[:1]}})


class IgnoresTheUnknown(FakeEngine):
    """It generates under a restriction that it does not hold."""

    def token(self, body: dict[str, Any]) -> int:
        guard = [digest for digest in body.get("vllm_xargs", {}).get("guard", []) if digest in self.loaded]
        return super().token(body | {"vllm_xargs": {"guard": guard}})


class DoesNotAsk(FakeEngine):
    """It answers requests without a guard argument."""

    def __init__(self, *known: Any) -> None:
        super().__init__(*known)
        self.asks = False


class BansTooMuch(FakeEngine):
    """Every restriction closes its requests."""

    def token(self, body: dict[str, Any]) -> int:
        return DEAD_END if body.get("vllm_xargs", {}).get("guard") else super().token(body)


class InventsAToken(FakeEngine):
    """Where nothing is left it says token 0, as vLLM does by itself."""

    def token(self, body: dict[str, Any]) -> int:
        token = super().token(body)
        return 0 if token == DEAD_END else token


class IgnoresTheAllowList(FakeEngine):
    """It says what it likes."""

    def token(self, body: dict[str, Any]) -> int:
        return 5


class HidesTokens(FakeEngine):
    """It does not tell which tokens it said."""

    def _one_token(self, body: dict[str, Any]) -> dict[str, Any]:
        return super()._one_token(body | {"return_token_ids": False})


class Answers500(FakeEngine):
    """It does not answer completions."""

    async def _completion(self, request: Request) -> Response:
        return JSONResponse({"error": {"message": "no kernel for this device"}}, 500)


DISOBEDIENT: dict[type[FakeEngine], tuple[str, ...]] = {
    # What was expected, what happened, with which token, what to do.
    Ignores: ("should have said token 263 (' Paris')", "it said token", "('ing')", "not live", "requirements/"),
    IgnoresTheSecond: ("with token", "banned", "stop_reason 3", "it said token", "not live", "requirements/"),
    IgnoresTheUnknown: ("under an unknown restriction", "should have said nothing", "it said token", "this version"),
    DoesNotAsk: ("without a guard argument", "with status 400, but answered 200", "(' Paris')", "Check that vLLM validates"),
    BansTooMuch: ("should have said token 263 (' Paris')", "token ids [3]", "bans more than", "same tokenizer"),
    InventsAToken: ("stop_reason 3, the dead-end token", "token ids [0]", "does not end", "requirements/"),
    IgnoresTheAllowList: ("should have said token", "token ids [5]", "does not obey allowed_token_ids", "requirements/"),
    HidesTokens: ("should have said token", "token ids []", "return_token_ids", "requirements/"),
    Answers500: ("status 200, but it answered 500", "no kernel for this device", "(' Paris')", "arguments after --"),
}


@pytest.mark.parametrize("kind", DISOBEDIENT)
async def test_an_engine_that_does_not_obey_is_told_with_what_to_do(folder: Path, kind: type[FakeEngine]) -> None:
    engine = started(folder, kind=kind)
    with nothing_left(folder, engine), pytest.raises(GuardFailure) as caught:
        await prove(engine, folder, "fake")
    assert str(caught.value).startswith("startup proof")
    for part in DISOBEDIENT[kind]:
        assert part in str(caught.value)


async def test_one_token_is_enough_to_see_that_a_ban_is_ignored(folder: Path) -> None:
    engine = started(folder, bare(b" tea"), Ignores)
    with nothing_left(folder, engine), pytest.raises(GuardFailure, match=r"token 4 \(' tea'\) banned .* not live"):
        await prove(engine, folder, "fake")


@pytest.mark.parametrize("broken", ["load", "forget"])
async def test_files_go_even_if_the_workers_fail(folder: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    async def fails(_: object) -> None:
        raise EngineFailure("a worker failed")

    engine = started(folder)
    monkeypatch.setattr(engine, broken, fails)
    before = listed(folder)
    with pytest.raises(EngineFailure, match="a worker failed"):
        await prove(engine, folder, "fake")
    assert listed(folder) == before


class Rewriting:
    """A running engine behind an application that changes the guard argument of what passes."""

    def __init__(self, engine: Any, change: Callable[[list[str] | None], list[str]]) -> None:
        self._engine = engine
        self._change = change
        self.app = Starlette()
        self.app.add_route("/v1/completions", self._pass, methods=["POST"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def _pass(self, request: Request) -> Response:
        body = await request.json()
        body["vllm_xargs"] = {"guard": self._change(body.get("vllm_xargs", {}).get("guard"))}
        transport = httpx.ASGITransport(app=self._engine.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=None) as client:
            answer = await client.post("/v1/completions", json=body)
        return Response(answer.content, answer.status_code, media_type="application/json")


@pytest.mark.engine
def test_the_real_engine_proves_as_often_as_it_is_asked(live: LiveServer) -> None:
    engine, folder = live.service.running.engine, live.service.settings.restrictions
    before = listed(folder)
    for _ in range(2):
        live.run(prove(engine, folder, "demo"))
    assert listed(folder) == before
    digests = [probe.restriction.digest for probe in choose(engine.tokens(), engine.dead_end, engine.vocabulary)]
    assert len(digests) == 2
    assert set(live.run(engine.held(digests))) == {0}


@pytest.mark.engine
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda guard: [], "not live"),
        (lambda guard: guard or [], "without a guard argument"),
        (lambda guard: ["refuse"] if guard else [], "bans more than the restriction names"),
        (lambda guard: guard and [digest for digest in guard if digest != "0" * 64], "under an unknown restriction"),
        (lambda guard: guard and guard[:1], "with token .* banned and nothing else allowed"),
    ],
)
def test_the_real_engine_fails_the_proof_when_its_processor_is_told_to_ignore(
    live: LiveServer, change: Callable[[list[str] | None], list[str]], message: str
) -> None:
    engine, folder = live.service.running.engine, live.service.settings.restrictions
    before = listed(folder)
    with pytest.raises(GuardFailure, match=message):
        live.run(prove(Rewriting(engine, change), folder, "demo"))  # type: ignore[arg-type]
    assert listed(folder) == before
