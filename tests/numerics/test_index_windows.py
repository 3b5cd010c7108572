"""Windows that begin with a patient's events: by hand, and as a loop finds them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hemresearch.numerics.index_windows import begins_window


def test_by_hand():
    owner = np.array([0, 0, 0, 0, 1, 1])
    time = np.array([0.0, 30.0, 31.0, 61.0, 5.0, 90.0])
    assert begins_window(owner, time, 30.0).tolist() == [True, False, True, False, True, True]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), min_size=1, max_size=30))
def test_windows_of_an_owner_never_overlap_and_hold_every_event(rows):
    owner, time = np.array(sorted(rows)).T
    begins = begins_window(owner, time.astype(float), 7.0)
    for one in set(owner):
        starts = time[(owner == one) & begins]
        assert (np.diff(starts) > 7).all()
        for moment in time[owner == one]:
            assert any(start <= moment <= start + 7 for start in starts)
