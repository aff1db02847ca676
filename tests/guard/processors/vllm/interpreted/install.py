"""Install Triton in a folder of its own, so that Model Runner V2 runs on a CPU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

VERSION = "3.9.0"
FOLDER = Path("build") / f"triton-{VERSION}"
# The interpreter takes masks of booleans alone, and vLLM's n-gram kernel has one of integers.
_MASKS = (
    ("_interpreter.load(ptrs.data, mask.data, ", "_interpreter.load(ptrs.data, mask.data.astype(bool), "),
    ("_interpreter.store(ptrs.data, value.data, mask.data)", "_interpreter.store(ptrs.data, value.data, mask.data.astype(bool))"),
)


def environment(root: Path) -> dict[str, str]:
    """Install Triton below the project's `root` unless it is there, and return the environment in which vLLM uses it.

    Raises:
        CalledProcessError: pip cannot install it.
        RuntimeError: Triton's interpreter is not the one that this module knows.
    """
    folder = root / FOLDER
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _install(folder)
    return {
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{folder}",
        "TRITON_BACKENDS_IN_TREE": "1",
        "TRITON_INTERPRET": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CPU_KVCACHE_SPACE": "1",
    }


def _install(folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(unfinished), f"triton=={VERSION}"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    backends = unfinished / "triton" / "backends"
    # The others would look for a GPU's compiler.
    for name in ("amd", "nvidia"):
        shutil.rmtree(backends / name)
    shutil.copytree(Path(__file__).parent / "backend", backends / "cpu", ignore=shutil.ignore_patterns("__pycache__"))
    interpreter = unfinished / "triton" / "runtime" / "interpreter.py"
    text = interpreter.read_text("utf-8")
    for before, after in _MASKS:
        if text.count(before) != 1:
            raise RuntimeError(f"Triton {VERSION}'s interpreter has {text.count(before)} times {before!r}, not once")
        text = text.replace(before, after)
    interpreter.write_text(text, "utf-8")
    unfinished.rename(folder)
