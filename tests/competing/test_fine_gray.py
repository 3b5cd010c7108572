"""Fine-Gray regression: truths about the model, what a fit tells, predictions, refusals and warnings."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.competing import FineGrayFit, cumulative_incidence, fine_gray
from hemresearch.regression import across_models, compare, contrast, cox, effect_table

ROLES = {"time": "t", "event": "e", "cause": "relapse"}
TIMES = [1.0, 2.0]


def study(n=200, seed=1, ties=False) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    relapse, death = rng.exponential(2 * np.exp(-0.5 * x)), rng.exponential(3 * np.exp(0.3 * z))
    censoring = rng.exponential(np.where(z, 3, 5))
    time = np.minimum.reduce([relapse, death, censoring])
    event = np.where(time == relapse, "relapse", np.where(time == death, "death", "censored"))
    return pl.DataFrame(
        {
            "t": np.ceil(time * 4) / 4 if ties else time,
            "e": event,
            "x": x,
            "z": z,
            "g": np.array(list("abc"))[rng.integers(0, 3, n)],
            "centre": rng.integers(0, 25, n),
            "w": rng.integers(1, 4, n),
        }
    )


def fitted(data=None, covariates="x + z", **options) -> FineGrayFit:
    return fine_gray(study() if data is None else data, covariates, **(ROLES | options))


NEW = pl.DataFrame({"x": [0.0, 1.0, -1.0], "z": [0, 1, 1]})


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_without_competing_events_it_is_a_cox_model(ties):
    data = study(ties=True).with_columns(pl.col("e").replace({"death": "censored"}))
    options = {"strata": "g", "weights": "w"}
    fit = fitted(data, ties=ties, **options)
    plain = cox(data, "x + z", time="t", event="e", event_value="relapse", ties=ties, **options)
    assert_close(fit.coef, plain.coef, rel=1e-9)
    assert_close(fit.cov_model, plain.cov_model, rel=1e-9)
    assert_close(fit.log_likelihood, plain.log_likelihood, rel=1e-12)
    new = NEW.with_columns(g=pl.Series(["a", "b", "c"]))
    ours, theirs = fit.predict(new, times=TIMES), plain.predict(new, times=TIMES)
    assert_close(1 - ours["estimate"], theirs["estimate"], rel=1e-9)
    robust = cox(data, "x + z", time="t", event="e", event_value="relapse", ties=ties, cluster="centre")
    assert_close(fitted(data, ties=ties, cluster="centre").cov, robust.cov, rel=1e-9)


def test_nobody_censored_means_that_competing_events_stay_for_ever():
    data = study().filter(pl.col("e") != "censored")
    last = data["t"].max() + 1
    stays = data.with_columns(
        t=pl.when(pl.col("e") == "death").then(last).otherwise("t"), event=pl.col("e") == "relapse"
    )
    fit = fitted(data, censored=None)
    plain = cox(stays, "x + z", time="t", event="event", robust=True)
    assert_close(fit.coef, plain.coef, rel=1e-9)
    assert_close(fit.cov, plain.cov, rel=1e-9)
    assert_close(
        fit.predict(NEW, times=TIMES)["std_error"],
        _robust_incidence_error(fit, stays),
        rel=1e-9,
    )


def _robust_incidence_error(fit, data):
    """By hand: rows' influence on exp(x'b) A(t), of a model that is known to be Cox's."""
    x, t, e = data.select("x", "z").to_numpy(), data["t"].to_numpy(), data["event"].to_numpy()
    r = np.exp(x @ fit.coef)
    at = np.sort(t[e])
    risk = t[None, :] >= at[:, None]
    s0 = risk @ r
    mean = (risk * r) @ x / s0[:, None]
    beta = fit.residuals("dfbeta").select(fit.columns).to_numpy()
    errors = []
    for new in NEW.select("x", "z").to_numpy():
        for time in TIMES:
            early = at <= time
            moved = np.where(e & (t <= time), 1 / s0[np.searchsorted(at, np.minimum(t, at[-1]))], 0.0)
            moved -= r * ((early / s0**2) @ risk)
            slope = ((new - mean) * (early / s0)[:, None]).sum(axis=0)
            hazard = (early / s0).sum()
            size = np.exp(new @ fit.coef)
            errors.append(size * np.exp(-size * hazard) * np.sqrt(((moved + beta @ slope) ** 2).sum()))
    return errors


