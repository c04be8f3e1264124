"""Watching a training of any framework, by handing over activations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ._arrays import Means, as_numpy, class_numbers, take
from ._guard import Guard
from ._images import Pixels, channels_of, identities
from ._maps import Maps
from ._reader import Instances
from ._reads import Pointwise, Window, read_few
from ._sampler import Layout, Sampler, layout, on_grid
from ._session import Layer, Network, ReceptiveField, Sample, Session


@dataclass
class _Drawn:
    """What was drawn of the step that is being computed: `places` among the `batch` inputs, and rows by layer."""

    batch: int
    places: np.ndarray
    rows: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    # Whether it is kept what the layers read, and what they have read at which of their rows.
    reading: bool
    read: dict[str, tuple[np.ndarray, np.ndarray]]
    answers: np.ndarray | None = None


@dataclass
class Observed:
    """A layer's activations, and what `Observer.observe` takes beside them."""

    name: str
    activations: Any
    channels_last: bool | None = None
    kind: str | None = None
    rectify: str | None = None
    output: bool = False
    receptive_field: Any = None
    parameters: int = 0
    reads: Any = None


class Observer:
    """A run that is written from activations: `observe` each layer, then `step`. Made by `deepeyes.start`. Nothing raises into the
    training: the first failure is told in one warning, and switches the run off."""

    def __init__(
        self, session: Session, numbers: Means, *, mean: Any = None, std: Any = None, channels_last: bool = False
    ) -> None:
        self._session = session
        self._numbers = numbers
        self._channels_last = channels_last
        self._pixels = Pixels(mean, std)
        self._sampler = Sampler(session.options.seed)
        self._layers: dict[str, Layer] = {}
        self._order: list[str] = []
        self._drawn: _Drawn | None = None
        self._maps = Maps(session)
        # Called before a sampled step ends: waits for activations that are still on their way.
        self.before_step: Callable[[], Any] | None = None

    @property
    def guard(self) -> Guard:
        """Keeps failures of what is done for the run out of the training."""
        return self._session.guard

    @property
    def sampling(self) -> bool:
        """Whether activations of the step that is being computed are taken. Where computing them costs extra, do it only then."""
        return self._session.on and self._session.sampling

    @property
    def location(self) -> str | None:
        """The run's directory, or its address on the server; `None` before the first sampled step."""
        return self._session.location

    @property
    def directory(self) -> str | None:
        """The run's directory, made now where there is none yet: for what else belongs to the run, such as TensorBoard's event
        files. `None` where the run is sent to a server, or not recorded."""
        return self._session.directory

    def observe(
        self,
        name: str,
        activations: Any,
        *,
        channels_last: bool | None = None,
        kind: str | None = None,
        rectify: str | None = None,
        output: bool = False,
        receptive_field: Any = None,
        parameters: int = 0,
        reads: Any = None,
    ) -> None:
        """Hands over a layer's activations of a mini-batch; of those a sample is copied now, so that they may be overwritten later.

        `activations`: `[N, F]`, `[N, F, ...]`, or `[N, ..., F]` with `channels_last` (default: the run's), as NumPy, PyTorch, JAX, or
        anything with `__array__` or `__dlpack__`. `kind`: the field's word for the layer (`conv2d`, `dense`; told from the shape).
        `rectify`: `relu`, `abs`, `softmax` or `none` (of an `output` layer `softmax`, else `relu`). `output`: whether it is the
        classifier's output, whose largest filters are the predictions. `receptive_field`: `(size, stride, offset)` in input pixels,
        each a pair (vertical, horizontal): position p sees `size` pixels from `offset + stride * p`. `parameters`: how many it has.
        `reads`: what the layer's positions read, `[N, width]` or `[N, ..., width]`, which the input map is made of.
        """
        self.observe_all(
            [Observed(name, activations, channels_last, kind, rectify, output, receptive_field, parameters, reads)]
        )

    def observe_all(self, observed: Iterable[Observed], began: float | None = None) -> None:
        """Hands over the activations of several layers. `began`: the `time.perf_counter()` at which they began to be computed,
        where the training would not have computed them."""
        began = time.perf_counter() if began is None else began
        for one in observed:
            with self._session.guard.watching(f"the activations of {one.name!r} cannot be read"):
                if self.sampling:
                    self._draw(one)
        self._session.spent(time.perf_counter() - began)

    def announce(self, name: str) -> None:
        """Gives a layer its place among the layers before its activations come."""
        if name not in self._order:
            self._order.append(name)

    def step(
        self,
        *,
        inputs: Any = None,
        labels: Any = None,
        predictions: Any = None,
        indices: Any = None,
        loss: Any = None,
        accuracy: Any = None,
    ) -> None:
        """Ends a step of the training. `inputs`: the mini-batch; images `[N, C, H, W]`, or `[N, H, W, C]` with the run's
        `channels_last`, are shown. `labels`, `predictions`: class numbers `[N]`, or scores `[N, classes]`. `indices` `[N]`: the
        inputs' numbers in the data set; otherwise a hash of its values says who an input is. `accuracy`: told from labels and
        predictions where it is not given."""
        with self._session.guard.watching("activations do not arrive"):
            if self.before_step is not None and self.sampling:
                self.before_step()
        began = time.perf_counter()
        with self._session.guard.watching("a step cannot be recorded"):
            drawn, self._drawn = self._drawn, None
            sample = None
            if drawn is not None and self.sampling:
                sample = self._sample(drawn, inputs, labels, predictions, indices)
            self._session.step(loss, accuracy, sample, began)
            waited, self._numbers.waited = self._numbers.waited, 0.0
            self._session.spent(-waited)
            if sample is not None and drawn is not None and drawn.read:
                began = time.perf_counter()
                number = {name: at for at, name in enumerate(self._layers)}
                read = [(number[name], *found) for name, found in drawn.read.items()]
                self._maps.take(sample, read, len(self._layers))
                self._session.spent(time.perf_counter() - began)

    def validate(self, *, accuracy: Any = None, loss: Any = None) -> None:
        """Records a measurement on held-out data."""
        self._session.validate(accuracy, loss)

    def findings(self) -> list[dict[str, Any]]:
        """The newest findings, most severe first."""
        return self._session.findings()

    def instances(self, layer: str) -> Instances:
        """The newest stored instances of a layer. Raises `deepeyes.Error` where there are none."""
        return self._session.instances_of(layer)

    def close(self) -> None:
        """Stores what waits and ends the run. Does nothing when called again."""
        self._session.close()

    def __enter__(self) -> Observer:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        self._session.close(finished=kind is None)

    def _draw(self, observed: Observed) -> None:
        """Copies a sample of a layer's activations."""
        shape = tuple(observed.activations.shape)
        last = self._channels_last if observed.channels_last is None else observed.channels_last
        batch = shape[0] if shape else 0
        place = layout(shape, batch, None if last or len(shape) <= 2 else len(shape) - 2)
        if place is None:
            raise ValueError(
                f"their shape is {shape}: give [N, F], [N, F, ...], or [N, ..., F] with channels_last=True"
            )
        known = self._known(observed, place, len(shape))
        if known is None:
            return
        if self._drawn is None:
            places = self._sampler.inputs(batch, self._session.limits.places(batch))
            self._drawn = _Drawn(batch, places, {}, self._maps.wanted, {})
        drawn = self._drawn
        if batch != drawn.batch:
            raise ValueError(
                f"{batch} inputs, where this step's other layers have {drawn.batch}: end each step with step()"
            )
        if place.filters != known.filters:
            raise ValueError(f"{place.filters} filters, where it had {known.filters} before")
        count = self._session.limits.positions(len(drawn.places), place.positions, place.filters)
        positions = self._sampler.positions(len(drawn.places), place.positions, count)
        rank = np.repeat(np.arange(len(drawn.places)), positions.shape[1])
        flat = positions.reshape(-1)
        rows = take(observed.activations, place.index(drawn.places[rank], flat))
        rows = np.ascontiguousarray(rows, np.float32)
        drawn.rows[known.name] = (rows, rank.astype(np.uint32), on_grid(flat, place.grid, known.grid).astype(np.uint32))
        if drawn.reading and observed.reads is not None:
            reads = observed.reads
            reader = reads if isinstance(reads, (Pointwise, Window)) else Pointwise(reads)
            drawn.read[known.name] = read_few(reader, place, drawn.places, positions)
        if known.output and place.positions == 1:
            drawn.answers = rows.argmax(1).astype(np.int32)

    def _known(self, observed: Observed, place: Layout, axes: int) -> Layer | None:
        """The layer as the run has it; `None` where the run began without it."""
        if self._session.started or observed.name in self._layers:
            if observed.name not in self._layers:
                self._session.note(f"{observed.name}: first seen after the run had begun, and left out")
            return self._layers.get(observed.name)
        self.announce(observed.name)
        self._layers[observed.name] = layer = Layer(
            name=observed.name,
            kind=observed.kind or ("dense" if axes == 2 else f"conv{axes - 2}d"),
            filters=place.filters,
            grid=place.grid,
            receptive_field=_field(observed.receptive_field),
            parameters=observed.parameters,
            rectify=observed.rectify or ("softmax" if observed.output else "relu"),
            output=observed.output,
        )
        return layer

    def _sample(self, drawn: _Drawn, inputs: Any, labels: Any, predictions: Any, indices: Any) -> Sample:
        values, images = None, None
        if len(getattr(inputs, "shape", ())) > 0 and len(inputs) == drawn.batch:
            values = take(inputs, (drawn.places,))
            if self._channels_last and values.ndim == 4:
                images = self._pixels.of(values.transpose(0, 3, 1, 2))
            else:
                images = self._pixels.of(values)
        if not self._session.started:
            self._start(values, drawn.batch)
        if indices is not None:
            indices = as_numpy(indices).reshape(-1)[drawn.places]
        answers = class_numbers(predictions, drawn.batch, drawn.places)
        order = {name: number for number, name in enumerate(self._layers)}
        return Sample(
            inputs=identities(len(drawn.places), indices, values, self._session.steps),
            labels=class_numbers(labels, drawn.batch, drawn.places),
            predictions=drawn.answers if len(answers) == 0 and drawn.answers is not None else answers,
            images=images,
            layers=[(order[name], *rows) for name, rows in sorted(drawn.rows.items(), key=lambda item: order[item[0]])],
        )

    def _start(self, values: np.ndarray | None, batch: int) -> None:
        image = None
        if values is not None and values.ndim == 4:
            shape = values.transpose(0, 3, 1, 2).shape if self._channels_last else values.shape
            image = shape[1:] if channels_of(shape) is not None else None
        if image is None:
            self._layers = {name: replace(layer, receptive_field=None) for name, layer in self._layers.items()}
        layers = [self._layers[name] for name in self._order if name in self._layers]
        self._layers = {layer.name: layer for layer in layers}
        name = str(self._session.options.name)
        self._session.start(Network(name, layers, sum(layer.parameters for layer in layers), image, batch))


def _field(given: Any) -> ReceptiveField | None:
    if given is None or isinstance(given, ReceptiveField):
        return given
    size, stride, offset = ((int(pair[0]), int(pair[1])) for pair in given)
    return ReceptiveField(size, stride, offset)
