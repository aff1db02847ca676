"""A process that serves as `guard-server serve` does, in front of a fake engine: `python -m tests.server.cli.served PACE`.

PACE is the seconds that the engine takes for a character of an answer. The settings come from the environment.
"""

from __future__ import annotations

import sys

from fastapi import FastAPI

import classifiers.meaning.background
import classifiers.meaning.wordlist
import server.cli.serve
from server.app import create_app
from server.settings import Settings
from tests.server.fakes import FakeEngine, WordEncoder, opener


def main(pace: float) -> None:
    """Serve until the process is told to stop."""
    # Fewer of both, so that it starts soon.
    some = classifiers.meaning.background.shipped_background()[::20]
    words = classifiers.meaning.wordlist.listed_words()[5000::500]
    classifiers.meaning.background.shipped_background = lambda: some
    classifiers.meaning.wordlist.listed_words = lambda: words
    engine = FakeEngine()

    def created(settings: Settings) -> FastAPI:
        app = create_app(settings, opener(engine), lambda _: WordEncoder())
        settled = app.state.service.settled

        async def then_slow() -> None:
            await settled()
            engine.pace = pace

        app.state.service.settled = then_slow
        return app

    server.cli.serve.create_app = created  # type: ignore[assignment]
    server.cli.serve.serve(Settings(), [])  # type: ignore[call-arg]


if __name__ == "__main__":
    main(float(sys.argv[1]))
