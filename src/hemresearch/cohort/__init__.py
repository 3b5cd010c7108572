"""Who is studied: eligibility with counts, Table 1, what is missing or cannot be right, exposure in time."""

from .audit import Audit, audit
from .exposure import add_exposure
from .flow import Flow
from .missingness import Missingness, missingness
from .table_one import TableOne, table_one

__all__ = ["Audit", "Flow", "Missingness", "TableOne", "add_exposure", "audit", "missingness", "table_one"]


def __dir__() -> list[str]:
    return sorted(__all__)
