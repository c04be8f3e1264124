"""The run that `watch` gives: what happens at each step of a PyTorch training."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from .._guard import warn
from .._images import Pixels
from .._reader import Instances
from .._sampler import Sampler
from .._session import Options, Sample, Session
from . import _tensors as tensors
from ._collector import Collector, first_tensor
from ._describe import Place, describe
from ._gather import gather
from ._layers import unwrapped
from ._maps import Maps
from ._probe import Probe
from ._ranks import agreed_name, ranks

# How much of the analysis' processor time a training feels: all of it where both want every core.
SHARED_CORES, SPARE_CORES, ACCELERATOR = 1.0, 0.3, 0.2


class Run:
    """One training that is watched. Nothing here raises into the training: the first failure is told in a warning, and
    ends the watching. Use it as a context manager, or call `close`.

    A copy of it (`deepcopy`, pickle) does nothing.
    """

    def __init__(
        self, model: Any, options: Options, layers: Any = None, mean: Any = None, std: Any = None, probe: Any = None
    ) -> None:
        self._session = Session(options, analysis_weight=_analysis_weight(model), numbers=tensors.numbers)
        self._known: dict[str, Place] = {}
        self._collector: Collector | None = None
        self._maps = Maps(self._session)
        self._probe: Probe | None = None
        with self._session.guard.watching("the model cannot be watched"):
            if not self._session.on:
                return
            if not isinstance(model, nn.Module):
                raise TypeError(f"model= is a {type(model).__name__}, and must be a torch.nn.Module")
            self._pixels = Pixels(mean, std)
            compiled, model = "_orig_mod" in model._modules, unwrapped(model)
            self._model = weakref.ref(model)
            self._probe = None if probe is None else Probe(probe, self._session)
            sampler = Sampler(options.seed + (options.rank << 32))
            self._collector = Collector(model, layers, self._session, sampler, compiled)
            self._session.guard.when_off(self._collector.remove)
            weakref.finalize(model, self._session.close).atexit = False

    def __reduce__(self):
        return _inert, ()

    def __deepcopy__(self, _memo: Any) -> Run:
        return _inert()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: Any, _error: Any, _trace: Any) -> None:
        self.close(finished=kind is None)

    @property
    def location(self) -> str | None:
        """The run's directory, or its address on the server; `None` before the first sampled step."""
        return self._session.location

    @property
    def directory(self) -> str | None:
        """The run's directory, made now where there is none yet: for what else belongs to the run, such as TensorBoard's event
        files. `None` where the run is sent to a server, or not recorded."""
        return self._session.directory

    @property
    def notes(self) -> Sequence[str]:
        """What is worth knowing about the run, such as layers that are left out."""
        return tuple(self._session.notes)

    def step(
        self, inputs: Any = None, labels: Any = None, loss: Any = None, accuracy: Any = None, indices: Any = None
    ) -> None:
        """Ends an iteration: call it once after each, with what the forward was given.

        `inputs`: the mini-batch `[n, ...]`; of images `[n, 1 or 3, h, w]` patches are shown. `labels`: class numbers `[n]`
        (-1: none), or one-hot `[n, classes]`. `loss`, `accuracy` (a share in [0, 1]): numbers or tensors, which are not
        waited for. `indices`: the inputs' places in the data set `[n]`, so that they keep their identity; without them,
        inputs are known by their values.
        """
        began = time.perf_counter()
        session = self._session
        if not session.guard.on:
            return
        sample = None
        if session.sampling and self._collector is not None:
            try:
                sample = self._sample(self._collector, inputs, labels, indices)
            except Exception as error:
                session.guard.fail("a step cannot be sampled", error)
            self._collector.forget()
        session.step(tensors.held(loss), tensors.held(accuracy), sample, began)
        if self._probe is not None and self._known and session.on and self._probe.due:
            self._run_probe(self._probe)

    def validate(self, accuracy: Any = None, loss: Any = None) -> None:
        """Records a measurement on held-out data: a share of right answers in [0, 1], a mean loss."""
        self._session.validate(tensors.held(accuracy), tensors.held(loss))

    def findings(self) -> list[dict[str, Any]]:
        """The newest findings, most severe first: `kind`, `layer`, `severity`, `evidence`, `text`, ..."""
        return self._session.findings()

    def instances(self, layer: str) -> Instances:
        """The newest sampled instances of a layer: `activations` `[n, F]`, `labels`, `predictions`, `inputs`, `steps` `[n]`,
        `positions` `[n, 2]`, and of images `rects` `[n, 4]`, `patches` `[n, h, w, c]`."""
        return self._session.instances_of(layer)

    def close(self, finished: bool = True) -> None:
        """Ends the run, and leaves nothing on the model. `finished=False`: it was stopped early."""
        self._session.close(finished)

    def _sample(self, collector: Collector, inputs: Any, labels: Any, indices: Any) -> Sample | None:
        """What the forwards of this step gave, as the session takes it; `None` where they gave nothing."""
        session, model = self._session, self._model()
        forward = collector.take(inputs)
        if forward is None or model is None:
            return None
        if labels is not None and len(labels) != forward.batch and collector.has_second_axis(forward, len(labels)):
            return None
        session.spent(-tensors.wait_for([layer.rows for layer in forward.layers.values()]))
        if not self._known:
            network, self._known = describe(model, forward, collector.layers, labels, session.options.labels)
            session.start(network)
        if inputs is None:
            inputs = first_tensor(forward.args, forward.kwargs)
        sample = gather(forward, self._known, inputs, labels, indices, self._pixels, session.steps)
        if self._probe is None:
            self._maps.add(forward, self._known, sample)
            collector.read = self._maps.wanted
        return sample

    def _run_probe(self, probe: Probe) -> None:
        model, collector = self._model(), self._collector
        if model is None or collector is None:
            return
        try:
            probe.run(model, collector.layers, self._known, self._pixels)
        except Exception as error:
            self._probe = None
            self._session.note(f"The probe cannot be run, and is left out: {error}")
            warn(f"deepeyes leaves the probe out (training goes on): {type(error).__name__}: {error}")


