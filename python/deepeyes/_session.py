"""A run while it is written, for any framework: NumPy rows in, the engine's recorder out.

A producer asks `sampling` before a step, hands over what it sampled with `step`, and every time of its own with `spent`.
The recorder starts with the first sample, when the layers are known.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from . import _budget, _native
from ._guard import Guard, enabled, warn
from ._reader import Instances

# Scalars of unsampled steps are handed over after so many steps or seconds, which may wait for the device once.
MOST_PENDING, PENDING_SECONDS = 256, 2.0
# Steps whose scalars are kept while the engine takes none.
MOST_KEPT = 100_000
# How long a run with an unlimited budget, or one that ends, waits for the analysis.
PATIENCE_SECONDS = 20.0

NONE_I32 = np.empty(0, np.int32)


@dataclass(frozen=True)
class ReceptiveField:
    """Input pixels that a position of a layer's grid sees: `size` pixels from `offset + stride * position`, each
    `(vertical, horizontal)`."""

    size: tuple[int, int]
    stride: tuple[int, int]
    offset: tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """A watched layer. `kind`: the field's word for it (`conv2d`, `dense`, `attention`); `grid`: rows and columns of its
    positions; `rectify`: `relu`, `abs`, `softmax` or `none`; `output`: whether it is the classifier's output."""

    name: str
    kind: str
    filters: int
    grid: tuple[int, int] = (1, 1)
    receptive_field: ReceptiveField | None = None
    parameters: int = 0
    rectify: str = "relu"
    output: bool = False


@dataclass(frozen=True)
class Network:
    """What is watched: the layers in the network's order, parameters of the whole network, the input's `(channels, height,
    width)` where it is an image, and the inputs of a mini-batch."""

    name: str
    layers: Sequence[Layer]
    parameters: int = 0
    input: tuple[int, int, int] | None = None
    batch: int | None = None


@dataclass
class Sample:
    """What was taken of a step. `inputs` `[n]` int64: identities; `labels` (-1: none) and `predictions`, `[n]` int32 or
    empty; `images` `[n, h, w, 1 or 3]` uint8; `layers`: of each its number, rows `[r, F]` float32, each row's place among
    the n inputs and its position, `[r]` uint32, rows of one input together."""

    inputs: np.ndarray
    labels: np.ndarray = field(default_factory=lambda: NONE_I32)
    predictions: np.ndarray = field(default_factory=lambda: NONE_I32)
    images: np.ndarray | None = None
    layers: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """What a user says about a run. `labels`: class names; `rank` of `ranks` processes that train together."""

    name: str = "run"
    logdir: str | os.PathLike[str] = "runs"
    server: str | None = None
    token: str | None = None
    labels: Sequence[Any] | None = None
    budget: float = _budget.DEFAULT
    window: int = 20
    seed: int = 0
    rank: int = 0
    ranks: int = 1


def numbers(values: list[Any]) -> list[float]:
    """Losses or accuracies as numbers, NaN for `None`: the default of a session's `numbers`."""
    return [float("nan") if value is None else float(np.asarray(value, np.float64).mean()) for value in values]


