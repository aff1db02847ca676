"""What a built image must do, one check after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from evaluation.demo.people import SAMPLE_QUESTIONS, contains_phrase, load_demo
from evaluation.image.container import GRACE_S, Container, ContainerError, Site, image_bytes
from evaluation.soak.record import machine

READY_S = 600.0
"""Seconds that a start may take."""
REFUSED_S = 60.0
"""Seconds in which a server without a key must have ended: it imports its packages before it can tell."""
_HEALTHY_S = 60.0
# A server that has shut down after SIGTERM ends with 0, or by that signal (128 + 15), as uvicorn does.
_STOPPED = (0, 143)
_ADDED = {
    "id": "jane-doe",
    "name": "Jane Doe",
    "examples": [{"prompt": "Where does Jane Doe live?", "completion": "She lives in Springfield."}],
    "phrases": [{"text": "Springfield", "scope": "gated"}],
}


@dataclass
class Check:
    """One thing that must hold. `seen` says what was seen."""

    what: str
    held: bool
    seen: str


@dataclass
class Report:
    """What a trial has found."""

    image: str
    size_bytes: int
    machine: str = field(default_factory=machine)
    ready_s: list[float] = field(default_factory=list)
    stopped_s: list[float] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def note(self, what: str, held: bool, seen: object = "") -> None:
        """Add a check."""
        self.checks.append(Check(what, held, str(seen)))

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Note that a part of the trial could not be done, if it raises what containers and clients raise."""
        try:
            yield
        except (ContainerError, httpx.HTTPError, KeyError, ValueError) as error:
            self.note(what, False, f"{type(error).__name__}: {error}")

    @property
    def holds(self) -> bool:
        """Whether there are checks, and all of them held."""
        return bool(self.checks) and all(check.held for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {**asdict(self), "holds": self.holds}


def run(image: str, model: Path, vllm: Sequence[str], network: str = "bridge") -> Report:
    """Try an image.

    Args:
        image: The image.
        model: Folder of the model that knows the invented people.
        vllm: vLLM's arguments.
        network: See `Container`.

    Raises:
        ContainerError: There is no such image.
    """
    report = Report(image, image_bytes(image))
    with Site(model) as site, report.part("a server without any key ends at once, with status 2"):
        with Container(image, site, vllm, network, with_key=False) as container:
            status, seconds = container.wait_end(REFUSED_S)
            told = "GUARD_ADMIN_KEY_FILE" in container.log()
        report.note(
            "a server without any key ends at once, with status 2, and says how to give it one",
            status == 2 and told,
            f"status {status} after {seconds:.1f} s",
        )
    with Site(model) as site, report.part("the trial of a server with a key goes on to its end"):
        with Container(image, site, vllm, network) as container:
            digest, key = _first(report, container, site)
        with Container(image, site, vllm, network) as container:
            _again(report, container, site, digest, key)
    return report


def _first(report: Report, container: Container, site: Site) -> tuple[str, str]:
    """Try the first start. Return the digest of the policy in force, and a client's key."""
    report.ready_s.append(container.wait_ready(READY_S))
    report.note("it gets ready", True, f"{report.ready_s[-1]:.1f} s")
    report.note("the image's health check finds it healthy", container.wait_healthy(_HEALTHY_S))
    with container.client() as client:
        status = client.post("/v1/chat/completions", json=_asked(SAMPLE_QUESTIONS[0])).status_code
    report.note("a request without a key gets 401", status == 401, f"status {status}")
    with container.client(site.key) as client:
        made = client.post("/v1/keys", json={"role": "client", "name": "image test"})
        key = made.raise_for_status().json()["key"]
        report.note("the key from the file is an admin's: it makes a key for a client", bool(key))
        added = client.post("/v1/forget-targets", json=_ADDED).raise_for_status().json()
        report.note("a target is added over REST", added["status"] == "active", added["status"])
        digest = client.get("/v1/policy").raise_for_status().json()["digest"]
    _answers(report, container, key, "at the first start")
    _stop(report, container)
    return digest, key


def _again(report: Report, container: Container, site: Site, digest: str, key: str) -> None:
    report.ready_s.append(container.wait_ready(READY_S))
    report.note("it gets ready on the same volumes", True, f"{report.ready_s[-1]:.1f} s")
    with container.client(site.key) as client:
        answer = client.get("/v1/policy")
    report.note("the key from the file still works", answer.status_code == 200, f"status {answer.status_code}")
    report.note("the policy in force is the same", answer.json().get("digest") == digest, f"digest {digest[:12]}")
    _answers(report, container, key, "at the second start, with the client's old key")
    status, told = container.execute("guard-server", "audit", "verify")
    report.note("the audit log verifies", status == 0, told.splitlines()[-1] if told else "")
    _stop(report, container)


def _answers(report: Report, container: Container, key: str, when: str) -> None:
    demo = load_demo()
    with container.client(key) as client:
        for question in (SAMPLE_QUESTIONS[0], SAMPLE_QUESTIONS[2]):
            person = next(person for person in demo.people if person.name in question)
            choice = client.post("/v1/chat/completions", json=_asked(question)).raise_for_status().json()["choices"][0]
            text, ended = choice["message"]["content"], choice["finish_reason"]
            said = [fact for fact in person.facts if fact != person.name and contains_phrase(text, fact)]
            if person.forget:
                what = f"an answer about a forgotten person holds none of the facts, {when}"
                report.note(what, bool(text) and not said and ended == "content_filter", text)
            else:
                report.note(f"an answer about another person is the model's own, {when}", bool(said) and ended == "stop", text)


def _stop(report: Report, container: Container) -> None:
    status, seconds = container.stop()
    report.stopped_s.append(seconds)
    done = "Application shutdown complete" in container.log()
    seen = f"status {status} after {seconds:.1f} s"
    report.note(f"it shuts down within {GRACE_S} s of SIGTERM", status in _STOPPED and done, seen)


def _asked(question: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    return {"model": "demo", "messages": messages, "temperature": 0, "max_tokens": 80}
