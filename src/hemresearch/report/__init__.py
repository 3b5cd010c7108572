"""Tables, words and figures for a publication, from results and tidy frames."""

from . import inline
from .compose import table
from .excel import to_csv, to_excel
from .masking import disclosure
from .session import session_info
from .tables import Table
from .word import to_word

__all__ = ["Table", "disclosure", "inline", "session_info", "table", "to_csv", "to_excel", "to_word"]
