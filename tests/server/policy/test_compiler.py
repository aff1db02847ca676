"""From forget targets to restriction files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from classifiers import ForgetTarget
from classifiers.meaning.encoder import Vectors
from classifiers.meaning.neighbours import Neighbours
from classifiers.semantic import SemanticSpec
from guard import Phrase, Restriction
from guard.forms.derive import derive
from server.policy import compiler as module
from server.policy.compiler import Compiler, exceptions_of, phrases_of
from server.policy.kept import NAME, Kept
from server.policy.parts import Part
from tests.server.fakes import WordEncoder

TARGETS = [
    ForgetTarget(id="a", name="Ada Byron", phrases=[Phrase("London", scope="gated")], forms=()),
    ForgetTarget(id="b", name="Bob Cat", aliases=["Bobby"], forms=()),
    ForgetTarget(id="c", name="Cat Doe", phrases=[Phrase("Leeds", scope="gated")], forms=(), action="refuse"),
    ForgetTarget(id="d", name="Dan Eel", action="monitor"),
]


def digest(*texts: str) -> str:
    return Restriction.compile([Phrase(text) for text in texts]).digest


def files(folder: Path) -> set[str]:
    return {path.name.removesuffix(".safetensors") for path in folder.iterdir()}


def test_no_targets_no_restrictions(tmp_path: Path) -> None:
    assert Compiler(tmp_path).targets([]).digests == set()
    assert files(tmp_path) == set()


def test_all_that_is_banned_about_a_refused_target_is_gated(tmp_path: Path) -> None:
    compiled = Compiler(tmp_path).targets(TARGETS)
    assert compiled.always == {"a": digest("Ada Byron"), "b": digest("bob cat")}
    assert compiled.gated == {"a": digest("London"), "b": digest("Bobby"), "c": digest("Leeds", "Cat Doe")}
    assert files(tmp_path) == compiled.digests


def test_what_holds_for_every_answer_can_be_left_to_the_merged_restriction(tmp_path: Path) -> None:
    compiled = Compiler(tmp_path).targets(TARGETS, always=False)
    assert compiled.always == {}
    assert files(tmp_path) == set(compiled.gated.values()) == {digest("London"), digest("Bobby"), digest("Leeds", "Cat Doe")}


def test_phrases_are_told_apart_by_scope() -> None:
    assert [phrase.text for phrase in phrases_of(TARGETS[1], "always")] == ["Bob Cat"]
    assert [phrase.text for phrase in phrases_of(TARGETS[1], "gated")] == ["Bobby"]
    assert [phrase.text for phrase in phrases_of(TARGETS[2], "gated")] == ["Leeds", "Cat Doe"]
    assert phrases_of(TARGETS[2], "always") == phrases_of(TARGETS[3], "always") == phrases_of(TARGETS[3], "gated") == []


def test_words_near_anchors_make_a_gated_restriction_even_without_phrases(tmp_path: Path) -> None:
    plain = [target.model_copy(update={"aliases": [], "phrases": []}) for target in TARGETS]
    words = SemanticSpec(words=["poetry", "Poem"], delta=0.8)
    targets = [target.model_copy(update={"semantic": words}) for target in plain]
    compiled = Compiler(tmp_path, Neighbours(WordEncoder())).targets(targets)
    assert set(Compiler(tmp_path).targets(plain).gated) == {"c"}  # the name of what is refused
    assert set(compiled.gated) == {"a", "b", "c"}  # the other is only monitored
    assert compiled.gated["a"] == compiled.gated["b"] == Compiler(tmp_path, Neighbours(WordEncoder())).targets(targets).gated["a"]
    automaton = Restriction.load(tmp_path, compiled.gated["a"]).automaton
    assert automaton.completes(automaton.start, np.frombuffer(b" some poems ", np.uint8)) > 0
    assert automaton.completes(automaton.start, np.frombuffer(b" some biscuit ", np.uint8)) == 0
    with pytest.raises(ValueError, match="target a has semantic words, which cannot be compiled without an encoder"):
        Compiler(tmp_path).targets(targets)


def test_forms_are_compiled_with_their_phrases(tmp_path: Path) -> None:
    target = ForgetTarget(id="p", name="Harry Potter", aliases=["Potter"])
    compiled = Compiler(tmp_path).targets([target])
    assert compiled.always["p"] == Restriction.compile(phrases_of(target, "always")).digest
    assert compiled.always["p"] != digest("Harry Potter")
    assert "potter harry" in {phrase.pattern for phrase in phrases_of(target, "always")}


def excepting(target_id: str, *texts: str) -> ForgetTarget:
    return ForgetTarget.model_validate(
        {"id": target_id, "name": "Zorin Quaddle", "phrases": [{"text": "Quaddle"}], "forms": [], "except": texts}
    )


def test_an_exception_excuses_the_phrases_of_its_own_target_alone(tmp_path: Path) -> None:
    first, other = excepting("a", "Quaddle Brothers"), excepting("b")

    def excused(*targets: ForgetTarget) -> dict[str, set[str]]:
        found = exceptions_of([(target, phrases_of(target, "always")) for target in targets])
        return {exception.text: set(exception.phrases or ()) for exception in found}

    assert excused(other) == {}
    assert excused(first) == {"Quaddle Brothers": {"quaddle"}}
    assert excused(first, other) == {}  # the other bans the same phrase without the exception
    assert excused(first, excepting("b", "QUADDLE brothers")) == {"Quaddle Brothers": {"quaddle"}}
    renamed = other.model_copy(update={"name": "Brothers Grimm", "phrases": []})
    assert excused(first, renamed) == {"Quaddle Brothers": {"quaddle"}}


def test_an_excepted_text_may_be_said_and_the_phrase_alone_may_not(tmp_path: Path) -> None:
    compiler = Compiler(tmp_path)
    part = compiler.part({"a": excepting("a", "Quaddle Brothers")})
    alone = compiler.targets([excepting("a", "Quaddle Brothers")]).always["a"]
    assert part.digest == alone
    assert Restriction.load(tmp_path, alone).exceptions is not None
    # In a restriction with a target that does not except it, the ban holds as without the exception.
    both = {"a": excepting("a", "Quaddle Brothers"), "b": excepting("b")}
    assert compiler.part(both).digest == compiler.part({"a": excepting("a"), "b": excepting("b")}).digest


def kept_targets() -> list[ForgetTarget]:
    return [
        ForgetTarget(id="p", name="Harry Potter", aliases=["Potter"]),
        ForgetTarget(id="h", name="Mad Hatter", phrases=[Phrase("London", scope="gated")]),
        ForgetTarget(id="j", name="Harry James Potter"),
        # The same but for the id.
        ForgetTarget(id="k", name="Harry James Potter"),
        *TARGETS[1:],
    ]


def forget_derived(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the targets whose phrases are derived from now on."""
    derived: list[str] = []

    def spied(target: ForgetTarget, scope: str) -> list[Phrase]:
        derived.append(target.id)
        return phrases_of(target, scope)

    monkeypatch.setattr(module, "phrases_of", spied)
    return derived


