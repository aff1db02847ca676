"""vLLM in this process, as an `Engine`. Where this module uses what is not vLLM's public interface, it needs vLLM 0.32.

vLLM's own functions build its FastAPI application, and none of its code is copied. The engine itself runs in a process that vLLM
starts.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from starlette.types import ASGIApp

from guard.tokens.vocabulary import Vocabulary
from server.engine.flags import check_flags
from server.engine.grammars import enforceable
from server.engine.ranks import Ranks
from server.engine.tokenizer import PromptTokenizer, TokenizerMethods, knows_role
from server.errors import EngineFailure
from server.settings import Settings

logger = logging.getLogger(__name__)


def vllm_arguments(settings: Settings) -> list[str]:
    """Return vLLM's command line. Raises ValueError if the operator's arguments have an option that is refused (`flags`)."""
    check_flags(settings.vllm_args)
    guard = {"folder": str(settings.restrictions.resolve()), "alone": True}
    return [
        "--model", settings.model,
        "--logits-processors", "guard.processors.vllm.processor:GuardLogitsProcessor",
        "--worker-extension-cls", "guard.processors.vllm.worker.GuardWorkerExtension",
        "--additional-config", json.dumps({"guard": guard}),
        "--logprobs-mode", "processed_logprobs",
        *settings.vllm_args,
    ]  # fmt: skip


# Seconds between two looks whether the engine has died, and between two questions whether its workers still answer.
_LOOK_S, _ASK_S = 0.1, 5.0


def prepare_environment() -> None:
    """Set environment variables that vLLM reads. A value of the operator's stays."""
    # A forked worker would inherit locks of the threads that load the encoder at the same time.
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")


class VllmEngine(TokenizerMethods):
    """A running vLLM engine and its application."""

    def __init__(self, app: ASGIApp, client: Any, tokenizer: Any, load_timeout: float, template: str | None = None) -> None:
        """Serve `app`. `template` is the chat template that the operator has chosen in place of the tokenizer's own."""
        from guard.processors.tokenizer import dead_end_token, model_ends

        self.app = app
        self._client = client
        self._tokenizer = tokenizer
        self.dead = asyncio.Event()
        self._ranks = Ranks(client, load_timeout, self.dead)
        self.ranks = self._ranks.count
        self.vocabulary: int = client.model_config.get_vocab_size()
        self.context_length: int = client.model_config.max_model_len
        self._prompts = PromptTokenizer(tokenizer, self.context_length)
        ends = model_ends(tokenizer, client.model_config)
        self.dead_end = dead_end_token(tokenizer, self.vocabulary, ends)
        self.tells_hits = self.dead_end not in ends
        self.developer = knows_role(template or getattr(tokenizer, "chat_template", None), "developer")

    @property
    def alive(self) -> bool:
        """Whether no process of the engine has ended, and vLLM does not know that it has died."""
        return self._ranks.running and not (self.dead.is_set() or self._client.errored)

    async def watch(self) -> None:
        """Set `dead` as soon as the engine has died; vLLM tells nobody until somebody asks it for an answer.

        An engine has died if one of its data-parallel ranks has. A worker of any rank that does not answer for as long as it may
        take to load restrictions counts as dead, too. All ranks are killed then, so that vLLM ends the requests in progress with
        an error.
        """
        asked, asking = time.monotonic(), None
        try:
            while self.alive:
                if asking is None and time.monotonic() >= asked + _ASK_S:
                    # Beside the looking: a worker of an engine that dies leaves the question without an answer.
                    asking = asyncio.create_task(self._ask())
                elif asking and asking.done():
                    asked, asking = time.monotonic(), None
                await asyncio.sleep(_LOOK_S)
            self.dead.set()
            if not self._ranks.running:
                # vLLM would give the other ranks some seconds, and requests would wait for as long.
                self._ranks.kill()
        finally:
            if asking:
                asking.cancel()

    async def _ask(self) -> None:
        """Ask the workers whether they are there, and kill them if one does not answer."""
        try:
            await self.held([])
        except EngineFailure as error:
            if self.alive:
                logger.error("an engine worker hangs, so the engine is ended: %s", error)
                self._ranks.kill()

    @property
    def version(self) -> str:
        """vLLM's version."""
        import vllm

        return str(vllm.__version__)

    def tokens(self) -> Vocabulary:
        """Return the bytes of each token id. The first call takes seconds if the vocabulary is large: make it on a thread."""
        return self._tokens

    @cached_property
    def _tokens(self) -> Vocabulary:
        from guard.processors.tokenizer import vocabulary_from

        return vocabulary_from(self._tokenizer, self.vocabulary)

    def enforces(self, schema: Mapping[str, Any]) -> bool:
        """Return whether vLLM can constrain an answer by a JSON schema."""
        return enforceable(schema)

    async def load(self, digests: Sequence[str]) -> None:
        """Load restrictions in every worker of every rank (`Ranks.load`). Raises EngineFailure unless all acknowledge them."""
        await self._ranks.load(digests)

    async def forget(self, digests: Sequence[str]) -> None:
        """Remove restrictions from the memory of every worker. Raises EngineFailure if a worker does not answer."""
        await self._ranks.forget(digests)

    async def held(self, digests: Sequence[str]) -> list[int]:
        """Return how many of these restrictions each worker holds (`Ranks.held`). Raises EngineFailure if one does not answer."""
        return await self._ranks.held(digests)

    async def suppressed(self, names: Sequence[str]) -> dict[str, int]:
        """Return and forget how many tokens were suppressed under each name. Raises EngineFailure if a worker does not answer."""
        return await self._ranks.suppressed(names)