def test_without_covariates_it_is_nearly_the_cumulative_incidence():
    data = study(400)
    fit = fitted(data, [])
    assert fit.coef.shape == (0,)
    ours = fit.predict(pl.DataFrame({"row": [1]}), times=TIMES)
    plain = cumulative_incidence(data, **ROLES).at(TIMES)
    assert_close(ours["estimate"], plain["estimate"], rel=0.01)
    assert_close(ours["std_error"], plain["std_error"], rel=0.01)


@pytest.mark.parametrize("options", [{}, {"censoring_by": "z"}, {"strata": "z"}])
def test_the_variance_is_that_of_the_weights_of_rows(options):
    """A patient's influence is how coefficients and incidence move with that patient's weight.

    But for terms of the order of 1 / n, which the estimate of censoring has. With groups of censoring crr
    leaves out a part, and so does the fit.
    """
    data = study(80, seed=3)
    new = pl.DataFrame({"x": [0.7], "z": [0]})

    def moved(row, by):
        weight = np.ones(80)
        weight[row] += by
        fit = fitted(data.with_columns(w=weight), "x", weights="w", **options)
        hazard = -np.log(1 - fit.predict(new, times=[1.5])["estimate"][0])
        return np.array([fit.coef[0], hazard])

    influence = np.array([(moved(row, 1e-4) - moved(row, -1e-4)) / 2e-4 for row in range(80)])
    fit = fitted(data, "x", **options)
    beta = fit.residuals("dfbeta")["x"].to_numpy()
    assert np.abs(beta - influence[:, 0]).max() < 0.03 * np.abs(influence[:, 0]).max()
    predicted = fit.predict(new, times=[1.5])
    error = predicted["std_error"][0] / (1 - predicted["estimate"][0])
    assert_close(error, np.sqrt((influence[:, 1] ** 2).sum()), rel=0.01)


def test_units_order_and_kinds_of_tables_change_nothing():
    data = study(ties=True)
    fit = fitted(data)
    changed = data.with_columns(pl.col("t") * 30, x=pl.col("x") * 1e6 + 1e8).reverse()
    again = fitted(changed)
    assert_close(again.coef * [1e6, 1], fit.coef, rel=1e-6)
    assert_close(again.std_error * [1e6, 1], fit.std_error, rel=1e-6)
    assert_close(again.log_likelihood, fit.log_likelihood, rel=1e-9)
    for other in (data.lazy(), data.to_pandas(), data.with_columns(pl.col("t").cast(pl.Float32))):
        assert_close(fitted(other).coef, fit.coef, rel=1e-9)
    numbers = data.with_columns(
        e=pl.col("e").replace_strict({"censored": 0, "death": 2, "relapse": 1}, return_dtype=pl.Int8)
    )
    assert_close(fitted(numbers, cause=1).cov, fit.cov)
    assert fitted(numbers, cause=1).name == "Fine-Gray regression of e 1"
    moved = fitted(data.with_columns(o=pl.lit(3.0)), offset="o")
    assert_close(moved.coef, fit.coef, rel=1e-9)
    assert_close(moved.baseline().at(TIMES)["estimate"] * np.exp(3), fit.baseline().at(TIMES)["estimate"],
                 rel=1e-8)  # fmt: skip
    given = fitted(data.with_columns(o=pl.col("x") * fit.coef[0]), "z", offset="o")
    assert_close(given.log_likelihood, fit.log_likelihood, rel=1e-3)
    missing = data.with_columns(x=pl.when(pl.int_range(pl.len()) < 4).then(None).otherwise("x"))
    dropped = fitted(missing, missing="drop")
    assert dropped.n_dropped == 4
    assert_close(dropped.coef, fitted(data[4:]).coef, rel=1e-12)
    assert "4 rows with missing values were left out" in dropped.methods()


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_clusters_add_up_their_rows(ties):
    data = study()
    fit = fitted(data, ties=ties)
    each = fitted(data.with_row_index("id"), cluster="id", ties=ties)
    assert_close(each.cov, fit.cov, rel=1e-12)
    new = fit.predict(NEW, times=TIMES)
    assert_close(each.predict(NEW, times=TIMES)["std_error"], new["std_error"], rel=1e-9)
    twice = pl.concat([data, data]).with_row_index("id").with_columns(pl.col("id") % len(data))
    # every patient twice, as a cluster: nothing more is known; Efron's rule sees ties where there were none
    doubled = fitted(twice, cluster="id")
    once = fitted(data)
    assert_close(doubled.cov, once.cov, rel=1e-8)
    assert_close(doubled.predict(NEW, times=TIMES)["std_error"],
                 once.predict(NEW, times=TIMES)["std_error"], rel=1e-8)  # fmt: skip
    by_centre = fitted(data, cluster="centre", ties=ties)
    part = fit.residuals("dfbeta").with_columns(centre=data["centre"]).group_by("centre").sum()
    influence = part.select(fit.columns).to_numpy()
    assert_close(by_centre.cov, influence.T @ influence, rel=1e-8)
    assert by_centre.n == 200
    assert "clustered by centre (25 clusters)" in by_centre.methods()


