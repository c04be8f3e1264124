"""What a layer's own module reads at a position, its neuronal receptive field: from whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from ._arrays import as_numpy, take
from ._sampler import Layout

# Positions of an input at which the field is read.
POSITIONS = 3
# Wider fields are narrowed to so many numbers.
WIDTH = 256

# Gives `[m, ...]`, what is read at `places` `[m]` (inputs) and `positions` `[m]` of a layer with this layout.
Reader: TypeAlias = Callable[[Layout, np.ndarray, np.ndarray], np.ndarray]


@dataclass
class Pointwise:
    """A dense layer's input `[N, ..., width]`: every position reads its own row."""

    array: Any

    def __call__(self, layout: Layout, places: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """The rows."""
        last = Layout(layout.filters, layout.inner, leading=False, fold=layout.fold)
        return take(self.array, last.index(places, positions))


@dataclass
class Window:
    """A convolution's input `[N, C, ...]`, or `[N, ..., C]` with `channels_last`. Along each axis position p reads `kernel` places,
    from `stride * p - before`, `dilation` apart; what lies outside is 0."""

    array: Any
    kernel: Sequence[int]
    stride: Sequence[int]
    before: Sequence[int]
    dilation: Sequence[int]
    channels_last: bool

    def __call__(self, layout: Layout, places: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """`[m, kernel..., C]`."""
        array = as_numpy(self.array)
        array = array if self.channels_last else np.moveaxis(array, 1, -1)
        axes = len(self.kernel)
        index, inside = [places.reshape(-1, *(1,) * axes)], np.ones((len(places), *(1,) * axes), bool)
        for axis, at in enumerate(np.unravel_index(positions, layout.inner)):
            taps = (
                at[:, None] * self.stride[axis] - self.before[axis] + np.arange(self.kernel[axis]) * self.dilation[axis]
            )
            taps = taps.reshape(len(places), *(self.kernel[axis] if other == axis else 1 for other in range(axes)))
            size = array.shape[1 + axis]
            inside = inside & (taps >= 0) & (taps < size)
            index.append(taps.clip(0, size - 1))
        return array[tuple(index)] * inside[..., None]


def same_padding(length: int | None, step: int, window: int) -> int:
    """Padding that `same` adds along an axis, on both sides together, the smaller half before; of an axis of unknown length
    as if the step divided it."""
    steps = -(-length // step) if length is not None else 1
    return max(0, (steps - 1) * step + window - (length if length is not None else step))


def read_few(
    reader: Reader, layout: Layout, inputs: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of the first few of each input's drawn `positions` `[inputs, k]`: which rows they are of what was drawn `[m]`, and
    what is read there `[m, width]` float32."""
    count = min(POSITIONS, positions.shape[1])
    rows = (np.arange(len(inputs))[:, None] * positions.shape[1] + np.arange(count)).reshape(-1)
    values = reader(layout, np.repeat(inputs, count), positions[:, :count].reshape(-1))
    return rows, narrowed(values.reshape(len(rows), -1).astype(np.float32, copy=False))


def narrowed(values: np.ndarray) -> np.ndarray:
    """Random signs, and sums of random groups, of values `[m, width]`: distances keep their expectation, in few numbers."""
    width = values.shape[1]
    if width <= WIDTH:
        return np.ascontiguousarray(values)
    order, signs = projection(width)
    signed = np.pad(values[:, order] * signs, ((0, 0), (0, -width % WIDTH)))
    return signed.reshape(len(values), WIDTH, -1).sum(2)


@lru_cache(maxsize=256)
def projection(width: int) -> tuple[np.ndarray, np.ndarray]:
    """An order of `width` numbers, and a sign for each: always the same."""
    random = np.random.Generator(np.random.PCG64(width))
    return random.permutation(width), random.choice(np.array([-1, 1], np.float32), width)
