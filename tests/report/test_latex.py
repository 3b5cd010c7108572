"""Tables as LaTeX."""

from __future__ import annotations

import pytest

from hemresearch.report import Table
from hemresearch.report.latex import escape


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("50% & $5", r"50\% \& \$5"), ("a_b #1 {x}", r"a\_b \#1 \{x\}"), ("\\a", r"\textbackslash{}a"),
        ("~^", r"\textasciitilde{}\textasciicircum{}"), ("<0.001", "$<$0.001"), ("0.55–0.92", "0.55--0.92"),
        ("−2 ≥ χ²", r"$-$2 $\geq$ $\chi$$^2$"), ("Överlevnad", "Överlevnad"), ("[mg]", "{[}mg{]}"),
    ],
)  # fmt: skip
def test_text_is_set_as_it_is_written(text, latex):
    assert escape(text) == latex


def test_a_small_table_by_hand():
    table = Table(
        ("", "n (%)"),
        (("Sex", ""), ("male", "3 (50%)")),
        title="Sex",
        footnotes=("n_1",),
        kinds=("heading", "indented"),
    )
    assert (
        table.to_latex()
        == r"""\begin{table}[htbp]
\centering
\caption{Sex}
\begin{tabular}{@{}lc@{}}
\toprule
 & n (\%) \\
\midrule
\textbf{Sex} &  \\
\hspace{1em}male & 3 (50\%) \\
\bottomrule
\end{tabular}
\par\smallskip{\footnotesize n\_1\par}
\end{table}
"""
    )


def test_spanners_have_rules_of_their_own():
    table = Table(
        ("", "a", "b", "c", "d"), (("x", "1", "2", "3", "4"),), spanners=(("Two", 3, 4), ("One", 1, 2))
    )
    lines = table.to_latex().splitlines()
    assert lines[4] == r" & \multicolumn{2}{c}{One} & \multicolumn{2}{c}{Two} \\"
    assert lines[5] == r"\cmidrule(lr){2-3} \cmidrule(lr){4-5}"


def test_a_spanner_in_the_middle_leaves_room_on_both_sides():
    table = Table(("", "a", "b", "c"), (("x", "1", "2", "3"),), spanners=(("One", 1, 2),))
    assert table.to_latex().splitlines()[3 + 0] == r"\toprule"
    assert r" & \multicolumn{2}{c}{One} &  \\" in table.to_latex()
