"""NRI and IDI: values of R, classes by hand, and weighted means with their errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_cases import error_of, inverse_weights
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.errors import DataWarning
from hemresearch.prediction import reclassification

TWO = {"old": "p", "new": "q"}
quiet = pytest.mark.filterwarnings(f"ignore::{DataWarning.__module__}.DataWarning")


def cohort(seed, n=80):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, n).round(2)
    q = np.clip(p + rng.normal(0, 0.1, n), 0.01, 0.99).round(2)
    return pl.DataFrame(
        {"p": p, "q": q, "e": rng.random(n) < p, "t": rng.integers(1, 12, n), "c": rng.integers(0, 3, n)}
    )


def terms(found):
    return {row["term"]: row for row in found.to_frame().iter_rows(named=True)}


def test_matches_r(reference):
    case = reference("calibration_decision", "nri_idi_nhefs")
    v = case.values
    found = terms(reclassification(case.data, event="y", risks={"one": "p1", "two": "p2"}))
    names = {"NRI, events": "nri_event", "NRI, non-events": "nri_nonevent", "NRI": "nri_cont", "IDI": "idi"}
    assert_close({n: found[n]["estimate"] for n in names}, {n: v[name] for n, name in names.items()})
    assert_close(found["IDI"]["std_error"], v["idi_se"])


@quiet
def test_classes_by_hand():
    data = pl.DataFrame(
        {"e": [1, 1, 1, 1, 0, 0, 0, 0], "p": [0.1, 0.3, 0.3, 0.1, 0.1, 0.3, 0.3, 0.1],
         "q": [0.2, 0.35, 0.1, 0.3, 0.1, 0.1, 0.1, 0.4]}
    )  # fmt: skip
    found = terms(reclassification(data, event="e", risks=TWO, thresholds=[0.2]))
    # with the event two move up (0.2 is the higher class) and one down; without it one up and two down
    assert_close(found["NRI, events"]["estimate"], (2 - 1) / 4)
    assert_close(found["NRI, non-events"]["estimate"], (2 - 1) / 4)
    assert_close(found["NRI"]["estimate"], 0.5)
    spread = np.var([1, 0, -1, 1], ddof=1) / 4
    assert_close(found["NRI, events"]["std_error"], np.sqrt(spread))
    assert_close(found["IDI"]["estimate"], (0.2375 - 0.2) - (0.175 - 0.2))


@quiet
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_are_weighted_means_with_the_error_of_their_influences(seed):
    data = cohort(seed)
    time, cause, p, q = (data[name].to_numpy().astype(float) for name in ("t", "c", "p", "q"))
    weight = inverse_weights(time, cause, 6.0)
    case = (cause == 1) & (time <= 6)
    found = terms(reclassification(data, time="t", event="c", cause=1, risks=TWO, times=6))
    for values, names in (
        (np.sign(q - p), ("NRI, events", "NRI, non-events", "NRI")),
        (q - p, (None, None, "IDI")),
    ):
        means, parts = [], []
        for who, sign in ((case, 1), (~case, -1)):
            w = weight * who
            mean = sign * (w @ values) / w.sum()
            means.append(mean)
            parts.append(w * (sign * values - mean) / w.sum())
        expected = [(means[0], parts[0]), (means[1], parts[1]), (sum(means), parts[0] + parts[1])]
        for name, (value, part) in zip(names, expected, strict=True):
            if name is not None:
                ours = [found[name]["estimate"], found[name]["std_error"]]
                assert_close(ours, [value, error_of(part, time, cause, 6.0)], at_zero=1e-9)


@quiet
def test_the_other_way_round_changes_the_sign():
    data = cohort(3)
    roles = {"time": "t", "event": "e", "risks": {"old": ["p", "p"], "new": ["q", "q"]}, "times": [4, 8]}
    one = reclassification(data, **roles)
    other = reclassification(data, **roles, reference="new")
    assert_close(one.to_frame()["estimate"], -other.to_frame()["estimate"])
    assert_close(one.to_frame()["std_error"], other.to_frame()["std_error"])
    assert one.to_frame()["time"].unique().to_list() == [4, 8]
    assert "NRI, events" in repr(one)
    assert one.summary()["name"].item() == "reclassification (continuous)"


def test_warns_of_a_miscalibrated_model():
    data = cohort(4, 300).with_columns(q=pl.col("p") / 3)
    call = lambda: reclassification(data, event="e", risks=TWO)  # noqa: E731
    assert_warns(call, argument="risks", says=["'new'", "miscalibrated models mislead"])


@quiet
def test_refuses():
    data = cohort(5)
    roles = {"event": "e", "risks": TWO}
    assert_refused(lambda: reclassification(data, **roles, thresholds=[0, 0.2]), argument="thresholds")
    assert_refused(lambda: reclassification(data, **roles, conf_level=0), argument="conf_level")
    assert_refused(lambda: reclassification(data, **roles, reference="none"), argument="reference")
    single = {"event": "e", "risks": {"old": "p"}}
    assert_refused(lambda: reclassification(data, **single), argument="risks or scores")
    same = data.with_columns(e=pl.lit(False))
    assert_refused(lambda: reclassification(same, **roles), argument="event", column="e", says=["vary"])


@quiet
def test_all_moved_the_same_way_has_no_error_and_no_test():
    data = cohort(4).with_columns(q=pl.col("p") * 0.9)
    for row in terms(reclassification(data, event="e", risks=TWO)).values():
        if row["term"] != "IDI":
            assert (row["std_error"], row["statistic"], row["p_value"]) == (0, None, None)