def test_weights_are_patients_when_they_are_whole():
    data = study(ties=True)
    weighted, repeated = (
        fitted(data, weights="w"),
        fitted(data.select(pl.all().repeat_by("w")).explode(pl.all())),
    )
    assert_close(weighted.coef, repeated.coef, rel=1e-8)
    assert_close(weighted.cov, repeated.cov, rel=1e-8)
    ours, theirs = (fit.predict(NEW, times=TIMES) for fit in (weighted, repeated))
    assert_close(ours.to_numpy(), theirs.to_numpy(), rel=1e-8)
    half = fitted(data.with_columns(w=pl.col("w") / 2), weights="w")
    assert_close(half.coef, weighted.coef, rel=1e-8)
    part = fitted(data.with_columns(w=pl.col("w") / 2), weights="w").residuals("dfbeta")
    influence = part.select(half.columns).to_numpy()
    assert_close(half.cov, influence.T @ influence, rel=1e-8)  # one patient each
    nobody = pl.concat([data, data.with_columns(w=pl.lit(0, dtype=pl.Int64), x=pl.lit(9.0))])
    assert_close(fitted(nobody, weights="w").coef, weighted.coef, rel=1e-12)
    one = fitted(data.with_columns(w=pl.lit(2)), weights="w", ties="efron")
    assert_close(one.coef, fitted(data, ties="efron").coef, rel=1e-9)


def test_strata_are_models_that_share_effects():
    data = study(300, ties=True)
    fit = fitted(data, "x", strata="z")
    parts = [fitted(data.filter(z=z), "x", censoring_by="z") for z in (0, 1)]
    apart = fitted(data, "x:C(z)", strata="z", censoring_by="z")
    assert_close(apart.coef, [p.coef[0] for p in parts], rel=1e-8)
    assert_close(apart.std_error, [p.std_error[0] for p in parts], rel=1e-8)
    assert_close(apart.cov[0, 1], 0.0, at_zero=1e-12)
    new = pl.DataFrame({"x": [0.5, 0.5], "z": [0, 1]})
    theirs = [p.predict(new[k : k + 1], times=TIMES) for k, p in enumerate(parts)]
    for column in ("estimate", "std_error", "conf_low"):
        assert_close(apart.predict(new, times=TIMES)[column], [*theirs[0][column], *theirs[1][column]],
                     rel=1e-8)  # fmt: skip
    curves = fit.curves(pl.DataFrame({"x": [0.0]}))
    assert curves.groups()["z"].to_list() == [0, 1]
    assert curves.groups()["n"].to_list() == [data.filter(z=z).height for z in (0, 1)]
    assert fit.baseline().groups()["z"].to_list() == [0, 1]
    assert fit.residuals("schoenfeld")["stratum"].unique().sort().to_list() == ["0", "1"]
    assert "stratified by z" in fit.methods()


