"""Screens: R's numbers for every feature, the other methods of the package, refusals and warnings."""

from __future__ import annotations

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.errors import DataError, DataWarning
from hemresearch.translational import screen

CASES = {
    "cox": {},
    "cox_breslow": {"ties": "breslow"},
    "cox_adjusted": {"covariates": "age + prior"},
    "cox_stratified": {"covariates": "age + prior", "strata": "celltype"},
}
INFINITE = {47: np.inf, 48: -np.inf}  # positions of R's features 48 and 49


@pytest.fixture(scope="module")
def veteran() -> pl.DataFrame:
    return hem.data.load("veteran")


@pytest.fixture(scope="module")
def features(reference) -> dict[str, list[float | None]]:
    stored = reference("screen", "features").values["features"]
    return {f"f{j}": values for j, values in enumerate(stored)}


def made(n: int, m: int, seed: int) -> pl.DataFrame:
    """Follow-up with ties, a stratum and m features."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(n, m)), 1)
    t = np.ceil(rng.exponential(20 * np.exp(-0.4 * x[:, 0])))
    columns = {f"x{j}": x[:, j] for j in range(m)}
    return pl.DataFrame({"t": t, "e": rng.uniform(size=n) < 0.7, "s": rng.integers(0, 2, n), **columns})


@pytest.mark.parametrize("case_id", CASES)
@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_matches_coxph(reference, veteran, features, case_id):
    expected = reference("screen", case_id).values
    data = veteran.with_columns(**{name: pl.Series(values) for name, values in features.items()})
    roles = {"time": "time", "event": "status", "missing": "drop", **CASES[case_id]}
    tests = {
        t: screen(data, list(features), test=t, **roles).to_frame() for t in ("likelihood-ratio", "score")
    }
    frame = tests["likelihood-ratio"]
    assert frame["n"].to_list() == expected["n"]
    assert frame["n_event"].to_list() == expected["n_event"]
    for j, row in enumerate(frame.iter_rows(named=True)):
        if j == 46 or (j == 49 and "age" in str(CASES[case_id])):  # constant; and age, given age
            assert (row["status"], row["estimate"], row["p_value"]) == ("no information", None, None)
            continue
        # A rank orders all events: linear predictors must end at 300 (R: elsewhere), short of the limit.
        assert_close(row["statistic"], expected["lr"][j], rel=1e-2 if j == 47 else 1e-6)
        assert_close(tests["score"]["statistic"][j], expected["score"][j], rel=1e-6)
        if j in INFINITE and row["status"] == "infinite":
            assert (row["estimate"], row["std_error"], row["conf_low"]) == (INFINITE[j], None, None)
            continue
        assert row["status"] == "ok"
        assert_close(row["estimate"], expected["coef"][j], rel=1e-6)
        assert_close(row["std_error"], expected["se"][j], rel=1e-6)
    assert {frame["status"][j] for j in INFINITE} == {"infinite"}


@pytest.mark.parametrize(("covariates", "strata"), [(None, None), ("x1 + C(s)", None), (["x1", "x2"], "s")])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_is_the_cox_model_of_the_package(covariates, strata, ties):
    data = made(60, 4, seed=3)
    roles = {"time": "t", "event": "e", "strata": strata, "ties": ties}
    frame = screen(data, ["x0", "x3"], covariates=covariates, test="wald", **roles).to_frame()
    for row in frame.iter_rows(named=True):
        name = row["feature"]
        others = [] if covariates is None else covariates
        both = f"{name} + {others}" if isinstance(others, str) else [name, *others]
        fit = hem.regression.cox(data, both, **roles).to_frame().row(0, named=True)
        for column in ("estimate", "std_error", "p_value", "conf_low", "conf_high"):
            assert row[column] == pytest.approx(fit[column], rel=1e-7)


def test_by_hand():
    # Events of x = 1 at 1, of x = 0 at 2, censored x = 1 at 3: the likelihood is r/(2r + 1) * 1/(1 + r) with
    # r = exp(b). Its logarithm is flat where 1 = 2r/(2r + 1) + r/(1 + r), so that 2r^2 = 1.
    data = pl.DataFrame({"t": [1.0, 2.0, 3.0], "e": [1, 1, 0], "x": [True, False, True]})
    row = screen(data, "x", time="t", event="e").to_frame().row(0, named=True)
    r = np.sqrt(0.5)
    assert row["estimate"] == pytest.approx(np.log(r))
    information = 2 * r / (2 * r + 1) ** 2 + r / (1 + r) ** 2
    assert row["std_error"] == pytest.approx(1 / np.sqrt(information))
    gain = np.log(r / (2 * r + 1) / (1 + r)) - np.log(1 / 6)
    assert row["statistic"] == pytest.approx(2 * gain)


def test_units_order_and_rows_do_not_matter():
    data = made(80, 5, seed=8)
    names = [f"x{j}" for j in range(5)]
    first = screen(data, names, time="t", event="e").to_frame()
    moved = data.sample(fraction=1.0, shuffle=True, seed=2).with_columns(pl.col(names) * 1000 - 7e5)
    second = screen(moved.lazy(), names[::-1], time="t", event="e").to_frame().reverse()
    np.testing.assert_allclose(second["estimate"] * 1000, first["estimate"], rtol=1e-8)
    np.testing.assert_allclose(second["p_value"], first["p_value"], rtol=1e-8)


def test_threads_change_nothing_and_a_matrix_is_as_columns():
    data = made(50, 40, seed=5).with_columns(x7=pl.when(pl.col("t") > 3).then("x7"))
    names = [f"x{j}" for j in range(40)]
    roles = {"time": "t", "event": "e", "covariates": "C(s)", "missing": "drop"}
    one = screen(data, names, **roles).to_frame()
    assert one.equals(screen(data, cs.starts_with("x"), n_jobs=2, **roles).to_frame())
    matrix = data.select(names).to_numpy()
    beside = data.select("t", "e", "s")
    assert one.equals(screen(beside, names, matrix=matrix, **roles).to_frame())
    assert one.equals(screen(beside, names, matrix=pl.DataFrame(matrix), **roles).to_frame())
    turned = data.select(names[::-1])
    assert one.equals(screen(beside, names, matrix=turned, **roles).to_frame())
    assert one.equals(screen(beside, names, matrix=turned.to_pandas(), **roles).to_frame())
    hidden = np.ma.masked_invalid(np.nan_to_num(matrix, nan=999.0, copy=True))
    hidden.mask = np.isnan(matrix)
    assert one.equals(screen(beside, names, matrix=hidden, **roles).to_frame())
    for wrong, argument, says in (
        (turned.rename({"x3": "other"}), "matrix", "no column for 1 name: 'x3'"),
        (matrix.astype(complex), "matrix", "no rectangle of numbers"),
    ):
        call = lambda m=wrong: screen(beside, names, matrix=m, **roles)  # noqa: E731
        assert_refused(call, argument=argument, says=[says])


def test_few_events_of_a_cause_give_a_warning():
    data = made(60, 2, seed=3).with_columns(cause=pl.col("e").cast(pl.Int64) * (1 + pl.int_range(60) % 2))
    roles = {"time": "t", "event": "cause", "cause": 1, "method": "fine-gray"}
    assert_warns(
        lambda: screen(data, ["x0", "x1"], **roles), argument="event", column="cause", says=["robust Wald"]
    )


def test_what_was_left_out_is_counted():
    short = made(40, 2, seed=6).with_columns(t=pl.when(pl.int_range(40) > 5).then("t"))
    found = screen(short, ["x0", "x1"], time="t", event="e", missing="drop")
    assert found.summary().select("n", "n_dropped").row(0) == (34, 6)
    assert "6 rows with missing values left out" in repr(found)


def test_threads_change_nothing_side_by_side():
    data = made(60, 70, seed=12)
    names = [f"x{j}" for j in range(70)]
    one = screen(data, names, time="t", event="e", test="score").to_frame()
    assert one.equals(screen(data, names, time="t", event="e", test="score", n_jobs=2).to_frame())
    some = screen(data, names[7:9], time="t", event="e", test="score").to_frame()
    assert one[7:9].drop("q_value").equals(some.drop("q_value"))


def test_rows_without_an_outcome_are_left_out_of_columns_and_matrix():
    data = made(40, 2, seed=6)
    short = data.with_columns(t=pl.when(pl.int_range(40) > 5).then("t"))
    roles = {"time": "t", "event": "e", "missing": "drop"}
    expected = screen(data[6:], ["x0", "x1"], time="t", event="e").to_frame()
    assert screen(short, ["x0", "x1"], **roles).to_frame().equals(expected)
    matrix = data.select("x0", "x1").to_numpy()
    assert screen(short, ["x0", "x1"], matrix=matrix, **roles).to_frame().equals(expected)


@pytest.mark.parametrize("strata", [None, "s"])
def test_log_rank_is_that_of_the_package(veteran, strata):
    data = veteran.with_columns(s="prior", b=pl.col("age") > 60).with_columns(
        text=pl.col("celltype").cast(pl.String),
        category=pl.col("celltype").cast(pl.String).cast(pl.Categorical),
    )
    names = ["celltype", "text", "category", "trt", "b"]
    found = screen(data, names, time="time", event="status", strata=strata, method="logrank").to_frame()
    for row in found.iter_rows(named=True):
        test = hem.survival.logrank(data, time="time", event="status", by=row["feature"], strata=strata)
        assert row["statistic"] == pytest.approx(test.statistic, rel=1e-12)
        assert (row["df"], row["status"]) == (test.df, "ok")
        assert row["p_value"] == pytest.approx(test.p_value, rel=1e-12)


@pytest.mark.parametrize("strata", [None, "s"])
def test_log_rank_of_numbers_is_that_of_the_package(strata):
    """Two to five groups, with ties and missing values."""
    row = pl.int_range(pl.len())
    data = made(80, 6, seed=9).with_columns((pl.col(f"x{j}") * j // 1).alias(f"g{j}") for j in range(1, 4))
    data = data.with_columns(b=pl.col("x1") > 0, gap=pl.when(row % 9 > 0).then(pl.col("x2") > 0))
    names = ["g1", "g2", "g3", "b", "gap"]
    roles = {"time": "t", "event": "e", "strata": strata, "missing": "drop"}
    found = screen(data, names, method="logrank", **roles).to_frame()
    for feature in found.iter_rows(named=True):
        test = hem.survival.logrank(data, by=feature["feature"], **roles)
        assert feature["statistic"] == pytest.approx(test.statistic, rel=1e-11)
        assert feature["df"] == test.df
    assert found["n"].to_list() == [80, 80, 80, 80, 80 - 9]
    assert found["df"].max() >= 5
    beside = screen(data, names, matrix=data.select(pl.col(names).cast(float)), method="logrank", **roles)
    assert beside.to_frame().equals(found)


def test_log_rank_without_groups_or_events():
    data = made(12, 1, seed=1).with_columns(
        same=pl.lit("a"), none=pl.when(~pl.col("e")).then(pl.int_range(12) % 2),
        empty=pl.lit(None, pl.String), early=pl.col("t").rank("ordinal") < 3,
    )  # fmt: skip
    names = ["same", "none", "empty", "early"]
    with pytest.warns(DataWarning, match="3 features of 4"):
        found = screen(data, names, time="t", event="e", method="logrank", missing="drop")
    assert found.to_frame()["status"].to_list() == ["no information", "no events", "no events", "ok"]


def test_log_rank_of_groups_never_at_risk_together():
    data = pl.DataFrame({"t": [1.0, 2.0, 3.0], "e": [0, 0, 1], "g": ["a", "a", "b"]})
    with pytest.warns(DataWarning, match="no information"):
        found = screen(data, "g", time="t", event="e", method="logrank")
    assert found.to_frame()["p_value"].to_list() == [None]


@pytest.mark.parametrize("ties", [None, "efron"])
def test_fine_gray_is_that_of_the_package(ties):
    data = hem.data.load("bmtcrr").with_columns(
        noise=pl.when(pl.int_range(pl.len()) % 7 > 0).then(pl.col("ftime") * 37 % 5), sex=pl.col("Sex") == "M"
    )
    roles = {"time": "ftime", "event": "Status", "cause": 1}
    found = screen(
        data,
        ["Age", "noise", "sex"],
        covariates=["D"],
        method="fine-gray",
        ties=ties,
        missing="drop",
        **roles,
    ).to_frame()
    for row in found.iter_rows(named=True):
        fit = hem.competing.fine_gray(
            data, [row["feature"], "D"], ties=ties or "breslow", missing="drop", **roles
        ).to_frame()
        for column in ("estimate", "std_error", "p_value"):
            assert row[column] == pytest.approx(fit[column][0], rel=1e-7)
    assert found["n"].to_list() == [177, 177 - 26, 177]


@pytest.mark.parametrize("strata", [None, "Phase"])
@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_fine_gray_of_features_alone_is_that_of_the_package(ties, strata):
    """Side by side without strata. The fit takes the information before its last step: 1e-7 of an error."""
    data = hem.data.load("bmtcrr").with_columns(
        gap=pl.when(pl.int_range(pl.len()) % 7 > 0).then(pl.col("ftime") * 37 % 5),
        sex=pl.col("Sex") == "M",
    )
    roles = {"time": "ftime", "event": "Status", "cause": 1, "strata": strata, "ties": ties}
    found = screen(data, ["Age", "gap", "sex"], method="fine-gray", missing="drop", **roles).to_frame()
    for row in found.iter_rows(named=True):
        fit = hem.competing.fine_gray(data, [row["feature"]], missing="drop", **roles)
        assert row["estimate"] == pytest.approx(fit.coef[0], rel=1e-8, abs=1e-10)
        assert row["std_error"] == pytest.approx(fit.cov[0, 0] ** 0.5, rel=2e-7)
        assert row["p_value"] == pytest.approx(fit.to_frame()["p_value"][0], rel=1e-6)
    assert found["n"].to_list() == [177, 177 - 26, 177]
    assert found["status"].to_list() == ["ok"] * 3


def test_fine_gray_of_features_without_an_estimate():
    data = hem.data.load("bmtcrr").with_columns(
        same=1.0, never=pl.int_range(pl.len()) == pl.col("Status").ne(1).arg_max(),
        absent=pl.when(pl.col("Status") != 1).then(pl.col("Age")), twice=pl.col("Age") * 2.0,
    )  # fmt: skip
    roles = {"time": "ftime", "event": "Status", "cause": 1, "method": "fine-gray"}
    with pytest.warns(DataWarning, match="3 features of 3 without a finite estimate"):
        found = screen(data, ["same", "absent", "twice"], covariates=["Age"], missing="drop", **roles)
    assert found.to_frame()["status"].to_list() == ["no information", "no events", "no information"]
    with pytest.warns(DataWarning, match="1 feature of 1 without a finite estimate"):
        assert screen(data, "never", **roles).to_frame()["estimate"].to_list() == [-np.inf]


def test_no_maximum_is_told(monkeypatch):
    from hemresearch.errors import ConvergenceError
    from hemresearch.translational import screen_fine_gray

    def fails(*_):
        raise ConvergenceError("no maximum")

    monkeypatch.setattr(screen_fine_gray, "solve", fails)
    with pytest.warns(DataWarning, match="'no maximum'"):
        screen(
            hem.data.load("bmtcrr"), "Age", covariates=["D"], time="ftime", event="Status", cause=1,
            method="fine-gray",
        )  # fmt: skip


def test_combinations_that_order_the_events_have_no_maximum():
    # x0 alone does not order the events, x0 and z together do: x0 + z falls with time.
    data = pl.DataFrame(
        {"t": np.arange(1.0, 7), "e": [1] * 6, "x": [3.0, 5, 1, 4, 2, 0], "z": [9.0, 4, 5, 0, 0, 0]}
    )
    with pytest.warns(DataWarning, match="without a finite estimate"):
        found = screen(data, "x", time="t", event="e", covariates=["z"]).to_frame()
    assert found["status"].to_list() == ["no maximum"]
    assert found["p_value"].to_list() == [None]


def test_the_result_tells_itself(veteran):
    found = screen(veteran, ["karno", "age", "diagtime"], time="time", event="status", covariates=["prior"])
    assert found.top(1)["feature"].to_list() == ["karno"]
    assert found.summary().row(0) == (137, 128, 0, 3, 3, 1, "cox", "likelihood-ratio", "bh", 0.95)
    assert found.text() == "1 of 3 features had a q-value below 0.05"
    ratios = found.to_frame(exponentiate=True)
    assert "std_error" not in ratios.columns
    np.testing.assert_allclose(ratios["estimate"].log(), found.to_frame()["estimate"])
    assert repr(found).splitlines()[0] == (
        "Cox models of one feature each, adjusted for covariates: 3 features, n=137, events=128"
    )
    assert found.methods() == (
        "The association of 3 features with the outcome was examined in 137 patients with 128 events by Cox "
        "models of one feature each, adjusted for covariates (Efron ties, likelihood-ratio tests, q-values "
        "by Benjamini and Hochberg)."
    )
    groups = screen(
        veteran, ["trt"], time="time", event="status", method="logrank", strata="celltype", adjust="none"
    )
    assert "log-rank tests of one feature each, stratified" in repr(groups)
    assert groups.text() == "0 of 1 feature had a p-value below 0.05"
    assert groups.methods().endswith("(p-values not adjusted).")


def test_a_long_screen_shows_its_first_and_those_without_an_estimate():
    with pytest.warns(DataWarning, match="1 feature of 2"):
        few = screen(made(30, 1, seed=1).with_columns(same=1), ["same", "x0"], time="t", event="e")
    assert "  same: no information" in repr(few)
    many = screen(made(30, 9, seed=1), cs.starts_with("x"), time="t", event="e", adjust="holm")
    assert "  and 4 more" in repr(many)
    assert "an adjusted p-value" in many.text()


REFUSED = {
    "an unknown name": ({"features": ["x0", "X1"]}, "1 name not in the data: 'X1'.*did you mean 'x1'"),
    "twice": ({"features": ["x0", "x0"]}, "'x0' is given twice"),
    "none": ({"features": []}, "no feature was chosen"),
    "a number": ({"features": 3}, "something other than names"),
    "numbers": ({"features": [3]}, "something other than names"),
    "text": ({"features": ["x0", "word"]}, "1 feature hold String, no numbers: 'word'"),
    "the outcome": ({"features": ["x0", "t"]}, "another role"),
    "a covariate": ({"features": ["x0"], "covariates": ["x0"]}, "another role"),
    "missing": ({"features": ["x0", "gap"]}, "1 feature with missing values .*'gap' .row 3"),
    "infinite": ({"features": ["huge"]}, "1 feature with infinite values"),
    "a turned matrix": ({"features": ["a", "b"], "matrix": np.zeros((2, 30))}, "is 2 x 30.*matrix.T"),
    "a short matrix": ({"features": ["a"], "matrix": np.zeros((4, 1))}, "is 4 x 1, for 30 rows.*select"),
    "a matrix of text": ({"features": ["a"], "matrix": [["b"]] * 30}, "no rectangle of numbers"),
    "missing in a matrix": ({"features": ["a"], "matrix": np.full((30, 1), np.nan)}, "missing values"),
    "many groups": ({"features": ["t2"], "method": "logrank"}, "has 30 values, and each would be a group"),
    "missing groups": ({"features": ["gap"], "method": "logrank"}, "missing values"),
    "missing in groups of a matrix": (
        {"features": ["a"], "matrix": np.full((30, 1), np.nan), "method": "logrank"}, "missing values",
    ),
    "a test of log-rank": ({"method": "logrank", "test": "wald"}, "test: was given with method='logrank'"),
    "ties of log-rank": ({"method": "logrank", "ties": "efron"}, "ties: was given"),
    "covariates of log-rank": ({"method": "logrank", "covariates": "x1"}, "covariates: was given"),
    "a cause of cox": ({"cause": 1}, "cause: was given with method='cox'.*fine-gray"),
    "no cause": ({"method": "fine-gray"}, "cause: was not given.*cause='relapse'"),
    "censored of cox": ({"censored": 0}, "censored: was given.*event_value"),
    "a value of fine-gray": ({"method": "fine-gray", "cause": 1, "event_value": 1}, "event_value: was given"),
    "a likelihood of fine-gray": ({"method": "fine-gray", "cause": 1, "test": "score"}, "test: was given"),
    "an unknown method": ({"method": "coxph"}, "method: 'coxph'"),
    "an unknown test": ({"test": "lr"}, "test: 'lr'"),
    "unknown ties": ({"ties": "exact"}, "ties: 'exact'"),
    "an unknown adjustment": ({"adjust": "fdr"}, "adjust: 'fdr'"),
    "a level": ({"conf_level": 95}, "conf_level"),
    "no events": ({"event": "never"}, "there are no events"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    given, message = REFUSED[name]
    row = pl.int_range(pl.len())
    data = made(30, 2, seed=4).with_columns(
        word=pl.lit("a"), gap=pl.when(row != 2).then("x0"), never=pl.lit(False), t2=row,
        huge=pl.when(row != 2).then("x0").otherwise(np.inf),
    )  # fmt: skip
    with pytest.raises(DataError, match=message):
        screen(data, **{"features": ["x0"], "time": "t", "event": "e", **given})
