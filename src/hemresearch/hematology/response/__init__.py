"""Categories of response: ordered scales, criteria from counts, the best of a patient, and response rates.

- `scale`, `describe`: the categories of each set of criteria, best first, and where they are published
- `as_response`: a column of labels or codes as such categories
- `eln_aml`, `cml_molecular`: categories from marrow, blood counts and BCR::ABL1
- `best_response`: the best of each patient, confirmed if asked, before the next therapy and progression
- `response_rate`, `response_rate_difference`: shares of responders with limits, and their comparison
- `Scale`: criteria of your own

Every scale ends with "NE", not evaluable: it is no response, and stays in the denominator unless it is
excluded by name.
"""

from .best import best_response
from .criteria import cml_molecular, eln_aml
from .rates import response_rate, response_rate_difference
from .scales import Scale, as_response, describe, scale

__all__ = [
    "Scale", "as_response", "best_response", "cml_molecular", "describe", "eln_aml", "response_rate",
    "response_rate_difference", "scale",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
