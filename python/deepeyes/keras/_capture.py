"""One forward pass, as in inference, that gives the activations of the watched layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from ._graph import Watched


@dataclass
class Heard:
    """A layer's input and output."""

    input: Any
    output: Any


class Capture:
    """Calls a model on a mini-batch and listens to its layers. Of a layer that is called several times, the first call counts."""

    def __init__(self, model: Any, watched: Sequence[Watched]) -> None:
        self._model = model
        self._watched = watched

    def __call__(self, inputs: Any) -> tuple[list[tuple[Watched, Any, Any]], Any]:
        """Each watched layer with what it reads and its activations, and the model's output."""
        heard: dict[int, Heard] = {}
        with ExitStack() as stack:
            listened = [part for watched in self._watched for part in (watched.layer, watched.tail)]
            for layer in {id(layer): layer for layer in listened}.values():
                stack.enter_context(_listening(layer, heard))
            stack.enter_context(_without_gradients())
            # What the layers would write down (losses, averages, states of generators) goes into the scope, and away with it.
            stack.enter_context(keras.StatelessScope())
            output = self._model(inputs, training=False)
        called = [watched for watched in self._watched if id(watched.tail) in heard and id(watched.layer) in heard]
        return [(watched, heard[id(watched.layer)].input, heard[id(watched.tail)].output) for watched in called], output


@contextmanager
def _listening(layer: Any, heard: dict[int, Heard]) -> Iterator[None]:
    """Keeps a layer's first input and output for as long as the context lasts."""
    call = layer.call

    def listening(*arguments: Any, **options: Any) -> Any:
        output = call(*arguments, **options)
        heard.setdefault(id(layer), Heard(arguments[0] if arguments else None, output))
        return output

    object.__setattr__(layer, "call", listening)
    try:
        yield
    finally:
        object.__delattr__(layer, "call")


@contextmanager
def _without_gradients() -> Iterator[None]:
    if keras.config.backend() != "torch":
        yield
        return
    import torch

    with torch.no_grad():
        yield
