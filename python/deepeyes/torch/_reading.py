"""What a layer's own module reads at a position: its neuronal receptive field, zero in the padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .._reads import POSITIONS, WIDTH, projection
from .._sampler import Layout


@dataclass
class Reading:
    """`values` `[m, width]` float32, on the read tensor's device, of the rows number `rows` `[m]` of what was drawn."""

    rows: np.ndarray
    values: torch.Tensor

    @staticmethod
    def of(
        spatial: int | None, call: tuple[Any, Any], read: Any, layout: Layout, inputs: np.ndarray, positions: np.ndarray
    ) -> Reading | None:
        """Of the first few of each input's drawn `positions` `[inputs, k]`; `None` where it cannot be told."""
        if not isinstance(read, torch.Tensor) or not read.is_floating_point():
            return None
        count = min(POSITIONS, positions.shape[1])
        rows = (np.arange(len(inputs))[:, None] * positions.shape[1] + np.arange(count)).reshape(-1)
        places, chosen = np.repeat(inputs, count), positions[:, :count].reshape(-1)
        if spatial is None:
            if read.shape[:-1].numel() != layout.positions * (read.shape[:-1].numel() // layout.positions):
                return None
            values = read.detach()[layout.index(*(_on(part, read) for part in (places, chosen)))]
        else:
            values = _neighbourhood(read.detach(), spatial, call, layout, places, chosen)
        return Reading(rows, narrowed(values.reshape(len(rows), -1).float()))


def _neighbourhood(
    read: torch.Tensor, spatial: int, call: tuple[Any, Any], layout: Layout, places: np.ndarray, positions: np.ndarray
) -> torch.Tensor:
    """`[m, kernel..., channels]` of a convolution's input `[n, channels, ...]`; of a transposed one the channels at the
    nearest place."""
    args, kwargs = call

    def argument(place: int, name: str, default: Any) -> Any:
        return args[place] if len(args) > place else kwargs.get(name, default)

    weight = argument(1, "weight", None)
    transposed = weight.shape[0] == read.shape[1] and layout.filters != weight.shape[0]
    stride = _each(argument(3, "stride", 1), spatial)
    padding = argument(4, "padding", 0)
    dilation = _each(argument(5, "dilation", 1), spatial)
    kernel = (1,) * spatial if transposed else tuple(weight.shape[2:])
    if isinstance(padding, str):
        padding = [d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True)] if padding == "same" else 0
    padding = _each(padding, spatial)
    first = places if layout.fold == 1 else places * layout.fold + positions // np.prod(layout.inner, dtype=np.int64)
    index, inside = [], np.ones((len(positions), *(1,) * spatial), bool)
    for axis in range(spatial):
        after = int(np.prod(layout.inner[axis + 1 :], dtype=np.int64))
        at = (positions // after) % layout.inner[axis]
        size = read.shape[2 + axis]
        if transposed:
            taps = (at * size // layout.inner[axis])[:, None]
        else:
            taps = at[:, None] * stride[axis] - padding[axis] + np.arange(kernel[axis]) * dilation[axis]
        shape = [len(positions)] + [1] * spatial
        shape[1 + axis] = kernel[axis]
        taps = taps.reshape(shape)
        inside = inside & (taps >= 0) & (taps < size)
        index.append(_on(taps.clip(0, size - 1), read))
    rows = _on(first.reshape(-1, *(1,) * spatial), read)
    values = read[(rows, slice(None), *index)]
    return values * _on(inside[..., None], read)


def narrowed(values: torch.Tensor) -> torch.Tensor:
    """Random signs, and sums of random groups: distances keep their expectation, in few numbers."""
    width = values.shape[1]
    if width <= WIDTH:
        return values
    order, signs = projection(width)
    signed = values[:, _on(order, values)] * _on(signs, values)
    spare = -width % WIDTH
    if spare:
        signed = torch.nn.functional.pad(signed, (0, spare))
    return signed.view(len(values), WIDTH, -1).sum(2)


def _on(array: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(like.device)


def _each(value: Any, spatial: int) -> Sequence[int]:
    if isinstance(value, int):
        return (value,) * spatial
    return tuple(value) * (spatial if len(value) == 1 else 1)
