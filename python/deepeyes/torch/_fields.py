"""Receptive fields by probing gradients: what a position sees is where its gradient in the input is not zero.

The model is run once on an input of ones with linear, positive stand-ins for its functions (see `_linear`), so that any
graph is understood: residual, inception, dilated, transposed. Fields that reach over the edge at every position are probed
again on a larger canvas. A layer that sees all there, too, or whose fields are no grid, has the whole input.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .._axis import Axis
from .._sampler import layout
from .._session import ReceptiveField
from ._aside import aside
from ._layers import Layers, Owner
from ._linear import STAND_INS
from ._trace import Tag, Trace

# Probing ends after so many seconds of processor time; layers that are left have the whole input.
SECONDS = 4.0
# The larger canvas: so many times the input, with so many pixels a side at most. What it is larger by is a multiple of
# every usual stride, so that grids stay aligned.
LARGER, LARGEST, ALIGNED = (4, 2), 1024, 64
# One position is probed in the middle of the grid, and one so many positions on.
APART = 2


class _Enough(Exception):
    """All wanted layers are known."""


class _Probe(Trace):
    def __init__(self, layers: Layers, wanted: set[str]) -> None:
        super().__init__(layers)
        self._wanted = wanted
        self.outputs: dict[str, tuple[int | None, Tensor]] = {}

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        stand_in = STAND_INS.get(func)
        return func(*args, **kwargs) if stand_in is None else stand_in(*args, **kwargs)

    def begin(
        self, owner: Owner, kind: str, spatial: int | None, out: Tensor, read: Any, call: Any
    ) -> tuple[Any] | None:
        return (spatial,) if owner.name in self._wanted else None

    def finish(self, tag: Tag, values: Tensor) -> None:
        self.outputs[tag.owner.name] = (*tag.payload, values)
        if not self._pending and self.outputs.keys() >= self._wanted:
            raise _Enough


def receptive_fields(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], layers: Layers, wanted: list[str]
) -> dict[str, ReceptiveField]:
    """The receptive fields of the `wanted` layers that a forward of `model` with these arguments runs through; empty where
    its input is no image `[n, c, h, w]` or signal `[n, c, l]`."""
    example = image_of(args, kwargs)
    if example is None:
        return {}
    sides = tuple(example.shape[2:])
    deadline = time.thread_time() + SECONDS
    known: dict[str, ReceptiveField] = {}
    missing = set(wanted)
    larger = [tuple(side + ALIGNED * -(-side * (times - 1) // ALIGNED) for side in sides) for times in LARGER]
    for canvas in [sides, *[canvas for canvas in larger if max(canvas) <= LARGEST][:1]]:
        try:
            found = _probe(model, args, kwargs, example, canvas, layers, missing, deadline)
        except (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, NotImplementedError):
            # On another canvas a network may fail; on its own, its functions have no stand-in.
            continue
        for name, axes in found.items():
            fields = [axis.field() for axis in axes]
            if all(field is not None for field in fields):
                size, stride, offset = zip(*fields, strict=True)
                known[name] = ReceptiveField(_two(size, 1), _two(stride, 1), _two(offset, 0))
        missing = {name for name, axes in found.items() if axes[0].on_grid and name not in known}
        if not missing:
            break
    whole = ReceptiveField(_two(sides, 1), (1, 1), (0, 0))
    return {name: known.get(name, whole) for name in wanted}


def image_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """The first tensor among a forward's arguments, where that is a batch of images or signals."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            fits = value.ndim in (3, 4) and value.is_floating_point() and value.numel() > 0
            return value if fits else None
    return None


def _probe(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    example: Tensor,
    canvas: tuple[int, ...],
    layers: Layers,
    wanted: set[str],
    deadline: float,
) -> dict[str, list[Axis]]:
    dtype = torch.float32 if example.device.type == "mps" else torch.float64
    # Two copies, so that one backward pass probes two positions.
    x = torch.ones((2, example.shape[1], *canvas), dtype=dtype, device=example.device, requires_grad=True)

    def replaced(value: Any) -> Any:
        if value is example:
            return x
        same = isinstance(value, Tensor) and value.ndim > 0 and len(value) == len(example)
        return value[:1].expand(2, *value.shape[1:]) if same else value

    probe = _Probe(layers, wanted)
    with aside(model), torch.enable_grad(), probe:
        try:
            model.forward(
                *(replaced(value) for value in args), **{key: replaced(value) for key, value in kwargs.items()}
            )
            probe.end()
        except _Enough:
            pass
    found = {}
    for name, (spatial, values) in probe.outputs.items():
        if time.thread_time() > deadline:
            break
        axes = _seen(x, values, spatial)
        if axes is not None:
            found[name] = axes
    return found


def _seen(x: Tensor, values: Tensor, spatial: int | None) -> list[Axis] | None:
    """What two positions of a layer see, for each axis of the input; `None` where its grid is not the input's."""
    sides = x.shape[2:]
    found = layout(values.shape, 2, spatial)
    if (
        found is None
        or found.fold > 1
        or found.swapped
        or len(found.inner) not in (0, len(sides))
        or not values.requires_grad
    ):
        return None
    grid = found.inner or (1,) * len(sides)
    first = [(extent - 1) // 2 for extent in grid]
    second = [min(at + APART, extent - 1) for at, extent in zip(first, grid, strict=True)]
    chosen = values.new_zeros(())
    for copy, position in enumerate((first, second) if found.inner else ([], [])):
        part = values[copy]
        chosen = chosen + part[(slice(None), *position) if found.leading else (*position, slice(None))].sum()
    gradient = torch.autograd.grad(chosen, x, retain_graph=True, allow_unused=True)[0]
    if gradient is None:
        return None
    reached = (gradient.abs().sum(1) > 0).cpu()
    axes = []
    for axis, extent in enumerate(sides):
        others = tuple(1 + other for other in range(len(sides)) if other != axis)
        lines = reached.any(others[0]) if others else reached
        places = [line.nonzero().flatten() for line in lines]
        if any(len(place) == 0 for place in places):
            return None
        ends = tuple(int(place[0]) for place in places), tuple(int(place[-1]) for place in places)
        axes.append(Axis((first[axis], second[axis]), *ends, extent, bool(found.inner)))  # pyright: ignore
    return axes


def _two(values: Any, missing: int) -> tuple[int, int]:
    """Vertical and horizontal; a signal is one row."""
    return (missing, int(values[0])) if len(values) == 1 else (int(values[0]), int(values[1]))
