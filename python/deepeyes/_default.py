"""`deepeyes.start`, and `deepeyes.observe` on the run that was started last."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from . import _budget
from ._arrays import Means
from ._observe import Observer
from ._session import Options, Session


class _Default:
    """The run of `deepeyes.observe`, and the step that it is at."""

    def __init__(self) -> None:
        self.run: Observer | None = None
        self.step: Any = None
        self.told: dict[str, Any] = {}

    def end_step(self) -> None:
        """Ends the step whose activations came last."""
        if self.run is not None and self.step is not None:
            self.run.step(**self.told)
        self.step, self.told = None, {}


_default = _Default()


def start(
    logdir: str | os.PathLike[str] = "runs",
    *,
    name: str = "run",
    labels: Sequence[Any] | None = None,
    mean: Any = None,
    std: Any = None,
    channels_last: bool = False,
    server: str | None = None,
    token: str | None = None,
    budget: float = _budget.DEFAULT,
    window: int = 20,
    seed: int = 0,
) -> Observer:
    """Starts a run of a training in any framework, and gives what takes its activations.

    `logdir`: where runs are kept; a `name` that exists there gets `-2`. `server`, `token`: a deepeyes server that the run is sent to
    instead. `labels`: class names. `mean`, `std`: how inputs were normalised, per channel, so that they can be shown. `channels_last`:
    whether activations and images are `[N, ..., F]` where nothing else is said. `budget`: the share of the training's time that
    watching may take; 1 or more samples every step. `window`: mini-batches that a statistic covers.
    """
    options = Options(name, logdir, server, token, labels, budget, window, seed)
    numbers = Means()
    run = Observer(Session(options, numbers=numbers), numbers, mean=mean, std=std, channels_last=channels_last)
    _default.end_step()
    _default.run = run
    return run


def observe(
    name: str,
    activations: Any,
    *,
    step: Any,
    inputs: Any = None,
    labels: Any = None,
    predictions: Any = None,
    indices: Any = None,
    loss: Any = None,
    accuracy: Any = None,
    **layer: Any,
) -> None:
    """Hands over a layer's activations of a training step, to the run that was started last, or to a new one in `runs`.

    `step`: the iteration's number; a new one ends the step before. What else is known of a step (`inputs`, `labels`, `predictions`,
    `indices`, `loss`, `accuracy`, as `Observer.step` takes them) may come with any of its layers. `layer`: what `Observer.observe`
    takes. Never raises.
    """
    if _default.run is None:
        start()
    if step != _default.step:
        _default.end_step()
    run = _default.run
    assert run is not None
    _default.step = step
    told = {
        "inputs": inputs,
        "labels": labels,
        "predictions": predictions,
        "indices": indices,
        "loss": loss,
        "accuracy": accuracy,
    }
    _default.told.update({name: value for name, value in told.items() if value is not None})
    run.observe(name, activations, **layer)
