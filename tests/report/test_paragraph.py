"""Paragraphs that results write themselves."""

from __future__ import annotations

import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.report import methods, paragraph

FOUR = pl.DataFrame({"t": [2, 3, 4, 6], "e": [1, 1, 0, 1], "start": [0, 1, 1, 2], "arm": list("ABAB")})


@pytest.fixture
def curves():
    return hem.survival.kaplan_meier(FOUR, time="t", event="e", entry="start")


def test_the_methods_name_estimator_entry_limits_and_software(curves):
    assert str(methods(curves)) == (
        "Survival (e by t) was estimated by Kaplan-Meier, with delayed entry (start), with pointwise "
        "95% confidence limits (log-log, Greenwood variance). "
        f"Analyses were done with hemresearch {hem.__version__}."
    )


def test_a_method_used_twice_is_named_once(curves):
    assert str(methods(curves, curves)) == str(methods(curves))


def test_tests_and_estimates_name_theirs():
    test = hem.survival.logrank(FOUR, time="t", event="e", by="arm")
    assert (
        methods(test).sentences[0] == "Groups were compared by the log-rank test (hypergeometric variance)."
    )


def test_sentences_are_put_together_and_closed(curves):
    text = paragraph(curves, "No patient was lost", "Was that so?")
    assert str(text).endswith("No patient was lost. Was that so?")
    assert str(text).startswith("Median survival 3 (95% CI")
    assert text._repr_html_().startswith("<p>Median survival")
    assert max(len(line) for line in repr(text).splitlines()) <= 96


def test_what_has_no_sentence_is_refused():
    assert_refused(lambda: paragraph(3), argument="items", says=["a int has no text"])
    assert_refused(lambda: methods(FOUR), argument="results", says=["a DataFrame has no methods"])
