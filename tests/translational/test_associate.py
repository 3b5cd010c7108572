"""Features and a response: R's tests for every pair of kinds, by hand, refusals and warnings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close

import hemresearch as hem
from hemresearch.errors import DataError, DataWarning
from hemresearch.numerics.association import ranks, spearman
from hemresearch.translational import associate


@pytest.fixture(scope="module")
def veteran() -> pl.DataFrame:
    return hem.data.load("veteran")


@pytest.mark.parametrize("case_id", ["wilcoxon", "kruskal", "spearman"])
def test_matches_r(reference, veteran, case_id):
    case = reference("screen", case_id)
    found = associate(veteran, case.options["features"], response=case.options["response"]).to_frame()
    assert_close(found["p_value"], case.values["p"], rel=1e-9)
    for name in ("estimate", "statistic", "df"):
        if name in case.values:
            assert_close(found[name], case.values[name], rel=1e-9)


def test_tables_match_r(reference, veteran):
    values = reference("screen", "tables").values
    prior, cell = associate(veteran, ["prior", "celltype"], response="trt").to_frame().iter_rows(named=True)
    assert_close([prior["p_value"], cell["p_value"]], [values["fisher"], values["p"]], rel=1e-9)
    assert_close(cell["statistic"], values["chi_squared"], rel=1e-9)
    assert_close(prior["estimate"], values["odds_ratio"], rel=1e-4)  # fisher.test's root is found to 1e-4
    assert (prior["test"], prior["measure"], cell["test"]) == ("Fisher", "odds ratio", "chi-squared")


def test_roles_of_groups_and_numbers_can_change_places(veteran):
    one = associate(veteran, ["karno"], response="celltype").to_frame()
    other = associate(veteran, ["celltype"], response="karno").to_frame()
    assert one.drop("feature").equals(other.drop("feature"))


@pytest.mark.filterwarnings("ignore:.*few patients are ranked")
def test_by_hand():
    data = pl.DataFrame({"g": [False, False, True, True], "x": [1.0, 3.0, 3.0, 4.0], "y": [1, 2, 3, 4]})
    found = associate(data, ["x", "y"], response="g").to_frame()
    # x: of four pairs three and a half have the larger value in the second group
    assert found["estimate"].to_list() == [3.5 / 4, 1.0]
    # y: ranks 1, 2 against 3, 4: H = 12/(4 * 5) * (9/2 + 49/2) - 15
    assert found["statistic"][1] == pytest.approx(12 / 20 * (9 + 49) / 2 - 15)
    # x against y: ranks 1, 2.5, 2.5, 4 have deviations -1.5, 0, 0, 1.5
    rho = associate(data, ["x"], response="y").to_frame()["estimate"][0]
    assert rho == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_ranks_are_those_of_polars():
    rng = np.random.default_rng(1)
    for n in (1, 2, 30):
        values = rng.integers(0, 8, n).astype(float)
        np.testing.assert_array_equal(ranks(values), pl.Series(values).rank("average"))


def test_no_monotone_change_of_a_feature_matters(veteran):
    moved = veteran.with_columns(pl.col("age").cast(pl.Float64).exp().log1p().sqrt())
    for response in ("trt", "celltype", "karno"):
        one, other = (associate(d, ["age"], response=response).to_frame() for d in (veteran, moved))
        assert one.equals(other)


@pytest.mark.filterwarnings("ignore:.*few patients are ranked")
def test_what_cannot_be_compared_is_null_and_missing_values_go():
    data = pl.DataFrame(
        {
            "r": ["a", "b", "a", "b", "a", None], "x": [1.0, 2.5, 3.0, None, 5.0, 6.0], "same": [1.0] * 6,
            "one": [1.0, None, 2.0, None, 3.0, 4.0], "empty": [None] * 6,
        }
    ).with_columns(pl.col("empty").cast(pl.Float64))  # fmt: skip
    names = ["x", "same", "one", "empty"]
    found = associate(data.lazy(), names, response="r", missing="drop")
    assert found.n_dropped == 1
    assert found.to_frame()["n"].to_list() == [4, 5, 3, 0]
    assert found.to_frame()["p_value"].is_null().to_list() == [False, True, True, True]
    assert "same: nothing to compare" in repr(found)
    matrix = data.select(names).to_numpy()
    beside = associate(data.select("r"), names, matrix=matrix, response="r", missing="drop")
    assert beside.to_frame().equals(found.to_frame())


def test_two_patients_have_no_rank_correlation():
    assert np.isnan(spearman(np.array([1.0, 2.0]), np.array([4.0, 9.0]))).all()
    data = pl.DataFrame({"r": [1.0, 2.0, 3.0], "y": [4.0, 9.0, 10.0]})
    with pytest.warns(DataWarning, match="few patients are ranked for 1 feature"):
        found = associate(data, "y", response="r").to_frame()
    assert found["p_value"].to_list() == [pytest.approx(1 / 3)]  # two of six orders have a rho of 1 or -1


def test_the_result_tells_itself(veteran):
    names = ["karno", "age", "diagtime", "prior", "time", "status"]
    found = associate(veteran, names, response="trt", adjust="none")
    assert found.summary().row(0) == (6, 6, 0, 0, "none")
    assert found.text() == "0 of 6 features had a q-value below 0.05"
    assert found.methods() == "6 features were compared with trt (Wilcoxon, Fisher; p-values not adjusted)."
    assert found.top(2).height == 2
    assert repr(found).splitlines()[-2] == "  and 1 more"


def test_sparse_tables_are_told():
    data = pl.DataFrame({"r": list("aabbcc"), "g": list("xyxyxy")})
    with pytest.warns(DataWarning, match="fewer than 5 are expected in a cell of the table for 1 feature"):
        associate(data, ["g"], response="r")


def test_a_feature_of_labels_for_nearly_everybody_is_refused():
    data = pl.DataFrame({"r": [1.0, 2.0] * 15, "sample": [f"s{i}" for i in range(30)]})
    with pytest.raises(DataError, match="features: column 'sample' has 30 labels"):
        associate(data, ["sample"], response="r")


@pytest.mark.parametrize(
    ("response", "message"),
    [("same", "is the same in every row"), ("many", "has 30 labels"), ("gap", "1 missing value")],
)
def test_a_response_is_refused(response, message):
    row = pl.int_range(30, eager=True)
    data = pl.DataFrame({"x": row}).with_columns(
        same=pl.lit(1), many=pl.col("x").cast(pl.String), gap=pl.when(pl.col("x") > 0).then(pl.col("x") % 2)
    )
    with pytest.raises(DataError, match=message):
        associate(data, ["x"], response=response)


def test_features_are_refused(veteran):
    gaps = veteran.with_columns(x=pl.when(pl.col("age") > 60).then("age"))
    with pytest.raises(DataError, match="1 feature with missing values"):
        associate(gaps, ["x"], response="trt")
    with pytest.raises(DataError, match="another role"):
        associate(veteran, ["trt"], response="trt")
    with pytest.raises(DataError, match="adjust"):
        associate(veteran, ["age"], response="trt", adjust="fdr")
