"""Points of a fit: rms's nomogram, the fit's own risks, whole points by hand, and refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close

import hemresearch as hem
from hemresearch.errors import DataError
from hemresearch.prediction import auc, points_score, predicted_risks
from hemresearch.prediction.points_score import nice_values

ROLES = {"time": "futime", "event": "death"}
MGUS = hem.data.load("mgus2").drop_nulls(["age", "sex", "hgb", "creat"])
FIT = hem.regression.cox(MGUS, "age + sex + hgb", **ROLES)


def test_points_are_those_of_rms(reference):
    case = reference("points", "nomogram")
    knots = ", ".join(str(k) for k in case.options["knots"])
    fit = hem.regression.cox(MGUS, f"age + sex + rcs(hgb, knots=[{knots}]) + creat", **ROLES)
    score = points_score(fit, MGUS, times=case.values["times"], values=case.options["values"])
    for variable in ("age", "sex", "hgb", "creat"):
        own = score.to_frame().filter(variable=variable)["points"].to_list()
        assert_close(own, case.values[variable], rel=1e-6, at_zero=1e-9)
    new = pl.DataFrame({"age": [50, 80], "sex": ["F", "M"], "hgb": [14.0, 8.0], "creat": [1.0, 4.0]})
    risks = score.score(new).select("points_60", "points_120").to_numpy()
    assert_close(
        risks.T.ravel().tolist(), np.reshape(case.values["risk"], (2, 2)).T.ravel().tolist(), rel=1e-6
    )


def test_a_nomogram_is_the_model():
    score = points_score(FIT, MGUS, times=[60, 120])
    own = score.score(MGUS)
    expected = predicted_risks(FIT, MGUS.head(50), times=[60, 120], name="m").select("m_60", "m_120")
    found = own.select("points_60", "points_120").head(50).to_numpy()
    np.testing.assert_allclose(found, expected.to_numpy(), rtol=1e-10)
    assert score.to_frame()["points"].max() == pytest.approx(100)
    totals = score.risks([own["points"][0]])
    assert totals["risk_60"][0] == pytest.approx(own["points_60"][0], rel=1e-12)


def test_the_incidence_of_fine_gray_too():
    transplant = hem.data.load("bmtcrr")
    fit = hem.competing.fine_gray(transplant, "Age + Phase", time="ftime", event="Status", cause=1)
    own = points_score(fit, transplant, times=24).score(transplant)["points_24"]
    expected = fit.predict(transplant, times=24)["estimate"]
    np.testing.assert_allclose(own, expected, rtol=1e-10)


def test_whole_points_by_hand():
    ten_years = 10 * FIT.coef[0]
    values = {"age": [50, 60, 70, 80], "hgb": [8, 11, 14]}
    score = points_score(FIT, MGUS, times=60, one_point=ten_years, values=values)
    assert score.whole
    male, per_gram = FIT.coef[1], FIT.coef[2]
    by_hand = [
        0,
        1,
        2,
        3,
        0,
        round(male / ten_years),
        round(-6 * per_gram / ten_years),
        round(-3 * per_gram / ten_years),
        0,
    ]
    assert score.to_frame()["points"].to_list() == by_hand
    patient = pl.DataFrame({"age": [74, None], "sex": ["M", "F"], "hgb": [12.0, 9.0]})
    added = score.score(patient)
    expected = round(2.4) + round(male / ten_years) + round(-2 * per_gram / ten_years)
    assert added["points"].to_list() == [expected, None]
    assert added["points_60"].to_list() == [score.risks([expected])["risk_60"][0], None]
    assert "age: 50: 0, 60: 1, 70: 2, 80: 3" in repr(score)


def test_little_is_lost_by_whole_points():
    score = points_score(FIT, MGUS, times=60, one_point=5 * FIT.coef[0])
    judged = predicted_risks(FIT, score.score(MGUS.tail(900)), times=60, name="model")
    both = auc(judged, **ROLES, times=60, risks={"model": "model_60", "points": "points_60"}).to_frame()
    assert both["estimate"][0] == pytest.approx(both["estimate"][1], abs=0.01)


def test_lazy_in_lazy_out():
    score = points_score(FIT, MGUS.lazy(), times=60)
    assert isinstance(score.score(MGUS.lazy()), pl.LazyFrame)


def test_a_model_of_one_variable():
    fit = hem.regression.cox(MGUS, "age", **ROLES)
    score = points_score(fit, MGUS, times=60, values={"age": [40, 90]})
    assert score.to_frame()["points"].to_list() == [0, 100]


def test_round_values():
    assert nice_values(3, 98, 9).tolist() == [20, 40, 60, 80]
    assert nice_values(0, 100, 10).tolist() == [0, 20, 40, 60, 80, 100]
    assert nice_values(0.012, 0.088, 9).round(3).tolist() == [0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08]
    assert nice_values(5, 5, 9).tolist() == [5]


def test_the_nomogram_is_drawn():
    ax = points_score(FIT, MGUS, times=[60, 120]).plot(labels={"hgb": "Haemoglobin"}, time_unit="months")
    words = [text.get_text() for text in ax.texts]
    assert {"Points", "age", "sex", "Haemoglobin", "Total points", "Risk by 60 months (%)"} <= set(words)
    assert hem.plots.layout_problems(ax.figure) == []
    small = points_score(FIT, MGUS, times=1, one_point=10 * FIT.coef[0])
    assert "risk by 1 from" in hem.plots.fingerprint(small.plot(width=85))
    with pytest.raises(DataError, match="points score"):
        hem.plots.draw_nomogram(FIT)


def of(fit, data=MGUS, **options):
    return lambda: points_score(fit, data, **{"times": 60, **options})


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (
            of(hem.regression.parametric(MGUS, "age", **ROLES, distribution="weibull")),
            "ParametricFit was given",
        ),
        (of(hem.regression.cox(MGUS, "age", **ROLES, strata="sex")), "strata"),
        (of(hem.regression.cox(MGUS, "age", **ROLES, time_varying={"age": [60]})), "change with time"),
        (of(hem.regression.cox(MGUS, "age * hgb", **ROLES)), "interaction"),
        (of(FIT, MGUS.drop("hgb")), "has no hgb"),
        (of(FIT, MGUS.clear()), "no row"),
        (of(FIT, values={"creat": [1]}), "not a variable of the fit"),
        (of(FIT, one_point=0), "one_point"),
        (of(FIT, times=[60, 1e5]), "after the last follow-up"),
    ],
)
def test_refusals(call, found):
    with pytest.raises(DataError, match=found):
        call()
