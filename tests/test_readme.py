"""The five-minute tour of the README runs as it stands, and says what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from hemresearch.errors import DataWarning

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_tour_runs_from_a_csv_to_a_word_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEMRESEARCH_FIGURES", raising=False)
    tour, own_data, rest, models, competing, histories, population, prediction, haematology = BLOCKS
    names: dict[str, object] = {}
    exec("import polars as pl\nimport hemresearch as hem\n" + own_data, names)
    names["cohort"].select("months", "died", "arm").write_csv("cohort.csv")
    exec(tour, names)
    exec(rest, names)
    exec(models, names)
    exec(competing, names)
    exec(histories, names)
    exec(population, names)
    exec(prediction, names)
    with pytest.warns(DataWarning, match="in no window"):
        exec(haematology, names)
    plt.close("all")
    assert {p.suffix for p in (tmp_path / "figures").iterdir()} == {".pdf", ".png", ".json"}
    assert (tmp_path / "results.docx").stat().st_size > 10_000
    promised = re.search(r'# "(12-month survival: [^;]+;)', rest).group(1)
    assert names["survival"].text(at=12, unit="months").startswith(promised)
    promised = re.search(r'# "(hazard ratio of [^"]+)"', models).group(1)
    assert names["fit"].text("arm") == promised
    other = re.search(r'# or "([^"]+)"', models).group(1)
    exec(own_data, names)
    exec(models.replace('"arm"', repr(other), 1), names)
    plt.close("all")
    assert names["fit"].columns == ("arm[B]", "sex[m]")
