"""Risk scores and gradings of haematology, from columns to a score, a group and the points behind them.

Each function takes the columns of its inputs and gives one polars expression of a struct.
`compute(data, "mipi", ...)` does the same after an audit of units and ranges, and attaches the columns.

- `catalogue`: what there is; `inputs` and `thresholds` of a score
- `compute`: a score for every row, with an audit
- `list_of`: the list of words that some scores take, from columns of yes and no

>>> catalogue().height > 0
True
"""

from .acute_myeloid import eln2022_aml, sanz_apl
from .bleeding_outcomes import annualised_bleeding_rate, haemophilia_severity, isth_bleeding, villalta
from .bleeding_risk import cha2ds2_vasc, has_bled, isth_bat, vte_bleed
from .cell_therapy import car_hematotox, easix, m_easix, s_easix
from .cell_toxicity import crs_astct, icaht_early, icaht_late, icans_astct
from .chronic_myeloid import elts, euro_hasford, eutos, sokal
from .cll import binet, cll_ipi, rai
from .compute import compute
from .febrile_neutropenia import cisne, mascc
from .follicular import flipi, flipi2, prima_pi
from .gvhd import agvhd_grade_magic, agvhd_liver_stage, agvhd_lower_gi_stage, cgvhd_nih2014
from .haemophagocytosis import hlh_2004, hscore
from .haemostasis import four_ts, isth_dic, plasmic, sic
from .hodgkin import ips_hodgkin
from .ipss_m import ipss_m
from .list_of import list_of
from .listing import catalogue, inputs, thresholds
from .lymphoma import aa_ipi, cns_ipi, ipi, nccn_ipi, r_ipi
from .mantle_cell import mipi, mipi_b, s_mipi
from .mastocytosis import ipsm_non_advanced, mars_mastocytosis
from .myelodysplasia import ipss, ipss_r, ipss_ra, wpss
from .myelofibrosis import dipss, dipss_plus, gipss, mipss70, mipss70_plus_v2, mysec_pm
from .myeloma import durie_salmon, iss, r2_iss, r_iss
from .t_cell import pink, pink_e, pit
from .thrombocythaemia import ipset_thrombosis, ipset_thrombosis_revised
from .thrombosis import dash, herdoo2, khorana, padua
from .transplantation import ebmt_score, hct_ci, hct_ci_age
from .venous_thromboembolism import spesi, wells_dvt, wells_pe

__all__ = [
    "aa_ipi",
    "agvhd_grade_magic",
    "agvhd_liver_stage",
    "agvhd_lower_gi_stage",
    "annualised_bleeding_rate",
    "binet",
    "car_hematotox",
    "catalogue",
    "cgvhd_nih2014",
    "cha2ds2_vasc",
    "cisne",
    "cll_ipi",
    "cns_ipi",
    "compute",
    "crs_astct",
    "dash",
    "dipss",
    "dipss_plus",
    "durie_salmon",
    "easix",
    "ebmt_score",
    "eln2022_aml",
    "elts",
    "euro_hasford",
    "eutos",
    "flipi",
    "flipi2",
    "four_ts",
    "gipss",
    "haemophilia_severity",
    "has_bled",
    "hct_ci",
    "hct_ci_age",
    "herdoo2",
    "hlh_2004",
    "hscore",
    "icaht_early",
    "icaht_late",
    "icans_astct",
    "inputs",
    "ipi",
    "ips_hodgkin",
    "ipset_thrombosis",
    "ipset_thrombosis_revised",
    "ipsm_non_advanced",
    "ipss",
    "ipss_m",
    "ipss_r",
    "ipss_ra",
    "iss",
    "isth_bat",
    "isth_bleeding",
    "isth_dic",
    "khorana",
    "list_of",
    "m_easix",
    "mars_mastocytosis",
    "mascc",
    "mipi",
    "mipi_b",
    "mipss70",
    "mipss70_plus_v2",
    "mysec_pm",
    "nccn_ipi",
    "padua",
    "pink",
    "pink_e",
    "pit",
    "plasmic",
    "prima_pi",
    "r2_iss",
    "r_ipi",
    "r_iss",
    "rai",
    "s_easix",
    "s_mipi",
    "sanz_apl",
    "sic",
    "sokal",
    "spesi",
    "thresholds",
    "villalta",
    "vte_bleed",
    "wells_dvt",
    "wells_pe",
    "wpss",
]


def __dir__() -> list[str]:
    return sorted(__all__)
