"""Settings, read from the environment (prefix `GUARD_`). Flags of the command line win over it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from classifiers import Thresholds
from classifiers.answering import Answer, Answering, Echo, InContext
from classifiers.calibration.limits import CAP
from classifiers.detection import ALL, Detection, History, RefuseOn, Weight
from classifiers.target import Hint, Say
from server.http.body import BodyLimits
from server.http.requestlimits import RequestLimits

_DEFAULT = Thresholds()
_LEVELS = ("debug", "info", "warning", "error", "critical")


def default_data_dir() -> Path:
    """Return the user's folder for data."""
    return platformdirs.user_data_path("guard-server")


class Settings(BaseSettings):
    """All settings of the server."""

    model_config = SettingsConfigDict(env_prefix="GUARD_", extra="forbid", frozen=True, protected_namespaces=())

    model: str = Field(description="model to serve: a folder, or a name on the Hugging Face hub")
    policy: Path | None = Field(None, description="policy file (YAML): targets that are enforced from the start")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 picks a free one")
    tls_cert: Path | None = Field(None, description="file with the certificate chain (PEM); with it the server speaks HTTPS")
    tls_key: Path | None = Field(None, description="file with the certificate's private key (PEM)")
    tls_client_ca: Path | None = Field(
        None, description="file with certificate authorities (PEM): a client must show a certificate of one of them"
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="origins whose pages may call the server (CORS), separated by commas; * for any"
    )
    admin_key_file: Path | None = Field(
        None, description="file with the text of an admin key, which the server makes if there is no key yet"
    )
    docs: bool = Field(False, description="serve /docs, a page that shows /openapi.json; all of it comes from this server")
    metrics_open: bool = Field(False, description="serve /metrics without a key")
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="folder for compiled restrictions and the vectors of words",
    )
    database: str | None = Field(None, description="URL of the store: postgresql://... or sqlite:///...; unset: in data_dir")
    audit_key: Path | None = Field(
        None, description="file with a key, 32 bytes or more, that seals the audit log; unset: one in data_dir"
    )
    audit_text: bool = Field(False, description="keep prompts of matched requests in the audit log")
    audit_days: int | None = Field(None, ge=1, description="days after which records of the audit log are removed; unset: never")
    miss_rate: float = Field(
        0.01,
        ge=0,
        lt=1,
        description="share of prompts about a target that detection may miss; 0: detection is not calibrated",
    )
    false_alarms: float = Field(
        CAP, ge=0, le=1, description="share of innocent prompts that calibration lets detection find; it wins over the miss rate"
    )
    encoder: str | None = Field(None, description="sentence-transformers model; unset: the installed all-MiniLM-L6-v2")
    multilingual: bool = Field(
        True,
        description="read doubtful prompts, and those that are not in English, with a second encoder (multilingual-e5-small)",
    )
    threshold: float = Field(_DEFAULT.cosine, ge=0, le=1, description="least cosine of a prompt to an example of a target")
    margin: float = Field(_DEFAULT.margin, ge=0, le=1, description="least lead over the cosine to any background prompt")
    judge: str = Field(
        "off",
        description="who decides prompts in doubt: off, model (the served one), or the base URL of an OpenAI-compatible API",
    )
    judge_model: str | None = Field(
        None, validate_default=True, description="name of the model behind the URL; no other judge has one"
    )
    judge_key_file: Path | None = Field(None, description="file with the key for the URL; unset: no key is sent")
    judge_timeout: float = Field(2.0, gt=0, description="seconds in which the judge must answer; otherwise the prompt counts")
    judge_doubt: float = Field(
        1.0, ge=0, le=10, description="log odds below a target's limit down to which the judge is asked; 0 if judge is off"
    )
    judge_yes: float = Field(0.5, gt=0, lt=1, description="probability of yes from which on the judge confirms a match")
    answer: Answer = Field(
        Answer.ABSTAIN, description="what becomes of an answer that was about to say a phrase: abstain, rephrase or mask"
    )
    say: Annotated[Say, NoDecode] = Field(
        None, description="what an answer says in place of it: a text, or JSON with texts by language"
    )
    echo: Echo = Field(Echo.ALLOW, description="whether an answer may say a name that occurs in the prompt: allow or ban")
    in_context: InContext = Field(
        InContext.SUPPRESS, description="what happens where the prompt itself says a fact: suppress, refuse or allow"
    )
    hint: Hint = Field(None, description="system line for chat requests about a target; unset: none")
    history: History = Field(
        ALL, description="how many turns of a conversation count for detection: all, or a number of user turns"
    )
    refuse_on: RefuseOn = Field(
        RefuseOn.LATEST_TURN, description="what may refuse: latest_turn, with what it refers to, or history, all turns that count"
    )
    detect_system: Weight = Field(
        Weight.RESTRICT, description="what system and developer messages do that name a target: ignore, restrict or count"
    )
    detect_tools: Weight = Field(
        Weight.RESTRICT, description="what tool definitions and schemas do that name a target: ignore, restrict or count"
    )
    detect_documents: Weight = Field(
        Weight.COUNT, description="what documents and tool results do that name a target: ignore, restrict or count"
    )
    filtered_finish: Literal["content_filter", "stop"] = Field(
        "content_filter", description="finish_reason of an answer that is refused or abstains: content_filter or stop"
    )
    unknown_fields: Literal["refuse", "drop"] = Field(
        "refuse", description="what happens to a field of a request that the server does not know: refuse or drop"
    )
    max_body_bytes: int = Field(8 * 2**20, ge=1024, description="largest request body, in bytes")
    max_messages: int = Field(2048, ge=1, description="most messages of a chat request")
    max_prompts: int = Field(128, ge=1, description="most prompts in a list")
    max_choices: int = Field(128, ge=1, description="most choices of a request: its prompts times `n`")
    max_concurrent: int = Field(256, ge=1, description="most requests of a client that the server works on at once")
    max_queued: int = Field(256, ge=0, description="most requests of a client that wait for that; one more gets status 429")
    filtered_per_minute: int = Field(
        3000, ge=1, description="most answers of a client per minute that the policy cuts short; then status 429"
    )
    request_timeout: float = Field(1800.0, gt=0, description="seconds that a request may take, waiting and streaming included")
    drain_timeout: float = Field(20.0, ge=0, description="seconds that requests in progress may take once the server is to stop")
    load_timeout: float = Field(60.0, gt=0, description="seconds in which every engine worker must load restrictions")
    engine_restarts: int = Field(
        5, ge=0, description="how often in a row an engine that died is started again; then the server ends; 0: it ends at once"
    )
    log_level: str = Field("info", description="log level: debug, info, warning or error")
    upstream: str | None = Field(
        None, description="base URL of the router in front of a fleet's engines; unset: vLLM runs in this process"
    )
    upstream_key_file: Path | None = Field(None, description="file with the key that the router or the engines ask for")
    tokenizer: str | None = Field(None, description="the model's tokenizer for a fleet: a folder, or a name on the hub")
    engine_token_file: Path | None = Field(None, description="file with the token that the engines of a fleet show this server")
    vllm_args: Annotated[tuple[str, ...], NoDecode] = Field((), description="arguments that go to vLLM unchanged")

    @field_validator("log_level")
    @classmethod
    def _level_exists(cls, level: str) -> str:
        if level.lower() not in _LEVELS:
            raise ValueError(f"choose one of {', '.join(_LEVELS)}")
        return level

    @field_validator("judge")
    @classmethod
    def _is_a_judge(cls, judge: str) -> str:
        if judge in ("off", "model") or (judge.startswith(("http://", "https://")) and urlsplit(judge).hostname):
            return judge
        raise ValueError("choose off, model, or a base URL such as https://judge.example/v1")

    @field_validator("judge_model")
    @classmethod
    def _names_the_judge(cls, model: str | None, known: ValidationInfo) -> str | None:
        judge = known.data.get("judge", "off")
        if judge not in ("off", "model") and not model:
            raise ValueError("is missing: GUARD_JUDGE is a URL, so give the name of the model to ask there")
        return model

    @field_validator("vllm_args", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(shlex.split(value)) if isinstance(value, str) else value

    @field_validator("tls_key", "tls_client_ca")
    @classmethod
    def _has_a_certificate(cls, file: Path | None, known: ValidationInfo) -> Path | None:
        if file is not None and known.data.get("tls_cert") is None:
            raise ValueError("needs GUARD_TLS_CERT (--tls-cert), the file with the server's own certificate")
        return file

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(origin for part in value.split(",") if (origin := part.strip()))

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            if origin != "*" and not (parts.scheme in ("http", "https") and parts.netloc and origin.endswith(parts.netloc)):
                raise ValueError(f"{origin!r} is no origin: write it as https://app.example, without a path, or write *")
        return origins

    @field_validator("say", mode="before")
    @classmethod
    def _by_language(cls, value: object) -> object:
        if not isinstance(value, str) or not value.lstrip().startswith("{"):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError('is not valid JSON: write a text, or {"default": "...", "de": "..."}') from None

    @field_validator("history", mode="before")
    @classmethod
    def _number_of_turns(cls, value: object) -> object:
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value

    @property
    def detection(self) -> Detection:
        """Which texts count for targets that do not say it themselves."""
        return Detection(self.history, self.refuse_on, self.detect_system, self.detect_tools, self.detect_documents)

    @property
    def doubt(self) -> float:
        """How far below a target's limit a score may be so that the judge decides; 0 without a judge."""
        return 0.0 if self.judge == "off" else self.judge_doubt

    def judge_key(self) -> str | None:
        """Return the key for a judge behind a URL, None if the settings name no file for one.

        Raises:
            ValueError: The file cannot be read, or holds no key.
        """
        if self.judge_key_file is None or self.judge in ("off", "model"):
            return None
        return _key_in(self.judge_key_file, "GUARD_JUDGE_KEY_FILE")

    def upstream_key(self) -> str | None:
        """Return the key for the router, None if the settings name no file for one. Raises ValueError as `admin_key` does."""
        return _key_in(self.upstream_key_file, "GUARD_UPSTREAM_KEY_FILE") if self.upstream_key_file else None

    def engine_token(self) -> str:
        """Return the token that engines show. Raises ValueError if there is none, or as `admin_key` does."""
        if self.engine_token_file is None:
            raise ValueError("GUARD_ENGINE_TOKEN_FILE: GUARD_UPSTREAM needs a file with the token that its engines show")
        return _key_in(self.engine_token_file, "GUARD_ENGINE_TOKEN_FILE")

    def admin_key(self) -> str | None:
        """Return the text of the first admin key, None if the settings name no file for one.

        Raises:
            ValueError: The file cannot be read, or holds no key.
        """
        return _key_in(self.admin_key_file, "GUARD_ADMIN_KEY_FILE") if self.admin_key_file else None

    @property
    def answering(self) -> Answering:
        """How answers about targets are given that do not say it themselves."""
        return Answering().with_own(self.answer, self.say, self.echo, self.in_context, self.hint)

    @property
    def restrictions(self) -> Path:
        """The folder of compiled restrictions."""
        return self.data_dir / "restrictions"

    @property
    def background(self) -> Path:
        """The file of the encoded innocent prompts."""
        return self.data_dir / "background.safetensors"

    @property
    def names(self) -> Path:
        """The file of the vectors of the targets' names."""
        return self.data_dir / "names.vectors"

    @property
    def words(self) -> Path:
        """The folder of the word list's vectors."""
        return self.data_dir / "words"

    @property
    def limits(self) -> BodyLimits:
        """Limits on request bodies."""
        return BodyLimits(bytes=self.max_body_bytes)

    @property
    def request_limits(self) -> RequestLimits:
        """Limits on what one request may ask for."""
        return RequestLimits(self.max_messages, self.max_prompts, self.max_choices)

    @property
    def thresholds(self) -> Thresholds:
        """How near a prompt must be to an example."""
        return Thresholds(self.threshold, self.margin)


def _key_in(file: Path, variable: str) -> str:
    """Return the key in a file that a variable of the environment names. Raises ValueError if there is none in it."""
    try:
        key = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in ASCII"
        raise ValueError(f"{variable}: {file} cannot be read ({reason}): name a file with the key") from None
    if not key or not key.isprintable():
        raise ValueError(f"{variable}: {file} does not hold one key on one line: write the key into it")
    return key
