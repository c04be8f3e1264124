"""Receptive fields along a Keras graph, by arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from .._reads import same_padding

Pair = tuple[int, int]


@dataclass(frozen=True)
class Field:
    """What the positions of a grid see of the image: `offset + stride * position`, `size` pixels; all (vertical, horizontal)."""

    size: Pair = (1, 1)
    stride: Pair = (1, 1)
    offset: Pair = (0, 0)

    @classmethod
    def everything(cls, image: Pair) -> Field:
        """Every position sees the whole image."""
        return cls(image, (0, 0), (0, 0))

    def pairs(self) -> tuple[Pair, Pair, Pair]:
        """As `Observer.observe` takes it."""
        return self.size, self.stride, self.offset


def whole_image(shape: Sequence[int | None]) -> Pair | None:
    """Height and width of images `[n, h, w, 1 or 3]`, or `[n, 1 or 3, h, w]` where Keras has channels first; else `None`."""
    if len(shape) != 4:
        return None
    first = keras.config.image_data_format() == "channels_first"
    channels, (height, width) = (shape[1], shape[2:]) if first else (shape[3], shape[1:3])
    return (height, width) if channels in (1, 3) and height and width else None


def after(operation: Any, inputs: Sequence[Field | None], node: Any, image: Pair | None) -> Field | None:
    """What the output of an operation sees, whose inputs see `inputs`; `None` where that is not known."""
    known = [field for field in inputs if field is not None]
    if image is None or not known:
        return None
    if isinstance(operation, _GRID) and len(known) == 1:
        return _window(operation, known[0], node)
    if isinstance(operation, _POINTWISE):
        return _together(known, image)
    return Field.everything(image)


_GRID = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.ZeroPadding2D,
    keras.layers.Cropping2D,
)
_POINTWISE = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.BatchNormalization,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Identity,
    keras.layers.Add,
    keras.layers.Average,
    keras.layers.Maximum,
    keras.layers.Minimum,
    keras.layers.Multiply,
    keras.layers.Subtract,
    keras.layers.Concatenate,
)


def _window(operation: Any, field: Field, node: Any) -> Field:
    """A sliding window over a grid that sees `field`."""
    if isinstance(operation, keras.layers.ZeroPadding2D):
        (top, _), (left, _) = operation.padding
        return Field(field.size, field.stride, _moved(field, (-top, -left)))
    if isinstance(operation, keras.layers.Cropping2D):
        (top, _), (left, _) = operation.cropping
        return Field(field.size, field.stride, _moved(field, (top, left)))
    kernel = getattr(operation, "kernel_size", None) or operation.pool_size
    dilation = getattr(operation, "dilation_rate", (1, 1))
    steps = operation.strides
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    before = (0, 0)
    if operation.padding == "same":
        lengths = _grid(node.input_tensors[0].shape, operation.data_format)
        total = [same_padding(length, step, r + 1) for length, step, r in zip(lengths, steps, reach, strict=True)]
        before = (total[0] // 2, total[1] // 2)
    return Field(
        size=(field.size[0] + reach[0] * field.stride[0], field.size[1] + reach[1] * field.stride[1]),
        stride=(field.stride[0] * steps[0], field.stride[1] * steps[1]),
        offset=_moved(field, (-before[0], -before[1])),
    )


def _moved(field: Field, positions: Pair) -> Pair:
    """The offset of a grid that begins `positions` later than the one that sees `field`."""
    return field.offset[0] + positions[0] * field.stride[0], field.offset[1] + positions[1] * field.stride[1]


def _grid(shape: Sequence[int | None], data_format: str) -> Sequence[int | None]:
    return shape[2:4] if data_format == "channels_first" else shape[1:3]


def _together(fields: Sequence[Field], image: Pair) -> Field:
    """The smallest field around several of one grid."""
    if any(field.stride != fields[0].stride for field in fields):
        return Field.everything(image)
    first = [min(field.offset[axis] for field in fields) for axis in (0, 1)]
    last = [max(field.offset[axis] + field.size[axis] for field in fields) for axis in (0, 1)]
    return Field((last[0] - first[0], last[1] - first[1]), fields[0].stride, (first[0], first[1]))
