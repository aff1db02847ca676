"""Random requests to every route of a running server, made from its own description by schemathesis."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.result import Ok

from evaluation.fuzz.findings import Findings
from evaluation.fuzz.said import forbidden, texts

MOST_TOKENS = 16
"""The most tokens that an answer may have: what the fuzzer wants is many requests."""
TIMEOUT_S = 120.0
_LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_GENERATING = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages")
# These tell an auditor about the policy, and may say what is in it.
_ABOUT_THE_POLICY = ("/v1/forget-targets", "/v1/policy", "/v1/audit")


@schemathesis.serializer("application/jsonl", "application/x-ndjson")
def _as_it_is(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@dataclass(frozen=True)
class Policy:
    """What the server must not say, and what it must go on to enforce.

    Attributes:
        always: Phrases that no answer may say.
        targets: The ids of their targets, which no request may change or delete.
        questions: Questions about them.
    """

    always: tuple[str, ...]
    targets: frozenset[str]
    questions: tuple[str, ...]


class Routes:
    """All routes of the server at `url`, which gets requests as an admin."""

    def __init__(self, url: str, policy: Policy, findings: Findings) -> None:
        self._url, self._policy, self._findings = url, policy, findings
        self._session = requests.Session()
        document = self._session.get(f"{url}/openapi.json", timeout=TIMEOUT_S).json()
        schema = schemathesis.openapi.from_dict(document)
        self.operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]

    def try_all(self, number: int, examples: int) -> None:
        """Send `examples` requests to each operation, and questions about the targets with random options.

        Args:
            number: The seed: another one makes other requests.
            examples: How many requests each operation gets.
        """
        for operation in self.operations:
            for case in _cases(operation, number, examples):
                self._send(operation, case)
        for path, body in self._questions(random.Random(number), examples):  # noqa: S311 - repeatable, not secret
            self.ask(path, body)

    def ask(self, path: str, body: dict[str, Any]) -> requests.Response | None:
        """Send one body to a route, and judge the answer."""
        text = json.dumps(body, ensure_ascii=False)
        try:
            response = self._session.post(f"{self._url}{path}", json=body, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            self._findings.add(f"POST {path}: {type(error).__name__}", text[:2000])
            return None
        self._judge(f"POST {path}", path, text, response)
        return response

    def tidy(self) -> None:
        """Delete every target but those of the policy: what the fuzzer adds would cut all later answers short."""
        page = self._session.get(f"{self._url}/v1/forget-targets", params={"limit": 100}, timeout=TIMEOUT_S).json()
        for target in page.get("data", []):
            if target["id"] not in self._policy.targets:
                self._session.delete(f"{self._url}/v1/forget-targets/{target['id']}", timeout=TIMEOUT_S)
        left = {target["id"] for target in page.get("data", [])}
        if not page.get("has_more") and (lost := self._policy.targets - left):
            self._findings.add("a target of the policy is gone", sorted(lost))

    def _send(self, operation: Any, case: Any) -> None:
        if case.path_parameters and str(case.path_parameters.get("id")) in self._policy.targets:
            return
        if case.path == "/v1/keys" and case.method.upper() == "POST":
            return  # the first key would shut out the fuzzer, which has none
        if isinstance(case.body, dict):
            if any(target in json.dumps(case.body, default=str) for target in self._policy.targets):
                return
            if operation.path in _GENERATING:
                case.body = _short(operation.path, case.body)
        label, asked = f"{case.method.upper()} {operation.path}", ascii(case.body)
        try:
            response = case.call(base_url=self._url, session=self._session, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            self._findings.add(f"{label}: {type(error).__name__}", asked[:2000])
            return
        except Exception as error:
            # What cannot be sent (a header that no client can write) says nothing about the server.
            self._findings.tried[f"not sent: {type(error).__name__}"] += 1
            return
        self._judge(label, operation.path, asked, response)

    def _judge(self, label: str, path: str, asked: str, response: Any) -> None:
        self._findings.tried[label] += 1
        self._findings.statuses[response.status_code] += 1
        kind = response.headers.get("content-type", "")
        content_type = kind if isinstance(kind, str) else ", ".join(kind)
        text = response.content.decode("utf-8", "replace") if response.content else ""
        if response.status_code >= 500:
            self._findings.add(f"{label}: {response.status_code}", {"asked": asked[:2000], "answered": text[:1000]})
        if "event-stream" in content_type and response.status_code == 200 and path in _GENERATING and not _ended(path, text):
            self._findings.add(f"{label}: a stream without its end", {"asked": asked[:2000], "answered": text[-1000:]})
        if response.status_code < 400 and path.startswith(_ABOUT_THE_POLICY):
            return
        if said := forbidden(texts(content_type, text), self._policy.always, asked):
            self._findings.add(f"{label}: says what is forbidden", {"asked": asked[:2000], "said": said, "answered": text[:2000]})

    def _questions(self, rng: random.Random, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield questions about the targets, with options that change how an answer is generated and sent."""
        paths = {operation.path for operation in self.operations}
        for _ in range(4 * count):
            asked = rng.choice(self._policy.questions)
            body: dict[str, Any] = {"model": "demo", "max_tokens": rng.choice((1, 8, 48)), "stream": rng.random() < 0.5}
            options: dict[str, Any] = {
                "temperature": rng.choice((0, 0.7, 2.0)),
                "top_p": rng.choice((0.5, 1.0)),
                "n": rng.choice((1, 2, 3)),
                "stop": rng.choice((["."], "a", ["in ", "the"])),
                "frequency_penalty": rng.choice((-2, 2)),
                "logit_bias": {str(rng.randrange(300)): rng.choice((-100, 5))},
                "seed": rng.randrange(2**31),
                "stream_options": {"include_usage": True},
                "logprobs": True,
                "response_format": {"type": "json_object"},
                "user": "fuzz",
                "min_p": 0.1,
                "ignore_eos": True,
            }
            body |= {name: options[name] for name in rng.sample(sorted(options), rng.randint(0, 5))}
            if not body["stream"]:
                body.pop("stream_options", None)
            path = rng.choice([one for one in _GENERATING if one in paths])
            if path == "/v1/completions":
                body |= {"prompt": asked, **({"logprobs": 3} if "logprobs" in body else {})}
            elif path == "/v1/responses":
                body = {"model": "demo", "input": asked, "max_output_tokens": body["max_tokens"] + 15, "stream": body["stream"]}
            elif path == "/v1/messages":
                body = {name: body[name] for name in ("model", "max_tokens", "stream")}
                body["messages"] = [{"role": "user", "content": asked}]
            else:
                body["messages"] = [{"role": "user", "content": asked}]
            yield path, body


def _ended(path: str, text: str) -> bool:
    """Whether a stream has its last event, or ends with an error."""
    last = {"/v1/responses": "event: response.", "/v1/messages": "message_stop"}.get(path, "[DONE]")
    return last in text or '"error"' in text


def _cases(operation: Any, number: int, examples: int) -> list[Any]:
    made: list[Any] = []

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(operation.as_strategy())
    def collect(case: Any) -> None:
        made.append(case)

    collect()
    return made


def _short(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body that asks for few tokens, if it is one that the server would answer at all."""
    kept = {
        name: min(value, MOST_TOKENS) if name in _LENGTHS and type(value) is int and value > 0 else value
        for name, value in body.items()
    }
    if not any(isinstance(kept.get(name), int) for name in _LENGTHS):
        kept["max_output_tokens" if path == "/v1/responses" else "max_tokens"] = MOST_TOKENS
    return kept
