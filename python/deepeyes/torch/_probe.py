"""The user's probe: a batch that is run aside now and then, in eval mode, so that maps are of the same inputs over the whole
run, and label separability can be measured."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._budget import Limits
from .._images import Pixels
from .._sampler import Sampler
from .._session import Session
from ._aside import aside
from ._capture import Capture, Drawn, Forward
from ._describe import Place
from ._gather import gather
from ._layers import Layers
from ._maps import Instances
from ._reading import POSITIONS, narrowed
from ._tensors import answers, class_labels, to_host

# Inputs that are run at a time, and most rows and columns of the coarse grid of their features.
INPUTS, GRID = 64, 4
# It is run every so many windows at most, and takes this share of our time at most.
WINDOWS, SHARE = 5, 0.5


class Probe:
    """Runs a `batch` of inputs `[n, ...]` and their class labels `[n]`."""

    def __init__(self, batch: Any, session: Session) -> None:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise TypeError(f"probe= is a {type(batch).__name__}, and must be a pair of inputs and labels")
        inputs, labels = batch
        if not isinstance(inputs, Tensor) or inputs.ndim == 0 or len(inputs) == 0:
            raise TypeError(
                "probe= must be a pair of tensors: inputs [n, ...] as the model takes them, and class labels [n]"
            )
        found = class_labels(labels, len(inputs))
        if found is None:
            raise TypeError("probe= needs class labels [n] beside its inputs")
        self._inputs, self._labels, self._session = inputs.detach(), found, session
        self._next_step, self._next = 0, 0.0

    @property
    def due(self) -> bool:
        """Whether it is to be run after this step."""
        return self._session.steps >= self._next_step and time.monotonic() >= self._next

    def run(self, model: nn.Module, layers: Layers, known: dict[str, Place], pixels: Pixels) -> None:
        """Runs the probe, and hands over what it gave."""
        began = time.perf_counter()
        session = self._session
        # The same positions each time, so that an instance is the same one.
        sampler = Sampler(session.options.seed)
        instances, features = Instances(), [[] for _ in known]
        device = next((parameter.device for parameter in model.parameters()), self._inputs.device)
        with aside(model), torch.no_grad():
            for first in range(0, len(self._inputs), INPUTS):
                x = self._inputs[first : first + INPUTS].to(device)
                labels = self._labels[first : first + INPUTS]
                forward = Forward(len(x), np.arange(len(x)), model, (x,), {})
                with (trace := _Features(layers, forward, Limits(len(x), POSITIONS * len(x)), sampler, session.note)):
                    result = model.forward(x)
                trace.end()
                forward.end(answers(result))
                sample = gather(forward, known, x, labels, None, pixels, session.steps)
                instances.add(forward, known, sample)
                found = [(known[name].number, values) for name, values in trace.features.items() if name in known]
                for (number, _), values in zip(found, to_host([values for _, values in found]), strict=True):
                    features[number].append(values)
        if instances.inputs:
            instances.hand_over(session, len(known))
        if all(features):
            held_out = np.arange(len(self._inputs)) % 2 == 1
            session.probe(self._labels, held_out, [np.concatenate(parts) for parts in features])
        seconds = time.perf_counter() - began
        session.spent(seconds, apart=True)
        self._next_step = session.steps + WINDOWS * session.options.window
        self._next = time.monotonic() + seconds / (SHARE * min(session.options.budget, 1.0))


class _Features(Capture):
    """Also takes each layer's output, averaged to a coarse grid: `features` `[n, width]`."""

    def __init__(self, layers: Layers, forward: Forward, limits: Limits, sampler: Sampler, note: Any) -> None:
        super().__init__(layers, forward, limits, sampler, note, self._fail, read=True)
        self.features: dict[str, Tensor] = {}

    def finish(self, tag: Any, values: Tensor) -> None:
        super().finish(tag, values)
        self.features[tag.owner.name] = _coarse(values.float(), tag.payload, self.forward.batch)

    @staticmethod
    def _fail(error: Exception) -> None:
        raise error


def _coarse(values: Tensor, drawn: Drawn, batch: int) -> Tensor:
    layout = drawn.layout
    if layout.swapped:
        values = values.transpose(0, 1)
    if not layout.leading:
        values = values.movedim(-1, 1)
    if layout.fold > 1:
        values = values.unflatten(0, (batch, layout.fold)).mean(1)
    if values.ndim > 4:
        values = values.flatten(2, -2)
    sides = [min(side, GRID) for side in values.shape[2:]]
    if len(sides) == 1:
        values = F.adaptive_avg_pool1d(values, sides[0])
    elif sides:
        values = F.adaptive_avg_pool2d(values, (sides[0], sides[1]))
    return narrowed(values.flatten(1))
