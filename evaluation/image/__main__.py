"""Try a built image: `python -m evaluation.image` (`make image-test`).

It starts the image with `docker run` and the options of deploy/compose.yaml, on the model of the invented people: without a key,
with one, and again on the same volumes. The status is 1 if something does not hold, or if no container engine answers.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from evaluation.results import results_folder


def main() -> int:
    """Try an image, print what held, and write image.json."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.image", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--image", default="guard-server:cpu")
    parser.add_argument("--network", default="bridge", help="`host` where the engine can publish no port (default: %(default)s)")
    parser.add_argument("--compile", action="store_true", help="have vLLM compile the model, which calls the C++ compiler")
    options = parser.parse_args()
    from evaluation.demo.served import ENGINE, demo_model
    from evaluation.image import container, trial
    from evaluation.targets.wholeserver import end_by_sigterm

    end_by_sigterm()  # else the container would go on
    vllm = [argument for argument in ENGINE if not (options.compile and argument == "--enforce-eager")]
    try:
        container.check_engine()
        report = trial.run(options.image, Path(demo_model()), vllm, options.network)
    except container.ContainerError as error:
        print(error, file=sys.stderr)
        return 1
    for check in report.checks:
        print(f"{'held  ' if check.held else 'FAILED'}  {check.what}{f': {check.seen}' if check.seen else ''}")
    ready = " and ".join(f"{seconds:.0f} s" for seconds in report.ready_s) or "-"
    print(f"{report.image}: {report.size_bytes / 1e9:.2f} GB, ready after {ready}")
    path = results_folder() / "image.json"
    path.write_text(json.dumps(report.as_dict(), indent=1, ensure_ascii=False) + "\n")
    print(f"written to {path}")
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
