"""Editing logits on a device as a plan says: a Triton kernel, and the same in torch where Triton is missing.

Each row of logits is edited by itself: the dead end is banned, then the ids of the row's line; a row with a hit
(`guard.decoding.hitkernels`) is closed, and one that has no token left gets the dead end. The host waits for none of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from vllm.triton_utils import HAS_TRITON, tl, triton

from guard.decoding.hitkernels import SHARE
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
    _edit[(len(logits),)](
        *(logits, logits.stride(0), *rows, *plan, outcome, dead_end),
        PRIVATE=private, WIDTH=width, VOCABULARY=vocabulary, BLOCK=_BLOCK, IDS=_IDS,
        SHARE=SHARE, CLOSED=CLOSED, HITS=HITS, STARVES=STARVES, COUNTED=COUNTED,
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


@triton.jit
def _edit(
    logits,
    stride,
    slots,
    positions,
    tokens,
    flags,
    fed,
    hard_start,
    soft_start,
    hard,
    soft,
    penalties,
    outcome,
    dead_end,
    PRIVATE: tl.constexpr,
    WIDTH: tl.constexpr,
    VOCABULARY: tl.constexpr,
    BLOCK: tl.constexpr,
    IDS: tl.constexpr,
    SHARE: tl.constexpr,
    CLOSED: tl.constexpr,
    HITS: tl.constexpr,
    STARVES: tl.constexpr,
    COUNTED: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    slot = tl.load(slots + row).to(tl.int64)
    position = tl.load(positions + row)
    first = slot * WIDTH
    line = first + position
    flag = tl.load(flags + line)
    if flag == 0:
        return
    values = logits + row * stride
    # The plan was made for these drafts. In a row behind another one anything could be said, so it says nothing.
    closed = (flag & CLOSED) != 0
    for number in range(1, position + 1):
        closed = closed | (tl.load(fed + first + number) != tl.load(tokens + row - position + number))
    if PRIVATE:
        tl.store(values + dead_end, float("-inf"))
        tl.debug_barrier()
    # The likeliest token, its logit, and the sum of all exponentials relative to it.
    looks = (flag & (HITS | STARVES | COUNTED)) != 0
    top = float("-inf")
    likeliest = 0
    total = 0.0
    if looks:
        for start in range(0, VOCABULARY, BLOCK):
            at = start + tl.arange(0, BLOCK)
            block = tl.load(values + at, mask=at < VOCABULARY, other=float("-inf"))
            highest = tl.max(block, 0)
            if highest > top:
                total = total * tl.exp(top - highest)
                likeliest = start + tl.argmax(block, 0)
                top = highest
            if top > float("-inf"):
                total += tl.sum(tl.exp(block - top), 0)
    for start in range(tl.load(hard_start + line), tl.load(hard_start + line + 1), IDS):
        at = start + tl.arange(0, IDS)
        mask = at < tl.load(hard_start + line + 1)
        ids = tl.load(hard + at, mask=mask, other=0)
        tl.store(values + ids, float("-inf"), mask=mask)
    tl.debug_barrier()
    suppressed = False
    hit = False
    nothing = False
    if looks:
        # The same of what is left. Penalties come later: a token that is only penalised is not banned.
        left = 0.0
        most = float("-inf")
        for start in range(0, VOCABULARY, BLOCK):
            at = start + tl.arange(0, BLOCK)
            block = tl.load(values + at, mask=at < VOCABULARY, other=float("-inf"))
            most = tl.maximum(most, tl.max(block, 0))
            if top > float("-inf"):
                left += tl.sum(tl.exp(block - top), 0)
        alive = top > float("-inf")
        suppressed = alive & (tl.load(values + likeliest) == float("-inf"))
        hit = ((flag & HITS) != 0) & alive & (suppressed | (total - left >= SHARE * total))
        nothing = ((flag & STARVES) != 0) & (most == float("-inf"))
    for start in range(tl.load(soft_start + line), tl.load(soft_start + line + 1), IDS):
        at = start + tl.arange(0, IDS)
        mask = at < tl.load(soft_start + line + 1)
        ids = tl.load(soft + at, mask=mask, other=0)
        penalty = tl.load(penalties + at, mask=mask, other=0).to(tl.float32, bitcast=True)
        tl.store(values + ids, tl.load(values + ids, mask=mask, other=0.0) - penalty, mask=mask)
    tl.debug_barrier()
    if closed | hit:
        for start in range(0, VOCABULARY, BLOCK):
            at = start + tl.arange(0, BLOCK)
            tl.store(values + at, float("-inf"), mask=at < VOCABULARY)
        tl.debug_barrier()
    if closed | hit | nothing:
        tl.store(values + dead_end, 0.0)
    counted = ((flag & COUNTED) != 0) & (closed == 0) & (hit | suppressed)
    tl.store(outcome + line, counted.to(tl.int32))