def watch(
    model: nn.Module,
    logdir: str | os.PathLike[str] = "runs",
    *,
    name: str | None = None,
    labels: Sequence[Any] | None = None,
    mean: Any = None,
    std: Any = None,
    budget: float = Options.budget,
    layers: Any = None,
    probe: tuple[Any, Any] | None = None,
    server: str | None = None,
    token: str | None = None,
    window: int = Options.window,
    seed: int = Options.seed,
) -> Run:
    """Watches the training of a model: finds its layers, their nonlinearities and receptive fields by itself.

    `logdir`: where runs are written, or `server` (with its write `token`) where they are sent. `name`: the run's (the
    model's class); one that exists gets `-2`. `labels`: class names. `mean`, `std`: the inputs' normalisation, per channel,
    undone for pictures. `budget`: our share of the step time; with 1, every step is sampled in full. `layers`: the modules
    to watch, by name, pattern (`"features.*"`) or themselves; all that have filters by default. `probe`: a batch
    `(inputs, labels)`, a few hundred of both held-out and training data, that is run aside now and then, in eval mode, so
    that input maps are of the same inputs over the whole run, and layers can be told to be unnecessary. `window`: sampled
    mini-batches of a window. `seed`: of the sampling, which never touches the training's generators.

    Call the run's `step` after each iteration, and `close` at the end. With `torch.distributed`, call it in every process.
    Only forwards in training mode count. It never raises: what is wrong is told in a warning, and nothing is watched.
    """
    rank, world = ranks()
    if name is None:
        name = type(unwrapped(model) if isinstance(model, nn.Module) else model).__name__.lower()
    if world > 1 and server is None:
        name = agreed_name(name, logdir, rank)
    options = Options(
        name=name,
        logdir=logdir,
        server=server,
        token=token,
        labels=labels,
        budget=budget,
        window=window,
        seed=seed,
        rank=rank,
        ranks=world,
    )
    return Run(model, options, layers, mean, std, probe)


def _analysis_weight(model: Any) -> float:
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    if parameter is not None and parameter.device.type != "cpu":
        return ACCELERATOR
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return SHARED_CORES if torch.get_num_threads() >= cores else SPARE_CORES


def _inert() -> Run:
    """What a copy of a run is: the original alone writes it."""
    run = Run(nn.Identity(), Options())
    run.close()
    return run
