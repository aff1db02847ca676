"""Serve the demo, or ask it one question: `python -m evaluation.demo serve`, `python -m evaluation.demo ask "..."`.

It makes the demo model if the cache lacks it, and then becomes `guard-server`, which gets the options after `serve`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from evaluation.demo import POLICY, SAMPLE_QUESTIONS

ENGINE = (
    *("--served-model-name", "demo", "--dtype", "bfloat16", "--max-model-len", "2048"),
    # Compiling so small a model takes longer than the whole demo.
    "--enforce-eager",
    *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
    # By default vLLM does not start where less than nine tenths of the memory is free; the demo needs little.
    *("--gpu-memory-utilization", "0.3"),
    # A model that has never seen JSON would fill it with white space.
    *("--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}'),
)


def demo_model() -> str:
    """Return the folder of the demo model; train the model first if the cache lacks it, with its progress on stderr.

    Raises:
        subprocess.CalledProcessError: training failed; it has said why on stderr.
    """
    made = subprocess.run([sys.executable, "-m", "evaluation.tinylm"], check=True, stdout=subprocess.PIPE, text=True)
    return made.stdout.splitlines()[-1]


def main() -> None:
    """Become `guard-server` with the demo's model, policy and engine arguments."""
    command, *rest = sys.argv[1:] or ["serve"]
    if command == "serve":
        rest += [argument for question in SAMPLE_QUESTIONS for argument in ("--sample", question)]
    program = str(Path(sys.executable).with_name("guard-server"))
    os.execv(program, [program, command, *rest, "--model", demo_model(), "--policy", str(POLICY), "--", *ENGINE])


if __name__ == "__main__":
    main()
