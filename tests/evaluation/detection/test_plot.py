"""The plot is drawn of whatever was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.detection.plot import plot
from tests.evaluation.detection.test_record import RESULTS


@pytest.mark.slow
def test_the_plot_is_drawn_with_and_without_growth(tmp_path: Path) -> None:
    for name, results in (("with", RESULTS), ("without", {**RESULTS, "growth": []}), ("few", {"few": RESULTS["few"]})):
        file = tmp_path / f"{name}.png"
        plot(results, file)
        assert file.read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "without.png").read_bytes()
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "few.png").read_bytes()
