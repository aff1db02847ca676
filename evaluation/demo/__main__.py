"""Serve a demo, or ask it one question: `python -m evaluation.demo serve`, `python -m evaluation.demo ask "..."`.

It makes the demo's model if the cache lacks it, and then becomes `guard-server`, which gets the options after the command.
`--demo people` in front of the command serves the invented people.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.demo.served import DEMOS


def main(arguments: Sequence[str] | None = None) -> None:
    """Become `guard-server` with the demo's model, policy and engine arguments. Exits with the status of what makes the model."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.demo", description=__doc__)
    parser.add_argument("--demo", choices=DEMOS, default=next(iter(DEMOS)), help="what to serve (default: %(default)s)")
    parser.add_argument("command", nargs="?", choices=("serve", "ask"), default="serve")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="further arguments of guard-server's command")
    options = parser.parse_args(arguments)
    demo = DEMOS[options.demo]
    rest = [*options.rest]
    if options.command == "serve":
        rest += [argument for question in demo.questions for argument in ("--sample", question)]
    try:
        model = demo.model()
    except subprocess.CalledProcessError as error:
        # It has said why: a traceback would push that out of sight.
        sys.exit(error.returncode)
    program = str(Path(sys.executable).with_name("guard-server"))
    os.execv(program, [program, options.command, *rest, "--model", model, "--policy", str(demo.policy), "--", *demo.engine])


if __name__ == "__main__":
    main()