def test_a_part_without_a_target_is_that_of_the_other_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler, targets = Compiler(tmp_path), {target.id: target for target in kept_targets()}
    part = compiler.part(targets)
    others = {i: target for i, target in targets.items() if i not in ("p", "d")}
    expected = compiler.part(others)
    derived = forget_derived(monkeypatch)
    found = compiler.without(part, ["p", "d", "unknown"])
    assert (found.digest, found.targets) == (expected.digest, others)
    assert derived == []
    assert compiler.without(part, list(targets)).digest is None


def test_merged_parts_are_the_part_of_all_targets(tmp_path: Path) -> None:
    compiler, targets = Compiler(tmp_path), kept_targets()
    parts = [compiler.part({t.id: t for t in some}) for some in (targets[:3], targets[4:])]
    single = Part(compiler.targets(targets[3:4]).always.get("k"), {"k": targets[3]})
    merged = compiler.merged([*parts, single])
    assert merged.digest == compiler.part({t.id: t for t in targets}).digest
    assert compiler.without(merged, ["k"]).digest == compiler.part({t.id: t for t in targets if t.id != "k"}).digest


def test_a_start_derives_only_what_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = kept_targets()
    Compiler(tmp_path).first(targets)
    changed = targets[1].model_copy(update={"aliases": ["The Hatter"]})
    now = [targets[2], changed, targets[0], targets[3], *targets[5:], ForgetTarget(id="n", name="New Name")]
    expected = Compiler(tmp_path / "other").first(now)
    derived = forget_derived(monkeypatch)
    part, compiled = Compiler(tmp_path).first(now)
    assert set(derived) == {"h", "n"}
    assert (part.digest, set(part.targets)) == (expected[0].digest, {target.id for target in now})
    assert compiled == expected[1]
    derived.clear()
    assert Compiler(tmp_path).first(now)[1] == compiled
    assert derived == []


