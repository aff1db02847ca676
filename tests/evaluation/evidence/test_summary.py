from __future__ import annotations

import math

from evaluation.evidence.summary import markdown, summary, written


def test_mean_and_spread_over_the_seeds_that_have_a_figure() -> None:
    found = summary([{"a": {"x": {"leak": 0.1}}}, {"a": {"x": {"leak": 0.3}, "npo": {"leak": 0.5}}}])
    assert found["a"]["x"]["leak"] == {"mean": 0.2, "spread": 0.3 - 0.1, "seeds": 2}
    assert found["a"]["npo"]["leak"] == {"mean": 0.5, "spread": None, "seeds": 1}
    assert list(found["a"]) == ["x", "npo"]


def test_equal_infinities_do_not_spread() -> None:
    assert summary([{"a": {"x": {"p": math.inf}}}] * 2)["a"]["x"]["p"]["spread"] == 0


def test_a_figure_as_a_table_has_it() -> None:
    assert written({"mean": 0.91234, "spread": 0.02, "seeds": 3}) == "0.912 ± 0.01"
    assert written({"mean": 0.5, "spread": 0.0, "seeds": 2}) == "0.5"
    assert written({"mean": 0.5, "spread": None, "seeds": 1}) == "0.5"
    assert written(None) == "–"


def test_a_scenario_as_markdown() -> None:
    found = summary([{"a": {"none": {"leak": 1.0}, "ours": {"leak": 0.0, "utility": 0.5}}}])
    assert markdown(found, "a", {"leak": "leak", "utility": "model utility"}).splitlines() == [
        "| system | leak | model utility |",
        "|---|---|---|",
        "| none | 1 | – |",
        "| ours | 0 | 0.5 |",
    ]
