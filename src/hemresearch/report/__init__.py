"""Tables, words and figures for a publication, from results and tidy frames."""

from . import inline
from .compose import table
from .excel import to_csv, to_excel
from .figures import save_figure
from .masking import disclosure
from .paragraph import Paragraph, methods, paragraph
from .regression_table import regression_table
from .session import session_info
from .tables import Table
from .word import to_word

__all__ = [
    "Paragraph",
    "Table",
    "disclosure",
    "inline",
    "methods",
    "paragraph",
    "regression_table",
    "save_figure",
    "session_info",
    "table",
    "to_csv",
    "to_excel",
    "to_word",
]


def __dir__() -> list[str]:
    return sorted(__all__)
