from __future__ import annotations

import random

from evaluation.baselines import naive
from guard import Cursor, Masks, Phrase, Restriction, Vocabulary


def test_agrees_with_the_masks(vocabulary: Vocabulary) -> None:
    wanted = [Phrase(text) for text in ("Harry Potter", "Ron", "the owls", "liked Ron")]
    masks = Masks.of(Restriction.compile(wanted), vocabulary)
    rng = random.Random(3)
    words = [token for token, raw in enumerate(vocabulary.raw) if len(raw) > 1]
    bans = 0
    for _ in range(6):
        cursor, said = Cursor(masks), []
        for _ in range(4):
            fast = {int(token) for ban in cursor.bans() for token in ban.ids}
            assert naive.banned(wanted, vocabulary, said) == fast
            bans += len(fast)
            said.append(rng.choice(words))
            cursor.extend(said[-1:])
    assert bans


def test_a_step_is_measured_whole_or_scaled_from_a_part(vocabulary: Vocabulary) -> None:
    whole = naive.step_cost(["Harry Potter"], vocabulary, history=4, budget_s=0.01, limit_s=60)
    part = naive.step_cost(["Harry Potter"], vocabulary, history=4, budget_s=0.01, limit_s=1e-6)
    assert (whole.estimated, part.estimated) == (False, True)
    assert min(part.median_us, whole.median_us) > 0
