"""Models of recurrent events: R's numbers, the layouts they stand on, truths, refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from recurrent_rows import ROLES, recurrent_rows
from reference_cases import Reference, assert_close, load_reference, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.recurrent import andersen_gill, prentice_williams_peterson, wei_lin_weissfeld
from hemresearch.regression import compare, contrast, cox, effect_table
from hemresearch.regression.cox_fit import CoxFit

MODELS = {
    "AG": (andersen_gill, {"robust": False}),
    "LWYY": (andersen_gill, {}),
    "PWP_CP": (prentice_williams_peterson, {}),
    "PWP_GT": (prentice_williams_peterson, {"time_scale": "gap"}),
    "WLW": (wei_lin_weissfeld, {"common": False}),
    "WLW_common": (wei_lin_weissfeld, {}),
}
EVERY = [andersen_gill, prentice_williams_peterson, wei_lin_weissfeld]


def as_it_happened(layout: pl.DataFrame) -> pl.DataFrame:
    """Rows (start, stop] from the layout of `bladder`, with a row for each of four events of each patient."""
    before = pl.col("stop").shift(1, fill_value=0).over("id")
    return layout.sort("id", "enum").with_columns(start=before).filter(pl.col("stop") > pl.col("start"))


def fitted(case: Reference) -> CoxFit:
    o = case.options
    model, options = MODELS[o["model"]]
    data = case.data
    if o["model"].startswith("WLW"):
        data, o = as_it_happened(data), {**o, "start": "start"}
    if "max_enum" in o:
        options = options | {"max_events": o["max_enum"]}
    return model(
        data, " + ".join(o["terms"]), time=o["stop"], event=case.role("event"), entry=o["start"], id=o["id"],
        ties=o["ties"], **options,
    )  # fmt: skip


def our_name(name: str) -> str:
    """R's `treatrIFN-g`, `rx:enum2` and `enum2:size` as we have them."""
    for factor in ("treat", "inherit"):
        if name.startswith(factor):
            return f"{factor}[{name.removeprefix(factor)}]"
    parts = sorted(name.split(":"), key=lambda part: part.startswith("enum"))
    return parts[0] if len(parts) == 1 else f"{parts[0]} (event {parts[1].removeprefix('enum')})"


@pytest.mark.parametrize("case_id", reference_cases("recurrent", "rec_"))
def test_matches_coxph(case_id):
    case = load_reference("recurrent", case_id)
    v, fit = case.values, fitted(case)
    place = [fit.columns.index(our_name(name)) for name in v["coef"]]
    assert len(place) == len(fit.columns)
    assert_close(fit.coef[place], list(v["coef"].values()), rel=1e-6)
    assert_close(np.sqrt(np.diag(fit.cov_model))[place], list(v["naive_se"].values()), rel=1e-6)
    assert_close(fit.std_error[place], list(v.get("robust_se", v["naive_se"]).values()), rel=1e-6)
    assert_close([fit.log_likelihood_null, fit.log_likelihood], v["loglik"], rel=1e-8)
    tests = dict(fit.tests().select("test", "statistic").iter_rows())
    assert_close(tests["Wald"], v["wald_test"], rel=1e-6)
    if "robust_score" in v:
        assert_close(tests["robust score"], v["robust_score"], rel=1e-6)
    assert fit.n_event == v["nevent"]
    assert fit.n == case.data[case.options["id"]].n_unique()


# Patient 1 has events at 2 and 5, and is followed to 9; patient 2 is seen from 1 to 7, with an event at 4.
TWO = pl.DataFrame(
    {
        "id": [1, 1, 1, 2, 2],
        "start": [0.0, 2, 5, 1, 4],
        "stop": [2.0, 5, 9, 4, 7],
        "event": [1, 1, 0, 1, 0],
        "x": [1.0, 1, 1, 0, 2],
    }
)