class _DeathNotice:
    """An object in place of vLLM's HTTP server: vLLM sets its `should_exit` when the engine has died."""

    def __init__(self, dead: asyncio.Event) -> None:
        self._dead = dead

    @property
    def should_exit(self) -> bool:
        return self._dead.is_set()

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        if value:
            self._dead.set()


@asynccontextmanager
async def open_vllm(settings: Settings) -> AsyncIterator[VllmEngine]:
    """Start vLLM, yield it, and stop it at the end.

    Raises:
        ValueError: The operator's arguments conflict with the guard, or the model does not generate text.
        Exception: What vLLM raises.
    """
    arguments = vllm_arguments(settings)
    prepare_environment()
    settings.restrictions.mkdir(parents=True, exist_ok=True, mode=0o700)
    args, config = await asyncio.to_thread(_configure, arguments)
    from vllm.entrypoints.launchers.api_server.app_state import init_app_state
    from vllm.entrypoints.launchers.app import build_app
    from vllm.renderers.chat_utils import load_chat_template
    from vllm.v1.engine.async_llm import AsyncLLM

    # On a thread, so that the event loop, and with it /health, answers meanwhile. vLLM's own context manager around the same call
    # would block it.
    client = await asyncio.to_thread(AsyncLLM.from_vllm_config, config, enable_log_requests=args.enable_log_requests)
    try:
        tasks = await client.get_supported_tasks()
        if "generate" not in tasks:
            raise ValueError(f"the model {settings.model} does not generate text: choose one that does")
        # When vLLM builds its application, it raises the level of the root logger to ERROR. The operator chooses that level.
        level = logging.root.level
        app = build_app(args, tasks, client.model_config)
        await init_app_state(client, app.state, args, tasks)
        logging.root.setLevel(level)
        # Nothing else runs the application's lifespan, in which vLLM logs its statistics.
        async with app.router.lifespan_context(app):
            known = (app, client, client.get_tokenizer(), settings.load_timeout, load_chat_template(args.chat_template))
            # On a thread, because it copies the tokenizer, which may be large.
            engine = await asyncio.to_thread(VllmEngine, *known)
            app.state.server = _DeathNotice(engine.dead)
            watching = asyncio.create_task(engine.watch(), name="engine watch")
            try:
                yield engine
            finally:
                watching.cancel()
    finally:
        client.shutdown()


def _configure(arguments: list[str]) -> tuple[Any, Any]:
    """Parse vLLM's command line and build its configuration. It is slow, because it imports vLLM."""
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.usage.usage_lib import UsageContext
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = make_arg_parser(FlexibleArgumentParser(prog="vllm"))
    # Otherwise the parser would accept a prefix of a reserved option in place of it.
    parser.allow_abbrev = False
    try:
        args = parser.parse_args(arguments)
    except SystemExit as error:
        raise ValueError("vLLM does not accept the arguments after --: see its message above") from error
    if args.model_tag is not None:
        raise ValueError(
            f"{args.model_tag!r} after -- is no option, and vLLM would ignore it: name the model with --model before --"
        )
    validate_parsed_serve_args(args)
    config = AsyncEngineArgs.from_cli_args(args).create_engine_config(usage_context=UsageContext.OPENAI_API_SERVER)
    _check_drafts(config)
    return args, config


def _check_drafts(config: Any) -> None:
    """Raise ValueError if vLLM would say draft tokens that the guard has banned, or run drafts without the guard."""
    drafts = config.speculative_config
    if drafts is None:
        return
    if not config.use_v2_model_runner:
        raise ValueError(
            "speculative decoding needs vLLM's Model Runner V2, and vLLM has chosen V1, which does not run the guard beside it: "
            "unset VLLM_USE_V2_MODEL_RUNNER, see vLLM's message above for what V2 does not support, or leave the option out"
        )
    from guard.processors.vllm.v2 import check_drafts

    check_drafts(drafts)
