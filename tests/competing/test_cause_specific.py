"""Cox models of the cause-specific hazards: the models themselves, and what the result tells."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import polars as pl
import pytest
from cox_cases import by_name
from cox_cohorts import assert_same_fit
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from relapse_cohorts import ROLES, cohort, fit

from hemresearch.competing import CauseSpecificFit, cause_specific
from hemresearch.regression import contrast, cox, ph_test, split_episodes
from hemresearch.survival import logrank


@pytest.mark.parametrize("case_id", reference_cases("competing_risks", "csc_"))
def test_models_match_r(reference, case_id):
    case = reference("competing_risks", case_id)
    o = case.options
    ours = cause_specific(
        case.data, " + ".join(o["terms"]), time=o["time"], event=o["status"], ties=o["ties"]
    )
    assert ours.causes == tuple(o["causes"])
    for cause in o["causes"]:
        one, theirs = ours.fits[cause], case.values[f"cause{cause}"]
        assert_close(one.coef, by_name(theirs["coef"], one.columns), rel=1e-6)
        assert_close(one.std_error, by_name(theirs["se"], one.columns), rel=1e-6)
        assert_close([one.log_likelihood_null, one.log_likelihood], theirs["loglik"], rel=1e-9)
        assert [one.n, one.n_event] == [theirs["n"], theirs["nevent"]]


def test_log_rank_tests_of_causes_match_r(reference):
    """The test of a cause's hazard is the log-rank test in which other causes censor."""
    case = reference("competing_risks", "cslr_follic")
    o = case.options
    for theirs in case.values["logrank"]:
        cause = theirs["cause"]
        test = logrank(case.data, time=o["time"], event=o["status"], event_value=cause, by=o["group"])
        assert_close([test.statistic, test.p_value], [theirs["chisq"], theirs["p"]], rel=1e-9)
        scores = cause_specific(case.data, [o["group"]], time=o["time"], event=o["status"], ties="breslow")
        score = scores.fits[cause].tests().filter(test="score")["statistic"][0]
        assert abs(score / theirs["chisq"] - 1) < 0.02  # but for the variance at ties


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ties": "breslow", "strata": "site"},
        {"weights": "weight", "cluster": "site"},
        {"weights": "half", "entry": "t0", "offset": "age"},
        {"robust": True},
    ],
)
@pytest.mark.filterwarnings("ignore:cluster")
def test_each_model_is_a_cox_model_in_which_other_causes_censor(options):
    data = cohort(2, ties=True).with_columns(half=pl.col("weight") / 2, t0=0.2 * pl.col("time"))
    terms = "old" if options.get("offset") else "age + old"
    ours = fit(data, terms, **options)
    for cause in ("relapse", "death"):
        alone = cox(data, terms, **ROLES, event_value=cause, **options)
        assert_same_fit(ours.fits[cause], alone)
        assert ours.fits[cause].variance == alone.variance


def test_causes_can_have_covariates_of_their_own():
    data = cohort(3)
    ours = fit(data, {"death": ["old"], "relapse": "age + C(site)"})
    assert ours.causes == ("death", "relapse")
    assert_same_fit(ours.fits["death"], cox(data, "old", **ROLES, event_value="death"))
    assert_same_fit(ours.fits["relapse"], cox(data, "age + C(site)", **ROLES, event_value="relapse"))
    named = fit(data, {"death": [pl.col("age").abs().alias("far")], "relapse": []})
    assert named.fits["death"].columns == ("far",)
    assert named.fits["relapse"].columns == ()
    assert [len(ours.to_frame()), len(named.to_frame())] == [4, 1]
    missing = data.with_columns(age=pl.when(pl.col("age") > 1).then(None).otherwise("age"))
    same_rows = fit(missing, {"death": "old", "relapse": "age"}, missing="drop")
    n = (data["age"] <= 1).sum()
    assert [one.n for one in same_rows.fits.values()] == [n, n]
    assert "missing values were left out" in same_rows.methods()
    assert f"n={n}, {150 - n} rows with missing" in repr(same_rows)


