"""Who is studied: eligibility with counts and reasons, Table 1, what is missing, and what cannot be right."""

from .flow import Flow

__all__ = ["Flow"]
