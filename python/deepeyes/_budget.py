"""Which steps are sampled, and how many rows of them: a token bucket that holds our time to a share of the training's."""

from __future__ import annotations

import math
from dataclasses import dataclass

DEFAULT = 0.015
# The first steps are sampled whatever they cost, so that something shows soon.
FIRST_STEPS = 3
# A sampled step further apart than this many steps is made cheaper, one nearer than that richer.
SPARSE, DENSE = 24.0, 6.0
# Rows of a layer and inputs of a step, where the budget thins.
FEWEST_ROWS, FIRST_ROWS = 64, 512
FEWEST_INPUTS, MOST_INPUTS = 32, 128
# Weight of the newest sampled step in the running mean of their cost.
NEWEST = 0.3
# Numbers of a layer and step that are taken at most, whatever the budget.
MOST_VALUES = 1 << 24


@dataclass(frozen=True)
class Limits:
    """How much of a sampled step is taken."""

    inputs: int
    rows: int

    def places(self, batch: int) -> int:
        """Inputs taken of a mini-batch of `batch`."""
        return min(batch, self.inputs)

    def positions(self, inputs: int, positions: int, filters: int) -> int:
        """Positions taken of each of `inputs` inputs where a layer has `positions`: at most half of them, rounded up."""
        rows = min(self.rows, MOST_VALUES // max(filters, 1))
        return max(1, min(math.ceil(positions / 2), rows // max(inputs, 1)))


class Budget:
    """Credit grows by `share` of every step's time, and falls by what we take of it. A step is sampled when the credit
    covers what a sampled step costs. With a share of 1 or more, every step is sampled in full.

    `analysis_weight`: how much of the analysis' processor time the training feels; 1 where both want the same cores.
    """

    def __init__(self, share: float = DEFAULT, analysis_weight: float = 1.0) -> None:
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not math.isfinite(share) or share <= 0:
            raise ValueError(
                f"budget={share!r} is not a share of the step time: give a number above 0, such as {DEFAULT}"
            )
        self.share = float(share)
        self.analysis_weight = analysis_weight
        self.credit = 0.0
        self._cost: float | None = None
        self._sampled_cost = 0.0
        self._analysis = 0.0
        self._step_seconds: float | None = None
        self._rows = FIRST_ROWS
        self._sampled = 0
        self._pause = 0
        self._apart = 0.0

    @property
    def unlimited(self) -> bool:
        """Whether every step is sampled in full."""
        return self.share >= 1

    def limits(self) -> Limits:
        """How much of the next sampled step to take."""
        if self.unlimited:
            return Limits(inputs=1 << 30, rows=1 << 30)
        return Limits(inputs=min(MOST_INPUTS, max(FEWEST_INPUTS, self._rows)), rows=self._rows)

    def step(self, seconds: float, own: float, analysis: float, sampled: bool) -> bool:
        """A step took `seconds`, `own` of them ours; `analysis` processor seconds have gone into the analysis since the
        run began. Returns whether the next step is sampled."""
        grown, self._analysis = max(analysis - self._analysis, 0.0), analysis
        if self.unlimited:
            return True
        training = max(seconds - own, 0.0)
        own, self._apart = own - self._apart, 0.0
        spent = own + self.analysis_weight * grown
        # A pause between two steps (a validation, a breakpoint) is no time that a step took.
        usual = training if self._step_seconds is None else min(training, 10 * self._step_seconds)
        self._step_seconds = usual if self._step_seconds is None else 0.9 * self._step_seconds + 0.1 * usual
        if sampled:
            self._end_sample()
            self._sampled += 1
        self._sampled_cost += spent
        if self._sampled <= FIRST_STEPS and sampled:
            self.credit = 0.0
            return self._sampled < FIRST_STEPS
        self.credit += usual * self.share - spent
        cost = max(self._cost or 0.0, self._sampled_cost)
        self.credit = min(self.credit, 2 * cost)
        if self._pause > 0:
            self._pause -= 1
            return False
        return self.credit >= cost

    def charge(self, seconds: float) -> None:
        """Takes `seconds` of the step that is being computed from the credit, and not from what a sampled step costs."""
        self.credit -= seconds
        self._apart += seconds

    def refused(self) -> None:
        """The analysis did not take a step, since too much waits: leaves it some steps to catch up, and makes the next ones
        cheaper."""
        self._rows = max(FEWEST_ROWS, self._rows // 2)
        self._pause = min(2 * self._pause + 8, 256)

    def _end_sample(self) -> None:
        """All that was spent from the sampled step before this one until now was that one's cost."""
        if self._sampled > 1:
            cost = self._sampled_cost
            self._cost = cost if self._cost is None else self._cost + NEWEST * (cost - self._cost)
            apart = self._cost / max(self.share * (self._step_seconds or 0.0), 1e-9)
            if apart > SPARSE:
                self._rows = max(FEWEST_ROWS, int(self._rows / 1.5))
            elif apart < DENSE:
                self._rows = min(1 << 20, int(self._rows * 1.5))
        self._sampled_cost = 0.0
