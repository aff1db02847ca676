from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from evaluation.tinylm.model import train
from evaluation.tofu.judging import Judge
from evaluation.tofu.records import Record
from guard.errors import UnknownRestriction
from guard.phrase import Phrase
from guard.processors.arguments import REFUSE
from guard.restriction import Restriction
from server.policy.held import Held
from tests.evaluation.tinylm.tiny import PAIRS, TINY

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
ROW = Record(PAIRS[0].question, PAIRS[0].answer, "Ketill is the one.", ("Njal keeps it.",))


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    folder = tmp_path_factory.mktemp("judging") / "model"
    train(
        PAIRS, folder, dataclasses.replace(TINY, epochs=1, extra_epochs=0, exact=None, required=False), progress=False, threads=1
    )
    return Judge(folder)


def test_restrictions_and_refusals_are_inside(judge: Judge, tmp_path: Path) -> None:
    restriction = Restriction.compile([Phrase("Ketill keeps", force=True)])
    restriction.save(tmp_path)
    free, held, refused = judge.likely([ROW] * 3, [[], [restriction.digest], [REFUSE]], Held(tmp_path), None, "test")
    assert list(map(len, free)) == list(map(len, held)) == list(map(len, refused))
    assert -math.inf in held[0]
    assert -math.inf not in free[0]
    assert {value for row in refused for value in row} == {-math.inf}


def test_what_is_known_is_not_computed_again(judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = dataclasses.replace(ROW, question="Who else keeps it?")
    parts = {"held retain": [["digest"]], "likely retain": [[[-1.0]]]}
    judge.remember([row], parts, "forget", None)  # it has no such set
    # A filter's likelihoods are another system's: it held nothing of its own.
    judge.remember([row], {"likely forget": [[[-2.0]]]}, "forget", None)
    judge.remember([row], parts, "retain", None)
    monkeypatch.setattr(judge, "_model", None)
    assert judge.likely([row], [["digest"]], Held(tmp_path), None, "test") == [[[-1.0]]]
    with pytest.raises(AttributeError):
        judge.likely([row], [[]], Held(tmp_path), None, "test")
    with pytest.raises(UnknownRestriction):
        judge.likely([row], [["digest"]], Held(tmp_path), "You are polite.", "test")
