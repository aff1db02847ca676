"""Ask the demo everything, with and without the guard; print the shares and write build/eval.json.

Nothing heavy is imported before `main`: vLLM's workers import this module again (see `server.cli.main`).
"""

from __future__ import annotations

import asyncio
import sys


def main() -> None:
    """Run the evaluation on the demo model."""
    from evaluation.leakage.demo import evaluate, report

    report(asyncio.run(evaluate()))


if __name__ == "__main__":
    sys.exit(main())
