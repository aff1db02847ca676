"""Opens the encoders that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable

from classifiers import CachedEncoder, Encoder, EncoderError, SentenceEncoder, shipped_background
from classifiers.multilingual.classifier import Multilingual
from classifiers.multilingual.encoder import default_cache, open_multilingual
from server.settings import Settings

OpenEncoder = Callable[[Settings], Encoder]


def open_sentence_encoder(settings: Settings) -> Encoder:
    """Load the encoder that the settings name. This takes seconds. Raises RuntimeError if it cannot be loaded."""
    return open_encoder(settings.encoder)


def open_encoder(name: str | None) -> Encoder:
    """Load an encoder; None for the package's own. Raises RuntimeError if it cannot be loaded."""
    try:
        return CachedEncoder(SentenceEncoder(name))
    except EncoderError as error:
        raise RuntimeError(f"{error}. Check GUARD_ENCODER; if it is unset, install the package anew") from error


def open_foreign(settings: Settings) -> Multilingual | None:
    """Load what reads prompts in other languages; None if it is switched off. Raises RuntimeError if it cannot be loaded."""
    if not settings.multilingual:
        return None
    try:
        encoder = open_multilingual()
        return Multilingual(encoder, shipped_background(), default_cache(), settings.names)
    except (EncoderError, OSError) as error:
        raise RuntimeError(
            f"the multilingual encoder cannot be loaded: {error}. Check that GUARD_CACHE_DIR is a folder that can be written, "
            "or switch it off with GUARD_MULTILINGUAL=0; prompts in other languages than English are then read by name alone"
        ) from error
