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
