"""Editing logits on a device as a plan says: a Triton kernel, and the same in torch where Triton is missing.

Each row of logits is edited by itself: the dead end is banned, then the ids of the row's line; a row with a hit
(`guard.decoding.hitkernels`) is closed, and one that has no token left gets the dead end. The host waits for none of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from vllm.triton_utils import HAS_TRITON

from guard.decoding.hitkernels import SHARE
from guard.processors.vllm.editkernel import edit_row
from guard.processors.vllm.plan import CLOSED, COUNTED, HITS, STARVES

INF = float("inf")
# How many logits, and how many ids, a program reads at once.
_BLOCK, _IDS = 8192, 256


def edit(
    logits: torch.Tensor,
    rows: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    plan: Sequence[torch.Tensor],
    outcome: torch.Tensor,
    dead_end: int,
    *,
    private: bool,
) -> None:
    """Edit `logits` in place, by Triton's kernel where there is one.

    Args:
        logits: float32 [rows, vocabulary].
        rows: For each row its slot, the number of draft tokens before it, and the token with which the model computed it; int
            [rows] each. The rows of a request follow each other.
        plan: The arrays of a `Plan`, on the device of the logits.
        outcome: int32 [slots, width]; set to 1 for each counted line of a row in `logits` in which the guard suppressed a token,
            else to 0.
        dead_end: The id of the dead-end token.
        private: Whether the model never ends an answer with the dead end; then it is banned in every row that is edited.
    """
    if not HAS_TRITON:
        edit_with_torch(logits, rows, plan, outcome, dead_end, private=private)
        return
    width, vocabulary = outcome.shape[1], logits.shape[1]
    edit_row[(len(logits),)](
        *(logits, logits.stride(0), *rows, *plan, outcome, dead_end),
        PRIVATE=private,
        WIDTH=width,
        VOCABULARY=vocabulary,
        BLOCK=_BLOCK,
        IDS=_IDS,
        SHARE=SHARE,
        CLOSED=CLOSED,
        HITS=HITS,
        STARVES=STARVES,
        COUNTED=COUNTED,
        num_warps=8,
    )


def edit_with_torch(
    logits: torch.Tensor,
    rows: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    plan: Sequence[torch.Tensor],
    outcome: torch.Tensor,
    dead_end: int,
    *,
    private: bool,
) -> None:
    """Do what `edit` says, row by row. This is the reference of the kernel, and waits for the device."""
    flags, fed, hard_start, soft_start, hard, soft, penalties = plan
    slots, positions, tokens = (part.tolist() for part in rows)
    for row, (slot, position) in enumerate(zip(slots, positions, strict=True)):
        first = slot * outcome.shape[1]
        line = first + position
        flag = int(flags[line])
        if not flag:
            continue
        values = logits[row]
        drafts = tokens[row - position + 1 : row + 1]
        closed = bool(flag & CLOSED) or fed[first + 1 : line + 1].tolist() != drafts
        if private:
            values[dead_end] = -INF
        before, top = values.clone(), float(values.max())
        values[hard[hard_start[line] : hard_start[line + 1]].long()] = -INF
        banned = values == -INF
        alive = top > -INF
        suppressed = alive and bool(banned[int(before.argmax())])
        share = float(torch.where(banned, before.softmax(-1), 0.0).sum()) if alive else 0.0
        hit = bool(flag & HITS) and alive and (suppressed or share >= SHARE)
        begin, end = int(soft_start[line]), int(soft_start[line + 1])
        values[soft[begin:end].long()] -= penalties[begin:end].view(torch.float32)
        if closed or hit:
            values.fill_(-INF)
        if closed or hit or (flag & STARVES and bool((values == -INF).all())):
            values[dead_end] = 0.0
        outcome[slot, position] = int(bool(flag & COUNTED) and not closed and (hit or suppressed))
