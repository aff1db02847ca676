"""The names of targets as vectors, while targets come and go."""

from __future__ import annotations

import numpy as np

from classifiers.multilingual.names import NameVectors, names_of
from tests.classifiers.conftest import BagOfWords, a_target


def test_the_nearest_names_say_which_targets_may_be_meant() -> None:
    encoder = BagOfWords()
    targets = [a_target("ada", "Ada Brillquist"), a_target("bob", "Bob Tusker"), a_target("eve", "Eve Olmstead")]
    names = NameVectors.of(targets, encoder)
    assert names.nearest(encoder.encode(["where is bob tusker"]), 1) == ["bob"]
    assert set(names.nearest(encoder.encode(["bob", "eve"]), 1)) == {"bob", "eve"}
    assert len(names.nearest(encoder.encode(["bob"]), 99)) == 3
    assert names.nearest(np.zeros((0, encoder.dimension), np.float32)) == []


def test_a_change_is_what_a_new_start_would_make() -> None:
    encoder = BagOfWords()
    targets = [a_target("ada", "Ada Brillquist"), a_target("bob", "Bob Tusker")]
    names = NameVectors.of(targets, encoder)
    changed = names.changed([a_target("bob", "Robert Tusker"), a_target("eve", "Eve Olmstead")], ["ada"], encoder)
    fresh = NameVectors.of([a_target("bob", "Robert Tusker"), a_target("eve", "Eve Olmstead")], encoder)
    assert changed.ids == fresh.ids
    np.testing.assert_array_equal(changed.vectors, fresh.vectors)
    assert names.changed([], [], encoder).ids == names.ids
    assert NameVectors.of([], encoder).nearest(encoder.encode(["bob"])) == []


def test_all_names_of_a_target_are_used() -> None:
    assert names_of([a_target("ada", "Ada Brillquist")]) == ["Ada Brillquist"]
