"""Instances for the input maps: what layers read and answer at a few positions of some inputs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ._session import Sample, Session

# A layer's number, which of its rows in the sample are instances of the map `[m]`, and what those read `[m, width]` float32.
Read: TypeAlias = tuple[int, np.ndarray, np.ndarray]

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
        self._met: set[int] = set()
        self._layers: dict[int, _Parts] = {}

    def take(self, sample: Sample, read: Sequence[Read]) -> bool:
        """Takes the instances of a `sample` of which it is known what they `read`, of inputs that were not met before; false where
        there are none to take from."""
        new = self._first_met(sample.inputs) if read else np.empty(0, bool)
        rows_of = {number: taken for number, *taken in sample.layers}
        for number, chosen, values in read:
            if number not in rows_of:
                continue
            rows, places, positions = rows_of[number]
            kept = new[places[chosen]]
            chosen, values = chosen[kept], values[kept]
            parts = self._layers.setdefault(number, _Parts())
            parts.places.append(places[chosen] + np.uint32(self.inputs))
            parts.positions.append(positions[chosen])
            parts.activations.append(rows[chosen])
            parts.fields.append(values)
        if read:
            self.samples.append(sample)
            self.inputs += len(sample.inputs)
            self.image_bytes += 0 if sample.images is None else sample.images.nbytes
        return bool(read)

    def _first_met(self, inputs: np.ndarray) -> np.ndarray:
        """Which of the inputs are met here for the first time, `[n]` bool: an input comes twice in small data."""
        new = np.zeros(len(inputs), bool)
        for place, identity in enumerate(inputs.tolist()):
            new[place] = identity not in self._met
            self._met.add(identity)
        return new

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

    def take(self, sample: Sample, read: Sequence[Read], layers: int) -> None:
        """Takes a step's instances, of a run with `layers` layers."""
        found = self._instances
        if not found.take(sample, read):
            return
        if found.inputs >= INPUTS or found.image_bytes >= IMAGE_BYTES or len(found.samples) >= STEPS:
            self._instances = Instances()
            found.hand_over(self._session, layers)
            self._next = time.monotonic() + self._seconds
            self._seconds = min(self._seconds * LONGER, LONGEST_SECONDS)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate(parts))
