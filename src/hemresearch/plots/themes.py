"""How a figure looks: small dictionaries of matplotlib settings, one per journal.

A theme is a dictionary of rcParams and can be used as one; as a context manager it also tells the
`draw_*` functions how wide a figure is. Nothing is changed by importing this module.
"""

from __future__ import annotations

from contextlib import ExitStack
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from cycler import cycler

from ..options import check_choice, check_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MM_PER_INCH = 25.4
RC: Any = mpl.rcParams  # the settings now in force
WIDE_MM = 120.0  # from here on a panel grows more in width than in height

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.6)),
    (0, (1.4, 1.2)),
    (0, (6, 1.4, 1.4, 1.4)),
    (0, (3, 1.2)),
    (0, (8, 1.4, 1.4, 1.4, 1.4, 1.4)),
    (0, (10, 2.5)),
)

# Shared by all themes: DejaVu Sans comes with matplotlib, so that a figure is the same on every machine.
BASE: dict[str, Any] = {
    "axes.labelpad": 3.0,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 5.0,
    "axes.titlesize": 9.0,
    "axes.titleweight": "bold",
    "figure.dpi": 150.0,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.handletextpad": 0.6,
    "legend.labelspacing": 0.35,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "savefig.dpi": 300.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "hemresearch",
    "xtick.labelsize": 7.5,
    "xtick.major.size": 3.0,
    "xtick.major.width": 0.7,
    "ytick.labelsize": 7.5,
    "ytick.major.size": 3.0,
    "ytick.major.width": 0.7,
}

# `widths` in mm (the first is the default), `aspect` = height / width of the curve panel,
# `at_risk` heads the compact risk table; everything else is an rcParam that differs from BASE.
THEMES: dict[str, dict[str, Any]] = {
    "plain": {"widths": (120, 80, 170), "aspect": 0.58, "colors": OKABE_ITO, "at_risk": "At risk (events)"},
    "blood": {"widths": (80, 115, 170), "aspect": 0.62, "colors": OKABE_ITO, "at_risk": "At risk (events)"},
    "lancet": {
        "widths": (75, 154),
        "aspect": 0.72,
        "colors": ("#0B4A8F", "#C8202F", "#2E8B57", "#7A5AA6", "#E08A1E", "#3FA7C4", "#444444"),
        "at_risk": "Number at risk (events)",
        "axes.titlesize": 8.5,
        "lines.linewidth": 1.3,
    },
    "nejm": {
        "widths": (85, 180),
        "aspect": 0.66,
        "colors": ("#1D6FA5", "#B5382A", "#D9901A", "#2F7F55", "#6B5B95", "#7FA7B8", "#333333"),
        "at_risk": "No. at Risk (events)",
        "axes.linewidth": 0.8,
        "lines.linewidth": 1.5,
    },
    "jama": {
        "widths": (86, 178),
        "aspect": 0.62,
        "colors": ("#2F4B63", "#D9822B", "#2AA198", "#A23B4E", "#6E6E9E", "#7D9D57", "#222222"),
        "at_risk": "No. at risk (events)",
        "axes.titlesize": 8.5,
        "lines.linewidth": 1.2,
    },
}
_SETTINGS = ("widths", "aspect", "colors", "at_risk")


