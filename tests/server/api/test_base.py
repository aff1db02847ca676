"""What all models of the API have in common."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from server.api.base import ApiModel


class Named(ApiModel):
    name: str


@pytest.mark.parametrize("body", [{"name": 3}, {"name": "a", "secret": "quaggle"}, {}])
def test_a_model_is_strict_and_its_errors_quote_nothing(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        Named.model_validate(body)
    assert "quaggle" not in str(caught.value)
