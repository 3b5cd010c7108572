"""Bleeding before and after a switch: R's models, by hand, truths, refusals and warnings."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_reference
from refusals import assert_refused, assert_warns

from hemresearch.hematology.bleeding import non_inferiority, switch_difference, switch_ratio
from hemresearch.recurrent import rate_regression

ROLES = {"events": "bleeds", "person_time": "years", "id": "id", "by": "period", "reference": "before"}
NORMAL = 1.959963984540054


def study() -> pl.DataFrame:
    d = load_reference("bleeding", "switch").options["data"]
    period = pl.when(pl.col("after") == 1).then(pl.lit("after")).otherwise(pl.lit("before"))
    return pl.DataFrame(d).with_columns(period=period)


@pytest.mark.parametrize(
    ("model", "name"), [("within", "within"), ("population", "population"), ("negative-binomial", "nb")]
)
def test_ratios_match_models_of_r(model, name):
    v = load_reference("bleeding", "switch").values
    row = switch_ratio(study(), **ROLES, model=model).frame.row(0, named=True)
    low, high = (np.exp(v[name] + sign * NORMAL * v[f"{name}_se"]) for sign in (-1, 1))
    assert_close(
        [row["estimate"], row["conf_low"], row["conf_high"], row["statistic"]],
        [np.exp(v[name]), low, high, v[name] / v[f"{name}_se"]],
        rel=1e-6,
    )
    assert (row["term"], row["group"], row["reference"], row["n"]) == ("ratio", "after", "before", 60)


def test_the_difference_matches_a_linear_rate_model():
    v = load_reference("bleeding", "switch").values
    row = switch_difference(study(), **ROLES, unit="years").frame.row(0, named=True)
    half = NORMAL * v["difference_se"]
    assert_close(
        [row["estimate"], row["conf_low"], row["conf_high"]],
        [v["difference"], v["difference"] - half, v["difference"] + half],
        rel=1e-6,
    )
    days = study().with_columns(pl.col("years") * 365.25)
    for data, unit in (
        (days, "days"),
        (days.with_columns(pl.duration(days="years").alias("years")), "weeks"),
    ):
        again = switch_difference(data, **ROLES, unit=unit).frame  # durations say their unit
        assert_close(again["estimate"], [row["estimate"]], rel=1e-3 if unit == "weeks" else 1e-9)


def test_the_population_ratio_is_that_of_rate_regression():
    fit = rate_regression(study(), ["after"], events="bleeds", person_time="years", id="id", model="poisson")
    row = switch_ratio(study(), **ROLES, model="population").frame
    assert_close(np.log(row["estimate"]), [fit.coef[1]], rel=1e-8)
    assert_close(row["statistic"], [fit.coef[1] / fit.std_error[1]], rel=1e-7)


def test_rows_of_a_patient_and_period_are_added_up_in_any_order():
    data = study()
    halves = data.with_columns(pl.col("years") / 2, bleeds=pl.col("bleeds") // 2)
    rest = data.with_columns(pl.col("years") / 2, bleeds=pl.col("bleeds") - pl.col("bleeds") // 2)
    parts = pl.concat([halves, rest]).sample(fraction=1, shuffle=True, seed=1)
    assert_close(
        switch_ratio(parts.lazy(), **ROLES).frame["conf_high"],
        switch_ratio(data, **ROLES).frame["conf_high"],
        rel=1e-9,
    )
    other = switch_ratio(data, **(ROLES | {"reference": "after"})).frame
    assert_close(1 / other["estimate"], switch_ratio(data, **ROLES).frame["estimate"], rel=1e-9)
    by, unstated = ROLES["by"], ROLES | {"reference": None}
    ordered = data.with_columns(pl.col(by).cast(pl.Enum(["before", "after"])))
    assert switch_ratio(ordered, **unstated).frame["reference"][0] == "before"
    assert_refused(
        lambda: switch_ratio(data, **unstated), argument="reference", column=by, says=["no order in time"]
    )


def test_a_comparison_is_told_in_a_sentence():
    ratio = switch_ratio(study(), **ROLES)
    row = ratio.frame.row(0, named=True)
    numbers = f"{row['estimate']:.2f} (95% CI {row['conf_low']:.2f}–{row['conf_high']:.2f}), p<0.001"
    assert ratio.text() == f"ratio of bleeding rates, after against before: {numbers}"
    change = switch_difference(study(), **ROLES, unit="years")
    assert change.text().startswith("difference of bleeding rates per patient-year, after against before: -")


def test_non_inferiority_is_the_upper_limit_below_the_margin():
    ratio = switch_ratio(study(), **ROLES)
    high = float(ratio.frame["conf_high"][0])
    at_limit = non_inferiority(ratio, margin=high)
    assert_close(at_limit.p_value, 0.025, rel=1e-8)
    assert (
        non_inferiority(ratio, margin=high * 1.01).p_value
        < 0.025
        < non_inferiority(ratio, margin=high * 0.99).p_value
    )
    assert_close(
        non_inferiority(switch_ratio(study(), **ROLES, conf_level=0.8), margin=1.2).p_value,
        non_inferiority(ratio, margin=1.2).p_value, rel=1e-9,
    )  # fmt: skip
    change = switch_difference(study(), **ROLES, unit="years")
    assert_close(non_inferiority(change, margin=float(change.frame["conf_high"][0])).p_value, 0.025, rel=1e-8)
    assert non_inferiority(change, margin=-100).p_value > 0.999
    assert change.name == "difference of bleeding rates per patient-year"


def test_a_difference_needs_no_bleeds_after():
    data = study().with_columns(bleeds=pl.when(pl.col("period") == "after").then(0).otherwise("bleeds"))
    assert switch_difference(data, **ROLES, unit="years").frame["conf_high"][0] < 0
    assert_refused(lambda: switch_ratio(data, **ROLES), argument="events", column="bleeds", says=("'after'",))


@pytest.mark.parametrize("model", ["within", "population", "negative-binomial"])
def test_patients_who_are_all_alike_have_no_limits(model):
    """Rounding alone made a z of -1e16, and limits without a width, of them."""
    data = pl.DataFrame(
        {"id": [*range(40)] * 2, "period": ["before"] * 40 + ["after"] * 40, "years": [1.0] * 40 + [0.7] * 40}
    ).with_columns(bleeds=pl.when(pl.col("period") == "before").then(3).otherwise(1) * (1 + pl.col("id") % 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ratio = switch_ratio(data, **ROLES, model=model)
    assert_close(ratio.frame["estimate"][0], 1 / 3 / 0.7, rel=1e-9)
    for column in ("statistic", "p_value", "conf_low", "conf_high"):
        assert ratio.frame[column][0] is None
    assert ratio.text() == "ratio of bleeding rates, after against before: 0.48 (95% CI –)"
    assert_refused(lambda: non_inferiority(ratio, margin=1.5), argument="comparison", says=("ratio",))


def test_patients_who_are_all_alike_are_warned_of():
    alike = study().with_columns(pl.lit(2).alias("bleeds"), years=1.0)
    for comparison in (switch_ratio, partial(switch_difference, unit="years")):
        change = assert_warns(
            lambda c=comparison: c(alike, **ROLES),
            argument="events",
            column="bleeds",
            says=("every patient",),
        )
        assert change.frame["conf_high"][0] is None


def test_few_patients_are_warned_of():
    few = study().filter(pl.col("id") <= 6)
    assert_warns(
        lambda: switch_difference(few, **ROLES, unit="years"),
        argument="id",
        column="id",
        says=("6 patients",),
    )
    bled = study().with_columns(bleeds=pl.when(pl.col("id") <= 6).then("bleeds").otherwise(0))
    n = bled.filter(pl.col("bleeds") > 0)["id"].n_unique()
    assert_warns(
        lambda: switch_ratio(bled, **ROLES), argument="events", column="bleeds", says=(f"{n} patients with",)
    )


def test_one_patient_has_no_variance():
    """Of 60 patients too, when a single one bled: times that differ gave tight limits around nothing."""
    who = study().filter((pl.col("bleeds") > 0).all().over("id"))["id"][0]
    one = study().with_columns(bleeds=pl.when(pl.col("id") == who).then("bleeds").otherwise(0))
    for model in ("within", "population", "negative-binomial"):
        assert_refused(
            lambda m=model: switch_ratio(one, **ROLES, model=m), argument="events", column="bleeds",
            says=("1 patient with events",),
        )  # fmt: skip
    assert_refused(
        lambda: switch_difference(one.filter(id=who), **ROLES, unit="years"), argument="id", column="id",
        says=("1 patient with both",),
    )  # fmt: skip


def test_refusals():
    def refused(data=None, options=None, **parts):
        assert_refused(
            lambda: switch_ratio(study() if data is None else data, **(ROLES | (options or {}))), **parts
        )

    refused(options={"id": None}, argument="id")
    refused(options={"by": None}, argument="by")
    refused(options={"model": "poisson"}, argument="model")
    refused(options={"reference": "run-in"}, argument="reference", column="period")
    refused(study().filter(pl.col("after") == 1), argument="by", column="period", says=("1 period",))
    refused(
        study().with_columns(period=pl.col("id").mod(3)), options={"reference": None}, argument="by",
        column="period", says=("3 periods",),
    )  # fmt: skip
    refused(study().slice(1), argument="by", column="period", says=("1 patient ",))
    refused(
        study().with_columns(years=pl.lit(0.0)), argument="person_time", column="years", rows=range(1, 121)
    )
    assert_refused(lambda: switch_difference(study(), **ROLES, unit="hours"), argument="unit")
    ratio = switch_ratio(study(), **ROLES)
    assert_refused(lambda: non_inferiority(ratio, margin=0), argument="margin")
    assert_refused(lambda: non_inferiority(study(), margin=1.5), argument="comparison")
