"""Long work pauses where its thread says so."""

from __future__ import annotations

import threading

import pytest

from classifiers.pauses import Abandoned, patient, pause, paused_by


def test_without_a_hook_nothing_happens() -> None:
    pause()
    assert not patient()


def test_the_hook_is_called_on_this_thread_alone() -> None:
    calls: list[int] = []
    others: list[bool] = []

    def other() -> None:
        pause()
        others.append(patient())

    with paused_by(lambda: calls.append(1)):
        pause()
        assert patient()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    pause()
    assert (calls, others, patient()) == ([1], [False], False)


def test_hooks_nest_and_may_end_the_work() -> None:
    def ends() -> None:
        raise Abandoned

    outer: list[int] = []
    with paused_by(lambda: outer.append(1)):
        with pytest.raises(Abandoned), paused_by(ends):
            pause()
        pause()
    assert outer == [1]