def test_effects_that_change():
    data = study(300)
    steps = fitted(data, time_varying={"x": [0.5, 1.0]})
    assert steps.columns == ("x (0,0.5]", "x (0.5,1]", "x (1,∞)", "z")
    assert "the effect of x changing with time (steps at 0.5, 1)" in steps.methods()
    # one coefficient for all periods is the model without them
    same = fitted(data, time_varying={"x": lambda t: 0.3 + t})
    plain = fitted(data)
    assert same.columns == ("x", "x:g(t)", "z")
    assert same.log_likelihood >= plain.log_likelihood
    # with no competing events it is Cox's
    none = data.with_columns(pl.col("e").replace({"death": "censored"}))
    roles = {"time": "t", "event": "e", "event_value": "relapse", "ties": "breslow", "strata": "g"}
    for spec in ([0.5, 1.0], "log"):
        ours, theirs = (
            fitted(none, time_varying={"x": spec}, strata="g"),
            cox(none, "x + z", **roles, time_varying={"x": spec}, robust=True),
        )
        assert ours.columns == theirs.columns
        assert_close(ours.coef, theirs.coef, rel=1e-7)
        assert_close(ours.cov, theirs.cov, rel=1e-7)
        new = NEW.with_columns(g=pl.lit("b"))
        assert_close(1 - ours.predict(new, times=TIMES)["estimate"],
                     theirs.predict(new, times=TIMES)["estimate"], rel=1e-7)  # fmt: skip
    # predictions with their errors, where the steps are no steps
    level = fitted(data, "x + z", time_varying={"x": [1.0]})
    curve = level.curves(NEW[:1]).at(TIMES)
    assert_close(curve["std_error"], level.predict(NEW[:1], times=TIMES)["std_error"], rel=1e-9)
    assert_refused(
        lambda: level.predict(NEW, kind="risk"),
        argument="new_data",
        says=["the effect of x changes with time"],
    )


def test_predicted_incidence_of_changing_effects_has_the_variance_of_the_weights_of_rows():
    data = study(60, seed=4)
    new, options = pl.DataFrame({"x": [0.7]}), {"time_varying": {"x": [0.8]}}

    def hazard(row, by):
        weight = np.ones(60)
        weight[row] += by
        fit = fitted(data.with_columns(w=weight), "x", weights="w", **options)
        return -np.log(1 - fit.predict(new, times=[1.5])["estimate"][0])

    influence = np.array([(hazard(row, 1e-4) - hazard(row, -1e-4)) / 2e-4 for row in range(60)])
    predicted = fitted(data, "x", **options).predict(new, times=[1.5])
    error = predicted["std_error"][0] / (1 - predicted["estimate"][0])
    assert_close(error, np.sqrt((influence**2).sum()), rel=0.01)


def test_what_a_fit_tells():
    fit = fitted(covariates="x + g")
    assert fit.cause == "relapse"
    assert fit.n_competing == (study()["e"] == "death").sum()
    assert fit.n_event == (study()["e"] == "relapse").sum()
    assert fit.text("x").startswith("subdistribution hazard ratio of x ")
    assert fit.tests()["test"].to_list() == ["Wald"]
    assert_close(fit.tests()["statistic"][0], fit.coef @ np.linalg.solve(fit.cov, fit.coef), rel=1e-9)
    assert fit.term_tests()["df"].to_list() == [1.0, 2.0]
    assert repr(fit).startswith("Fine-Gray regression of relapse: n=200, events=")
    assert "Breslow ties, weights as crr, robust variance" in repr(fit)
    assert fit.methods() == (
        "Subdistribution hazard ratios were estimated by Fine-Gray regression of relapse (Breslow ties, "
        "weights as crr) on x, g, with 95% confidence limits from the robust variance, which counts the "
        "estimation of censoring."
    )
    assert "counts" not in fitted(ties="efron").methods()
    assert "censoring estimated by g" in fitted(censoring_by="g").methods()
    ratios = fit.to_frame(exponentiate=True)
    assert_close(ratios["estimate"], np.exp(fit.coef))
    assert_close(contrast(fit, {"g": "c"}, {"g": "b"}).estimate, [fit.coef[2] - fit.coef[1]])
    assert across_models({"one": fit, "two": fitted()}, "x").frame.height == 2
    table = hem.report.regression_table(fit)
    assert "hazard ratio" in table.to_html().lower() if hasattr(table, "to_html") else table
    plt.close(fit.plot().figure)
    assert effect_table(fit).filter(variable="g")["n"].sum() == 200
    slim = fit.slim()
    assert slim.to_frame().equals(fit.to_frame())
    assert slim.y is None
    assert slim.methods().startswith("Subdistribution hazard ratios")
    assert_refused(lambda: slim.predict(NEW, times=[1]), argument="fit", says=["slim"])
    assert_refused(lambda: compare(fit, fitted()), argument="fit", says=["has a robust variance"])


