"""How much a target may have, in a policy file as over the API."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from classifiers import ForgetTarget
from server.api.models import TargetRequest
from server.policy.file import PolicyError, load_policy
from server.policy.limits import MAX_EXAMPLES, MAX_PHRASES, excesses

MOST = {"aliases": MAX_EXAMPLES, "documents": MAX_EXAMPLES, "phrases": MAX_PHRASES}


def entries(name: str, count: int) -> list[object]:
    texts = [f"Number {at}" for at in range(count)]
    return [{"text": text} for text in texts] if name == "phrases" else list(texts)


@pytest.mark.parametrize("name", MOST)
@pytest.mark.slow
def test_the_file_and_the_api_take_as_much(name: str) -> None:
    """ops-07: a limit is an error that names it, and cuts nothing off silently."""
    fitting, more = ({"name": "Ada Brill", name: entries(name, MOST[name] + extra)} for extra in (0, 1))
    TargetRequest.model_validate(fitting)
    assert list(excesses(ForgetTarget.model_validate({"id": "a", **fitting}))) == []
    with pytest.raises(ValidationError):
        TargetRequest.model_validate(more)
    ((field, message),) = excesses(ForgetTarget.model_validate({"id": "a", **more}))
    assert field == name
    assert f"{MOST[name] + 1} of them, and a target may have {MOST[name]}: make several" in message


def test_the_file_says_which_target_has_too_much() -> None:
    listed = "".join(f"  - Alias {at}\n" for at in range(MAX_EXAMPLES + 1))
    with pytest.raises(PolicyError, match=r"^policy:5: targets\[0\].aliases \(target a\): 1001 of them"):
        load_policy("version: 1\ntargets:\n- id: a\n  name: Ada Brill\n  aliases:\n" + listed)
