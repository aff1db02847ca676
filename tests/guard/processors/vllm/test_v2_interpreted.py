"""The guard inside vLLM's own Model Runner V2, on a CPU: Triton's interpreter runs the kernels.

Each test starts Python anew with Triton beside it, because vLLM decides for the whole process whether Triton is there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from evaluation.demo import load_demo
from guard import reference
from guard.phrase import Phrase
from guard.processors.arguments import REFUSE
from guard.restriction import Restriction
from tests.guard.processors.vllm.interpreted.eagle import head
from tests.guard.processors.vllm.interpreted.install import environment
from tests.paths import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.v2]
DEMO = load_demo()


@pytest.fixture(scope="module")
def interpreted() -> dict[str, str]:
    """The environment in which vLLM finds Triton."""
    try:
        return environment(ROOT)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"Triton cannot be installed: {error.stderr.strip()[-300:]}")


def ended(command: list[str], env: dict[str, str]) -> str:
    """Run a command and return what it writes; fail with its last lines if it fails."""
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout


def test_the_kernel_edits_as_the_torch_version_does(interpreted: dict[str, str]) -> None:
    """The tests of the processor once more, where `edit` calls the kernel."""
    files = [f"tests/guard/processors/vllm/test_{name}.py" for name in ("editkernel", "v2")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files]
    said = ended([*command, "--hypothesis-profile", "check", "-k", "not random or seed0 or 0-"], interpreted)
    assert "skipped" not in said


def test_the_work_of_a_row_does_not_grow_with_the_phrases(interpreted: dict[str, str]) -> None:
    """Each logit is read twice, each banned id once, and ten more numbers: 100 phrases or 100,000."""
    counted = json.loads(
        ended([sys.executable, "-m", "tests.guard.processors.vllm.interpreted.loads"], interpreted).splitlines()[-1]
    )
    assert [one["phrases"] for one in counted] == [100, 10_000, 100_000]
    for one in counted:
        assert one["banned"] >= 1
        assert one["loads"] <= 2 * one["vocabulary"] + one["banned"] + 10


def asked(folder: Path, model: str) -> list[dict[str, Any]]:
    """Store restrictions and return requests: free ones, the same under a restriction, with hits, and one that is refused."""
    template = AutoTokenizer.from_pretrained(model)
    dead_end = template.pad_token_id

    def stored(*phrases: Phrase) -> str:
        restriction = Restriction.compile(phrases)
        restriction.save(folder)
        return restriction.digest

    found: list[dict[str, Any]] = []
    for pair in DEMO.pairs[:2]:
        chat = [{"role": "user", "content": pair.question}]
        prompt = template.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        word = next(word for word in pair.answer.strip(".").split()[2:] if len(word) > 3)
        digest = stored(Phrase(word, "gated", force=True))
        for guard, more in (([], {}), ([digest], {}), ([digest], {"guard_hits": 1})):
            extra = {"guard": guard, "guard_id": f"gd-{len(found)}", **more}
            found.append({"prompt": prompt, "extra_args": extra, "word": word, "stop_token_ids": [dead_end]})
    found.append({**found[0], "extra_args": {"guard": [REFUSE]}, "word": None})
    return found


Requests = list[dict[str, Any]]


def said(folder: Path, model: str, requests: Requests, env: dict[str, str], speculative: Any = None) -> dict[str, Any]:
    (folder / "asked.json").write_text(json.dumps(requests), "utf-8")
    program = "tests.guard.processors.vllm.interpreted.answers"
    ended([sys.executable, "-m", program, model, str(folder), json.dumps(speculative)], env)
    told: dict[str, Any] = json.loads((folder / "answers.json").read_text("utf-8"))
    return told


def test_the_runner_says_nothing_that_is_banned_with_drafts_and_without(
    interpreted: dict[str, str], demo_model: str, tmp_path: Path
) -> None:
    requests = asked(tmp_path, demo_model)
    plain = said(tmp_path, demo_model, requests, interpreted)
    assert plain["v2"]
    ngrams = {"method": "ngram_gpu", "num_speculative_tokens": 3, "prompt_lookup_max": 3, "prompt_lookup_min": 1}
    # The model drafts for itself, so its drafts are what it would say if nothing were banned.
    itself = {"method": "draft_model", "model": demo_model, "num_speculative_tokens": 2}
    # A head that nobody has trained: nearly all of its drafts are refused.
    eagle = {"method": "eagle", "model": str(head(Path(demo_model), tmp_path / "eagle")), "num_speculative_tokens": 2}
    for speculative in (ngrams, itself, eagle):
        drafted = said(tmp_path, demo_model, requests, interpreted, speculative)
        assert drafted["v2"]
        # Greedy answers are the same with drafts, under restrictions too.
        assert drafted["tokens"] == plain["tokens"]
        assert drafted["stops"] == plain["stops"]
        assert drafted["counts"] == plain["counts"]
    texts, stops, counts = plain["texts"], plain["stops"], plain["counts"]
    touched = 0
    for first in range(0, 6, 3):
        free, masked, hit = texts[first : first + 3]
        phrase = [Phrase(requests[first]["word"], "gated", force=True)]
        assert not reference.penalty(phrase, [], masked.encode())
        assert not reference.penalty(phrase, [], hit.encode())
        assert counts[f"gd-{first}"] == 0
        if reference.penalty(phrase, [], free.encode()):
            touched += 1
            assert counts[f"gd-{first + 1}"] >= 1
            assert stops[first + 2] == requests[0]["stop_token_ids"][0]
            assert free.startswith(hit)
            assert counts[f"gd-{first + 2}"] == 1
    assert touched
    assert texts[-1] == ""
    assert stops[-1] == requests[0]["stop_token_ids"][0]