class Theme(dict[str, Any]):
    """Matplotlib settings of one journal; a context manager and a dictionary of rcParams.

    Attributes
    ----------
    name
        Name of the theme.
    width
        Width of a figure in mm.
    aspect
        Height of the curve panel as a share of that width.
    at_risk
        Heading of a compact risk table.
    """

    def __init__(self, name: str, width: float, aspect: float, at_risk: str, rc: Mapping[str, Any]) -> None:
        super().__init__(rc)
        self.name, self.width, self.aspect, self.at_risk = name, width, aspect, at_risk
        self._entered: list[ExitStack] = []

    def __enter__(self) -> Theme:
        load_backend()
        stack = ExitStack()
        stack.enter_context(mpl.rc_context(self.rc))
        stack.callback(_ACTIVE.reset, _ACTIVE.set(self))
        self._entered.append(stack)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._entered.pop().close()

    def __repr__(self) -> str:
        return f"Theme {self.name!r}: {self.width:g} mm wide, {len(self)} settings"

    @property
    def rc(self) -> Any:
        """The settings alone, for `matplotlib.rc_context`."""
        return dict(self)

    def height(self, width: float) -> float:
        """Height in mm of a curve panel of this width: wide ones are flatter."""
        narrow = min(width, WIDE_MM)
        return self.aspect * (narrow + 0.4 * (width - narrow))

    def use(self) -> Theme:
        """Draw every figure from here on in this theme, until another one is used."""
        global _default
        _default = self
        RC.update(self.rc)
        return self


def theme(
    name: str = "plain",
    *,
    width: float | None = None,
    aspect: float | None = None,
    colors: Sequence[str] | None = None,
    rc: Mapping[str, Any] | None = None,
) -> Theme:
    """Settings of a journal's figures, for `with`, for `.use()` or for `plt.rc_context`.

    Colours come with line styles as a second channel, so that the figure survives a black-and-white
    print and colour blindness. Text is 7 to 9 pt, lines at least 0.5 pt; PDF text stays text.

    Parameters
    ----------
    name
        `"plain"`, `"blood"` (80, 115 or 170 mm), `"lancet"` (75, 154), `"nejm"` (85, 180) or
        `"jama"` (86, 178).
    width
        Width in mm; default the theme's first.
    aspect
        Height of the curve panel as a share of the width.
    colors
        Colours of the groups in their order.
    rc
        Any rcParams that should differ, such as `{"font.family": "Arial"}`.

    Raises
    ------
    DataError
        An unknown name, or a width or aspect that no page has.

    Examples
    --------
    >>> import hemresearch as hem
    >>> hem.plots.theme("blood", width=115)
    Theme 'blood': 115 mm wide, 32 settings
    >>> hem.plots.theme("blood")["pdf.fonttype"]
    42
    """
    chosen = THEMES[check_choice(name, list(THEMES), argument="name")]
    mm = _millimetres(chosen["widths"][0] if width is None else width)
    shape = check_number(
        chosen["aspect"] if aspect is None else aspect,
        argument="aspect", above=0.1, below=5.0, expected="height divided by width", example=0.6,
    )  # fmt: skip
    palette = tuple(chosen["colors"] if colors is None else colors)
    settings = BASE | {key: value for key, value in chosen.items() if key not in _SETTINGS} | dict(rc or {})
    settings.setdefault("axes.prop_cycle", _cycle(palette))
    made = Theme(name, mm, shape, chosen["at_risk"], settings)
    made.setdefault("figure.figsize", (mm / MM_PER_INCH, made.height(mm) / MM_PER_INCH))
    return made


def load_backend() -> None:
    """Choose matplotlib's backend now: it sets rcParams of its own, which must outlive a theme.

    The inline backend of notebooks shows nothing if that happens within `rc_context`.
    """
    import matplotlib.pyplot as plt

    plt.draw_if_interactive()


def active() -> Theme:
    """The theme of the innermost `with`, else the one in use, else `plain`."""
    return _ACTIVE.get() or _default or theme("plain")


def _cycle(colors: tuple[str, ...]) -> Any:
    styles = [DASHES[i % len(DASHES)] for i in range(len(colors))]
    return cycler(color=list(colors)) + cycler(linestyle=styles)


def _millimetres(width: Any) -> float:
    return check_number(
        width,
        argument="width",
        at_least=30.0,
        below=1000.0,
        expected="a width of the figure in millimetres, at least 30",
        example=80,
    )


_ACTIVE: ContextVar[Theme | None] = ContextVar("hemresearch_theme", default=None)
_default: Theme | None = None
