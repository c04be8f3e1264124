"""Receptive fields of a JAX model by probing gradients: what a position sees is where its gradient in the input is not zero.

Weights are made positive and of unit sum, and inputs positive at random, so that gradients neither cancel nor vanish in a
nonlinearity; several inputs together show the pixels that a maximum passes over in one of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._axis import Axis
from .._session import ReceptiveField

# Probing ends so many seconds after it is compiled; layers that are left have no field.
SECONDS = 4.0
# Inputs that a position is probed with: so many at most, fewer where they would have more pixels together.
MOST_INPUTS, MOST_PIXELS = 12, 1 << 16
# One position is probed in the middle of the grid, and one so many positions on.
APART = 2


def positive(path: tuple[Any, ...], weight: Any) -> Any:
    """A weight as it is probed: biases are 0, scales 1, kernels `[..., out]` positive and of unit sum."""
    if not jnp.issubdtype(weight.dtype, jnp.floating):
        return weight
    if weight.ndim < 2:
        return jnp.zeros_like(weight) if "bias" in jax.tree_util.keystr(path) else jnp.ones_like(weight)
    weight = jnp.abs(weight) + 1e-6
    return weight / weight.sum(tuple(range(weight.ndim - 1)), keepdims=True)


def receptive_fields(outputs: Callable[[Any], dict[str, Any]], image: tuple[int, ...]) -> dict[str, ReceptiveField]:
    """The fields of layers over images `(h, w, c)`: `outputs` gives each layer's values `[n, ..., F]` for images
    `[n, h, w, c]`, by its name."""
    inputs = max(1, min(MOST_INPUTS, MOST_PIXELS // (image[0] * image[1])))
    random = np.random.default_rng(0)
    x = random.uniform(0.5, 1.5, (2 * inputs, *image)).astype(np.float32)

    @jax.jit
    def gradient_of(x: Any, chosen: dict[str, Any]) -> Any:
        values, backward = jax.vjp(outputs, x)
        (gradient,) = backward({name: chosen[name].astype(value.dtype) for name, value in values.items()})
        return jnp.abs(gradient).sum(-1)

    shapes = {name: value.shape for name, value in jax.eval_shape(outputs, x).items()}
    nothing = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    gradient_of(x, nothing)
    deadline = time.monotonic() + SECONDS
    found = {}
    for name, shape in shapes.items():
        if time.monotonic() > deadline:
            break
        grid = shape[1:-1]
        if len(grid) != 2:
            found[name] = ReceptiveField((image[0], image[1]), (0, 0), (0, 0))
            continue
        first = [(extent - 1) // 2 for extent in grid]
        second = [min(at + APART, extent - 1) for at, extent in zip(first, grid, strict=True)]
        chosen = np.zeros(shape, np.float32)
        chosen[:inputs, first[0], first[1]] = chosen[inputs:, second[0], second[1]] = 1
        reached = np.asarray(gradient_of(x, nothing | {name: chosen})).reshape(2, inputs, *image[:2]).max(1)
        found[name] = _field(reached, first, second, image)
    return found


def _field(reached: np.ndarray, first: list[int], second: list[int], image: tuple[int, ...]) -> ReceptiveField:
    """The field of a layer whose two positions have gradients `[2, h, w]`; the whole image where that is no sliding window."""
    parts = []
    for axis in (0, 1):
        places = [np.flatnonzero(lines) for lines in reached.max(2 - axis)]
        if any(len(place) == 0 for place in places):
            break
        starts, ends = (int(places[0][0]), int(places[1][0])), (int(places[0][-1]), int(places[1][-1]))
        part = Axis((first[axis], second[axis]), starts, ends, image[axis], True).field()
        if part is None:
            break
        parts.append(part)
    if len(parts) < 2:
        return ReceptiveField((image[0], image[1]), (0, 0), (0, 0))
    size, stride, offset = zip(*parts, strict=True)
    return ReceptiveField(size, stride, offset)
