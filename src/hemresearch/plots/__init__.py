"""Figures: what a result already knows, drawn for a journal's column.

`draw_*` functions take a result and axes, draw, and return the axes. They estimate and save nothing.
"""

from .age_period_cohort import draw_age_period_cohort
from .alluvial import draw_alluvial
from .calendar_heat import draw_calendar_heat
from .calibration import draw_calibration
from .control_chart import draw_control_chart
from .curves import draw_curves
from .cutpoint import draw_cutpoint
from .decision_curve import draw_decision_curve
from .dynamic import draw_dynamic
from .effect import draw_effect
from .figure import ResearchFigure, figure, fingerprint, record
from .flow import draw_flow
from .forest import draw_forest
from .funnel import draw_funnel
from .heatmap import draw_heatmap
from .layout import layout_problems
from .life_table import draw_life_table
from .manhattan import draw_manhattan
from .missingness import draw_missingness
from .models import draw_models
from .nomogram import draw_nomogram
from .penalty_path import draw_penalty_path
from .performance import draw_performance, draw_roc
from .rates import draw_rates
from .residuals import draw_influence, draw_residuals, draw_schoenfeld
from .risk_table import draw_risk_table
from .spaghetti import draw_spaghetti
from .spider import draw_spider
from .stacked import draw_stacked
from .swimmer import draw_swimmer
from .themes import THEMES, Theme, theme
from .time_series import draw_time_series
from .transitions import draw_transitions
from .trend import draw_trend
from .volcano import draw_volcano
from .waterfall import draw_waterfall

__all__ = [
    "THEMES",
    "ResearchFigure",
    "Theme",
    "draw_age_period_cohort",
    "draw_alluvial",
    "draw_calendar_heat",
    "draw_calibration",
    "draw_control_chart",
    "draw_curves",
    "draw_cutpoint",
    "draw_decision_curve",
    "draw_dynamic",
    "draw_effect",
    "draw_flow",
    "draw_forest",
    "draw_funnel",
    "draw_heatmap",
    "draw_influence",
    "draw_life_table",
    "draw_manhattan",
    "draw_missingness",
    "draw_models",
    "draw_nomogram",
    "draw_penalty_path",
    "draw_performance",
    "draw_rates",
    "draw_residuals",
    "draw_risk_table",
    "draw_roc",
    "draw_schoenfeld",
    "draw_spaghetti",
    "draw_spider",
    "draw_stacked",
    "draw_swimmer",
    "draw_time_series",
    "draw_transitions",
    "draw_trend",
    "draw_volcano",
    "draw_waterfall",
    "figure",
    "fingerprint",
    "layout_problems",
    "record",
    "theme",
]


def __dir__() -> list[str]:
    return sorted(__all__)
