"""Which media type is answered."""

from __future__ import annotations

import pytest

from server.api.negotiation import preferred


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, "a/json"),
        ("", "a/json"),
        ("*/*", "a/json"),
        ("t/html", "t/html"),
        ("t/html, a/xhtml;q=0.9, */*;q=0.8", "t/html"),
        ("a/json, t/html;q=0.9", "a/json"),
        ("a/json;q=0.5, t/*", "t/html"),
        ("t/html;q=0", "a/json"),
        ("t/html;q=x", "a/json"),
        ("i/png", "a/json"),
    ],
)
def test_the_type_that_weighs_most_and_else_the_first(accept: str | None, wanted: str) -> None:
    assert preferred(accept, ["a/json", "t/html"]) == wanted
