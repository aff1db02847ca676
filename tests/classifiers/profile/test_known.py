"""Profiles are made once per target, and go with it."""

from __future__ import annotations

import gc
import weakref

from classifiers.profile.known import KnownProfiles
from tests.classifiers.conftest import BagOfWords, a_target


def test_a_profile_is_made_once_and_goes_with_its_target() -> None:
    known = KnownProfiles(BagOfWords())
    target = a_target("ada", "Ada Brillquist")
    first = known.of(target)
    assert known.of(target)[1] is first[1]
    equal = a_target("ada", "Ada Brillquist")
    assert known.of(equal)[1] is not first[1]
    gone = weakref.ref(target)
    del target, first
    gc.collect()
    assert gone() is None
    assert len(known) == 1


def test_the_profiles_of_the_targets_asked_for_last_are_kept() -> None:
    targets = [a_target(f"t{number}", f"Ada Brillquist{number}") for number in range(4)]
    size = KnownProfiles(BagOfWords()).of(targets[0])[1].nbytes
    known = KnownProfiles(BagOfWords(), 2 * size)
    first = known.of(targets[0])
    known.of(targets[1])
    assert known.of(targets[0])[1] is first[1]
    known.of(targets[2])
    assert len(known) == 2
    assert known.of(targets[0])[1] is first[1]
    one = KnownProfiles(BagOfWords(), 1)
    assert one.of(targets[3])[1] is one.of(targets[3])[1]
    assert len(one) == 1


def test_what_is_kept_is_freed_at_once_with_its_keeper() -> None:
    known = KnownProfiles(BagOfWords())
    target = a_target("ada", "Ada Brillquist")
    known.of(target)
    gone = weakref.ref(known)
    gc.collect()
    gc.disable()
    try:
        del known
        assert gone() is None
    finally:
        gc.enable()
    assert target.name
