"""A Keras model's graph: which layers are watched, where each one's activation vector is, and what it sees of an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from .._reads import Pointwise, Reader, Window, same_padding
from ._geometry import Field, after, whole_image

_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
_DENSE = (keras.layers.Dense, keras.layers.EinsumDense)
_NONLINEAR = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)
_BETWEEN = (keras.layers.BatchNormalization, keras.layers.Add)


@dataclass
class Watched:
    """A layer with filters. `tail`: the layer whose output is its activation vector; `field`: what its positions see, `None` where
    inputs are not images; `output`: whether it is the model's output."""

    name: str
    layer: Any
    tail: Any
    field: Field | None = None
    output: bool = False

    @property
    def dense(self) -> bool:
        """Whether it has units instead of a grid of positions."""
        return isinstance(self.layer, _DENSE)

    @property
    def channels_last(self) -> bool:
        """Whether its filters are the last axis of its output."""
        return self.dense or getattr(self.layer, "data_format", "channels_last") == "channels_last"

    @property
    def kind(self) -> str:
        """The field's word for it, such as `conv2d`."""
        return type(self.layer).__name__.lower()

    @property
    def rectify(self) -> str:
        """An output's logits become probabilities; all other activations are taken as they are, without what is negative."""
        linear = all(
            getattr(part, "activation", None) in (None, keras.activations.linear) for part in (self.layer, self.tail)
        )
        return "softmax" if self.output and linear else "relu"


def watched_layers(model: Any) -> list[Watched]:
    """Convolutions and dense layers, in the model's order; those of models within it are named by their path."""
    found = [
        Watched(name, layer, layer) for name, layer in _leaves(model, "") if isinstance(layer, _CONVOLUTIONS + _DENSE)
    ]
    graph = _Graph(model)
    for watched in found:
        watched.tail = graph.tail(watched.layer)
        watched.field = graph.fields.get(id(watched.layer))
        watched.output = graph.output is not None and graph.output in (watched.layer, watched.tail)
    return found


def reader(watched: Watched, read: Any) -> Reader | None:
    """How to tell what the positions of a layer read, from its whole input; `None` where they read no window of it."""
    layer = watched.layer
    if read is None or isinstance(layer, keras.layers.EinsumDense) or "Transpose" in type(layer).__name__:
        return None
    if watched.dense:
        return Pointwise(read)
    sides = read.shape[1:-1] if watched.channels_last else read.shape[2:]
    reach = [(k - 1) * d for k, d in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
    before = {
        "valid": [0] * len(reach),
        "causal": reach,
        "same": [same_padding(n, s, r + 1) // 2 for n, s, r in zip(sides, layer.strides, reach, strict=True)],
    }[layer.padding]
    return Window(read, layer.kernel_size, layer.strides, before, layer.dilation_rate, watched.channels_last)


def _leaves(layer: Any, path: str) -> Iterator[tuple[str, Any]]:
    seen = set()
    for part in getattr(layer, "layers", None) or layer._flatten_layers(include_self=False, recursive=False):
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield path + part.name, part
        yield from _leaves(part, f"{path}{part.name}/")


class _Graph:
    """Who reads whose output, in the functional models in and below a model. A model that is written as a class has no graph: its
    layers are their own tails, and what they see is not known."""

    def __init__(self, model: Any) -> None:
        self._readers: dict[int, list[Any]] = {}
        self.fields: dict[int, Field] = {}
        shapes = getattr(model, "inputs", None) or []
        shape = tuple(shapes[0].shape) if len(shapes) == 1 else ()
        image = whole_image(shape)
        outputs = getattr(model, "outputs", None) or []
        self.output = outputs[0]._keras_history.operation if len(outputs) == 1 else None
        self._walk(model, [Field() if image is not None else None], image)

    def tail(self, layer: Any) -> Any:
        """The layer, or what follows it up to its nonlinearity: batch norm, a residual add, an activation."""
        activation = getattr(layer, "activation", None)
        tail = layer
        while activation is None or activation is keras.activations.linear:
            readers = self._readers.get(id(tail), [])
            following = [reader for reader in readers if isinstance(reader, _NONLINEAR)]
            if following:
                return following[0]
            between = [reader for reader in readers if isinstance(reader, _BETWEEN)]
            if len(readers) != 1 or not between:
                return tail if isinstance(tail, _NONLINEAR) or tail is layer else self._settled(layer, tail)
            tail = between[0]
        return tail

    def _settled(self, layer: Any, tail: Any) -> Any:
        """Without a nonlinearity behind it, an add belongs to no layer in particular."""
        return layer if isinstance(tail, keras.layers.Add) else tail

    def _walk(self, model: Any, inputs: list[Field | None], image: tuple[int, int] | None) -> Field | None:
        """Notes readers and fields of a functional model whose inputs see `inputs`; gives what its output sees."""
        graph = getattr(model, "_functional", None) or model
        depths = getattr(graph, "_nodes_by_depth", None)
        if not depths:
            return Field.everything(image) if image is not None else None
        fields: dict[int, Field | None] = {id(t): f for t, f in zip(graph.inputs, inputs, strict=False)}
        for depth in sorted(depths, reverse=True):
            for node in depths[depth]:
                operation = node.operation
                if isinstance(operation, keras.layers.InputLayer):
                    continue
                for tensor in node.input_tensors:
                    producer = tensor._keras_history.operation
                    self._readers.setdefault(id(producer), []).append(operation)
                seen = [fields.get(id(tensor)) for tensor in node.input_tensors]
                field = (
                    self._walk(operation, seen, image) if _is_model(operation) else after(operation, seen, node, image)
                )
                fields.update({id(tensor): field for tensor in node.output_tensors})
                if field is not None:
                    self.fields.setdefault(id(operation), field)
        return fields.get(id(graph.outputs[0]))


def _is_model(operation: Any) -> bool:
    return isinstance(operation, keras.Model) and bool(getattr(operation, "inputs", None))