def test_cutting_follow_up_and_order_of_rows_change_nothing():
    data = cohort(4, 80, ties=True)
    whole = fit(data)
    happened = data.with_columns(any=pl.col("event") != "censored")
    pieces = split_episodes(happened, time="time", event="any", cut=[3, 8])
    pieces = pieces.with_columns(event=pl.when("any").then("event").otherwise(pl.lit("censored")))
    again = fit(pieces.sample(fraction=1, shuffle=True, seed=1), entry="entry", id="patient")
    for cause, one in whole.fits.items():
        assert_same_fit(again.fits[cause], one)
        assert again.fits[cause].n == 80
    robust = fit(pieces, entry="entry", id="patient", robust=True)
    for cause, one in fit(data, robust=True).fits.items():
        assert_close(robust.fits[cause].cov, one.cov, rel=1e-7)


def test_integer_labels_lazy_pandas_and_other_codes_of_censored():
    data = cohort(5)
    code = pl.col("event").replace_strict({"censored": 9, "death": 2, "relapse": 1}, return_dtype=pl.Int8)
    expected = fit(data).fits
    for given in (data.lazy(), data.to_pandas(), data.with_columns(pl.col("event").cast(pl.Categorical))):
        assert_same_fit(fit(given).fits["death"], expected["death"])
    numbers = fit(data.with_columns(event=code), censored=9)
    assert numbers.causes == (1, 2)
    assert_same_fit(numbers.fits[1], expected["relapse"])
    assert fit(data.filter(pl.col("event") != "censored"), censored=None).causes == ("death", "relapse")


def test_what_a_fit_tells():
    data = cohort(6)
    ours = fit(data, {"death": "old", "relapse": "age + C(site)"})
    assert isinstance(ours, CauseSpecificFit)
    frame = ours.to_frame(exponentiate=True)
    assert frame.columns[:3] == ["cause", "term", "estimate"]
    assert frame["cause"].to_list() == ["death", "relapse", "relapse", "relapse"]
    narrow = ours.to_frame(conf_level=0.5)
    assert (narrow["conf_high"] < ours.to_frame()["conf_high"]).all()
    alone = ours.fits["death"].curves(pl.DataFrame({"old": [data["old"][0]]}))
    assert alone.method.startswith("prediction from a Cox regression of the cause-specific hazard of death (")
    assert ours.tests().columns == ["cause", "test", "statistic", "df", "p_value"]
    assert ours.term_tests()["term"].to_list() == ["old", "age", "C(site)"]
    held = ours.ph_tests(transform="log").filter(cause="relapse").drop("cause")
    assert_frame_equal(held, ph_test(ours.fits["relapse"], transform="log").to_frame())
    assert ours.summary().select("cause", "n_event").rows() == [
        (cause, (data["event"] == cause).sum()) for cause in ours.causes
    ]
    age = ours.fits["relapse"].text("age")
    assert ours.text("age") == f"relapse: {age}"
    assert age.startswith("cause-specific hazard ratio of age ")
    assert ours.text("old", cause="death", label="old age").startswith(
        "death: cause-specific hazard ratio of old age "
    )
    assert ours.text(cause="death") == f"death: {ours.fits['death'].text()}"
    assert ours.text().count("; relapse: cause-specific hazard ratios: age: ") == 1
    curved = fit(data, "rcs(age, df=2) + old")
    assert curved.text("age").startswith("death: cause-specific effect of rcs(age, df=2) along a curve: p")
    assert ours.methods() == (
        "Cause-specific hazards (death, relapse) were each analysed by Cox regression (Efron ties) on old, "
        "age, C(site), other causes being censored, with 95% confidence limits from the model-based variance."
    )
    lines = repr(ours).splitlines()
    assert lines[0] == "Cause-specific Cox regression: n=150"
    assert [lines[1], lines[3]] == [
        f"{cause}: events={(data['event'] == cause).sum()}" for cause in ours.causes
    ]
    assert lines[-1] == "Efron ties, model-based variance, 95% limits"
    said = (
        "Cause-specific hazard ratios were estimated by Cox regression of the cause-specific hazard of death"
    )
    assert ours.fits["death"].methods().startswith(said)
    assert contrast(ours.fits["relapse"], {"site": "c"}, {"site": "b"}).estimate.shape == (1,)
    forest = ours.forest_frame()
    assert forest["subgroup"].unique(maintain_order=True).to_list() == ["death", "relapse"]
    assert forest["term"].to_list() == frame["term"].to_list()
    assert_close(forest["estimate"], frame["estimate"])
    assert fit(data, "rcs(age, df=2) + old").forest_frame().height == 2
    small = ours.slim()
    assert small.to_frame().equals(ours.to_frame())
    assert small.methods().startswith("Cause-specific hazards (death, relapse)")
    assert replace(ours, conf_level=0.9).conf_level == 0.9


