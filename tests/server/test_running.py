"""What requests work with."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from guard import Vocabulary
from server.running import ApiContext, Running


@pytest.fixture
def context() -> ApiContext:
    unused: Any = None
    parts: Any = SimpleNamespace(enforcement=SimpleNamespace(screener="screener", neighbours=None), prompts=[])
    return ApiContext(unused, parts, unused, unused, unused, unused, unused, background=parts)


def test_a_request_and_the_api_share_their_parts(context: ApiContext) -> None:
    unused: Any = None
    running = Running(unused, "model", unused, context)
    assert running.activation is context.activation
    assert running.decisions is context.decisions
    assert (running.enforcement, running.screener) == (context.activation.enforcement, "screener")


def test_the_previewer_is_made_once(context: ApiContext) -> None:
    assert context.previewer is context.previewer


def test_without_a_vocabulary_and_a_calibration_there_is_none(context: ApiContext) -> None:
    assert (context.vocabulary(), context.calibration()) == (None, None)


def test_another_vocabulary_makes_another_previewer(context: ApiContext) -> None:
    other = replace(context, vocabulary=lambda: Vocabulary([b"x"]))
    assert other.previewer is not context.previewer
