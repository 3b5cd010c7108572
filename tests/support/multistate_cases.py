"""Multi-state models and rows of the reference cases."""

from __future__ import annotations

from typing import Any

import polars as pl
from reference_cases import Reference

from hemresearch.multistate import Transitions, from_rows, from_wide

MGUS = Transitions({"(s0)": ["pcm", "death"], "pcm": ["death"]})
MYELOID = Transitions(
    {
        "(s0)": ["CR", "SCT", "relapse", "death"],
        "CR": ["SCT", "relapse", "death"],
        "SCT": ["CR", "relapse", "death"],
        "relapse": ["SCT", "death"],
    }
)


def wide_case(case: Reference) -> tuple[Transitions, pl.DataFrame]:
    """The model and the long rows of a case with a time and a status for each state, as msprep takes them."""
    states, targets = case.options["states"], case.options["trans"]
    moves = {
        states[k]: [states[j - 1] for j in ([to] if isinstance(to, int) else to)]
        for k, to in enumerate(targets)
        if to
    }
    model = Transitions(moves)
    data = case.data if "id" in case.options else case.data.with_row_index("id")
    columns: dict[str, dict[str, Any]] = {
        role: {s: c for s, c in zip(states, case.options[role], strict=True) if c}
        for role in ("time", "status")
    }
    rows = from_wide(
        data,
        model,
        id="id",
        times=columns["time"],
        events=columns["status"],
        keep=case.options.get("covariates", []),
    )
    return model, rows


def follow_up_case(case: Reference, *keep: str | pl.Expr) -> tuple[Transitions, pl.DataFrame]:
    """The model and the long rows of a case with rows of follow-up, as survfit takes them."""
    model = MGUS if case.data.columns.count("state") else MYELOID
    by = [case.options["by"]] if "by" in case.options else []
    rows = from_rows(
        case.data,
        model,
        id="id",
        entry=case.role("entry" if "entry" in case.options else "start"),
        time=case.role("time" if "time" in case.options else "stop"),
        event=case.options["state"],
        censored="censor" if model is MGUS else "none",
        keep=[*by, *keep],
        initial="(s0)",
    )
    return model, rows
