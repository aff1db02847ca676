"""The pins in requirements/ are what the project asks for, and a pin that is not fails."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def refresh() -> ModuleType:
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "requirements" / "refresh.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pins_satisfy_what_is_asked_for(refresh: ModuleType) -> None:
    assert refresh.check() == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("cpu.txt", "\nnumba==", "\n# numba==", "numba is not pinned"),
        ("cpu.txt", "\nnumba==0", "\nnumba==9", "numba==0.65.0 is not satisfied by the pin 9"),
        ("dev.txt", "\nhypothesis==6", "\nhypothesis==5", "hypothesis>=6.170 is not satisfied"),
        ("cpu.txt", "\nnumba==", "\nnumba>=", "not a pin of one version"),
        ("dev.in", "\npytest\n", "\npytest\nno-such-package\n", "dev.in: no-such-package is not pinned"),
        ("dev.txt", "\nhypothesis==", "\nnumba==0.65.0\nhypothesis==", "numba is pinned twice"),
        ("clients.txt", "\nlitellm==", "\n# litellm==", "clients.in: litellm is not pinned"),
    ],
)
def test_a_wrong_pin_is_told(refresh: ModuleType, tmp_path: Path, file: str, old: str, new: str, fault: str) -> None:
    folder = tmp_path / "requirements"
    shutil.copytree(ROOT / "requirements", folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    text = (folder / file).read_text()
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new))
    assert any(fault in told for told in refresh.check(folder))