def test_predictions_and_curves():
    fit = fitted()
    predicted = fit.predict(NEW, times=[2.0, 1.0, 1e4])
    assert predicted["time"].to_list() == [2.0, 1.0, 1e4] * 3
    assert predicted.filter(time=1e4)["estimate"].null_count() == 3  # after the last follow-up
    assert (predicted["conf_low"] < predicted["estimate"]).drop_nulls().all()
    base = fit.baseline().at(TIMES)["estimate"].to_numpy()
    risk = fit.predict(NEW, kind="risk")["estimate"].to_numpy()
    assert_close(
        fit.predict(NEW, times=TIMES)["estimate"], 1 - np.exp(-np.outer(risk, base).ravel()), rel=1e-9
    )
    linear = fit.predict(NEW, kind="linear predictor")
    assert_close(linear["estimate"], np.log(risk), rel=1e-12)
    curves = fit.curves(NEW)
    assert curves.keys == ("x", "z", "cause")
    assert curves.quantity == "cumulative incidence"
    at = curves.at(TIMES)
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert_close(at[column], fit.predict(NEW, times=TIMES)[column], rel=1e-9)
    plt.close(curves.plot().figure)
    assert curves.totals()["n"].to_list() == [200]
    narrow = fit.predict(NEW, times=TIMES, conf_level=0.5, conf_type="plain")
    assert (narrow["conf_high"] < fit.predict(NEW, times=TIMES)["conf_high"]).all()
    named = fit.curves(NEW.with_columns(who=pl.Series(["p", "q", "r"])).lazy(), by="who")
    assert named.groups()["who"].to_list() == ["p", "q", "r"]
    means = fit.baseline("means").at(TIMES)["estimate"]
    centre = NEW[:1].with_columns(x=pl.lit(study()["x"].mean()), z=pl.lit(study()["z"].mean()))
    assert_close(fit.baseline(centre).at(TIMES)["estimate"], means, rel=1e-9)


def test_residuals():
    fit = fitted(weights="w")
    for kind in ("score", "dfbeta"):
        assert fit.residuals(kind)["row"].to_list() == list(range(1, 201))
    score = fit.residuals("score").select(fit.columns).to_numpy()
    weight = study()["w"].to_numpy()
    assert_close((weight @ score).tolist(), [0.0, 0.0], at_zero=1e-8)
    assert_close(fit.residuals("dfbeta").select(fit.columns).to_numpy(),
                 weight[:, None] * score @ fit.cov_model, rel=1e-7)  # fmt: skip
    residuals = fit.residuals("schoenfeld")
    assert residuals["time"].is_sorted()
    assert residuals.height == fit.n_event
    assert_close((study()["w"].gather(residuals["row"] - 1) * residuals["x"]).sum(), 0.0, at_zero=1e-8)
    scaled = fit.residuals("scaled schoenfeld").select(fit.columns).to_numpy()
    expected = residuals.select(fit.columns).to_numpy() @ fit.cov_model * fit.n_event + fit.coef
    assert_close(scaled, expected, rel=1e-9)