def rows_of(fit: CoxFit) -> list[tuple[float, float, bool, int]]:
    start = np.zeros(len(fit.y)) if fit.y.entry is None else fit.y.entry
    number = fit.y.stratum.levels["event_number"].gather(fit.y.stratum.code)
    return sorted(zip(start, fit.y.time, fit.y.event, number, strict=True))


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_the_rows_that_each_model_makes():
    total = prentice_williams_peterson(TWO, "x", **ROLES)
    assert rows_of(total) == [
        (0, 2, 1, 1),
        (1, 4, 1, 1),
        (2, 5, 1, 2),
        (4, 7, 0, 2),
    ]  # after the last event there is nothing to compare
    gap = prentice_williams_peterson(TWO, "x", **ROLES, time_scale="gap")
    assert rows_of(gap) == [(0, 2, 1, 1), (0, 3, 0, 2), (0, 3, 1, 1), (0, 3, 1, 2)]
    marginal = wei_lin_weissfeld(TWO, "x", **ROLES)
    first = [(0, 2, 1, 1), (1, 4, 1, 1)]
    second = [(0, 2, 0, 2), (1, 4, 0, 2), (2, 5, 1, 2), (4, 7, 0, 2)]
    assert rows_of(marginal) == sorted(first + second)
    one = wei_lin_weissfeld(TWO, "x", **ROLES, max_events=1)
    assert rows_of(one) == first
    assert (one.n, one.n_event) == (2, 2)


def test_gap_time_goes_on_where_a_row_only_splits_the_time_to_an_event():
    data = recurrent_rows(np.random.default_rng(1), 60, digits=1)
    x = np.random.default_rng(2).normal(size=60)
    data = data.with_columns(x=pl.Series(x[data["id"].to_numpy()]))
    crossing = (pl.col("start") < 1.05) & (pl.col("stop") > 1.05)
    early = data.filter(crossing).with_columns(stop=1.05, event=pl.lit(False))
    late = data.with_columns(start=pl.when(crossing).then(1.05).otherwise("start"))
    cut = pl.concat([late, early])
    for model in EVERY:
        for options in ({}, {"time_scale": "gap"}) if model is prentice_williams_peterson else ({},):
            whole, pieces = (model(d, "arm + x", **ROLES, **options) for d in (data, cut))
            assert_close(pieces.coef, whole.coef, rel=1e-7)
            assert_close(pieces.cov, whole.cov, rel=1e-6)


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_a_patient_lost_sight_of_enters_late_on_the_clock_since_the_last_event():
    data = TWO.with_columns(start=pl.Series([0.0, 3, 5, 1, 4]))
    fit = prentice_williams_peterson(data, "x", **ROLES, time_scale="gap", max_events=2)
    assert (1, 3, 1, 2) in rows_of(fit)


@pytest.mark.parametrize("model", EVERY)
def test_a_single_event_each_is_an_ordinary_cox_model(model):
    data = recurrent_rows(np.random.default_rng(3), 80)
    first = data.filter(pl.col("event").cum_sum().over("id") - pl.col("event") == 0)
    fit = model(first, "arm", **ROLES, robust=False, max_events=1) if model is not andersen_gill else model(
        first, "arm", **ROLES, robust=False
    )  # fmt: skip
    plain = cox(first, "arm", time="stop", event="event")
    without_entry = ROLES | {"entry": None}
    if model is prentice_williams_peterson:
        gap = model(first, "arm", **without_entry, robust=False, max_events=1, time_scale="gap")
        assert_close(gap.coef, plain.coef, rel=1e-8)
    assert_close(fit.coef, plain.coef, rel=1e-8)
    assert_close(fit.cov, plain.cov, rel=1e-8)


@pytest.mark.parametrize("model", EVERY)
def test_order_units_and_forms_of_data_change_nothing(model):
    data = recurrent_rows(np.random.default_rng(4), 60, digits=1)
    fit = model(data, "arm", **ROLES)
    days = data.with_columns(pl.col("start", "stop") * 365.25).sample(fraction=1, shuffle=True, seed=1)
    for other in (days, days.lazy(), days.to_pandas()):
        again = model(other, "arm", **ROLES)
        assert_close(again.coef, fit.coef, rel=1e-7)
        assert_close(again.cov, fit.cov, rel=1e-6)


def test_what_a_fit_says():
    data = recurrent_rows(np.random.default_rng(5), 80).with_columns(centre=pl.col("id") % 3)
    rates = andersen_gill(data, "arm", **ROLES, strata="centre")
    assert rates.text("arm").startswith("rate ratio of arm[B] ")
    assert rates.methods().startswith(
        "Rate ratios were estimated by Andersen-Gill regression (Efron ties) on"
    )
    assert " on arm, stratified by centre, with 95%" in rates.methods()
    assert "clustered by id (80 clusters)" in rates.methods()
    assert rates.baseline().to_frame()["centre"].n_unique() == 3
    gaps = prentice_williams_peterson(data, "arm", **ROLES, strata="centre", time_scale="gap", max_events=2)
    assert gaps.y.stratum.names == ("centre", "event_number")
    assert "since the last event, Efron ties" in repr(gaps)
    assert gaps.text("arm").startswith("hazard ratio")
    smaller, larger = (andersen_gill(data, terms, **ROLES, robust=False) for terms in ([], "arm"))
    assert compare(smaller, larger).to_frame().height == 2


