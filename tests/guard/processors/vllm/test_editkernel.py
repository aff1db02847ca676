"""Triton's kernel against the torch version.

Triton is not installed beside these tests: `test_v2_interpreted` runs this file once more where it is.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from vllm.triton_utils import HAS_TRITON

from guard.processors.vllm.editing import edit, edit_with_torch
from tests.guard.processors.vllm.test_editing import DEAD_END, SLOTS, WIDTH, Case, cases


@pytest.mark.skipif(not HAS_TRITON, reason="Triton is not installed")
@settings(max_examples=60, deadline=None)
@given(cases(), st.booleans())
def test_the_kernel_does_what_the_torch_version_does(case: Case, private: bool) -> None:
    logits, rows, plan = case
    outcomes = torch.full((2, SLOTS, WIDTH), 7, dtype=torch.int32)
    wanted = logits.clone()
    edit(logits, rows, plan, outcomes[0], DEAD_END, private=private)
    edit_with_torch(wanted, rows, plan, outcomes[1], DEAD_END, private=private)
    assert torch.equal(logits, wanted)
    assert torch.equal(outcomes[0], outcomes[1])
