"""Takes the sampled activation vectors out of a forward pass, on the tensors' own device and without touching the pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from .._budget import Limits
from .._sampler import Layout, Sampler, layout
from ._layers import Layers, Owner
from ._reading import Reading
from ._trace import Tag, Trace

# Wider layers are left out: their filters cannot be compared with each other in any memory.
WIDEST = 8192


@dataclass
class Drawn:
    """What was drawn of a layer before its activations are known: places in the batch and positions, `[r]`, as many of
    each input, and those of one input together."""

    kind: str
    layout: Layout
    places: np.ndarray
    positions: np.ndarray
    reading: Reading | None


@dataclass
class Captured:
    """A layer's sampled activations, `rows` `[r, F]` float32 on the tensor's device."""

    owner: Owner
    drawn: Drawn
    rows: torch.Tensor
    # Where the activations lay, to know the network's output by.
    address: int
    shape: torch.Size


@dataclass
class Forward:
    """What one forward pass of `module` gave. `places` `[n]`: the inputs that were drawn of the `batch`; `answers` `[n]`: the
    classes that it answers for them, where its result is `[batch, classes]`."""

    batch: int
    places: np.ndarray
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    # In the order in which they were run.
    order: list[str] = field(default_factory=list)
    layers: dict[str, Captured] = field(default_factory=dict)
    answers: torch.Tensor | None = None
    # The layer whose activations are the result.
    output: str | None = None

    def end(self, result: torch.Tensor | None) -> None:
        """Keeps of the result what is wanted of it."""
        if result is None or result.ndim < 2 or len(result) != self.batch or not result.is_floating_point():
            return
        result = result.detach()
        same = [name for name, layer in self.layers.items() if layer.address == result.data_ptr()]
        last = next((name for name in reversed(self.order) if name in self.layers), None)
        if last is not None and self.layers[last].shape == result.shape:
            # A softmax may stand between the two.
            same.append(last)
        if not same or self.layers[same[0]].drawn.layout.filters < 2:
            return
        self.output = same[0]
        if result.ndim == 2:
            self.answers = result[torch.from_numpy(self.places).to(result.device)].argmax(1)


class Capture(Trace):
    """Samples a forward pass. `read`: whether what the layers read is wanted, too."""

    def __init__(
        self,
        layers: Layers,
        forward: Forward,
        limits: Limits,
        sampler: Sampler,
        note: Callable[[str], None],
        on_failure: Callable[[Exception], None],
        read: bool = False,
    ) -> None:
        super().__init__(layers)
        self._limits, self._sampler, self._note, self._on_failure = limits, sampler, note, on_failure
        self._read = read
        self.forward = forward

    def failed(self, error: Exception) -> None:
        self._pending.clear()
        self._on_failure(error)

    def begin(
        self, owner: Owner, kind: str, spatial: int | None, out: torch.Tensor, read: Any, call: Any
    ) -> Drawn | None:
        forward = self.forward
        found = layout(out.shape, forward.batch, spatial, kind == "attention") if out.is_floating_point() else None
        if found is None:
            self._note(
                f"{owner.name} is left out: its output {list(out.shape)} does not tell {forward.batch} inputs apart."
            )
            return None
        if found.filters > WIDEST:
            self._note(
                f"{owner.name} is left out: it has {found.filters} filters, and {WIDEST} can be compared at most."
            )
            return None
        inputs = forward.places
        count = self._limits.positions(len(inputs), found.positions, found.filters)
        positions = self._sampler.positions(len(inputs), found.positions, count)
        reading = Reading.of(spatial, call, read, found, inputs, positions) if self._read else None
        forward.order.append(owner.name)
        return Drawn(kind, found, np.repeat(inputs, positions.shape[1]), positions.reshape(-1), reading)

    def finish(self, tag: Tag, values: torch.Tensor) -> None:
        drawn: Drawn = tag.payload
        values = values.detach()
        places = torch.from_numpy(drawn.places).to(values.device)
        positions = torch.from_numpy(drawn.positions).to(values.device)
        rows = values[drawn.layout.index(places, positions)].float()
        self.forward.layers[tag.owner.name] = Captured(tag.owner, drawn, rows, values.data_ptr(), values.shape)
