"""Merging: decides when restrictions and names are merged, in a task beside requests and changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

# Seconds without a change after which everything is merged into one. Merging a long list takes seconds of one core, and a change
# would have to wait for it.
QUIET_S = 30.0


class Merging:
    """Runs one merge at a time.

    It merges the smallest parts when there are too many, and all parts when nothing has changed for `QUIET_S`.
    """

    def __init__(self, merge: Callable[[bool], Awaitable[None]], is_whole: Callable[[], bool]) -> None:
        """Start nothing yet.

        Args:
            merge: Merges the smallest parts, or all if its argument is true.
            is_whole: Returns whether there is nothing to merge.
        """
        self._merge = merge
        self._is_whole = is_whole
        self._task: asyncio.Task[None] | None = None
        self._quiet: asyncio.TimerHandle | None = None

    def after_change(self, too_many: bool) -> None:
        """Begin to merge if there are too many parts, and wait again for `QUIET_S` without a change."""
        if too_many and not self._is_running:
            self._begin(whole=False)
        self._when_quiet()

    async def everything(self) -> None:
        """Merge all parts now."""
        if self._task:
            await self._task
        await self._merge(True)

    def stop(self) -> None:
        """Cancel a merge that is running or due."""
        if self._quiet:
            self._quiet.cancel()
        if self._task:
            self._task.cancel()

    @property
    def _is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    def _begin(self, whole: bool) -> None:
        async def merge() -> None:
            await self._merge(whole)

        self._task = asyncio.create_task(merge())

    def _when_quiet(self) -> None:
        def due() -> None:
            if self._is_running:
                self._when_quiet()
            elif not self._is_whole():
                self._begin(whole=True)

        if self._quiet:
            self._quiet.cancel()
        self._quiet = asyncio.get_running_loop().call_later(QUIET_S, due)
