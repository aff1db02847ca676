"""Measure words near anchors: `python -m evaluation.meaning`.

It prints tables and writes build/meaning.json; with `--small` it takes two targets of each kind and few innocent texts, and
writes build/small. The first run encodes the word list, which takes a minute; the cache of guard-server's models keeps it.
"""

from __future__ import annotations

import argparse
import json

from classifiers import SentenceEncoder
from classifiers.meaning.neighbours import Neighbours
from evaluation.cache import default_cache_dir
from evaluation.meaning.measure import innocent, know_how, measure, persons, table
from evaluation.results import add_small, results_folder


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_small(parser)
    options = parser.parse_args()
    most = 2 if options.small else None
    neighbours = Neighbours(SentenceEncoder(), default_cache_dir() / "words")
    texts = innocent(options.small)
    results = {
        "know-how": measure(know_how()[:most], texts, neighbours),
        "persons": measure(persons(most), texts, neighbours),
    }
    for name, found in results.items():
        print(f"\n{name}\n{table(found)}")
    (results_folder(options.small) / "meaning.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
