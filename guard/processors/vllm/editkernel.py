"""The kernel that edits logits as a plan says: one program per row. `editing.edit_with_torch` is its reference.

Triton compiles it when it is first called. Beside each logit that it reads it reads one integer per banned token of the row.
"""

from __future__ import annotations

from vllm.triton_utils import tl, triton


@triton.jit
def edit_row(
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
    """Edit the row that is the program's id. The arguments are those of `editing.edit`, with the arrays of the plan in order."""
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
