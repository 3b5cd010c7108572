"""The result of a Cox regression of all moves of a process."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn, cast

import numpy as np

from .. import formats
from ..errors import DataError, listed
from ..fits import CODED, Fit
from ..regression.cox_fit import CoxFit
from ..regression.cox_words import SHOWN_TERMS, dropped_words, variance_words
from .transition_cox_design import TransitionDesign, labelled, named, place_of

if TYPE_CHECKING:
    from ..outcomes_multistate import MultiState
    from ..results import Curves, Estimates
    from .dynamic_prediction import DynamicPrediction
    from .transition_cox_design import Block, Move
    from .transition_predict import Variance
    from .transitions import Transitions

Clock = Literal["forward", "reset"]
BASELINE = "baseline of move"  # of the strata of the fit, the column that names the move


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class TransitionCoxFit(CoxFit):
    """Log hazard ratios for the moves of a multi-state process, and a patient's probabilities.

    Attributes
    ----------
    transitions, clock
        The process, and whether its hazards go by the time since the origin or since entry into the state.
    rows
        The rows of the data as read; None in a slim fit. Those of `y` have the times of the clock, and
        strata by baseline.
    strata
        The columns that the baselines were stratified by, beside the move.
    """

    transitions: Transitions = field(repr=False)
    clock: Clock
    rows: MultiState | None = field(default=None, repr=False)
    strata: tuple[str, ...] = ()

    def text(
        self,
        term: str | None = None,
        *,
        move: Move | None = None,
        label: str | None = None,
        decimals: int = 2,
    ) -> str:
        """A sentence on a term (on one move or on all it acts on), a coefficient, or everything.

        `fit.text("age", move=("ill", "dead"))` is `fit.text("age: ill → dead")`. `label` are words for a
        single coefficient, in place of its name.
        """
        if move is not None:
            own = self.of_move(move)
            where = labelled(self.transitions.moves[place_of(self.transitions, move, "move")])
            return f"{where}: {Fit.text(own, term, label=label, decimals=decimals)}"
        told = []
        for block, name in self._asked(term):
            own = self.of_move(self.transitions.moves[block.moves[0]])
            text = Fit.text(own, name, label=label, decimals=decimals)
            told.append(f"{block.label}: {text}" if block.label else text)
        return "; ".join(told) if told else Fit.text(self, term, label=label, decimals=decimals)

    def _asked(self, term: str | None) -> list[tuple[Block, str]]:
        """The blocks (and the plain names in them) of a term or coefficient, with its moves or without."""
        if term is None or self.design is None:
            return []
        design, found = self._design("text"), []
        for block in design.blocks:
            coded = CODED.fullmatch(block.term)
            names = (block.name, block.term, coded["name"].strip("`") if coded else "")
            columns = design.base.columns[design.base.terms[block.term]]
            if term in names:
                found.append((block, block.term))
            else:
                found += [(block, name) for name in columns if term == named(name, block.label)]
        return found

    def of_move(self, move: Move) -> Fit:
        """The effects on one move under their plain names, for `hem.regression.contrast` and tables.

        It has no likelihood of its own, and no predictions.
        """
        design = self._design("of_move")
        place = place_of(self.transitions, move, "move")
        own = [block for block in design.blocks if place in block.moves]
        index = [np.arange(*self.terms[block.name].indices(len(self.coef))) for block in own]
        at = np.concatenate(index) if index else np.empty(0, dtype=int)
        ends = np.cumsum([len(part) for part in index]).astype(int).tolist()
        names = [c for block in own for c in design.base.columns[design.base.terms[block.term]]]
        return Fit(
            name=f"Cox regression of {labelled(self.transitions.moves[place])}",
            method=self.method,
            columns=tuple(names),
            terms={b.term: slice(e - len(i), e) for b, i, e in zip(own, index, ends, strict=True)},
            coef=self.coef[at],
            cov=self.cov[np.ix_(at, at)],
            variance=self.variance,
            log_likelihood=float("nan"),
            log_likelihood_null=float("nan"),
            n=self._at_risk(place),
            n_event=self._moved(place),
            conf_level=self.conf_level,
            ratio=self.ratio,
            df=float(len(at)),
            n_dropped=self.n_dropped,
            time_unit=self.time_unit,
            design=design.base,
        )

    def hazards(
        self,
        new_data: Any = None,
        *,
        by: Any = None,
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> Curves:
        """The cumulative hazard of each move for new patients: curves by `from_state` and `to_state`.

        Times are those of the clock: since the origin, or since entry into `from_state`.

        Parameters
        ----------
        new_data
            One row per patient: the covariates, and the strata of the fit. None without covariates.
        by
            The column or columns that name the patients; by default those of `new_data` that differ.
        conf_level, conf_type
            Level of the limits, and their scale: "log-log" is the log scale of the hazard.
        """
        from .transition_predict import hazard_curves

        return hazard_curves(self, new_data, by, conf_level, conf_type)

    def predict(  # type: ignore[override]
        self,
        new_data: Any = None,
        *,
        times: Any = None,
        start: float = 0.0,
        from_state: str | None = None,
        stayed: float = 0.0,
        by: Any = None,
        id: Any = None,
        entry: Any = None,
        time: Any = None,
        variance: Variance = "delta",
        n_simulated: int = 10_000,
        seed: int | None = None,
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> Curves:
        """Probabilities of new patients to be in each state: curves by `from_state` and `state`.

        P(in state h at t | in state g at `start`, covariates): with the clock forward the product integral of
        I + dA over (start, t], A the cumulative hazards of the moves. With the clock reset it is the share of
        `n_simulated` paths that are in h at t, with the Monte-Carlo standard error in the column `mc_error`;
        that of the estimation is not known, and `std_error` and the limits are null.

        Parameters
        ----------
        new_data
            One row per patient: the covariates, and the strata of the fit. None without covariates.
        times
            The times of the curves; by default all at which the data had a move (clock reset: 100 times).
        start
            When the patient is seen in `from_state`.
        from_state
            The state then; by default each that can be left.
        stayed
            With the clock reset: how long the patient has been in the state at `start`.
        by
            The column or columns that name the patients; by default those of `new_data` that differ.
        id, entry, time
            For covariates that change: several rows (entry, time] of `new_data` make up a patient's path.
        variance
            "delta": that of the linearised estimator, in a robust fit robust for the coefficients but not for
            the baselines. "aalen" and "greenwood": as R's mstate, which takes
            the increments of hazards as uncorrelated although they share coefficients, and so is a few per
            cent smaller or larger; P(start, t) multiplies the increment at t after it or before it.
        n_simulated, seed
            With the clock reset: the number of paths, and the seed of their random numbers, which are the
            same for all patients.
        conf_level, conf_type
            Level and scale of the limits.

        Raises
        ------
        DataError
            A covariate that changed along the stays of the fit without a path; a start after the last
            follow-up; states that are not there; options of the other clock.

        Warns
        -----
        DataWarning
            Where few are at risk and the hazard of leaving a state jumps by more than 1: it is taken as 1.

        References
        ----------
        Aalen OO, Johansen S. Scand J Stat 1978;5:141-150. de Wreede LC, Fiocco M, Putter H. Comput Methods
        Programs Biomed 2010;99:261-274. Fiocco M, Putter H, van Houwelingen HC. Stat Med 2008;27:4340-4358
        (simulation).
        """
        from .transition_predict import probability_curves
        from .transition_predict_patients import Path, Question

        return probability_curves(
            self, new_data, Question(start, from_state, stayed, n_simulated, seed), times, by,
            Path(id, entry, time), variance, conf_level, conf_type,
        )  # fmt: skip

    def length_of_stay(
        self,
        new_data: Any = None,
        *,
        tau: float,
        start: float = 0.0,
        from_state: str | None = None,
        stayed: float = 0.0,
        by: Any = None,
        n_simulated: int = 10_000,
        seed: int | None = None,
        conf_level: float | None = None,
    ) -> Estimates:
        """Mean time of new patients in each state between `start` and `tau`.

        The area under the probabilities of `predict`, with the standard error of the delta method; with the
        clock reset the mean over simulated paths, with its Monte-Carlo standard error in `mc_error`.

        Parameters
        ----------
        new_data, start, from_state, stayed, by, n_simulated, seed, conf_level
            As in `predict`.
        tau
            The horizon, not after the last follow-up.

        References
        ----------
        Beyersmann J, Putter H. Demogr Res 2014;30:1681-1696.
        """
        from .transition_predict import lengths_of_stay
        from .transition_predict_patients import Question

        question = Question(start, from_state, stayed, n_simulated, seed)
        return lengths_of_stay(self, new_data, question, tau, by, conf_level)

    def dynamic_prediction(
        self,
        new_data: Any = None,
        *,
        state: str,
        horizon: float,
        times: Any = None,
        from_state: str | None = None,
        by: Any = None,
        variance: Variance = "delta",
        conf_level: float | None = None,
        conf_type: str = "log-log",
    ) -> DynamicPrediction:
        """Probability of new patients to be in a state a fixed time later, along the time of prediction.

        Parameters
        ----------
        new_data, from_state, by, variance, conf_level, conf_type
            As in `predict`.
        state, horizon, times
            As in `hem.multistate.dynamic_prediction`.
        """
        from .dynamic_prediction import predicted_ahead

        self.transitions.place(state, argument="state")
        return predicted_ahead(
            self, new_data, state, horizon, times, from_state=from_state, by=by, variance=variance,
            conf_level=conf_level, conf_type=conf_type,
        )  # fmt: skip

    def baseline(self, at: Any = "zero") -> NoReturn:
        """Refused: `hazards` has the hazard of every move."""
        raise self._other("baseline", "fit.hazards(new_data), of a patient with all covariates 0")

    def curves(self, *args: Any, **options: Any) -> NoReturn:
        """Refused: `predict` has the probabilities of the states."""
        raise self._other("curves", "fit.predict(new_data)")

    def adjusted(self, *args: Any, **options: Any) -> NoReturn:
        """Refused: there are no standardised probabilities."""
        raise self._other("adjusted", "fit.predict(new_data) for stated patients")

    def methods(self) -> str:
        """A sentence for the methods section: moves, terms, strata, clock, limits."""
        kind = "with a baseline hazard for each move" + (
            f" and stratified by {listed(self.strata, SHOWN_TERMS)}" if self.strata else ""
        )
        return (
            f"Hazard ratios were estimated by {self.name} ({self.method}; "
            f"{listed(map(labelled, self.transitions.moves), SHOWN_TERMS)}), {kind}{self._terms_told()}"
            f"{self._weights_told()}, with {formats.level(self.conf_level)} confidence limits from "
            f"{variance_words(self.variance, self.y)}{dropped_words(self.n_dropped)}."
        )

    def _terms_told(self) -> str:
        if self.design is None:
            return f", on {listed(self.terms, SHOWN_TERMS)}" if self.terms else ""
        design = self._design("methods")
        told = []
        for term in dict.fromkeys(block.term for block in design.blocks):
            blocks = [block for block in design.blocks if block.term == term]
            alone = [block for block in blocks if len(block.moves) == 1]
            where = " (one effect on all moves)" if blocks[0].label == "" and len(blocks[0].moves) > 1 else ""
            if len(alone) < len(blocks) and not where:
                where = f" (shared: {'; '.join(b.label for b in blocks if len(b.moves) > 1)})"
            told.append(term + where)
        told += [f"the ratio of baselines of {ratio.name}" for ratio in design.ratios]
        return f", on {listed(told, SHOWN_TERMS)}" if told else ""

    def _weights_told(self) -> str:
        weights = None if self.rows is None else self.rows.names.get("weights")
        return f", weighted by {weights}" if weights else ""

    def slim(self) -> TransitionCoxFit:
        """The same fit without its design and data: small, but without residuals or predictions."""
        return replace(self, design=None, y=None, rows=None)

    def _design(self, what: str) -> TransitionDesign:
        return cast("TransitionDesign", self.require_design(what))

    def _at_risk(self, place: int) -> int:
        rows = cast("MultiState", self.rows)
        return len(np.unique(cast("np.ndarray", rows.patient)[rows.transition == place + 1]))

    def _moved(self, place: int) -> int:
        rows = cast("MultiState", self.rows)
        return int(rows.event[rows.transition == place + 1].sum())

    def _other(self, what: str, remedy: str) -> DataError:
        return DataError(
            f"{what} was asked of a regression of several moves",
            argument="fit",
            expected="hazards of moves, or probabilities of states",
            remedy=remedy,
        )