def test_degenerate_likelihoods_are_named():
    data = study()
    all_relapse = data.with_columns(y=pl.col("e") == "relapse")
    endless = assert_warns(
        lambda: fitted(all_relapse, "y + z"), argument="covariates",
        says=["'y[True]'", "subdistribution hazard ratio is estimated as infinity", "competing event"],
    )  # fmt: skip
    assert endless.to_frame()["p_value"][0] > 0.9  # no certainty, though no row moves the estimate any more
    assert endless.std_error[0] > 1e3
    assert 0.1 < endless.std_error[1] < 2
    assert_refused(
        lambda: fitted(data.with_columns(v=pl.col("x") * 2), "x + v"), argument="covariates",
        says=["'v' is a linear combination of 'x'"],
    )  # fmt: skip
    assert_refused(
        lambda: fitted(data.with_columns(v=1.0), "x + v"), argument="covariates", says=["'v' is the same"]
    )
    late = data.with_columns(y=(pl.col("e") == "relapse") & (pl.col("t") < 0.3))
    assert_refused(
        lambda: fitted(late, "y + z", time_varying={"y": [0.3]}), argument="time_varying",
        says=["hardly any information on 'y[True] (0"],
    )  # fmt: skip


def test_refusals():
    data = study()

    def refused(argument, column, *says, data=data, rows=(), **options):
        assert_refused(
            lambda: fitted(data, **options), argument=argument, column=column, rows=rows, says=says
        )

    refused("ties", None, "'exact'", ties="exact")
    refused("conf_level", None, "95", conf_level=95)
    refused("cause", "e", "'relaps' is not among", "near: 'relapse'", cause="relaps")
    refused("cause", "e", "2 events were asked for at once", cause=["relapse", "death"])
    refused("censored", "e", "never holds 'alive'", censored="alive")
    refused("covariates", "t", "the outcome itself", covariates="t + x")
    refused("strata", "g", "is a stratum and the covariate", covariates="x + g", strata="g")
    refused(
        "cluster",
        "one",
        "the same in every row",
        "cluster=None",
        data=data.with_columns(one=1),
        cluster="one",
    )
    refused("time_varying", None, "a list was given", time_varying=["x"])
    refused("time_varying", None, "'y' is no term", time_varying={"y": "log"})
    refused("censoring_by", "nothing", "is not in the data", censoring_by="nothing")
    fit = fitted()
    for call, argument, says in (
        (lambda: fit.predict(NEW), "times", "no times were given for a cumulative incidence"),
        (lambda: fit.predict(NEW, times=[1], kind="survival"), "kind", "'survival'"),
        (lambda: fit.predict(NEW, times=[-1]), "times", "non-negative"),
        (lambda: fit.predict(NEW, times=[1], conf_type="cloglog"), "conf_type", "'cloglog'"),
        (lambda: fit.curves(NEW[:0]), "new_data", "has no rows"),
        (lambda: fit.residuals("martingale"), "kind", "'martingale'"),
        (lambda: fit.baseline("nowhere"), "at", "'nowhere'"),
        (lambda: fit.adjusted("z"), "fit", "no standardised curves"),
    ):
        assert_refused(call, argument=argument, says=[says])


def test_functions_of_time_that_would_take_too_long_are_refused(monkeypatch):
    import sys

    monkeypatch.setattr(sys.modules["hemresearch.competing.fine_gray"], "MOST_VISITS", 1000)
    assert_refused(
        lambda: fitted(time_varying={"x": "log"}), argument="time_varying",
        says=["would visit 200 rows at each of", "{'x': [12, 24, 60]}"],
    )  # fmt: skip
    assert fitted(time_varying={"x": [1.0]}).n == 200


def test_warnings():
    relapse = pl.col("e") == "relapse"
    data = study(40).with_columns(e=pl.when(relapse).then(pl.lit("censored")).otherwise("e"))
    few = data.with_columns(e=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("relapse")).otherwise("e"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted(few, "x + z + g")
    assert "4 coefficients were asked of 3 events" in str(caught[0].message)
    assert_warns(
        lambda: fitted(few, "x"),
        argument="cause",
        column="e",
        says=["happened 3 times", "limits are too narrow"],
    )
    assert_warns(
        lambda: fitted(study().with_columns(c=pl.col("z") + 2 * (pl.col("x") > 0)), "x", cluster="c"),
        argument="cluster", column="c", says=["has 4 clusters", "cluster=None"],
    )  # fmt: skip
    assert_warns(
        lambda: fitted(study().with_columns(c=pl.col("z")), "x + z + g", cluster="c"), argument="cluster",
        column="c", says=["2 clusters for 4 coefficients", "cluster=None, or fewer terms"],
    )  # fmt: skip
