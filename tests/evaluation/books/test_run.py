from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.answers import serving
from evaluation.books.run import Run
from tests.evaluation.books.test_policy import MUSE

PARTS = {"passages": ["beginning"], "forget": ["Alice.", "Nowhere."], "retain": ["Alice.", "On the bank."]}


def run(folder: Path, tokens: int = 8) -> Run:
    return Run({"none": folder / "whole", "retain": folder / "retain"}, MUSE, ["mask"], folder / "parts", tokens)


async def test_what_is_measured_is_not_measured_again(tmp_path: Path) -> None:
    made = run(tmp_path)
    made.parts["none"].update(PARTS)
    made.parts["retain"].update({**PARTS, "passages": ["sleeping"]})
    made.parts["mask"].update({**PARTS, "passages": ["sitting"], "retain": ["Alice.", "On a bank."]})
    again = run(tmp_path)
    await again.go()  # the models do not exist: nothing may be started
    found = again.figures()
    assert (found["none"]["verbatim"], found["mask"]["verbatim"]) == (1, 0)
    assert found["none"]["known forget"] == 0.5
    assert (found["none"]["unchanged kept"], found["mask"]["unchanged kept"]) == (1, 0.5)
    with pytest.raises(KeyError):
        run(tmp_path, tokens=9).figures()


async def test_each_model_is_started_for_its_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def demo_server(model: str, *_: Any) -> Any:
        raise OSError(f"there is no model {Path(model).name}")

    monkeypatch.setattr(serving, "demo_server", demo_server)
    made = run(tmp_path)
    with pytest.raises(OSError, match="no model whole"):
        await made.go()
    for name in ("none", "mask"):
        made.parts[name].update(PARTS)
    with pytest.raises(OSError, match="no model retain"):
        await made.go()
