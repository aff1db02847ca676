"""Requests: from what vLLM knows of a request to the row that restricts it. The same for every model runner of vLLM.

Written against vLLM 0.32 (`VllmConfig`, `SamplingParams`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vllm.tokenizers import cached_tokenizer_from_config

from guard.decoding.finishing import Finisher, open_encoder
from guard.decoding.library import Library
from guard.decoding.row import Row
from guard.errors import ArgumentError, RestrictionError
from guard.processors.arguments import KEY, REFUSE, count_name, guard_argument
from guard.processors.tokenizer import dead_end_token, model_ends, vocabulary_from
from guard.processors.vllm.suppressed import CountedRow, Suppressed
from guard.tokens.cache import VocabularyCache

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.config import VllmConfig

logger = logging.getLogger("vllm.guard")


class Requests:
    """Makes a row of each request of an engine.

    The folder of restrictions comes by `--additional-config '{"guard": {"folder": ...}}'`. Three more keys may be beside it:
    `words`, the folder of word vectors; `encoder`, a "module:name" that makes an encoder, which judges words of several tokens,
    too; and `encoder_model`, the name of its model.
    """

    def __init__(self, config: VllmConfig) -> None:
        """Load the vocabulary of the engine's model. Takes seconds the first time.

        Raises:
            ValueError: the guard's settings are missing, so nothing may be generated.
            VocabularyError: the model's tokenizer does not say which bytes its tokens stand for.
        """
        settings = config.additional_config.get(KEY)
        if not settings:
            raise ValueError('the guard\'s settings are missing: pass --additional-config \'{"guard": {"folder": ...}}\'')
        model = config.model_config
        tokenizer = cached_tokenizer_from_config(model)
        folder = Path(settings["folder"])
        self.finisher: Finisher | None = None
        """What judges words of several tokens by meaning, where there is an encoder."""
        if settings.get("encoder"):
            self.finisher = Finisher(open_encoder(settings["encoder"], settings.get("encoder_model")))
        self.library = Library(
            folder,
            vocabulary_from(tokenizer, model.get_vocab_size(), VocabularyCache(folder / "vocabularies")),
            Path(settings["words"]) if settings.get("words") else None,
            self.finisher.encoder.fingerprint if self.finisher else None,
        )
        ends = model_ends(tokenizer, model)
        self.dead_end = dead_end_token(tokenizer, model.get_vocab_size(), ends)
        """The id that stands for "nothing is left to say"."""
        self.private = self.dead_end not in ends
        """Whether the model never ends an answer with the dead end."""
        self.suppressed = Suppressed()

    @staticmethod
    def validate(params: SamplingParams) -> None:
        """Check a request's guard argument. vLLM answers 400 to what this raises.

        Raises:
            ArgumentError: it is missing or malformed; a ValueError.
        """
        guard_argument(params.extra_args)
        count_name(params.extra_args)

    def row(self, params: SamplingParams, prompt: Sequence[int] | None, output: Sequence[int]) -> Row | None:
        """Return the row of a request; None if nothing ever has to be done to its logits.

        A request whose guard argument cannot be honoured gets a closed row, which says nothing but the dead end.

        Args:
            params: the request's sampling parameters.
            prompt: its token ids, None where vLLM has embeddings instead.
            output: the ids sampled so far, which grow while the engine generates.
        """
        try:
            digests, name = guard_argument(params.extra_args), count_name(params.extra_args)
            if prompt is None:
                raise ArgumentError("the prompt has no token ids: a phrase begun in it would not be seen")
            masks = [] if digests == [REFUSE] else [self.library.masks(digest) for digest in digests]
        except (ArgumentError, RestrictionError) as error:
            logger.warning("request closed: %s", error)
            return Row((), (), output, closed=True)
        # What vLLM masks before the guard: together with the bans it may leave nothing.
        starves = bool(params.structured_outputs or params.allowed_token_ids or params.bad_words or params.min_tokens)
        if name is None or digests == [REFUSE]:
            row = Row(masks, prompt, output, closed=digests == [REFUSE], starves=starves)
        else:
            self.suppressed.begin(name)
            ends = {params.eos_token_id, *(params.stop_token_ids or ())} - {None}
            row = CountedRow(masks, prompt, output, name=name, ends=ends, starves=starves)
        return None if row.idle else row
