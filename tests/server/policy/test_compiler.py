"""From forget targets to restriction files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classifiers import ForgetTarget
from classifiers.meaning.neighbours import Neighbours
from classifiers.semantic import SemanticSpec
from guard import Phrase, Restriction
from server.policy.compiler import Compiler, exceptions_of, phrases_of
from tests.server.fakes import WordEncoder

TARGETS = [
    ForgetTarget(id="a", name="Ada Byron", phrases=[Phrase("London", scope="gated")], forms=()),
    ForgetTarget(id="b", name="Bob Cat", aliases=["Bobby"], forms=()),
    ForgetTarget(id="c", name="Cat Doe", phrases=[Phrase("Leeds", scope="gated")], action="refuse"),
    ForgetTarget(id="d", name="Dan Eel", action="monitor"),
]


def digest(*texts: str) -> str:
    return Restriction.compile([Phrase(text) for text in texts]).digest


def files(folder: Path) -> set[str]:
    return {path.name.removesuffix(".safetensors") for path in folder.iterdir()}


def test_no_targets_no_restrictions(tmp_path: Path) -> None:
    assert Compiler(tmp_path).targets([]).digests == set()
    assert files(tmp_path) == set()


def test_only_targets_to_be_suppressed_make_restrictions(tmp_path: Path) -> None:
    compiled = Compiler(tmp_path).targets(TARGETS)
    assert compiled.always == {"a": digest("Ada Byron"), "b": digest("bob cat")}
    assert compiled.gated == {"a": digest("London"), "b": digest("Bobby")}
    assert files(tmp_path) == compiled.digests


def test_what_holds_for_every_answer_can_be_left_to_the_merged_restriction(tmp_path: Path) -> None:
    compiled = Compiler(tmp_path).targets(TARGETS, always=False)
    assert compiled.always == {}
    assert files(tmp_path) == set(compiled.gated.values()) == {digest("London"), digest("Bobby")}


def test_phrases_are_told_apart_by_scope() -> None:
    assert [phrase.text for phrase in phrases_of(TARGETS[1], "always")] == ["Bob Cat"]
    assert [phrase.text for phrase in phrases_of(TARGETS[1], "gated")] == ["Bobby"]
    assert [phrases_of(target, scope) for target in TARGETS[2:] for scope in ("always", "gated")] == [[]] * 4


def test_words_near_anchors_make_a_gated_restriction_even_without_phrases(tmp_path: Path) -> None:
    plain = [target.model_copy(update={"aliases": [], "phrases": []}) for target in TARGETS]
    words = SemanticSpec(words=["poetry", "Poem"], delta=0.8)
    targets = [target.model_copy(update={"semantic": words}) for target in plain]
    compiled = Compiler(tmp_path, Neighbours(WordEncoder())).targets(targets)
    assert Compiler(tmp_path).targets(plain).gated == {}
    assert set(compiled.gated) == {"a", "b"}  # the others are not suppressed
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
