"""Brings what a forward gave to the host, and puts the inputs' labels, pixels and identities beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._images import Pixels, identities
from .._sampler import on_grid
from .._session import NONE_I32, Sample
from ._capture import Forward
from ._describe import Place
from ._tensors import class_labels, pixels, to_host


def gather(
    forward: Forward, known: dict[str, Place], inputs: Any, labels: Any, indices: Any, how: Pixels, step: int
) -> Sample:
    """The sample of a step: of the layers that are `known`, for the inputs that the forward drew."""
    places = forward.places
    layers = [(known[name], layer) for name, layer in forward.layers.items() if name in known]
    layers = [(place, layer) for place, layer in layers if place.filters == layer.rows.shape[1]]
    wanted = [layer.rows for _, layer in layers]
    if forward.answers is not None:
        wanted.append(forward.answers.float())
    arrays = to_host(wanted)
    sample = Sample(np.empty(0, np.int64))
    if forward.answers is not None:
        sample.predictions = arrays.pop().astype(np.int32)
    for (place, layer), rows in zip(layers, arrays, strict=True):
        drawn = layer.drawn
        ranks = np.repeat(np.arange(len(places), dtype=np.uint32), len(rows) // len(places))
        positions = drawn.positions
        if place.skipped:
            kept = positions >= place.skipped
            rows, ranks, positions = np.ascontiguousarray(rows[kept]), ranks[kept], positions[kept] - place.skipped
        else:
            positions = on_grid(positions, drawn.layout.grid, place.grid)
        sample.layers.append((place.number, rows, ranks, positions.astype(np.uint32)))
    of_all = class_labels(labels, forward.batch)
    sample.labels = NONE_I32 if of_all is None else of_all[places]
    fits = isinstance(inputs, Tensor) and inputs.ndim > 0 and len(inputs) == forward.batch
    sample.images = pixels(inputs, places, how) if fits else None
    values = sample.images
    if values is None and fits and indices is None:
        values = inputs.detach()[torch.from_numpy(places).to(inputs.device)].cpu().contiguous()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    if indices is not None:
        indices = (indices.detach().cpu() if isinstance(indices, Tensor) else np.asarray(indices))[places]
    sample.inputs = identities(len(places), indices, values, step)
    return sample
