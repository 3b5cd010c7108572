"""Standard populations: how many of 100 000 persons are of each age."""

from __future__ import annotations

from typing import Literal

import polars as pl

from ..options import check_choice

Standard = Literal["world", "europe 1976", "europe 2013", "nordic 2000"]
AGES = tuple(range(0, 90, 5))  # where the bands begin; the last one, 85, is open
WEIGHTS: dict[Standard, tuple[int, ...]] = {
    # Segi M, 1960, as changed by Doll R et al. Cancer Incidence in Five Continents I. UICC 1966.
    "world": (12000, 10000, 9000, 9000, 8000, 8000, 6000, 6000, 6000, 6000, 5000, 4000, 4000, 3000, 2000,
              1000, 500, 500),
    # Waterhouse J et al. Cancer Incidence in Five Continents III. IARC 1976.
    "europe 1976": (8000, 7000, 7000, 7000, 7000, 7000, 7000, 7000, 7000, 7000, 7000, 6000, 5000, 4000, 3000,
                    2000, 1000, 1000),
    # Revision of the European Standard Population. Eurostat 2013; 85-89, 90-94 and 95+ together.
    "europe 2013": (5000, 5500, 5500, 5500, 6000, 6000, 6500, 7000, 7000, 7000, 7000, 6500, 6000, 5500, 5000,
                    4000, 2500, 2500),
    # The population of the Nordic countries in 2000, of NORDCAN.
    "nordic 2000": (5900, 6600, 6200, 5800, 6100, 6800, 7300, 7300, 7000, 6900, 7400, 6100, 4800, 4100, 3900,
                    3500, 2400, 1900),
}  # fmt: skip


def standard_population(name: Standard) -> pl.DataFrame:
    """A standard population: the number of persons in each band of age, of 100 000.

    Parameters
    ----------
    name
        "world" (Segi 1960, as Doll changed it in 1966), "europe 1976", "europe 2013" (Eurostat's revision),
        or "nordic 2000" (NORDCAN).

    Returns
    -------
    polars.DataFrame
        `age` at which the band of five years begins, 85 being open, and `weight`.

    Raises
    ------
    DataError
        No standard has the name.

    References
    ----------
    Segi M. Cancer Mortality for Selected Sites in 24 Countries. Sendai 1960. Doll R et al. Cancer Incidence
    in Five Continents I. UICC 1966. Waterhouse J et al. Cancer Incidence in Five Continents III. IARC 1976.
    Eurostat. Revision of the European Standard Population. 2013. Engholm G et al. Acta Oncol 2010;49:725-736
    (NORDCAN).

    Examples
    --------
    >>> import hemresearch as hem
    >>> hem.epidemiology.standard_population("europe 2013").row(17, named=True)
    {'age': 85, 'weight': 2500}
    """
    check_choice(name, Standard, argument="name")
    return pl.DataFrame({"age": AGES, "weight": WEIGHTS[name]})
