"""Make SmolLM2-135M-Instruct, or find it in the cache: `python -m evaluation.smollm`.

The last line on stdout is its folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from evaluation.smollm.model import cached_model
from evaluation.smollm.wheel import ModelError


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the model's folder to stdout; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.smollm", description=__doc__)
    parser.parse_args(arguments)
    try:
        folder = cached_model()
    except (ModelError, OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
