"""Heat maps: every field has the colour of its value, and the strip that of the patient's group."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

draw = hem.plots.draw_heatmap


def made(n: int = 12, m: int = 4) -> pl.DataFrame:
    rng = np.random.default_rng(2)
    columns = {f"gene {j}": rng.normal(size=n) for j in range(m)}
    return pl.DataFrame({**columns, "risk": [["low", "high", None][i % 3] for i in range(n)]})


SOME = made()
GENES = [f"gene {j}" for j in range(4)]


def field(ax) -> np.ndarray:
    return next(c for c in ax.collections if c.get_gid() == "field").get_array()


def test_fields_are_the_values_in_the_order_given():
    np.testing.assert_array_equal(
        field(draw(SOME.lazy(), GENES[::-1])), SOME.select(GENES[::-1]).to_numpy().T
    )
    by_first = draw(SOME, GENES, order="gene 2")
    np.testing.assert_array_equal(field(by_first), SOME.sort("gene 2").select(GENES).to_numpy().T)
    assert [t.get_text() for t in by_first.get_yticklabels()] == GENES


def test_the_strip_has_the_groups_and_sorts_by_them():
    ax = draw(SOME, GENES, by="risk", order=["gene 0"])
    ordered = SOME.sort("risk", "gene 0", nulls_last=True)
    np.testing.assert_array_equal(field(ax), ordered.select(GENES).to_numpy().T)
    strip = next(c for c in ax.collections if c.get_gid() == "strip").get_array()
    n_color = len(np.unique(np.asarray(strip).reshape(-1, 3), axis=0))
    assert n_color == 3
    keys = [line.get_label() for line in ax.lines if line.get_gid() == "key"]
    assert keys == ["high", "low", "Not known"]


@pytest.mark.parametrize(
    ("options", "ends", "extend"),
    [
        ({"middle": 0}, (-3.0, 3.0), "neither"),
        ({"middle": 0, "limit": 2}, (-2.0, 2.0), "both"),
        ({"middle": 0, "limit": 2.5}, (-2.5, 2.5), "min"),
        ({"limit": 4}, (-3.0, 1.0), "max"),
        ({}, (-3.0, 2.1), "neither"),
    ],
)
def test_the_scale(options, ends, extend):
    data = pl.DataFrame({"a": [-3.0, 0.0], "b": [2.1, 1.0]})
    ax = draw(data, ["a", "b"], **options)
    mesh = next(c for c in ax.collections if c.get_gid() == "field")
    assert mesh.get_clim() == ends
    assert mesh.colorbar.extend == extend
    flat = draw(data.with_columns(a=1.0, b=1.0), ["a", "b"])
    assert next(c for c in flat.collections if c.get_gid() == "field").get_clim() == (1.0, 2.0)
    even = draw(data.with_columns(a=1.0, b=1.0), ["a", "b"], middle=1)
    assert next(c for c in even.collections if c.get_gid() == "field").get_clim() == (0.0, 2.0)


def test_the_fingerprint():
    gap = SOME.with_columns(pl.when(pl.int_range(pl.len()) > 1).then("gene 1").alias("gene 1"))
    told = hem.plots.fingerprint(
        draw(gap, GENES, by="risk", labels={"high": "High", "gene 0": "FLT3"})
    ).splitlines()
    assert told[0].startswith("4 features of 12 patients from ")
    assert told[0].endswith(", 2 missing")
    assert told[1] == f"  gene 0: mean {SOME['gene 0'].mean():.4g}"
    assert "  High: 4 patients" in told
    centred = made(5, 9).with_columns(pl.col("^gene.*$") - pl.col("^gene.*$").mean())
    centred = centred.with_columns(pl.lit(None, pl.Float64).alias("gene 1"))
    lines = hem.plots.fingerprint(draw(centred, [f"gene {j}" for j in range(9)])).splitlines()
    assert lines[1] == "  gene 0: mean 0"
    assert "  and 3 more" in lines


@pytest.mark.parametrize(("n", "m", "width"), [(6, 3, 80), (300, 20, 170), (40, 90, 115)])
def test_nothing_overlaps(n, m, width):
    data = made(n, m)
    ax = draw(
        data, [f"gene {j}" for j in range(m)], by="risk", middle=0, width=width, title="Expression of genes"
    )
    assert hem.plots.layout_problems(ax.figure) == []


def test_names_that_cannot_be_read_are_left_out():
    left, _ = hem.plots.figure(width=170, height=60).subplots(1, 2)
    assert draw(made(30, 80), [f"gene {j}" for j in range(80)], ax=left) is left
    assert left.get_yticklabels() == []


def test_what_cannot_be_drawn_is_refused():
    def refused(data=SOME, features=GENES, says=(), *, argument, column=None, **options):
        assert_refused(lambda: draw(data, features, **options), argument=argument, column=column, says=says)

    refused(argument="features", features=[])
    refused(argument="features", features=["gene 0", "gene 0"], says=["twice"])
    refused(argument="features", features="gene 9", column="gene 9")
    refused(argument="features", features=["risk"], column="risk")
    refused(
        SOME.with_columns(pl.lit(None, pl.Float64).alias("gene 0")),
        ["gene 0"],
        argument="features",
        says=["no value"],
    )
    refused(SOME.with_columns(pl.lit(np.inf).alias("gene 0")), argument="features", says=["infinite"])
    refused(argument="order", order="age", column="age")
    refused(argument="by", by="age", column="age")
    refused(argument="limit", limit=0)
    refused(argument="labels", labels={"x": "y"})
