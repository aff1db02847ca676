from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from classifiers.arrays import doubled


@pytest.mark.parametrize(
    "array",
    [np.arange(5), np.linspace(0, 1, 3, dtype=np.float32), np.arange(12).reshape(4, 3)],
    ids=["integers", "floats", "rows"],
)
def test_the_rows_stay_and_there_is_room_for_as_many(array: NDArray[np.generic]) -> None:
    grown = doubled(array)
    assert (grown.dtype, grown.shape) == (array.dtype, (2 * len(array), *array.shape[1:]))
    np.testing.assert_array_equal(grown[: len(array)], array)
    grown[0] = 7
    assert not (array[0] == 7).any()
