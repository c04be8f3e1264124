"""Pixels as the page shows them, and who an input is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _native


def channels_of(shape: Sequence[int]) -> int | None:
    """Channels of a batch `[n, channels, height, width]` that can be shown; `None` where it is no such images."""
    return shape[1] if len(shape) == 4 and shape[1] in (1, 3) and min(shape) > 0 else None


class Pixels:
    """How input values become bytes: `value * scale + offset`, per channel.

    With `mean` and `std` their normalisation is undone. Otherwise the first batch settles it for the whole run: values in
    [0, 1] and in [0, 255] are taken as such, others by the range that they have.
    """

    def __init__(self, mean: Any = None, std: Any = None) -> None:
        self._mean = None if mean is None else np.atleast_1d(np.asarray(mean, np.float64))
        self._std = None if std is None else np.atleast_1d(np.asarray(std, np.float64))
        self._settled: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def settled(self) -> bool:
        """Whether `scale_offset` no longer asks for the values' range."""
        return self._settled is not None or self._mean is not None or self._std is not None

    def scale_offset(self, channels: int, low: float = 0.0, high: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """`scale` and `offset`, `[channels]` float32, for values of which the first batch's lie in [low, high]."""
        if self._settled is None:
            if self.settled:
                mean = np.zeros(1) if self._mean is None else self._mean
                std = np.ones(1) if self._std is None else self._std
                # Means above 2 are of pixels in [0, 255].
                full = 1.0 if max(mean.max(), std.max()) > 2 else 255.0
                scale, offset = std * full, mean * full
            elif 0 <= low and high <= 1:
                scale, offset = np.full(1, 255.0), np.zeros(1)
            elif 0 <= low and high <= 255:
                scale, offset = np.ones(1), np.zeros(1)
            else:
                scale = np.full(1, 255.0 / max(high - low, 1e-12))
                offset = -low * scale
            self._settled = scale, offset
        scale, offset = self._settled
        return tuple(np.broadcast_to(part, channels).astype(np.float32) for part in (scale, offset))  # pyright: ignore

    def of(self, values: np.ndarray) -> np.ndarray | None:
        """`[n, height, width, channels]` uint8 of `[n, channels, height, width]`; `None` where that is no images."""
        channels = channels_of(values.shape)
        if channels is None:
            return None
        if values.dtype != np.uint8:
            values = values.astype(np.float32, copy=False)
            scale, offset = self.scale_offset(channels, *(() if self.settled else (values.min(), values.max())))
            values = values * scale[:, None, None] + offset[:, None, None]
            values = np.nan_to_num(values).clip(0, 255).round().astype(np.uint8)
        return np.ascontiguousarray(values.transpose(0, 2, 3, 1))


def identities(count: int, indices: Any = None, values: np.ndarray | None = None, step: int = 0) -> np.ndarray:
    """Who `count` inputs are, `[count]` int64: their indices in the data set, else a hash of each input's values, else a
    number of their own."""
    if indices is not None:
        found = np.asarray(indices, np.int64).reshape(-1)
        if len(found) != count:
            raise ValueError(f"indices= names {len(found)} inputs, but the mini-batch has {count}")
        return np.ascontiguousarray(found)
    if values is not None and len(values) == count and values[:1].size:
        return _native.image_hashes(np.ascontiguousarray(values))
    return np.arange(count, dtype=np.int64) + (step << 20)
