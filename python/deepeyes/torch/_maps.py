"""What the layers of a PyTorch forward have read, for the input maps."""

from __future__ import annotations

import numpy as np

from .. import _maps
from .._session import Sample
from ._capture import Forward
from ._describe import Place
from ._tensors import to_host


class Instances(_maps.Instances):
    """Instances of the inputs of several forwards."""

    def add(self, forward: Forward, known: dict[str, Place], sample: Sample) -> bool:
        """Takes the instances of a forward that is gathered in `sample`; false where it has not kept what its layers read."""
        return self.take(sample, _read(forward, known))


class Maps(_maps.Maps):
    """Collects instances from sampled forwards every few seconds, and hands them over together."""

    def add(self, forward: Forward, known: dict[str, Place], sample: Sample) -> None:
        """Takes a step's instances, where there are any."""
        self.take(sample, _read(forward, known), len(known))


def _read(forward: Forward, known: dict[str, Place]) -> list[_maps.Read]:
    read = [
        (known[name], layer.drawn, layer.drawn.reading)
        for name, layer in forward.layers.items()
        if name in known and layer.drawn.reading is not None
    ]
    found = []
    fields = to_host([reading.values for _, _, reading in read])
    for (place, drawn, reading), values in zip(read, fields, strict=True):
        chosen = reading.rows
        if place.skipped:
            # Rows of tokens that are not on the grid are gone from the sample.
            kept = drawn.positions >= place.skipped
            values, chosen = values[kept[chosen]], (np.cumsum(kept) - 1)[chosen[kept[chosen]]]
        found.append((place.number, chosen, values))
    return found
