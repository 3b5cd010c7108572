"""The table of a haemophilia register: at the borders of its classes, by period, and what is refused."""

from __future__ import annotations

import polars as pl
from refusals import assert_refused

from hemresearch.hematology.bleeding import register_table

ROLES = {
    "activity": "level", "diagnosis": "type", "inhibitor": "inhibitor", "prophylaxis": "prophylaxis",
    "age": "age",
}  # fmt: skip
REGISTER = pl.DataFrame(
    {
        "level": [0.0, 0.99, 1.0, 5.0, 5.01, 39.9, 40.0, None],
        "type": ["A", "A", "B", "A", "B", "A", "A", "A"],
        "inhibitor": [True, False, False, False, False, False, None, False],
        "prophylaxis": ["current", "current", "past", "never", "never", "never", "never", "never"],
        "age": [17.99, 18.0, 39.9, 40.0, 64.0, 65.0, 90.0, 5.0],
        "year": [2015, 2015, 2015, 2015, 2020, 2020, 2020, 2020],
    }
)


def counts(variable: str, group: str = "Overall", **options) -> dict[str | None, int]:
    frame = register_table(REGISTER, **(ROLES | options)).to_frame()
    own = frame.filter(
        pl.col("variable") == variable, pl.col("group") == group, pl.col("level").is_not_null()
    )
    return dict(own.select("level", "n").rows())


def test_severity_and_age_at_their_borders():
    assert list(counts("severity").values()) == [2, 2, 2, 1]
    assert counts("age") == {"<18": 2, "18 to <40": 2, "40 to <65": 2, "65 or more": 2}
    assert counts("age", age_bands=(50,)) == {"<50": 5, "50 or more": 3}
    assert counts("prophylaxis") == {"current": 2, "never": 5, "past": 1}


def test_by_period_lazy_and_with_missing_values():
    assert list(counts("severity", "2015", by="year").values()) == [2, 2, 0, 0]
    table = register_table(REGISTER.lazy(), **ROLES, by=pl.col("year").alias("period"))
    assert table.groups()["n"].to_list() == [8, 4, 4]
    missing = (
        table.to_frame()
        .filter(pl.col("group") == "Overall")
        .group_by("variable")
        .agg(pl.col("n_missing").max())
    )
    assert dict(missing.rows())["severity"] == dict(missing.rows())["inhibitor"] == 1
    assert table.cells().body[0][0].startswith("Severity (factor activity, IU/dL)")


def test_only_what_is_given_is_told():
    table = register_table(REGISTER, activity="level")
    assert table.to_frame()["variable"].unique().to_list() == ["severity"]


def test_refusals():
    def refused(data=REGISTER, options=None, **parts):
        assert_refused(lambda: register_table(data, **(ROLES | (options or {}))), **parts)

    refused(REGISTER.with_columns(pl.col("level") - 1), argument="activity", column="level", rows=(1, 2))
    refused(REGISTER.with_columns(-pl.col("age")), argument="age", column="age", rows=range(1, 9))
    refused(REGISTER.with_columns(level=pl.lit("<1")), argument="activity", column="level")
    refused(options={"age_bands": (40, 18)}, argument="age_bands")
    refused(options={"age_bands": (0, 18)}, argument="age_bands")
    refused(options={"age": None, "by": "age"}, argument="by", column="age")