def test_a_start_compiles_what_is_gone_or_damaged(tmp_path: Path) -> None:
    targets = kept_targets()
    part, compiled = Compiler(tmp_path).first(targets)
    intact = {path.name: path.read_bytes() for path in tmp_path.glob("*.safetensors")}
    (tmp_path / f"{compiled.gated['p']}.safetensors").unlink()
    for digest in (compiled.gated["h"], str(part.digest)):
        (tmp_path / f"{digest}.safetensors").write_bytes(b"damaged")
    again = Compiler(tmp_path).first(targets)
    assert (again[0].digest, again[1]) == (part.digest, compiled)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.safetensors")} == intact


def test_a_start_without_what_was_kept_is_the_same(tmp_path: Path) -> None:
    first = Compiler(tmp_path).first(kept_targets())
    (tmp_path / NAME).unlink()  # as in a folder of an earlier version
    again = Compiler(tmp_path).first(kept_targets())
    assert (again[0].digest, again[1]) == (first[0].digest, first[1])
    assert (tmp_path / NAME).is_file()


def test_a_start_with_kept_semantic_words_compares_none_again(tmp_path: Path) -> None:
    class Counting(WordEncoder):
        calls = 0

        def encode(self, texts: Sequence[str]) -> Vectors:
            self.calls += 1
            return super().encode(texts)

    example = {"prompt": "What?", "completion": "A biscuit."}
    target = ForgetTarget.model_validate(
        {"id": "a", "name": "Ada Byron", "semantic": {"words": ["poetry"]}, "examples": [example]}
    )
    first, again = Counting(), Counting()
    made = Compiler(tmp_path, Neighbours(first)).first([target])[1]
    assert Compiler(tmp_path, Neighbours(again)).first([target])[1].gated == made.gated
    assert first.calls
    assert not again.calls
    # The words of its texts are compared, too.
    changed = target.model_copy(update={"documents": ["A poetess."]})
    Compiler(tmp_path, Neighbours(again)).first([changed])
    assert again.calls
    with pytest.raises(ValueError, match="without an encoder"):
        Compiler(tmp_path).first([target])


def test_what_cannot_be_kept_does_not_prevent_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Kept, "write", full)
    assert Compiler(tmp_path).first(kept_targets())[0].digest
    assert "not kept" in caplog.text


def test_many_derived_forms_do_not_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Compiler(tmp_path).first(kept_targets())
    assert derive.cache_info().currsize
    monkeypatch.setattr(module, "_DERIVED", 0)
    Compiler(tmp_path).keep([Compiler(tmp_path).part({"p": kept_targets()[0]})], {})
    assert not derive.cache_info().currsize


def test_exceptions_are_those_of_the_targets_that_remain(tmp_path: Path) -> None:
    compiler = Compiler(tmp_path)
    others = [
        excepting("b"),  # bans the same phrase without the exception
        ForgetTarget(id="s", name="Somebody Else", phrases=[Phrase("dle bro", match="substring")], forms=()),
        ForgetTarget(id="c", name="Quaddle Brothers Inc", forms=()),
        ForgetTarget(id="g", name="Zorin Quaddle"),  # its forms include one more word in between
        ForgetTarget(id="x", name="Harry Potter"),
    ]
    texts = ("Quaddle Brothers", "Zorin Ann Quaddle", "Old. Quaddle Brothers")
    everyone = {target.id: target for target in (excepting("a", *texts), *others)}
    for gone in ([], ["b"], ["b", "g"], ["b", "s", "c", "g"], ["a"], ["x"]):
        few = {i: target for i, target in everyone.items() if i not in gone}
        found = [(target, phrases_of(target, "always")) for target in few.values()]
        phrases = [phrase for _, some in found for phrase in some]
        expected = Restriction.compile(phrases, exceptions_of(found)).digest
        assert compiler.part(few).digest == expected
        assert compiler.without(compiler.part(everyone), gone).digest == expected
