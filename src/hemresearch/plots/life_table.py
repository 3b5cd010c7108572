"""The death rates of a population, by age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import formats
from ..options import check_choice
from .curve_lines import axes_mm, set_words, style_axes
from .figure import figure, record
from .risk_table import group_styles
from .themes import RC, active

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ..lifetable import LifeTable

DASHES = ("-", "--", ":", "-.")
TOLD = (0, 30, 60, 90)  # ages that the fingerprint tells


def draw_life_table(
    table: LifeTable,
    *,
    ax: Axes | None = None,
    years: int | Sequence[int] | None = None,
    colors: Sequence[Any] | None = None,
    width: float | None = None,
) -> Axes:
    """Draw the death rates of each sex by age, on a logarithmic scale; years differ by their dashes.

    Of a table with strata the first is drawn. Ages at which nobody dies have a gap.

    Parameters
    ----------
    table
        A life table.
    ax
        Axes to draw into; default a new figure.
    years
        Calendar years; default the first and the last.
    colors
        Colours of the sexes; default those of the theme.
    width
        Width of a new figure in mm; default that of the theme.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        For a year that is not in the table.

    Examples
    --------
    >>> import hemresearch as hem
    >>> ax = hem.plots.draw_life_table(hem.data.life_table("sweden"), years=2020, width=80)
    >>> print(hem.plots.fingerprint(ax))
    deaths per 1000 person-years by age, Sweden
      male 2020: 2.645 at 0, 0.6991 at 30, 6.193 at 60, 213.5 at 90
      female 2020: 2.018 at 0, 0.3067 at 30, 3.534 at 60, 147.2 at 90
      text: Age (years) | Deaths per 1000 person-years | male 2020 | female 2020
    >>> import matplotlib.pyplot as plt
    >>> plt.close(ax.figure)
    """
    asked = (table.years[0], table.years[-1]) if years is None else np.atleast_1d(np.asarray(years))
    wanted = [int(check_choice(int(y), table.years.tolist(), argument="years")) for y in asked]
    rates = table.table[0] * table.days_per_year
    with active():
        panel = figure(width=width).subplots() if ax is None else ax
        before = panel.get_children()
        style_axes(panel)
        for rate, sex, style in zip(rates, table.sexes, group_styles(colors, len(rates)), strict=True):
            for year, dashes in zip(wanted, _dashes(len(wanted)), strict=True):
                _draw(panel, table.ages, rate[:, year - table.years[0]], f"{sex} {year}", dashes, style)
        panel.set_yscale("log")
        panel.set_xlim(table.ages[0], table.ages[-1])
        panel.legend(frameon=False, loc="upper left")
        set_words(panel, None, "Age (years)", "Deaths per 1000 person-years", *axes_mm(panel))
        record(panel, lambda: _told(table, wanted), before=before)
    return panel


def _dashes(n: int) -> list[str]:
    """One for each year; the last, which is mostly the newest, is the full line."""
    return [DASHES[i % len(DASHES)] for i in range(n)][::-1]


def _draw(
    ax: Axes, age: np.ndarray, rate: np.ndarray, label: str, dashes: str, style: dict[str, Any]
) -> None:
    shown = np.where(rate > 0, 1000 * rate, np.nan)
    drawn = {**style, "linestyle": dashes}
    ax.step(age, shown, where="post", linewidth=RC["lines.linewidth"], label=label, **drawn)


def _told(table: LifeTable, years: Sequence[int]) -> list[str]:
    """The fingerprint: each sex and year at a few ages."""
    lines = [f"deaths per 1000 person-years by age, {table.name}"]
    for sex in table.sexes:
        for year in years:
            ages = [a for a in TOLD if table.ages[0] <= a <= table.ages[-1]]
            values = [formats.significant(1000 * float(table.rate(a, year, sex))) for a in ages]
            at = ", ".join(f"{v} at {a}" for v, a in zip(values, ages, strict=True))
            lines.append(f"  {sex} {year}: {at}")
    return lines
