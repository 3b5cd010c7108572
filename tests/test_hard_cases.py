"""Cases on which survival software is often silently wrong: each must be right, or say what is wrong.

The cases and what they expect are in `reference/hard_cases.json`; those of functions that do not exist yet
(regression, competing risks, multi-state) join with their functions, and a test names them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from reference_cases import Reference, assert_close, assert_mentions, load_reference, reference_cases

import hemresearch as hem
from hemresearch.errors import DataError

WAITING = {
    "cox": ["sh13", "sh14", "sh15", "sh16", "sh17"],
    "cif": ["sh19", "sh20"],
    "standardise": ["sh24"],
    "multistate": ["sh25"],
    "pseudonymise": ["sh26"],
}


def curve(case: Reference) -> dict[str, Any]:
    roles = {name: case.options[name] for name in ("time", "event", "entry") if name in case.options}
    curves = hem.survival.kaplan_meier(case.data, **roles)
    at = curves.at(case.options.get("at", [1]))
    return {
        "at": at["time"],
        "surv": at["estimate"],
        "se": at["std_error"],
        "median": curves.quantile(0.5)["estimate"][0],
    }


def restricted_mean(case: Reference) -> dict[str, Any]:
    return {
        "rmst": hem.survival.rmst(case.data, time="time", event="event", tau=case.options["tau"]).to_frame()
    }


def equality(case: Reference) -> dict[str, Any]:
    test = hem.survival.logrank(case.data, time="time", event="event", by=case.options["group"])
    return {"chisq": test.statistic, "df": test.df}


def start_stop(case: Reference) -> dict[str, Any]:
    hem.survival.kaplan_meier(case.data, time="stop", event="event", entry="start", id="id")
    return {}


def dates(case: Reference) -> dict[str, Any]:
    table = case.data.with_columns(pl.col(case.options["dates"]).str.to_date())
    hem.times.durations(table, start=case.options["start"], stop=case.options["stop"])
    return {}


def disclosure(case: Reference) -> dict[str, Any]:
    options = case.options
    masked = hem.report.disclosure(
        case.data,
        counts="n",
        rows="arm",
        columns="r",
        threshold=options["threshold"],
        margins=options["margins"],
    )
    return {"threshold": options["threshold"], "hidden": masked["n"].null_count()}


def subdistribution(case: Reference) -> dict[str, Any]:
    options = case.options
    hem.competing.fine_gray(
        case.data, options["covariates"], time="time", event="event", cause=options["cause"]
    )
    return {}


def equal_incidence(case: Reference) -> dict[str, Any]:
    roles = {"time": "time", "event": "event", "by": case.options["group"]}
    tests = [hem.competing.gray_test(case.data, **roles, cause=cause) for cause in (1, 2)]
    return {"chisq": [t.statistic for t in tests], "p": [t.p_value for t in tests]}


TASKS: dict[str, Callable[[Reference], dict[str, Any]]] = {
    "kaplan_meier": curve,
    "rmst": restricted_mean,
    "logrank": equality,
    "cox_start_stop": start_stop,
    "read": dates,
    "fine_gray": subdistribution,
    "gray": equal_incidence,
    "disclosure": disclosure,
}


def task(case_id: str) -> str:
    import json
    from pathlib import Path

    cases = json.loads((Path(__file__).parent / "reference" / "hard_cases.json").read_text())["cases"]
    return next(case["task"] for case in cases if case["id"] == case_id)


def run(case: Reference, name: str) -> tuple[str, str, dict[str, Any]]:
    """What happened (clear_error, warn or correct), what was said, and the numbers."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            values = TASKS[name](case)
        except DataError as refusal:
            return "clear_error", str(refusal), {}
    said = " ".join(str(w.message) for w in caught)
    return ("warn" if caught else "correct"), said, values


@pytest.mark.parametrize("case_id", [c for c in reference_cases("hard_cases") if task(c) in TASKS])
def test_a_hard_case_is_right_or_says_what_is_wrong(case_id):
    case, name = load_reference("hard_cases", case_id), task(case_id)
    expected = case.values
    outcome, said, values = run(case, name)
    assert outcome in {expected["kind"], *expected.get("also_accept", [])}
    if outcome != "correct":
        assert_mentions(said, expected)
    if outcome != "clear_error":
        for key, value in expected.get("values", {}).items():
            if key == "hidden_min":
                assert values["hidden"] >= value
            else:
                assert_close(values[key], value, rel=expected["tol"], where=key)


def test_every_other_hard_case_belongs_to_a_function_to_come():
    waiting = {case_id: name for name, ids in WAITING.items() for case_id in ids}
    others = {c: task(c) for c in reference_cases("hard_cases") if task(c) not in TASKS}
    assert others == waiting