class Session:
    """Writes one run. No method raises, apart from those that give something back when asked for it."""

    def __init__(
        self,
        options: Options,
        *,
        analysis_weight: float = 1.0,
        numbers: Callable[[list[Any]], list[float]] = numbers,
    ) -> None:
        self.options = options
        self.guard = Guard(enabled())
        self.steps = 0
        # Whether the step that is being computed is sampled.
        self.sampling = self.guard.on
        self.notes: list[str] = []
        self._numbers = numbers
        self._recorder: _native.Recorder | None = None
        self._directory: str | None = None
        self._process = os.getpid()
        self._pending: list[tuple[int, Any, Any, float, float]] = []
        self._handed_over = self._last = time.perf_counter()
        self._spent = 0.0
        self._told: set[str] = set()
        self._budget = _budget.Budget()
        with self.guard.watching("the run cannot start"):
            self._budget = _budget.Budget(options.budget, analysis_weight)
        self.guard.when_off(self._stop_sampling)
        self._closed = False
        if self.guard.on:
            _open.add(self)

    def __reduce__(self):
        return _inert, ()

    def __deepcopy__(self, _memo: Any) -> Session:
        return _inert()

    @property
    def on(self) -> bool:
        """Whether anything is still recorded, in this process."""
        return self.guard.on and os.getpid() == self._process

    @property
    def started(self) -> bool:
        """Whether the layers are known."""
        return self._recorder is not None

    @property
    def limits(self) -> _budget.Limits:
        """How much to take of a sampled step."""
        return self._budget.limits()

    @property
    def location(self) -> str | None:
        """The run's directory or address; `None` before the first sampled step."""
        return None if self._recorder is None else self._recorder.location

    @property
    def directory(self) -> str | None:
        """The run's directory, made now where there is none yet; `None` where the run is sent to a server, or not recorded."""
        options = self.options
        if self._directory is None and self.on and options.server is None:
            with self.guard.watching("the run's directory cannot be made"):
                if self._recorder is not None:
                    self._directory = self._recorder.location
                elif options.ranks > 1:
                    self._directory = os.path.join(options.logdir, options.name)
                    os.makedirs(self._directory, exist_ok=True)
                else:
                    self._directory = _native.new_directory(os.fspath(options.logdir), str(options.name))
        return self._directory

    def note(self, text: str) -> None:
        """Keeps something worth knowing (a layer that is left out), once."""
        if text not in self.notes:
            self.notes.append(text)

    def spent(self, seconds: float, apart: bool = False) -> None:
        """Counts time of ours in the step that is being computed, outside `step`; `apart` from what a sampled step costs."""
        self._spent += seconds
        if apart:
            self._budget.charge(seconds)

    def start(self, network: Network) -> None:
        """Begins the run: the layers are known. Once."""
        with self.guard.watching("the run cannot be written"):
            if not self.on or self._recorder is not None:
                return
            options = self.options
            where: dict[str, Any] = {"logdir": os.fspath(options.logdir), "directory": self._directory}
            if options.server is not None:
                where = {"server": options.server, "token": options.token}
            self._recorder = _native.Recorder(
                json.dumps(self._description(network)),
                window=options.window,
                seed=options.seed,
                rank=options.rank,
                ranks=options.ranks,
                **where,
            )

    def step(
        self, loss: Any = None, accuracy: Any = None, sample: Sample | None = None, began: float | None = None
    ) -> None:
        """Ends a step. `loss` and `accuracy` are numbers or anything that the session's `numbers` reads later; `sample` is
        what was taken of a sampled step; `began` is the `time.perf_counter()` at which our part of its end began."""
        with self.guard.watching("a step cannot be recorded"):
            if not self.on:
                return
            now = time.perf_counter()
            began = now if began is None else began
            self.steps += 1
            seconds, self._last = now - self._last, now
            own, self._spent = self._spent + (now - began), 0.0
            sample = sample if self.started else None
            if sample is None or not self._hand_over_sample(sample, loss, accuracy, seconds, own):
                self._pending.append((self.steps, loss, accuracy, seconds, own))
                self._hand_over(only_when_due=sample is None)
            own += time.perf_counter() - now
            analysis = 0.0 if self._recorder is None else self._recorder.cost()
            self.sampling = self._budget.step(seconds, own, analysis, sample is not None) or not self.started
            self._last = time.perf_counter()

    def instances(
        self,
        sample: Sample,
        layers: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
    ) -> bool:
        """Hands over instances for the input maps. Of each watched layer, in order: places and positions `[n]` uint32, raw
        activations `[n, F]` and neuronal receptive fields `[n, width]` float32. False where too much waits."""
        with self.guard.watching("instances cannot be recorded"):
            if self.on and self._recorder is not None:
                return self._recorder.instances(
                    self.steps, sample.inputs, sample.labels, sample.predictions, sample.images, layers
                )
        return False

    def probe(self, labels: np.ndarray, held_out: np.ndarray, features: Sequence[np.ndarray]) -> bool:
        """Hands over features `[inputs, width]` of each watched layer. False where too much waits."""
        with self.guard.watching("a probe cannot be recorded"):
            if self.on and self._recorder is not None:
                return self._recorder.probe(self.steps, labels, held_out, features)
        return False

    def validate(self, accuracy: Any = None, loss: Any = None) -> None:
        """Records a measurement on held-out data. Its time is not counted as a step's."""
        with self.guard.watching("a validation cannot be recorded"):
            if not self.on:
                return
            if self._recorder is not None:
                self._hand_over(only_when_due=False)
                self._recorder.validation(self.steps, *self._numbers([accuracy, loss]))
            self._last = time.perf_counter()

    def findings(self) -> list[dict[str, Any]]:
        """The newest findings, most severe first."""
        return [] if self._recorder is None else json.loads(self._recorder.findings())

    def instances_of(self, layer: str) -> Instances:
        """The newest stored instances of a layer, as arrays."""
        if self._recorder is None or self.options.server is not None:
            raise _native.Error(
                "instances are read from a run in a log directory, and this one has none "
                "(nothing was sampled yet, or it is sent to a server)"
            )
        return Instances(_native.instances(self._recorder.location, layer, os.fspath(self.options.logdir)))

    def close(self, finished: bool = True) -> None:
        """Stores what waits and ends the run. Does nothing when called again."""
        _open.discard(self)
        if self._closed or os.getpid() != self._process:
            return
        self._closed = True
        failed = not self.guard.on
        if self._recorder is None:
            if not failed and self.steps > 0:
                warn(f"deepeyes wrote nothing: no layer was seen in {self.steps} steps. {' '.join(self.notes)}".strip())
            self.guard.off()
            return
        with self.guard.watching("the run cannot be ended"):
            if not failed:
                self._wait(lambda: self._hand_over(only_when_due=False))
            self._recorder.finish(finished and not failed)
            self._tell(self._recorder)
        self.guard.off()

    def _description(self, network: Network) -> dict[str, Any]:
        options = self.options
        return {
            "name": str(options.name),
            "network": network.name,
            "network_toml": "",
            "layers": [asdict(layer) for layer in network.layers],
            "parameters": network.parameters,
            "multiply_adds": None,
            "classes": [str(label) for label in options.labels or ()],
            "data": "",
            "input": network.input,
            "training_inputs": None,
            "iterations": None,
            "batch": network.batch,
            "seed": None,
            "settings": json.dumps({"budget": options.budget, "notes": self.notes}),
        }

    def _hand_over_sample(self, sample: Sample, loss: Any, accuracy: Any, seconds: float, own: float) -> bool:
        began = time.perf_counter()
        if accuracy is None:
            accuracy = _accuracy(sample)
        recorder = self._recorder
        assert recorder is not None
        loss_number, accuracy_number = self._numbers([loss, accuracy])
        if not self._hand_over(only_when_due=False):
            self._budget.refused()
            return False
        own += time.perf_counter() - began

        def offer() -> bool:
            return recorder.batch(
                self.steps,
                loss_number,
                accuracy_number,
                seconds,
                own,
                sample.inputs,
                sample.labels,
                sample.predictions,
                sample.images,
                sample.layers,
            )

        taken = self._wait(offer) if self._budget.unlimited else offer()
        if not taken:
            self._budget.refused()
        self._tell(recorder)
        return taken

    def _hand_over(self, only_when_due: bool) -> bool:
        """Hands pending scalars over; false where they still wait."""
        if not self._pending:
            return True
        now = time.perf_counter()
        if only_when_due and len(self._pending) < MOST_PENDING and now - self._handed_over < PENDING_SECONDS:
            return False
        self._handed_over = now
        steps, losses, accuracies, seconds, own = (list(part) for part in zip(*self._pending, strict=True))
        losses, accuracies = self._numbers(losses), self._numbers(accuracies)
        if self._recorder is not None and self._recorder.scalars(steps, losses, accuracies, seconds, own):
            self._pending.clear()
            return True
        # Read once, so that no tensor is kept for long.
        self._pending = list(zip(steps, losses, accuracies, seconds, own, strict=True))[-MOST_KEPT:]
        return False

    def _wait(self, offer: Callable[[], bool]) -> bool:
        """Offers until taken, or until patience ends."""
        end = time.perf_counter() + PATIENCE_SECONDS
        while not offer():
            if time.perf_counter() > end:
                return False
            time.sleep(0.002)
        return True

    def _tell(self, recorder: _native.Recorder) -> None:
        for problem in recorder.problems():
            if problem not in self._told:
                self._told.add(problem)
                warn(f"deepeyes: {problem} (training goes on)")

    def _stop_sampling(self) -> None:
        self.sampling = False
        self._pending.clear()


def _accuracy(sample: Sample) -> float | None:
    """Share of right predictions among the labelled inputs of a sample."""
    if len(sample.labels) == 0 or len(sample.labels) != len(sample.predictions):
        return None
    labelled = sample.labels >= 0
    return float((sample.labels == sample.predictions)[labelled].mean()) if labelled.any() else None


def _inert() -> Session:
    """What a copy of a session is: the original alone writes the run."""
    session = Session(Options())
    session.close()
    return session


_open: set[Session] = set()


@atexit.register
def _close_all() -> None:
    """Ends the runs that are open when the interpreter exits: as stopped where an exception ends it."""
    for session in list(_open):
        session.close(finished=getattr(sys, "last_value", None) is None)
