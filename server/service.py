"""The service: it starts the engine, the policy and the classifiers, and stops them.

It prints nothing: the command line (`server.cli`) shows what becomes of it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from classifiers import Screened
from classifiers.answering import Answer
from classifiers.live import LiveClassifier
from classifiers.meaning.neighbours import Neighbours
from classifiers.reading.language import language_of
from classifiers.verifying.verifier import warm
from server.answers.fluency import Fluency
from server.encoders import OpenEncoder, open_foreign
from server.engine.proof import prove
from server.engine.protocol import Engine, OpenEngine, request, served_model
from server.errors import EngineFailure, NotReady
from server.housekeeping import Housekeeping
from server.http.admission import Admission
from server.http.authentication import Authenticator
from server.http.draining import Draining
from server.http.filterlimit import FilterLimit
from server.metrics import Metrics
from server.policy.activation import Activation
from server.policy.enforcement import Enforcement
from server.policy.file import Policy, load_policy
from server.policy.hints.foretold import Foretelling
from server.policy.opening import open_policy
from server.policy.recalibration import Recalibration
from server.running import ApiContext, Running
from server.screening.decisionlog import DecisionLog
from server.screening.judging import open_judging
from server.screening.lanes import Lanes
from server.settings import Settings
from server.store import Database, StoreError, notifier_of
from server.store.audit.chain import read_key
from server.store.audit.log import Audit
from server.store.audit.opening import open_audit
from server.store.database.location import default_url
from server.store.keys import Keys

logger = logging.getLogger(__name__)


class Service:
    """Everything behind the routes.

    A policy file that cannot be loaded raises PolicyError when the service is made. What goes wrong while it starts is kept in
    `failure`. `seconds` has the time that each part of the start took.
    """

    def __init__(self, settings: Settings, open_engine: OpenEngine, open_encoder: OpenEncoder) -> None:
        self.settings = settings
        self.policy = load_policy(settings.policy) if settings.policy else Policy(version=1, targets=[])
        if settings.audit_key:
            read_key(settings.audit_key)  # what is wrong with it shows before anything is started
        self._judge_key = settings.judge_key()
        self.metrics = Metrics()
        self.authenticator = Authenticator(lambda: self.database)
        self.admission = Admission(settings.max_concurrent, settings.max_queued)
        self.filter_limit = FilterLimit(settings.filtered_per_minute)
        self.draining = Draining()
        self.failure: Exception | None = None
        self.seconds: dict[str, float] = {}
        self._open_engine = open_engine
        self._open_encoder = open_encoder
        self._database: Database | None = None
        self._audit = Audit()
        self._running: Running | None = None
        self._settled = asyncio.Event()
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def running(self) -> Running:
        """What a request needs; read it once per request.

        Raises:
            NotReady: the engine does not run yet, the guard is not proven yet, or the lease on the store is over.
        """
        if self._running is None:
            raise NotReady("The server is starting: the guard is not proven yet.")
        if not self._running.activation.serving:
            raise NotReady("The server cannot tell which policy is in force: the store does not answer. Try again.")
        return self._running

    @property
    def api(self) -> ApiContext:
        """What the API's routes work with. Raises NotReady as `running` does."""
        return self.running.api

    @property
    def database(self) -> Database:
        """The store. Raises NotReady before it is open."""
        if self._database is None:
            raise NotReady("The server is starting: the store is not open yet.")
        return self._database

    @property
    def audit(self) -> Audit:
        """The audit log of the store."""
        return self._audit

    async def settled(self) -> None:
        """Wait until the service runs. Raises what stopped it from starting."""
        await self._settled.wait()
        if self.failure:
            raise self.failure

    async def ready(self) -> bool:
        """Whether the engine answers, the guard is proven and the policy in force is known."""
        if self.draining.begun or self._running is None or not self._running.activation.serving:
            return False
        return (await request(self._running.engine.app, "GET", "/health")).status_code == 200

    async def run(self) -> None:
        """Start, serve until `stop` or until the engine dies, and clean up. `failure` keeps what went wrong."""
        try:
            async with self._started() as engine:
                self._settled.set()
                await _first(self._stop, engine.dead)
                if engine.dead.is_set():
                    raise EngineFailure("the engine died: its own log says why")
        except Exception as error:
            self.failure = error
            logger.error("the server cannot serve: %s", error)
        finally:
            self._running = None
            self._settled.set()
            self._ended.set()

    async def ended(self) -> None:
        """Wait until the service has ended, after `stop` or after a failure."""
        await self._ended.wait()

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stop.set()

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[Engine]:
        settings = self.settings
        async with AsyncExitStack() as stack:
            lanes = stack.enter_context(Lanes())
            stack.enter_context(_alone(settings.data_dir))
            database = self._database = await _store(settings)
            stack.push_async_callback(database.close)
            self._audit = await open_audit(
                database,
                settings.data_dir,
                settings.audit_key,
                shared=settings.database is not None,
                keep_text=settings.audit_text,
            )
            if settings.database and not settings.audit_key:
                logger.warning(
                    "the audit log is not sealed: servers may share the store that GUARD_DATABASE names, so this one makes no "
                    "key of its own; give all of them the same key with GUARD_AUDIT_KEY"
                )
            async with database.read() as session:
                if not await Keys().any(session):
                    logger.warning(
                        "no API keys: every process on this machine may do everything, and so may everybody whom a proxy on this "
                        "machine lets through; requests with a header that proxies write (Forwarded, X-Forwarded-*, X-Real-IP, "
                        "Via) are refused, but not every proxy writes one; make keys with `guard-server keys create`"
                    )
            with self._timed("encoder"):
                encoder = await asyncio.to_thread(self._open_encoder, settings)
                foreign = await asyncio.to_thread(open_foreign, settings)
                neighbours = Neighbours(encoder, settings.words)
            with self._timed("policy"):
                policy = self.policy if settings.policy else None
                opened = await open_policy(policy, database, self.audit, settings.restrictions, neighbours)
                found = opened.found
            with self._timed("classifier"):
                known = (found.targets, self.policy.background, encoder, settings.thresholds, found.vectors)
                classifier = await asyncio.to_thread(
                    LiveClassifier,
                    *known,
                    cache=settings.background,
                    in_context=settings.in_context,
                    doubt=settings.doubt,
                    multilingual=foreign,
                )
                # The first use compiles code and reads files: the first request must not wait for that.
                await asyncio.to_thread(classifier.classify, [Screened.of("Was 1st Büro #4 für Ж да?")])
                await asyncio.to_thread(language_of, "Was 1st Büro #4 für Ж да?")
            # Beside the engine's start, which takes longer and another process.
            warming = asyncio.create_task(asyncio.to_thread(warm))
            stack.callback(warming.cancel)
            # After all else, so that whatever is wrong with the policy, the store or the encoder shows at once.
            with self._timed("engine"):
                engine = await stack.enter_async_context(self._open_engine(settings))
            await warming
            model = await served_model(engine.app)
            judged = open_judging(settings, self._judge_key, engine.app, model, self.metrics)
            enforcement = Enforcement(
                engine, neighbours, lanes, settings.restrictions, self.metrics, (settings.answering, settings.detection)
            )
            enforcement.judging = await stack.enter_async_context(judged)
            with self._timed("enforce"):
                await enforcement.start(found.targets, classifier, (opened.part, opened.gated))
            with self._timed("proof"):
                await prove(engine, settings.restrictions, model)
            instance = f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
            activation = Activation(
                database, notifier_of(database), enforcement, instance, timeout_s=settings.load_timeout, audit=self.audit
            )
            stack.push_async_callback(activation.stop)
            await activation.start(found.versions)
            decisions = DecisionLog(database, self.audit, engine, keep_text=settings.audit_text)
            wanted = (settings.miss_rate, settings.thresholds, classifier.background, classifier.profiles, settings.false_alarms)
            recalibration = Recalibration(encoder, *wanted)
            fluency = Fluency(of=settings.model, kept=settings.data_dir / "fluency.json")

            async def learn() -> None:
                snapshot = enforcement.snapshot
                if any(snapshot.answering(target).answer is Answer.REPHRASE for target in snapshot.targets):
                    await fluency.learn(engine.app, model, classifier.background.prompts)

            parts = (decisions, self.authenticator, enforcement, recalibration, learn)
            housekeeping = Housekeeping(settings, database, self.audit, *parts)
            stack.push_async_callback(housekeeping.stop)
            housekeeping.start()
            api = ApiContext(
                database=database,
                activation=activation,
                authenticator=self.authenticator,
                audit=self.audit,
                encoder=encoder,
                restrictions=settings.restrictions,
                decisions=decisions,
                background=classifier.background,
                thresholds=settings.thresholds,
                metrics=self.metrics,
                limits=settings.limits,
                admission=self.admission,
                request_limits=settings.request_limits,
                vocabulary=engine.tokens,
                calibration=lambda: recalibration.calibration,
                foretelling=Foretelling(encoder, *wanted),
            )
            running = Running(engine, model, recalibration, api, fluency)
            await asyncio.to_thread(running.leads.prepare)
            self._running = running
            logger.info("guard proven; policy snapshot %d with %d targets", enforcement.snapshot.number, len(found.targets))
            yield engine

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[part] = time.perf_counter() - started


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make the folder, and keep other servers away from it: one could remove a restriction that another is about to load.

    Raises:
        RuntimeError: another process has the folder, or it cannot be written to.
    """
    lock = FileLock(folder / "lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire()
    except Timeout:
        raise RuntimeError(f"{folder} is used by another server process: give each its own with --data-dir") from None
    except OSError as error:
        raise RuntimeError(
            f"the data folder {folder} cannot be written to ({error.strerror}): make it writable, or give another with --data-dir"
        ) from error
    try:
        yield
    finally:
        lock.release()


async def _store(settings: Settings) -> Database:
    """Open the store. Raises RuntimeError, which says what to check, if that is not possible."""
    try:
        return await Database.open(settings.database or default_url(settings.data_dir))
    except (StoreError, ValueError, OSError) as error:
        named = "that GUARD_DATABASE names" if settings.database else f"in the data folder {settings.data_dir}"
        raise RuntimeError(
            f"the store {named} cannot be opened: {error}. Check that it exists and lets this server in"
        ) from error


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
