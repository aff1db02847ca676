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
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress

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
from server.engine.restarts import Restarts, engine_died, first_of
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
from server.quotas import SharedQuotas
from server.running import ApiContext, Running
from server.screening.decisionlog import DecisionLog
from server.screening.judging import open_judging
from server.screening.lanes import Lanes
from server.settings import Settings
from server.start import alone, open_store
from server.store import Database, notifier_of
from server.store.audit.chain import read_key
from server.store.audit.log import Audit
from server.store.audit.opening import open_audit
from server.store.keys import Keys

logger = logging.getLogger(__name__)

# Seconds that requests in progress may take to tell their clients that the engine has died.
_TELL_S = 5.0


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
        self._restarting = False
        self._settled = asyncio.Event()
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def running(self) -> Running:
        """What a request needs; read it once per request.

        Raises:
            NotReady: the engine does not run yet, the guard is not proven yet, or the lease on the store is over.
        """
        if self._restarting or (self._running and not self._running.engine.alive):
            raise engine_died()
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
        running = self._running
        if self.draining.begun or running is None or not running.activation.serving or not running.engine.alive:
            return False
        return (await request(running.engine.app, "GET", "/health")).status_code == 200

    async def run(self) -> None:
        """Start, serve until `stop`, and clean up. `failure` keeps what went wrong.

        If the engine dies, all is started again and the guard is proven again (`server.engine.restarts`). Until then every
        request gets status 503.
        """
        restarts = Restarts(self.settings.engine_restarts)
        try:
            while (served_s := await self._serve()) is not None:
                wait = restarts.after(served_s)
                if wait is None:
                    raise EngineFailure(f"the engine died, after {restarts.done} restarts in a row: its own log says why")
                logger.error("the engine died: nothing is answered until another one is proven; restart %s", restarts.told(wait))
                if await first_of(self._stop, seconds=wait):
                    break
        except Exception as error:
            self.failure = error
            logger.error("the server cannot serve: %s", error)
        finally:
            self._running = None
            self._settled.set()
            self._ended.set()

    async def _serve(self) -> float | None:
        """Serve until `stop` (None) or until the engine dies: return how many seconds it served, 0 if it could not start again.

        Raises what keeps the server from its first start.
        """
        began = None
        try:
            async with self._started() as engine:
                began, self._restarting = time.monotonic(), False
                self._settled.set()
                await first_of(self._stop, engine.dead)
                if not engine.dead.is_set():
                    return None
                self._restarting = True
                # What is in progress ends with an error in a moment, and uses what is closed after that.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.draining.idle(), _TELL_S)
        except Exception as error:
            if self._stop.is_set() or (began is None and not self._restarting):
                raise
            logger.error("the start or the end of an engine failed: %s: %s", type(error).__name__, error)
        self._restarting = True
        return 0.0 if began is None else time.monotonic() - began

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
            stack.enter_context(alone(settings.data_dir))
            database = self._database = await open_store(settings)
            stack.callback(self._close)
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

            limiters = {"requests": self.authenticator.limiter, "filtered": self.filter_limit.limiter}
            quotas = SharedQuotas(database, limiters)
            parts = (decisions, self.authenticator, enforcement, recalibration, learn, quotas)
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

    def _close(self) -> None:
        """Have nothing use what is closed."""
        self._running = self._database = None

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[part] = time.perf_counter() - started
