"""What can be told about the model and vLLM's arguments before the engine starts, which takes half a minute."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from guard.errors import VocabularyError
from guard.tokens.tokenizers import vocabulary_of
from server.engine.probes import choose
from server.engine.vllm import vllm_arguments
from server.errors import GuardFailure
from server.settings import Settings

_CONFIGS = ("config.json", "params.json")
_TOKENIZERS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model*",
    "tekken.json",
    "vocab.*",
    "spiece.model",
    "*.tiktoken",
)
_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.gguf")
# No token is the dead-end token: which one it is depends on the model's own configuration.
_NONE = -1


def check_engine(settings: Settings) -> None:
    """Check the arguments that go to vLLM, and the folder of the model.

    A model that is a name on the Hugging Face hub is not checked: vLLM may download it. Neither is a tokenizer that is not a
    `tokenizer.json`, or one that the arguments name: only vLLM can read these.

    Raises:
        ValueError: The engine could not start, or the guard could not work with the tokenizer. The message says what to do.
    """
    if settings.upstream is not None:
        _check_fleet(settings)
        return
    vllm_arguments(settings)
    folder = Path(settings.model)
    if not folder.exists():
        if folder.is_absolute() or settings.model.startswith((".", "~")) or settings.model.count("/") > 1:
            raise ValueError(
                f"--model: there is no folder {folder}: give the folder of a model, or its name on the Hugging Face hub"
            )
        return
    if folder.is_dir():
        named = frozenset(argument.split("=")[0].replace("_", "-") for argument in settings.vllm_args)
        for problem in _problems(folder, named):
            raise ValueError(f"--model: {folder} {problem}")


def _check_fleet(settings: Settings) -> None:
    """Check the settings of a front end whose engines run elsewhere. Raises ValueError."""
    if settings.tokenizer is None:
        raise ValueError(
            "--tokenizer: --upstream needs the model's tokenizer: give a folder with its files, or its name on the hub"
        )
    if settings.vllm_args:
        raise ValueError("arguments after -- go to vLLM, and with --upstream vLLM runs elsewhere: give them to `vllm serve`")
    parts = urlsplit(settings.upstream or "")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("--upstream: give the router's base URL, such as http://router:8000")
    settings.upstream_key()
    settings.engine_token()


def _problems(folder: Path, named: frozenset[str]) -> Iterator[str]:
    """Yield what is wrong with a model's folder; `named` are the options that go to vLLM."""
    if not os.access(folder, os.R_OK | os.X_OK):
        yield "cannot be read: let this user read it"
        return
    if not _any(folder, _CONFIGS):
        yield "has no config.json, so it is not the folder of a model: give the folder that holds the model's files"
    for name in _CONFIGS:
        if (folder / name).exists():
            try:
                json.loads((folder / name).read_bytes())
            except (OSError, ValueError) as error:
                yield f"has a {name} that cannot be read ({_reason(error)}): copy or download the model again"
    if "--load-format" not in named and not _any(folder, _WEIGHTS):
        yield "has no weights (*.safetensors): copy or download the model again"
    if not any(name.startswith("--tokenizer") for name in named):
        yield from _tokenizer_problems(folder)


def _tokenizer_problems(folder: Path) -> Iterator[str]:
    if not _any(folder, _TOKENIZERS):
        yield "has no tokenizer (tokenizer.json): copy the model's tokenizer into it, or name one with --tokenizer after --"
    file = folder / "tokenizer.json"
    if not file.exists():
        return
    try:
        choose(vocabulary_of(file.read_text("utf-8")), _NONE)
    except (VocabularyError, GuardFailure) as error:
        yield f"has a tokenizer that the guard cannot work with: {error}. Choose a model with another tokenizer"
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"has a tokenizer.json that cannot be read ({_reason(error)}): copy or download the model again"


def _any(folder: Path, patterns: tuple[str, ...]) -> bool:
    return any(True for pattern in patterns for _ in folder.glob(pattern))


def _reason(error: Exception) -> str:
    return (error.strerror or "") if isinstance(error, OSError) else f"{type(error).__name__}: {error}"[:200]
