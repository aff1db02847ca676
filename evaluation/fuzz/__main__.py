"""Fuzz the server and its parsers for a time: `python -m evaluation.fuzz --minutes 60`.

It starts the demo server with the invented people in processes of its own. Each round sends random requests to every route of
`/openapi.json` and questions about the policy's targets with random options, and gives random input to the parsers. The status is
1 if an answer has status 5xx, a stream has no end, a response says a phrase that the policy bans in every answer, or a property
of a parser does not hold. The figures are written after each round, so that an interruption loses nothing.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from evaluation.results import add_small, results_folder

RECORD = Path(__file__).parent / "record"


def play(minutes: float, path: Path, examples: int) -> dict[str, Any]:
    """Fuzz for `minutes`, one round at least; write the figures to `path` after each round, and return them.

    Args:
        minutes: How long.
        path: The file for the figures, as JSON.
        examples: Requests to each operation in a round; the parsers get twenty times as many inputs.
    """
    from evaluation.demo.served import DEMOS
    from evaluation.fuzz.findings import Findings
    from evaluation.fuzz.parsing import try_all
    from evaluation.fuzz.routes import Routes
    from evaluation.targets.wholeserver import WholeServer, end_by_sigterm

    end_by_sigterm()
    demo = DEMOS["people"]
    findings = Findings()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"GUARD_POLICY": str(demo.policy), "GUARD_MULTILINGUAL": "0"}
        with WholeServer(demo.model(), Path(folder), None, demo.engine, settings) as server:
            server.start()
            server.wait()
            routes = Routes(server.url, forbidden_of(demo.policy), findings)
            began, number = time.monotonic(), 0
            while True:
                try_all(findings, number, 20 * examples)
                routes.try_all(number, examples)
                routes.tidy()
                server.check_alive()
                number += 1
                seconds = time.monotonic() - began
                figures = {"minutes": round(seconds / 60, 2), "rounds": number, **findings.figures()}
                path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
                total = sum(found["count"] for found in findings.found.values())
                print(f"{seconds:.0f} s, round {number}: {findings.tried.total()} tried, {total} findings", file=sys.stderr)
                if seconds >= 60 * minutes:
                    return figures


def forbidden_of(policy: Path) -> Any:
    """Return what a policy file forbids in every answer (`Policy`)."""
    from evaluation.fuzz.routes import Policy
    from server.policy.file import load_policy

    targets = load_policy(policy).targets
    return Policy(
        tuple(phrase.text for target in targets for phrase in target.phrases if phrase.scope == "always"),
        frozenset(target.id for target in targets),
        tuple(example.prompt for target in targets for example in target.examples),
    )


def main() -> int:
    """Fuzz, and return the status."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.fuzz", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--record", action="store_true", help="write evaluation/fuzz/record/DATE.json")
    add_small(parser)
    options = parser.parse_args()
    path = results_folder(options.small) / "fuzz.json"
    if options.record:
        RECORD.mkdir(exist_ok=True)
        path = RECORD / f"{datetime.datetime.now(tz=datetime.UTC).date().isoformat()}.json"
    figures = play(0, path, 1) if options.small else play(options.minutes, path, 10)
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    return 1 if figures["found"] else 0


if __name__ == "__main__":
    sys.exit(main())
