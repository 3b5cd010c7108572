"""Tasks run on any backend of joblib with the same results, and a bar is shown where it is wanted."""

from __future__ import annotations

import sys

import joblib
import pytest
from joblib.parallel import ThreadingBackend

import hemresearch as hem
from hemresearch.parallel import each

MGUS = hem.data.load("mgus2").drop_nulls("hgb").head(200)


def square(x: int) -> int:
    return x**2


class Counted(ThreadingBackend):
    """A backend somebody registered, as Dask and Ray do."""

    calls = 0

    def submit(self, func, callback=None):
        type(self).calls += 1
        return super().submit(func, callback)


def test_results_come_in_order_on_every_backend():
    expected = [x**2 for x in range(20)]
    assert each(square, range(20), n_jobs=1, name="squares") == expected
    joblib.register_parallel_backend("counted", Counted)
    for backend in ("threading", "loky", "counted"):
        with joblib.parallel_config(backend=backend):
            assert each(square, range(20), n_jobs=2, name="squares") == expected
    assert Counted.calls > 0


def age(patients):
    return hem.regression.cox(patients, "age", time="futime", event="death")


def test_a_bootstrap_runs_on_the_backend_that_was_chosen():
    options = {"time": "futime", "event": "death", "times": [60], "n_boot": 4, "seed": 1}
    alone = hem.prediction.bootstrap_validate(MGUS, age, **options).to_frame()
    joblib.register_parallel_backend("counted", Counted)
    before = Counted.calls
    with joblib.parallel_config(backend="counted"):
        other = hem.prediction.bootstrap_validate(MGUS, age, **options, n_jobs=2).to_frame()
    assert other.equals(alone)
    assert Counted.calls > before


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False), (None, False)])
def test_a_bar_is_shown_where_it_is_wanted(capsys, progress, shown):
    each(square, range(3), n_jobs=1, name="squares", progress=progress)
    assert ("squares" in capsys.readouterr().err) is shown


def test_without_tqdm_there_is_no_bar(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert each(square, [2], n_jobs=1, name="squares", progress=True) == [4]
    assert capsys.readouterr().err == ""