def test_the_forest_has_the_causes_as_headings():
    axes = fit(cohort(7)).plot()
    texts = [text.get_text() for text in axes.texts] + [t.get_text() for t in axes.figure.texts]
    assert {"death", "relapse"} <= set(texts)
    plt.close(axes.figure)


def test_more_causes_than_a_repr_shows():
    data = cohort(7).with_columns(event=pl.int_range(pl.len()) % 7)
    ours = fit(data, "old")
    assert len(ours.causes) == 6
    assert "and 2 more" in repr(ours)
    assert ours.text("old", cause=3).startswith("cause 3: cause-specific hazard ratio of old")


def test_refusals():
    data = cohort(8)

    def refused(*says, argument, column=None, rows=(), data=data, covariates="age + old", **options):
        assert_refused(
            lambda: fit(data, covariates, **options), argument=argument, column=column, rows=rows, says=says
        )

    refused("'exact' is not one of the choices", argument="ties", ties="exact")
    refused("2 was given", argument="conf_level", conf_level=2)
    refused("not labels of several events", argument="event", column="event",
            data=data.with_columns(event=True))  # fmt: skip
    refused(
        "say nothing of 'relapse'", "{..., 'relapse': []}", argument="covariates", covariates={"death": "old"}
    )
    refused("'relaps' is not among", "near: 'relapse'", argument="cause", column="event",
            covariates={"death": "old", "relaps": "age"})  # fmt: skip
    twice = pl.concat([
        data.with_columns(t0=0.0, time=pl.col("time") / 2),
        data.with_columns(t0=pl.col("time") / 2),
    ])  # fmt: skip
    early = (data["event"] != "censored").arg_true() + 1
    refused(f"before the end of the follow-up of {len(early)} patients", argument="event", column="event",
            rows=early, data=twice, entry="t0", id="patient")  # fmt: skip
    ours = fit(data)
    assert_refused(lambda: ours.text("sex"), argument="term", says=["'sex' is no coefficient", "age"])
    assert_refused(
        lambda: ours.text(cause="gvhd"), argument="cause", says=["'gvhd' is not one of the causes"]
    )
    assert_refused(
        lambda: ours.slim().predict(data, times=1), argument="fit", says=["an absolute risk needs"]
    )


def test_warnings_of_cox_models_come_through():
    data = cohort(9).with_columns(all_relapse=pl.col("event") != "death")
    assert_warns(
        lambda: fit(data, {"death": "all_relapse", "relapse": "age"}), argument="covariates",
        says=["grows without end", "'all_relapse[True]'"],
    )  # fmt: skip
    pieces = data.with_columns(entry=pl.lit(0.0))
    second = pieces.with_columns(entry=pl.col("time"), time=pl.col("time") + 1)
    rows = pl.concat([pieces.with_columns(event=pl.lit("censored")), second]).sort("patient", "entry")
    assert_warns(lambda: fit(rows), argument="entry", column="entry", says=["was not given"])
