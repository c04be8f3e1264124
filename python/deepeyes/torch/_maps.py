"""Instances for the input maps: what layers read and answer at a few positions of some inputs."""

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
    """Arrays of one layer, one of each kind for each forward."""

    places: list[np.ndarray] = field(default_factory=list)
    positions: list[np.ndarray] = field(default_factory=list)
    activations: list[np.ndarray] = field(default_factory=list)
    fields: list[np.ndarray] = field(default_factory=list)

    def joined(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        if not self.places:
            none, nothing = np.empty(0, np.uint32), np.empty((0, 1), np.float32)
            return none, none, nothing, nothing
        return _joined(self.places), _joined(self.positions), _joined(self.activations), _joined(self.fields)


class Instances:
    """Instances of the inputs of several forwards."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.inputs = self.image_bytes = 0
        self._layers: dict[int, _Parts] = {}

    def add(self, forward: Forward, known: dict[str, Place], sample: Sample) -> bool:
        """Takes the instances of a forward that is gathered in `sample`; false where it has not kept what its layers read."""
        read = [
            (known[name], layer.drawn, layer.drawn.reading)
            for name, layer in forward.layers.items()
            if name in known and layer.drawn.reading is not None
        ]
        rows_of = {number: taken for number, *taken in sample.layers}
        fields = to_host([reading.values for _, _, reading in read])
        for (place, drawn, reading), values in zip(read, fields, strict=True):
            if place.number not in rows_of:
                continue
            chosen = reading.rows
            if place.skipped:
                # Rows of tokens that are not on the grid are gone from the sample.
                kept = drawn.positions >= place.skipped
                values, chosen = values[kept[chosen]], (np.cumsum(kept) - 1)[chosen[kept[chosen]]]
            rows, places, positions = rows_of[place.number]
            parts = self._layers.setdefault(place.number, _Parts())
            parts.places.append(places[chosen] + np.uint32(self.inputs))
            parts.positions.append(positions[chosen])
            parts.activations.append(rows[chosen])
            parts.fields.append(values)
        if read:
            self.samples.append(sample)
            self.inputs += len(sample.inputs)
            self.image_bytes += 0 if sample.images is None else sample.images.nbytes
        return bool(read)

    def hand_over(self, session: Session, layers: int) -> None:
        """Gives the session all instances, of `layers` layers."""
        together = Sample(_joined([sample.inputs for sample in self.samples]))
        together.labels = self._of_all([sample.labels for sample in self.samples])
        together.predictions = self._of_all([sample.predictions for sample in self.samples])
        images = [sample.images for sample in self.samples if sample.images is not None]
        if len(images) == len(self.samples) and len({image.shape[1:] for image in images}) == 1:
            together.images = np.concatenate(images)
        session.instances(together, [self._layers.get(number, _Parts()).joined() for number in range(layers)])

    def _of_all(self, parts: list[np.ndarray]) -> np.ndarray:
        """One number for each input, or none at all where some have none."""
        found = _joined(parts)
        return found if len(found) == self.inputs else found[:0]


class Maps:
    """Collects instances from sampled steps every few seconds, and hands them over together."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seconds = FIRST_SECONDS
        self._next = 0.0
        self._instances = Instances()

    @property
    def wanted(self) -> bool:
        """Whether the next sampled step is to be collected from."""
        return time.monotonic() >= self._next

    def add(self, forward: Forward, known: dict[str, Place], sample: Sample) -> None:
        """Takes a step's instances, where there are any."""
        found = self._instances
        if not found.add(forward, known, sample):
            return
        if found.inputs >= INPUTS or found.image_bytes >= IMAGE_BYTES or len(found.samples) >= STEPS:
            self._instances = Instances()
            found.hand_over(self._session, len(known))
            self._next = time.monotonic() + self._seconds
            self._seconds = min(self._seconds * LONGER, LONGEST_SECONDS)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate(parts))
