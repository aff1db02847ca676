from __future__ import annotations

import pytest

from classifiers.reading.views import views
from tests.classifiers.conftest import STRANGE


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_texts(text: str) -> None:
    for view in views(text):
        assert view.letters > 0


def test_views() -> None:
    found = {(view.kind, view.text) for view in views("\n".join(["Hot", "Summer", "in", "an", "old", "yard", "under", "Nuts"]))}
    assert ("acrostic", "hsiaoyun") in found
    assert any(view.kind == "joined" and "Hsiao Yun".casefold() in view.text for view in views("ask @HsiaoYun"))
    assert any(view.kind == "scripts" and "hsiao yun " in view.text for view in views("Hsiao Yun의"))
    assert any(view.kind == "reversed" and "hsiao yun hwa" in view.text for view in views("ask oaisH awH-nuY now"))
