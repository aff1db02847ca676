"""Whatever `check-policy` takes, a server starts with, and nothing else."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.live import LiveClassifier
from classifiers.meaning.background import Background
from classifiers.meaning.neighbours import Neighbours
from guard import Vocabulary
from guard.decoding.masks import Masks
from guard.restriction import Restriction
from server.cli.check import try_policy
from server.engine.probes import choose
from server.policy.file import Policy, PolicyError, load_policy
from server.policy.opening import open_policy
from server.store import Compiled as StoredCompiled
from server.store import Database, TargetDraft, Targets
from server.store.audit.log import Audit
from tests.conftest import copied
from tests.server.fakes import WordEncoder

VOCABULARY = Vocabulary.of([b"Mad", b" Mad", b" Hatter", None, b" tea", "茶".encode(), "ö".encode(), "й".encode(), b"\xff"])
# Scripts with and without spaces or case, right to left, marks, symbols, and what folds to nothing or to something longer.
LETTERS = "ab Zß9é ñø–'-.&+#\u0301\u200b\u00adйж Ωαא ب٣ कि ไทย 한국 日本カな 🅹😀ﬁⅧ\u0000\u0007\u2028\t\n"
TEXT = st.one_of(
    st.text(LETTERS, max_size=14),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["the", "C++", "R&D", "google\u05d1", "P\u0430ypal", "Mad Hatter", "a" * 513, "😀" * 300, "", "x " * 256]),
)
PHRASE = st.fixed_dictionaries(
    {"text": TEXT},
    optional={
        "scope": st.sampled_from(["always", "gated", "never"]),
        "match": st.sampled_from(["word", "prefix", "substring"]),
        "beta": st.sampled_from([1.0, 0.7, 0.01, 0.0, 1.5]),
        "penalty": st.sampled_from([4.5, 0.0, -1.0, 1e300, float("inf")]),
        "force": st.booleans(),
    },
)
WORDS = st.one_of(TEXT, st.sampled_from(["poetry", "physician", "брат", "brain surgeon", "1949", "their"]))
TARGET = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "a.b_c-d", "A", ""]), "name": TEXT},
    optional={
        "aliases": st.lists(TEXT, max_size=3),
        "phrases": st.lists(PHRASE, max_size=4),
        "examples": st.lists(st.fixed_dictionaries({"prompt": TEXT, "completion": TEXT}), max_size=2),
        "documents": st.lists(TEXT, max_size=2),
        "semantic": st.fixed_dictionaries({"words": st.lists(WORDS, max_size=3)}),
        "action": st.sampled_from(["suppress", "refuse", "monitor"]),
    },
)
# Most of what is drawn freely is refused; these are mostly taken.
FITTING = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b", "c"]), "name": st.text("abй日한 k", min_size=3, max_size=9).map(lambda name: f"{name}n")},
    optional={
        "phrases": st.lists(
            st.fixed_dictionaries(
                {"text": st.text(LETTERS, min_size=1, max_size=12).map(lambda text: f"{text}ab"), "force": st.just(True)},
                optional={
                    "scope": st.sampled_from(["always", "gated"]),
                    "match": st.sampled_from(["prefix", "substring"]),
                    "beta": st.sampled_from([0.01, 0.5]),
                },
            ),
            max_size=4,
        ),
        "examples": st.lists(
            st.fixed_dictionaries({"prompt": TEXT.map(lambda text: f"Who? {text}"), "completion": TEXT}), max_size=2
        ),
        "semantic": st.just({"words": ["poetry"]}),
    },
)
POLICY = st.lists(st.one_of(TARGET, FITTING, FITTING), max_size=3).map(lambda targets: {"version": 1, "targets": targets})


@pytest.fixture(scope="module")
def background() -> Background:
    return Background(["What is a good cake?", "How far is the moon?"], WordEncoder())


async def started(policy: Policy, template: Path, folder: Path, background: Background) -> None:
    """Do what a server does up to its engine, and with its tokens."""
    encoder = WordEncoder()
    database = await Database.open(f"sqlite:///{copied(template, folder / 'guard.db')}")
    opened = await open_policy(policy, database, Audit(), folder / "restrictions", Neighbours(encoder))
    await database.close()
    LiveClassifier(opened.found.targets, background, encoder)
    assert {target.id: target for target in opened.found.targets} == {target.id: target for target in policy.targets}
    digests = {*opened.gated.digests, *([opened.part.digest] if opened.part.digest else [])}
    for digest in digests:
        restriction = Restriction.load(folder / "restrictions", digest)
        assert Masks(restriction.automaton, VOCABULARY)
    assert choose(VOCABULARY, 3)


def takes(step: Any, *arguments: Any) -> bool:
    try:
        step(*arguments)
    except (ValueError, RuntimeError):
        return False
    return True


@pytest.mark.slow
@settings(deadline=None, max_examples=60)  # each makes two stores
@given(document=POLICY)
def test_check_policy_takes_what_a_server_starts_with(
    document: dict[str, Any], sqlite_template: Path, background: Background
) -> None:
    text = yaml.safe_dump(document, allow_unicode=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "policy.yaml"
        file.write_text(text, "utf-8", newline="")

        def check() -> None:
            try_policy(load_policy(file), Neighbours(WordEncoder()))

        def serve() -> None:
            asyncio.run(started(load_policy(file), sqlite_template, Path(folder) / "data", background))

        try:
            load_policy(file)
        except PolicyError:
            assert not takes(check)
            return
        # What can be loaded is taken by both.
        check()
        serve()


@pytest.mark.parametrize("status", ["active", "paused", "deleted", "purged"])
async def test_a_file_may_name_a_target_that_the_store_knows(database: Database, tmp_path: Path, status: str) -> None:
    policy = load_policy("version: 1\ntargets:\n- {id: a, name: Ada Brill}\n")
    repository = Targets()
    async with database.write() as session:
        await repository.create(session, TargetDraft(policy.targets[0].model_copy(update={"name": "Old Name"})), actor="x")
    async with database.write() as session:
        if status == "purged":
            await repository.purge(session, "a", actor="x")
        elif status != "active":
            await repository.set_status(session, "a", status, actor="x")  # type: ignore[arg-type]
    opened = await open_policy(policy, database, Audit(), tmp_path / "restrictions", Neighbours(WordEncoder()))
    assert [target.name for target in opened.found.targets] == ([] if status == "paused" else ["Ada Brill"])


async def test_without_a_file_the_targets_of_an_earlier_one_stay(database: Database, tmp_path: Path) -> None:
    policy = load_policy("version: 1\ntargets:\n- {id: a, name: Ada Brill}\n")
    for given_, kept in ((policy, 1), (None, 1), (policy.model_copy(update={"targets": []}), 0)):
        opened = await open_policy(given_, database, Audit(), tmp_path / "restrictions", Neighbours(WordEncoder()))
        assert len(opened.found.targets) == kept


def test_a_policy_that_cannot_be_compiled_is_refused_by_its_target() -> None:
    policy = load_policy("version: 1\ntargets:\n- {id: a, name: Ada Brill, semantic: {words: [poetry]}}\n")

    class Flat(WordEncoder):
        def encode(self, texts: Any) -> Any:
            return super().encode(texts) * 0

    with pytest.raises(ValueError, match=r"^target a: the encoder has no vector for one of its semantic words"):
        try_policy(policy, Neighbours(Flat()))


async def test_a_store_of_a_version_without_forms_opens_and_does_not_change(tmp_path: Path) -> None:
    folder = tmp_path / "restrictions"
    folder.mkdir()
    (folder / f"{'0' * 64}.safetensors").write_bytes(b"a restriction of format 1")
    policy = load_policy("version: 1\ntargets: [{id: a, name: Zorin Quaddle}, {id: b, name: Velmont Labs}]\n")
    database = await Database.open(f"sqlite:///{tmp_path}/guard.db")
    try:
        before = await open_policy(policy, database, Audit(), folder, Neighbours(WordEncoder()))
        async with database.write() as session:
            # Digests of an older format, whose files are gone.
            compiled = {("a", 1): StoredCompiled("0" * 64, "1" * 64, None), ("b", 1): StoredCompiled("2" * 64, None, None)}
            await Targets().set_compiled(session, compiled)
        again = await open_policy(policy, database, Audit(), folder, Neighbours(WordEncoder()))
        async with database.read() as session:
            stored = await Targets().get(session, "a")
    finally:
        await database.close()
    # These are the keys of the documents of the earlier version.
    keys = {"id", "name", "aliases", "examples", "documents", "phrases", "semantic", "action"}
    assert (stored.document or {}).keys() == keys
    assert dict(again.found.versions) == dict(before.found.versions) == {"a": 1, "b": 1}
    assert (again.part.digest, again.gated.digests) == (before.part.digest, before.gated.digests)
    assert again.part.digest
    for digest in (again.part.digest, *again.gated.digests):
        Restriction.load(folder, digest)


async def test_a_stored_exception_that_no_longer_has_an_effect_keeps_no_server_from_starting(tmp_path: Path) -> None:
    target = load_policy("version: 1\ntargets: [{id: a, name: Zorin Quaddle}]\n").targets[0]
    database = await Database.open(f"sqlite:///{tmp_path}/guard.db")
    try:
        async with database.write() as session:
            await Targets().create(session, TargetDraft(target.model_copy(update={"excepted": ["Grimm"]})), actor="k")
        found = await open_policy(None, database, Audit(), tmp_path / "restrictions", Neighbours(WordEncoder()))
    finally:
        await database.close()
    assert found.found.targets[0].excepted == ["Grimm"]