def test_effects_of_their_own_on_every_event():
    data = recurrent_rows(np.random.default_rng(6), 120, effect=-0.5)
    for model in (prentice_williams_peterson, wei_lin_weissfeld):
        own = model(data, "arm", **ROLES, max_events=2, common=False)
        assert own.columns == ("arm[B] (event 1)", "arm[B] (event 2)")
        assert own.terms == {"arm (event 1)": slice(0, 1), "arm (event 2)": slice(1, 2)}
        ratio = contrast(own, weights={"arm[B] (event 2)": 1, "arm[B] (event 1)": -1})
        assert_close(ratio.estimate, [own.coef[1] - own.coef[0]])
        first = model(data, "arm", **ROLES, max_events=1)
        assert_close(own.coef[0], first.coef[0], rel=1e-7)
        assert_refused(lambda own=own: own.design.apply(data), argument="new_data", says=["common=True"])
        rows = effect_table(own).filter(variable="arm (event 2)")
        assert rows["level"].to_list() == ["A", "B"]
        assert rows["n_event"].sum() == (own.y.event & (own.design.number == 2)).sum()
        assert model(data, [], **ROLES, max_events=2, common=False).columns == ()


def test_a_spline_has_a_curve_for_every_event():
    data = recurrent_rows(np.random.default_rng(10), 200, rate=1.2)
    age = np.random.default_rng(11).normal(50, 10, 200)
    data = data.with_columns(age=pl.Series(age[data["id"].to_numpy()]))
    fit = wei_lin_weissfeld(data, "rcs(age, df=2)", **ROLES, max_events=2, common=False)
    assert fit.nonlinearity()["term"].to_list() == [f"rcs(age, df=2) (event {k})" for k in (1, 2)]
    assert fit.nonlinearity()["df"].to_list() == [1, 1]


def test_robust_limits_are_wider_where_patients_differ():
    data = recurrent_rows(np.random.default_rng(7), 300, shared=1.5, rate=1.5)
    robust, naive = (andersen_gill(data, "arm", **ROLES, robust=r) for r in (True, False))
    assert_close(robust.coef, naive.coef)
    assert robust.std_error[0] > 1.3 * naive.std_error[0]
    by_pair = andersen_gill(data.with_columns(pair=pl.col("id") // 2), "arm", **ROLES, cluster="pair")
    assert "clustered by pair (150 clusters)" in by_pair.methods()


def test_refusals():
    data = recurrent_rows(np.random.default_rng(8), 40)
    for model in EVERY:
        assert_refused(lambda model=model: model(data, "arm", **ROLES | {"id": None}), argument="id")
        assert_refused(lambda model=model: model(data, "arm", **ROLES, ties="other"), argument="ties")
        quiet = data.with_columns(event=pl.lit(False))
        assert_refused(
            lambda model=model, quiet=quiet: model(quiet, "arm", **ROLES), argument="event", column="event",
            says=["no events"],
        )  # fmt: skip
    for model in (prentice_williams_peterson, wei_lin_weissfeld):
        for wrong in (0, 2.5, True, "all"):
            assert_refused(
                lambda model=model, wrong=wrong: model(data, "arm", **ROLES, max_events=wrong),
                argument="max_events", says=["whole number of 1 or more"],
            )  # fmt: skip
        named = data.with_columns(event_number=pl.col("id") % 2)
        assert_refused(
            lambda model=model, named=named: model(named, "arm", **ROLES, strata="event_number"),
            argument="strata", column="event_number",
        )  # fmt: skip
    assert_refused(
        lambda: prentice_williams_peterson(data, "arm", **ROLES, time_scale="gaps"), argument="time_scale",
        says=["'gap'"],
    )  # fmt: skip


def test_gaps_between_rows_are_told():
    data = recurrent_rows(np.random.default_rng(9), 40).with_row_index("row")
    lost = data.filter((pl.col("start") > 0) & (pl.col("stop") < pl.col("stop").max().over("id")))["row"][0]
    holes = data.filter(pl.col("row") != lost)
    for model in EVERY:
        assert_warns(
            lambda model=model: model(holes, "arm", **ROLES),
            argument="entry", column="start", rows=[int(lost) + 1], says=["not observed"],
        )  # fmt: skip
