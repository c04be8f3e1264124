"""Instances for the input maps: what layers read and answer at a few positions of the inputs of some sampled steps."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from .._session import Sample, Session
from ._capture import Forward
from ._describe import Place
from ._tensors import to_host

# Inputs and bytes of pixels that a map is made of, and steps that they are collected from, at most.
INPUTS, IMAGE_BYTES, STEPS = 512, 24 << 20, 16
# Seconds between two collections: the first, by what each next one is longer, and the longest.
FIRST_SECONDS, LONGER, LONGEST_SECONDS = 5.0, 1.5, 60.0


@dataclass
class _Parts:
    """Arrays of one layer, of the steps so far."""

    places: list[np.ndarray] = field(default_factory=list)
    positions: list[np.ndarray] = field(default_factory=list)
    activations: list[np.ndarray] = field(default_factory=list)
    fields: list[np.ndarray] = field(default_factory=list)


class Maps:
    """Collects instances every few seconds, and hands them over together."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seconds = FIRST_SECONDS
        self._next = 0.0
        self._samples: list[Sample] = []
        self._layers: dict[int, _Parts] = {}

    @property
    def wanted(self) -> bool:
        """Whether the next sampled step is to be collected from."""
        return time.monotonic() >= self._next

    def add(self, forward: Forward, known: dict[str, Place], sample: Sample) -> None:
        """Takes a step's instances, where the forward has read what they read."""
        read = [(known[name], layer) for name, layer in forward.layers.items() if name in known and layer.drawn.reading]
        if not read:
            return
        first = sum(len(earlier.inputs) for earlier in self._samples)
        rows_of = {number: (rows, places, positions) for number, rows, places, positions in sample.layers}
        fields = to_host([layer.drawn.reading.values for _, layer in read if layer.drawn.reading is not None])
        for (place, layer), values in zip(read, fields, strict=True):
            taken = rows_of.get(place.number)
            if taken is None or layer.drawn.reading is None:
                continue
            chosen = layer.drawn.reading.rows
            if place.skipped:
                # Rows of tokens that are not on the grid are gone from the sample.
                kept = layer.drawn.positions >= place.skipped
                values, chosen = values[kept[chosen]], (np.cumsum(kept) - 1)[chosen[kept[chosen]]]
            rows, places, positions = taken
            parts = self._layers.setdefault(place.number, _Parts())
            parts.places.append(places[chosen] + np.uint32(first))
            parts.positions.append(positions[chosen])
            parts.activations.append(rows[chosen])
            parts.fields.append(values)
        self._samples.append(sample)
        inputs = first + len(sample.inputs)
        pixels = sum(0 if earlier.images is None else earlier.images.nbytes for earlier in self._samples)
        if inputs >= INPUTS or pixels >= IMAGE_BYTES or len(self._samples) >= STEPS:
            self._hand_over(max(place.number for place in known.values()) + 1)

    def _hand_over(self, layers: int) -> None:
        samples, self._samples = self._samples, []
        parts, self._layers = self._layers, {}
        together = Sample(
            _joined([sample.inputs for sample in samples]),
            _joined([sample.labels for sample in samples]),
            _joined([sample.predictions for sample in samples]),
        )
        images = [sample.images for sample in samples if sample.images is not None]
        if len(images) == len(samples) and len({image.shape[1:] for image in images}) == 1:
            together.images = np.concatenate(images)
        count = len(together.inputs)
        # A step without labels or answers leaves all of them without.
        together.labels = together.labels if len(together.labels) == count else together.labels[:0]
        together.predictions = together.predictions if len(together.predictions) == count else together.predictions[:0]
        none = (np.empty(0, np.uint32),) * 2 + (np.empty((0, 1), np.float32),) * 2
        found = [
            (_joined(p.places), _joined(p.positions), _joined(p.activations), _joined(p.fields))
            if (p := parts.get(number)) is not None
            else none
            for number in range(layers)
        ]
        self._session.instances(together, found)
        self._next = time.monotonic() + self._seconds
        self._seconds = min(self._seconds * LONGER, LONGEST_SECONDS)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate(parts))
