"""Editing as a plan says: the torch version against the editor of the other runner."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.decoding.edits import Edits
from guard.processors.logits import LogitsEditor
from guard.processors.vllm.editing import edit_with_torch
from guard.processors.vllm.plan import CLOSED, COUNTED, HELD, HITS, STARVES, Plan, parts_of

SLOTS, WIDTH, VOCABULARY, DEAD_END = 4, 3, 37, 2
INF = float("inf")
Case = tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor, torch.Tensor], list[torch.Tensor]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Logits, what the runner says about their rows, and a plan."""
    slots = draw(st.permutations(range(SLOTS)))[: draw(st.integers(1, SLOTS))]
    counts = {slot: draw(st.integers(1, WIDTH)) for slot in slots}
    places = [(slot, at) for slot in slots for at in range(counts[slot])]
    ids = st.lists(st.integers(0, VOCABULARY - 1), max_size=30)
    none = np.empty(0, np.int64)
    steps = []
    for _ in range(WIDTH):
        hard = [(slot, token) for slot in slots for token in draw(ids)]
        soft = [(slot, token) for slot in slots for token in sorted(set(draw(ids)))]
        penalties = np.array([draw(st.sampled_from([0.5, 4.0, 30.0])) for _ in soft], np.float32)
        pairs = [np.array(found, np.int64).reshape(-1, 2).T for found in (hard, soft)]
        steps.append(Edits(pairs[0], pairs[1], penalties, none, none))
    flags = np.zeros((SLOTS, WIDTH), np.int32)
    for slot in slots:
        if draw(st.integers(0, 3)):
            for at in range(WIDTH):
                flags[slot, at] = (
                    HELD
                    | draw(st.sampled_from([0, 0, 0, 0, CLOSED]))
                    | draw(st.sampled_from([0, HITS, STARVES, COUNTED, HITS | COUNTED, HITS | STARVES | COUNTED]))
                )
    fed = np.array(draw(st.lists(st.integers(0, 3), min_size=SLOTS * WIDTH, max_size=SLOTS * WIDTH)), np.int32)
    fed = fed.reshape(SLOTS, WIDTH)
    tokens = [int(fed[slot, at]) if draw(st.integers(0, 9)) else 9 for slot, at in places]
    numbers = st.sampled_from([-INF, -20.0, -2.0, -1.0, 0.0, 0.0, 1.0, 2.0, 6.0])
    rows = draw(st.lists(st.lists(numbers, min_size=VOCABULARY, max_size=VOCABULARY), min_size=len(places), max_size=len(places)))
    if draw(st.integers(0, 3)) == 0:
        rows[0] = [-INF] * VOCABULARY
    packed, lengths = Plan.of(steps, flags, fed).packed()
    where = [slot for slot, _ in places], [at for _, at in places], tokens
    told = tuple(torch.tensor(part, dtype=torch.int32) for part in where)
    return torch.tensor(rows), told, parts_of(torch.from_numpy(packed), lengths)  # type: ignore[return-value]


@settings(max_examples=150, deadline=None)
@given(cases(), st.booleans())
def test_the_torch_version_does_what_the_other_runner_s_editor_does(case: Case, private: bool) -> None:
    logits, rows, plan = case
    found, outcome = logits.clone(), torch.full((SLOTS, WIDTH), 7, dtype=torch.int32)
    edit_with_torch(found, rows, plan, outcome, DEAD_END, private=private)
    flags, fed, hard_start, soft_start, hard, soft, penalties = plan
    slots, positions, tokens = (part.tolist() for part in rows)
    for row, (slot, at) in enumerate(zip(slots, positions, strict=True)):
        line = slot * WIDTH + at
        flag, first = int(flags[line]), row - at
        alone = logits[row : row + 1].clone()
        if not flag:
            assert torch.equal(found[row], alone[0])
            assert outcome[slot, at] == 7
            continue
        editor = LogitsEditor(DEAD_END, torch.device("cpu"), private=private)
        editor.arrange([0], [0] if flag & STARVES else [])
        doubtful = editor.close_dead_end(alone)
        before = alone.clone()
        closed = bool(flag & CLOSED) or fed[slot * WIDTH + 1 : line + 1].tolist() != tokens[first + 1 : row + 1]
        ids = hard[hard_start[line] : hard_start[line + 1]].long().numpy()
        some = slice(int(soft_start[line]), int(soft_start[line + 1]))
        banned = np.stack([np.zeros(len(ids), np.int64), ids])
        soft_ids = soft[some].long().numpy()
        edits = Edits(
            banned,
            np.stack([np.zeros(len(soft_ids), np.int64), soft_ids]),
            penalties[some].view(torch.float32).numpy(),
            np.array([0] if closed else [], np.int64),
            np.array([0] if flag & STARVES else [], np.int64),
        )
        hits = editor.hits(before, torch.where(torch.isin(torch.arange(VOCABULARY), torch.tensor(ids)), -INF, before))
        editor.apply(alone, edits)
        editor.open_dead_end(alone, doubtful)
        hit = bool(hits[0]) and bool(flag & HITS) and not closed
        if hit:
            editor.close(alone, np.array([0]))
        assert torch.equal(found[row], alone[0])
        likeliest = int(before.argmax())
        suppressed = bool(before.max() > -INF) and bool(before.argmax() in ids)
        assert outcome[slot, at] == int(bool(flag & COUNTED) and not closed and (hit or suppressed)), likeliest
