"""Measure detection, and write build/detection.json and a record.

python -m evaluation.detection [--record [NAME]] [--only few tofu attacks splits growth latency]

`--only` measures these parts anew and keeps what build/detection.json has of the others. `--small` asks little about a few
targets and writes build/small.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.results import add_small, results_folder

if TYPE_CHECKING:
    from classifiers import SentenceEncoder

PARTS = ("few", "tofu", "attacks", "splits", "growth", "latency")


def main() -> None:
    """Measure, write the results, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    parser.add_argument("--record", nargs="?", const=today, help="keep the record, under this name or today's date")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}")
    add_small(parser)
    options = parser.parse_args()
    from server.environment import share_processor

    share_processor()
    from classifiers import SentenceEncoder
    from evaluation.detection import plot, record

    build = results_folder(options.small)
    file = build / "detection.json"
    results = _earlier(file) if set(options.only) != set(PARTS) else {"measured": {}}
    measures = _measures(SentenceEncoder(), options.small)
    for part in PARTS:
        if part in options.only:
            results |= measures[part]()
            results["measured"][part] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            # After each part: the whole takes long, and what is measured is not lost if a later part fails.
            file.write_text(json.dumps(record.keys(results), indent=1, ensure_ascii=False) + "\n", "utf-8")
    name = options.record or "latest"
    folder = record.FOLDER if options.record and not options.small else build
    folder.mkdir(exist_ok=True)
    plot.plot(results, folder / f"{name}.png")
    (folder / f"{name}.md").write_text(record.table(results, name))
    print(record.table(results, name))


def _earlier(file: Path) -> dict[str, Any]:
    """Return the results of an earlier run, of which some parts are kept; none if there is no such file, or one of old form."""
    if not file.is_file():
        return {"measured": {}}
    results: dict[str, Any] = json.loads(file.read_text("utf-8")).get("results", {})
    return results if "measured" in results else {"measured": {}}


def _measures(encoder: SentenceEncoder, small: bool) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what measures each part. The parts share the encoder's vectors."""
    from classifiers.meaning.background import Background
    from classifiers.multilingual.classifier import Multilingual
    from classifiers.multilingual.encoder import default_cache, open_multilingual
    from evaluation.detection import extraction, few, few_measure, growth, latency, measure, splits
    from evaluation.detection.served import Remembering, Served
    from evaluation.detection.sets import TOFU, Forget, Innocent

    effort = measure.SMALL if small else measure.FULL
    remembering = Remembering(encoder)
    innocent = Innocent.load(effort.every)
    subjects = few.load_all()
    multilingual = Multilingual(open_multilingual(), innocent.shipped, default_cache())
    some = [one for of_kind in subjects.values() for one in of_kind[: effort.subjects]]

    def tofu() -> dict[str, Any]:
        found = measure.Tofu(remembering, innocent, effort, multilingual).figures()
        return {**found, "extraction": extraction.measure(TOFU)}

    def of_splits() -> dict[str, Any]:
        served = Served(Background(innocent.shipped, remembering), remembering, multilingual=multilingual)
        every = 4 if small else 1
        drawn = splits.of_tofu(Forget("forget10", effort.authors), 2 if small else splits.TOFU_EXAMPLES)
        few_splits = splits.over(served, splits.of_few(some, every), "new questions", effort.splits, "splits of few")
        of_tofu = splits.over(served, drawn, "rewordings", effort.splits, "splits of TOFU")
        return {"splits": {"few, described": few_splits, "TOFU, paraphrased": of_tofu}}

    def grown() -> dict[str, Any]:
        sizes = (growth.SMALL, 3) if small else ()
        near = [one.asked for one in few_measure.neighbours(subjects, 20 if small else 1) if "neighbours" in one.sets]
        return {
            "growth": growth.grow(encoder, Forget("forget10", effort.authors), innocent, *sizes),
            "one_example": growth.one_example(encoder, innocent, near, 20 if small else growth.MANY),
        }

    return {
        "few": lambda: {"few": few_measure.measure(subjects, remembering, innocent, effort, multilingual)},
        "tofu": tofu,
        "attacks": lambda: {"attacks": measure.Tofu(remembering, innocent, effort, multilingual).attacks()},
        "splits": of_splits,
        "growth": grown,
        "latency": lambda: {"latency": latency.measure(encoder, innocent.shipped, *((3, 2) if small else ()))},
    }


if __name__ == "__main__":
    main()
