"""Activations of JAX programs, for a run of `deepeyes.start`."""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from .._observe import Observer


def observe(run: Observer, what: Any, values: Any, *, when: Any = None, **layer: Any) -> None:
    """Hands over activations of the step that is being computed; then call `run.step`. Never raises.

    With a Flax NNX module as `what`, `values` are the inputs of a mini-batch, or a tuple of the module's arguments: on a sampled step
    they are put through a copy of the model in evaluation mode, compiled once, and its convolutions and linear layers are observed.
    The model and its random generators are not touched. Call it outside `jit`.

    With a name as `what`, `values` are that layer's activations `[N, F]` or `[N, ..., F]`; `layer` is what `Observer.observe` takes.
    Inside `jit` they are sent to the host where `when`, a boolean that the compiled function is given (`run.sampling`), is true;
    without it, at every step. Taking values out of a compiled step may change how XLA fuses it, and with that its rounding.
    """
    if isinstance(what, str):
        _observe_layer(run, what, values, when, {"channels_last": True} | layer)
        return
    with run.guard.watching("the model cannot be observed"):
        if not run.sampling:
            return
        from flax import nnx

        from ._nnx import forward

        # Waiting for the training is no time of ours.
        jax.block_until_ready(jax.tree.leaves(nnx.state(what, nnx.Param)))
        began = time.perf_counter()
        run.observe_all(forward(what, values if isinstance(values, tuple) else (values,)), began)


def _observe_layer(run: Observer, name: str, values: Any, when: Any, layer: dict[str, Any]) -> None:
    if not isinstance(values, Tracer):
        run.observe(name, values, **layer)
        return
    with run.guard.watching(f"the activations of {name!r} cannot be observed in compiled code"):
        run.announce(name)
        run.before_step = jax.effects_barrier

        def arrived(array: Any) -> None:
            run.observe(name, np.asarray(array), **layer)

        def send(array: jax.Array) -> None:
            jax.debug.callback(arrived, array)

        if when is None:
            send(values)
        else:
            jax.lax.cond(when, send, lambda _: None, values)
