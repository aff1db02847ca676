"""What numerical libraries read from the environment."""

from __future__ import annotations

import os

import pytest

from server.environment import share_processor

NAMES = {"KMP_BLOCKTIME": "0", "OPENBLAS_NUM_THREADS": "1"}


@pytest.mark.parametrize(("name", "value"), NAMES.items())
def test_threads_do_not_wait_busily(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for one in NAMES:
        monkeypatch.delenv(one, raising=False)
        monkeypatch.setenv(one, "")  # so that it is restored afterwards
        monkeypatch.delenv(one)
    share_processor()
    assert os.environ[name] == value


@pytest.mark.parametrize("name", NAMES)
def test_what_the_operator_set_stays(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for one in NAMES:
        monkeypatch.setenv(one, "7")
    share_processor()
    assert os.environ[name] == "7"
