"""Spaghetti plots: every line is what was measured in one patient."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

draw = hem.plots.draw_spaghetti
ROLES = {"id": "id", "time": "months", "value": "mrd"}


def courses(n: int, seed: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    owner, months = np.repeat(np.arange(n), 5), np.tile(np.arange(5) * 3.0, n)
    y = 10 ** (1 - 0.3 * months + rng.normal(0, 0.5, n)[owner] + rng.normal(0, 0.2, 5 * n))
    low = y < 0.01
    arm = np.where(owner % 2, "azacitidine", "best supportive care")
    return pl.DataFrame({"id": owner, "months": months, "mrd": np.maximum(y, 0.01), "low": low, "arm": arm})


SOME = courses(12)


def of(ax, gid: str) -> list:
    return [line for line in ax.lines if line.get_gid() == gid]


def test_lines_are_the_courses_of_the_patients():
    ax = draw(SOME.sample(fraction=1, shuffle=True, seed=4).lazy(), **ROLES, below="low")
    drawn = sorted(line.get_xydata().tolist() for line in of(ax, "patient"))
    parts = SOME.partition_by("id")
    assert drawn == sorted(part.select("months", "mrd").to_numpy().tolist() for part in parts)
    hollow = of(ax, "below")[0]
    assert len(hollow.get_xdata()) == SOME["low"].sum()
    assert hollow.get_markerfacecolor() == "white"
    assert len(of(ax, "measured")[0].get_xdata()) == (~SOME["low"]).sum()
    assert ax.get_yscale() == "log"
    assert draw(SOME, **ROLES, log=False).get_yscale() == "linear"


def test_groups_lines_and_levels():
    line = pl.DataFrame({"time": [0.0, 12.0] * 2, "value": [10.0, 0.1, 20.0, 1.0],
                         "arm": ["azacitidine"] * 2 + ["best supportive care"] * 2})  # fmt: skip
    ax = draw(SOME, **ROLES, by="arm", lines=line, levels={"MR4": 0.01})
    assert [key.get_label() for key in of(ax, "key")] == ["azacitidine", "best supportive care"]
    assert [thick.get_ydata().tolist() for thick in of(ax, "line")] == [[10.0, 0.1], [20.0, 1.0]]
    assert of(ax, "level")[0].get_ydata()[0] == 0.01
    assert len(of(draw(SOME, **ROLES, lines=line[:2]), "line")) == 1


def test_the_fingerprint_tells_each_group_and_no_patient():
    told = hem.plots.fingerprint(draw(SOME, **ROLES, below="low", by="arm")).splitlines()
    assert told[0] == f"mrd of 12 patients, 60 measurements to 12, {SOME['low'].sum()} below the limit"
    mine = SOME.filter(arm="azacitidine")["mrd"]
    assert told[1].startswith(f"  azacitidine: 6 patients, geometric mean {10 ** mine.log10().mean():.4g}")
    plain = hem.plots.fingerprint(draw(SOME, **ROLES, log=False)).splitlines()
    assert plain[1].startswith(f"  mean {SOME['mrd'].mean():.4g}")


@pytest.mark.parametrize(("n", "width"), [(3, 80), (40, 115), (200, 170)])
def test_nothing_overlaps(n, width):
    ax = draw(
        courses(n), **ROLES, by="arm", width=width, title="Residual disease of all patients", shown_in="years"
    )
    assert ax.get_xlabel() == "Time (years)"
    assert hem.plots.layout_problems(ax.figure) == []


def test_it_draws_into_given_axes():
    left, right = hem.plots.figure(width=170, height=80).subplots(1, 2)
    assert draw(SOME, **ROLES, by="arm", ax=left) is left
    draw(SOME, **ROLES, by="arm", ax=right, legend=False)
    assert hem.plots.layout_problems(left.figure) == []


def test_what_cannot_be_drawn_is_refused():
    def refused(data=SOME, rows=(), *, argument, column=None, **options):
        assert_refused(lambda: draw(data, **ROLES | options), argument=argument, column=column, rows=rows)

    refused(argument="value", column="wbc", value="wbc")
    refused(SOME.with_columns(mrd=pl.when(pl.int_range(pl.len()) > 0).then("mrd").otherwise(0.0)),
            argument="value", column="mrd", rows=[1])  # fmt: skip
    mixed = SOME.head(2).with_columns(arm=pl.Series(["a", "b"]))
    refused(mixed, argument="by", column="arm", by="arm", rows=[1, 2])
    refused(argument="lines", column="value", lines=pl.DataFrame({"time": [1.0]}))
    refused(argument="labels", labels={"x": "y"}, by="arm")
