"""Receptive fields from what two positions of a layer see of the input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """What two positions see along one axis: first and last pixel of each."""

    positions: tuple[int, int]
    first: tuple[int, int]
    last: tuple[int, int]
    extent: int
    # Whether the layer has a grid at all.
    on_grid: bool

    def field(self) -> tuple[int, int, int] | None:
        """Size, stride and offset; `None` where they cannot be told from what is seen of them."""
        apart = self.positions[1] - self.positions[0]
        strides: list[float] = [] if apart else [1.0]
        if apart and min(self.first) > 0:
            strides.append((self.first[1] - self.first[0]) / apart)
        if apart and max(self.last) < self.extent - 1:
            strides.append((self.last[1] - self.last[0]) / apart)
        if not strides or len(set(strides)) > 1 or strides[0] < 1 or strides[0] % 1:
            return None
        stride = int(strides[0])
        starts = {f - stride * p for f, p in zip(self.first, self.positions, strict=True) if f > 0}
        ends = {e - stride * p for e, p in zip(self.last, self.positions, strict=True) if e < self.extent - 1}
        if len(starts) != 1 or len(ends) != 1:
            return None
        offset = starts.pop()
        return ends.pop() - offset + 1, stride, offset
