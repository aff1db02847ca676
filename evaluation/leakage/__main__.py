"""Ask the demo everything, with and without the guard; print the shares and write build/eval.json.

`--small` asks every sixteenth question and writes build/small/eval.json.

Nothing heavy is imported before `main`: vLLM's workers import this module again (see `server.cli.main`).
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from evaluation.results import add_small, results_folder


def main() -> None:
    """Run the evaluation on the demo model."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.leakage")
    add_small(parser)
    options = parser.parse_args()
    from evaluation.leakage.demo import EVERY_IN_SMALL, evaluate, report

    result = asyncio.run(evaluate(EVERY_IN_SMALL if options.small else 1))
    report(result, results_folder(options.small))


if __name__ == "__main__":
    sys.exit(main())
