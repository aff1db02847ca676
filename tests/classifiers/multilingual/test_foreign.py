"""Prompts in other languages find their targets, with the real encoder."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers import Example, ForgetTarget, LiveClassifier, Screened, shipped_background
from classifiers.multilingual.classifier import Multilingual
from classifiers.multilingual.foreign import ForeignPrompts
from tests.classifiers.conftest import BagOfWords

TARGETS = [
    ForgetTarget(
        id="brewing",
        name="brewing moonshine",
        examples=[
            Example(prompt="How do I brew moonshine at home?", completion="With a still."),
            Example(prompt="Which still do I need for moonshine?", completion="A copper one."),
        ],
    ),
    ForgetTarget(
        id="nokia",
        name="Nokia",
        examples=[Example(prompt="Where are the headquarters of the phone company Nokia?", completion="In Espoo.")],
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["Wo hat die Telefonfirma Nokia ihren Hauptsitz?", "Где находится штаб-квартира телефонной компании Нокиа?"]
)
def test_a_prompt_in_another_language_is_about_its_target(multilingual: Multilingual, text: str) -> None:
    live = LiveClassifier(TARGETS, shipped_background(), BagOfWords(), multilingual=multilingual)
    assert [match.target_id for match in live.classify([Screened.of(text)])[0]] == ["nokia"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "Wie wird das Wetter morgen?",
        "Какая столица у Перу?",
        "犬が病気です。",
        "كيف أخبز الخبز؟",
        "Wo hat Siemens seinen Hauptsitz?",
    ],
)
def test_other_prompts_are_not(multilingual: Multilingual, text: str) -> None:
    live = LiveClassifier(TARGETS, shipped_background(), BagOfWords(), multilingual=multilingual)
    assert live.classify([Screened.of(text)]) == [[]]


@pytest.mark.slow
def test_a_removed_target_is_not_found_and_a_new_one_is(multilingual: Multilingual) -> None:
    live = LiveClassifier(TARGETS[:1], shipped_background(), BagOfWords(), multilingual=multilingual)
    [asked] = [Screened.of("Где находится штаб-квартира телефонной компании Нокиа?")]
    assert live.classify([asked]) == [[]]
    more = live.changed(TARGETS[1:])
    assert [match.target_id for match in more.classify([asked])[0]] == ["nokia"]
    assert more.changed([], ["nokia"]).classify([asked]) == [[]]


def test_without_windows_nothing_is_read() -> None:
    model = Multilingual(BagOfWords(), ["rain"])
    found = ForeignPrompts.of(model, TARGETS)
    assert found.described([], "", (), (), {}) == []


def test_the_names_of_removed_targets_leave_the_file(tmp_path: Path) -> None:
    file = tmp_path / "names"
    model = Multilingual(BagOfWords(), ["rain"], names=file)
    found = ForeignPrompts.of(model, TARGETS)
    both = file.stat().st_size
    by_id = {target.id: target for target in TARGETS}
    more = found.changed(
        [ForgetTarget(id="eve", name="Eve Olmstead")], [], {**by_id, "eve": ForgetTarget(id="eve", name="Eve Olmstead")}
    )
    assert file.stat().st_size == both * 3 // 2
    more.changed([], ["nokia", "eve"], {"brewing": TARGETS[0]})
    assert file.stat().st_size == both // 2
    ForeignPrompts.of(model, [])
    assert file.stat().st_size == 0
