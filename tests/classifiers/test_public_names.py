"""The package offers the names that it lists, and importing it is cheap: this file is for `classifiers/__init__.py`."""

from __future__ import annotations

import subprocess
import sys

import classifiers


def test_public_names() -> None:
    assert all(hasattr(classifiers, name) for name in classifiers.__all__)


def test_import_is_light() -> None:
    code = (
        "import sys, classifiers; print({'torch', 'transformers', 'sentence_transformers', 'server', 'vllm'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
