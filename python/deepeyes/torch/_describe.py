"""Tells the session what the network is, once its first forward was followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from .._session import Layer, Network
from ._capture import Captured, Forward
from ._collector import first_tensor
from ._fields import receptive_fields
from ._layers import Layers
from ._tensors import are_classes

# Tokens that stand before those of an image's patches at most (class and register tokens).
EXTRA_TOKENS = 8


@dataclass(frozen=True)
class Place:
    """A layer's number in the run, its grid there, and how many first positions of an input are not on that grid."""

    number: int
    filters: int
    grid: tuple[int, int]
    skipped: int = 0


def describe(
    model: nn.Module, forward: Forward, layers: Layers, labels: Any, classes: Sequence[Any] | None
) -> tuple[Network, dict[str, Place]]:
    """The network as the session takes it, and where each layer is in it."""
    names = [name for name in forward.order if name in forward.layers]
    first = first_tensor(forward.args, forward.kwargs)
    is_image = first is not None and first.ndim == 4 and first.is_floating_point()
    fields = receptive_fields(forward.module, forward.args, forward.kwargs, layers, names)
    patches: tuple[Layer, int] | None = None
    found, places = [], {}
    for number, name in enumerate(names):
        captured = forward.layers[name]
        layout, kind = captured.drawn.layout, captured.drawn.kind
        grid, field, skipped = layout.grid, fields.get(name), 0
        if is_image and patches is not None and not layout.leading and layout.fold == 1 and len(layout.inner) == 1:
            # A token shows the patch that it stands for, although attention may let it see all.
            spare = layout.positions - patches[1]
            if 0 <= spare <= EXTRA_TOKENS:
                grid, field, skipped = patches[0].grid, patches[0].receptive_field, spare
        layer = Layer(
            name,
            kind,
            layout.filters,
            grid,
            field,
            captured.owner.parameters,
            **_end(forward, captured, labels, classes),
        )
        if kind == "conv2d" and field is not None and field.size == field.stride and field.size > (1, 1):
            patches = layer, layout.positions
        found.append(layer)
        places[name] = Place(number, layout.filters, grid, skipped)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    image = (first.shape[1], first.shape[2], first.shape[3]) if is_image and first is not None else None
    return Network(type(model).__name__, found, parameters, image, forward.batch), places


def _end(forward: Forward, captured: Captured, labels: Any, classes: Sequence[Any] | None) -> dict[str, Any]:
    """Whether a layer is the output, and how a classifier's is rectified."""
    if captured.owner.name != forward.output:
        return {}
    has_classes = classes is not None and len(classes) == captured.drawn.layout.filters
    return {"output": True, "rectify": "softmax" if has_classes or are_classes(labels) else "relu"}
