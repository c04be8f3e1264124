"""Where a layer's filters and positions lie in its output, and which positions are drawn. Knows shapes only, no framework."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Rows of drawn positions that are kept for each layer; a shift that is new every time makes them as good as fresh.
ROWS = 48


@dataclass(frozen=True)
class Layout:
    """How an output of some shape is a grid of positions with filters, for each of `batch` inputs.

    `leading`: whether filters come before the positions (`[n, F, ...]`, convolutions) or last (dense layers). `fold`: how
    many parts of one input lie along the first axis. `swapped`: whether the inputs lie along the second axis.
    """

    filters: int
    inner: tuple[int, ...]
    leading: bool
    fold: int = 1
    swapped: bool = False

    @property
    def positions(self) -> int:
        """Positions of one input."""
        return self.fold * math.prod(self.inner)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns; further axes are folded into the rows."""
        if not self.inner:
            return (1, self.fold)
        rows = self.fold * math.prod(self.inner[:-1])
        return (rows, self.inner[-1])

    def index(self, places: Any, positions: Any) -> tuple[Any, ...]:
        """What to index the output with to get rows `[r, F]`: row `i` is input `places[i]` at `positions[i]`. The two may
        be arrays of any framework."""
        inner = []
        for extent in reversed(self.inner):
            inner.insert(0, positions % extent)
            positions = positions // extent
        first = places if self.fold == 1 else places * self.fold + positions
        if self.swapped:
            return (inner[0], first, slice(None))
        return (first, slice(None), *inner) if self.leading else (first, *inner, slice(None))


def layout(shape: Sequence[int], batch: int, spatial: int | None, swapped: bool = False) -> Layout | None:
    """The layout of an output: of a convolution over `spatial` axes `[n, F, ...]`, or with `None` of a dense layer
    `[n, ..., F]`, with `swapped` `[t, n, F]`. `None` where the shape cannot be told apart by `batch` inputs."""
    shape = tuple(shape)
    if batch < 1 or min(shape, default=0) < 1:
        return None
    if spatial is not None:
        if len(shape) != spatial + 2 or shape[0] % batch:
            return None
        return Layout(shape[1], shape[2:], leading=True, fold=shape[0] // batch)
    if len(shape) < 2:
        return None
    if (swapped or shape[0] != batch) and len(shape) == 3 and shape[1] == batch:
        return Layout(shape[2], shape[:1], leading=False, swapped=True)
    if shape[0] % batch:
        return None
    return Layout(shape[-1], shape[1:-1], leading=False, fold=shape[0] // batch)


class Sampler:
    """Draws positions uniformly and without replacement, from a generator of its own: equal seeds give equal samples."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._drawn: dict[tuple[int, int], np.ndarray] = {}

    def inputs(self, batch: int, count: int) -> np.ndarray:
        """`count` of `batch` inputs, rising, int64."""
        if count >= batch:
            return np.arange(batch)
        return np.sort(self._random.choice(batch, count, replace=False, shuffle=False))

    def positions(self, inputs: int, positions: int, count: int) -> np.ndarray:
        """`[inputs, count]` int64: for each input `count` of `positions` positions."""
        if count >= positions:
            return np.tile(np.arange(positions), (inputs, 1))
        rows = self._drawn.get((positions, count))
        if rows is None:
            drawn = [self._random.choice(positions, count, replace=False) for _ in range(ROWS)]
            rows = self._drawn[positions, count] = np.stack(drawn)
        chosen = rows[self._random.integers(0, ROWS, inputs)]
        return (chosen + self._random.integers(0, positions, (inputs, 1))) % positions


def on_grid(positions: np.ndarray, grid: tuple[int, int], known: tuple[int, int]) -> np.ndarray:
    """Positions of a `grid` as those of the `known` grid at the same relative place."""
    if grid == known:
        return positions
    row, column = positions // grid[1], positions % grid[1]
    return row * known[0] // grid[0] * known[1] + column * known[1] // grid[1]
