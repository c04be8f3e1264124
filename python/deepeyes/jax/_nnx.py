"""A compiled forward pass of a Flax NNX model that gives the activations of its layers."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
from flax import nnx

from .._observe import Observed
from .._reads import Pointwise, Reader, Window, same_padding
from .._session import ReceptiveField
from ._fields import positive, receptive_fields

_KINDS = {nnx.Conv: "conv", nnx.ConvTranspose: "conv_transpose", nnx.Linear: "dense"}
# The order in which each model's layers are called: compiled functions return what they give sorted by name.
_orders: dict[Any, list[str]] = {}
_fields: dict[Any, dict[str, ReceptiveField]] = {}


def forward(model: nnx.Module, arguments: tuple[Any, ...]) -> list[Observed]:
    """The activations of a model's convolutions and linear layers, in the order of their calls, as in evaluation mode. Of a layer
    that is called several times, the first call counts."""
    graph, state = nnx.split(model)
    fields = _fields_of(graph, state, arguments)
    heard, read, output = _forward(graph, state, arguments)
    modules = {_name(path): module for path, module in nnx.iter_modules(model) if type(module) in _KINDS}
    observed = []
    for name in _orders[graph]:
        module, values = modules[name], heard[name]
        kind = _KINDS[type(module)]
        is_output = (
            kind == "dense" and output is not None and values.shape == output.shape and name == _orders[graph][-1]
        )
        observed.append(
            Observed(
                name,
                values,
                channels_last=True,
                kind=kind if kind == "dense" else f"{kind}{values.ndim - 2}d",
                output=is_output,
                receptive_field=fields.get(name),
                reads=_reader(module, read[name]),
                parameters=sum(leaf.size for leaf in jax.tree.leaves(nnx.state(module, nnx.Param))),
            )
        )
    return observed


@partial(jax.jit, static_argnums=0)
def _forward(graph: Any, state: Any, arguments: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any], Any]:
    return _heard(graph, state, arguments)


def _heard(graph: Any, state: Any, arguments: tuple[Any, ...]) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Each layer's values, what it reads, and the model's values, from a copy of the model."""
    model = nnx.merge(graph, state)
    model.eval()
    heard: dict[str, Any] = {}
    read: dict[str, Any] = {}
    for path, module in nnx.iter_modules(model):
        if type(module) in _KINDS:
            _listen(module, _name(path), heard, read)
    output = model(*arguments)
    _orders[graph] = list(heard)
    return heard, read, output if isinstance(output, jax.Array) else None


def _fields_of(graph: Any, state: Any, arguments: tuple[Any, ...]) -> dict[str, ReceptiveField]:
    """What the layers see of images `[n, h, w, 1 or 3]`, probed once for each model and size of image."""
    shape = tuple(getattr(arguments[0], "shape", ()))
    if len(arguments) != 1 or len(shape) != 4 or shape[3] not in (1, 3):
        return {}
    key = (graph, shape[1:])
    if key not in _fields:
        probed = jax.tree_util.tree_map_with_path(positive, state)
        _fields[key] = receptive_fields(lambda x: _heard(graph, probed, (x,))[0], shape[1:])
    return _fields[key]


def _listen(module: nnx.Module, name: str, heard: dict[str, Any], read: dict[str, Any]) -> None:
    """Keeps what a module of the traced copy reads and gives, by a class of its own."""
    kind = type(module)

    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        output = kind.__call__(self, *arguments, **options)
        heard.setdefault(name, output)
        read.setdefault(name, arguments[0] if arguments else options.get("inputs"))
        return output

    object.__setattr__(module, "__class__", type(kind.__name__, (kind,), {"__call__": call}))


def _reader(module: nnx.Module, read: jax.Array) -> Reader | None:
    """How to tell what the positions of a layer read, from its whole input; `None` where they read no window of it."""
    if isinstance(module, nnx.Linear):
        return Pointwise(read)
    if not isinstance(module, nnx.Conv) or module.padding not in ("SAME", "VALID"):
        return None
    axes = len(module.kernel_size)
    strides, dilation = (
        (value or 1,) * axes if isinstance(value, int) or value is None else tuple(value)
        for value in (module.strides, module.kernel_dilation)
    )
    windows = [(k - 1) * d + 1 for k, d in zip(module.kernel_size, dilation, strict=True)]
    pads = [same_padding(*each) // 2 for each in zip(read.shape[-1 - axes : -1], strides, windows, strict=True)]
    before = pads if module.padding == "SAME" else [0] * axes
    return Window(read, module.kernel_size, strides, before, dilation, channels_last=True)


def _name(path: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in path)
