"""Who is studied: eligibility with counts and reasons, Table 1, what is missing, and what cannot be right."""

from .audit import Audit, audit
from .flow import Flow
from .missingness import Missingness, missingness
from .table_one import TableOne, table_one

__all__ = ["Audit", "Flow", "Missingness", "TableOne", "audit", "missingness", "table_one"]
