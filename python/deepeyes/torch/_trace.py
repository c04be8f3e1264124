"""Follows a forward pass function by function, and tells where each layer's activation vector is: after what belongs to
the layer (batch norm, dropout, a residual add), and after the first nonlinearity that follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from . import _roles as roles
from ._layers import Layers, Owner


@dataclass
class Tag:
    """A layer whose activation vector is still to come. `shape`: its own output's; `payload`: what `begin` gave."""

    owner: Owner
    shape: torch.Size
    payload: Any
    # Whether it was taken before a norm, and counts unless a nonlinearity follows.
    provisional: bool = False


class Trace(TorchFunctionMode):
    """Sees every function that is called on tensors in one thread while it is entered. Subclasses say what to do."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self._layers = layers
        # A tagged tensor is held until it is read, so that its `id` is its own.
        self._pending: dict[int, tuple[torch.Tensor, list[Tag]]] = {}
        self._seen: set[str] = set()
        self._derived: Owner | None = None
        self._inside: tuple[torch.Tensor, list[Tag]] | None = None
        self._handles: list[Any] = []

    def begin(
        self, owner: Owner, kind: str, spatial: int | None, out: torch.Tensor, read: Any, call: tuple[Any, Any]
    ) -> Any:
        """A layer has read `read` and given `out`, called with `call`; returns its tag's payload, or `None` to leave it."""
        raise NotImplementedError

    def finish(self, tag: Tag, values: torch.Tensor) -> None:
        """`values`, of the tag's shape, are a layer's activations."""
        raise NotImplementedError

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Calls a function."""
        return func(*args, **kwargs)

    def end(self) -> None:
        """The forward is over: what has a tag still is as it stays."""
        pending, self._pending = self._pending, {}
        for values, tags in pending.values():
            self._finish(tags, values)

    def __enter__(self):
        for owner in self._layers.derived:
            self._handles.append(owner.module.register_forward_pre_hook(partial(self._expect, owner)))
        for module in self._layers.activations:
            self._handles.append(module.register_forward_pre_hook(self._before_activation))
            self._handles.append(module.register_forward_hook(self._after_activation))
        return super().__enter__()

    def __exit__(self, *error: Any):
        self.release()
        return super().__exit__(*error)

    def release(self) -> None:
        """Takes its hooks off the modules."""
        while self._handles:
            self._handles.pop().remove()

    def failed(self, error: Exception) -> None:
        """Something of ours failed, not of the model's."""
        raise error

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        layer = roles.LAYERS.get(func)
        if (layer is None and not self._pending) or torch.compiler.is_compiling():
            return self.compute(func, args, kwargs)
        taken = []
        try:
            taken = self._take(func, args, kwargs)
        except Exception as error:
            self.failed(error)
        result = self.compute(func, args, kwargs)
        try:
            self._pass_on(func, taken, result)
            if layer is not None:
                self._layer(layer, args, kwargs, result)
        except Exception as error:
            self.failed(error)
        return result

    def _take(self, func: Any, args: Any, kwargs: Any) -> list[tuple[Tag, torch.Tensor]]:
        """The tags that `func` passes on, each with its values; those that it does not are finished with what it is about
        to read."""
        if not self._pending or func in roles.LOOKS or getattr(func, "__name__", "") == "__get__":
            return []
        taken = []
        for tensor in _tensors(args, kwargs):
            _, tags = self._pending.pop(id(tensor), (None, ()))
            if not tags:
                continue
            if func in roles.PASSING:
                taken += [(tag, tensor) for tag in tags]
            else:
                self._finish(tags, tensor)
            if func in roles.TOKEN_NORMS:
                self._finish(tags, tensor)
                for tag in tags:
                    tag.provisional = True
        return taken

    def _pass_on(self, func: Any, taken: list[tuple[Tag, torch.Tensor]], result: Any) -> None:
        for tag, before in taken:
            # All that is passed on keeps the order of the values, so that as many are the same ones.
            if not isinstance(result, torch.Tensor) or result.numel() != tag.shape.numel():
                self._finish([tag], before)
            elif func in roles.NONLINEARITIES:
                tag.provisional = False
                self._finish([tag], result)
            else:
                self._pending.setdefault(id(result), (result, []))[1].append(tag)

    def _layer(self, layer: tuple[str, int, str, int | None], args: Any, kwargs: Any, result: Any) -> None:
        kind, place, name, spatial = layer
        weight = args[place] if len(args) > place else kwargs.get(name)
        if kind == "attention" and weight is None:
            weight = kwargs.get("q_proj_weight")
        owner = self._layers.owners.get(id(weight))
        if owner is None and not isinstance(weight, nn.Parameter):
            owner = self._derived
        self._derived = None
        out = result[0] if isinstance(result, tuple) else result
        if owner is None or owner.name in self._seen or not isinstance(out, torch.Tensor):
            return
        self._seen.add(owner.name)
        first = max(place - 1, 0) if kind == "dense" else 0
        read = args[first] if len(args) > first else kwargs.get("input")
        payload = self.begin(owner, kind, spatial, out, read, (args, kwargs))
        if payload is not None:
            self._pending[id(out)] = (out, [Tag(owner, out.shape, payload)])

    def _finish(self, tags: list[Tag], values: torch.Tensor) -> None:
        for tag in tags:
            if not tag.provisional:
                self.finish(tag, values if values.shape == tag.shape else values.reshape(tag.shape))

    def _expect(self, owner: Owner, _module: nn.Module, _args: Any) -> None:
        self._derived = owner

    def _before_activation(self, _module: nn.Module, args: Any) -> None:
        self._inside = self._pending.pop(id(args[0]), None) if args else None

    def _after_activation(self, _module: nn.Module, _args: Any, result: Any) -> None:
        entry, self._inside = self._inside, None
        if entry is None:
            return
        values, tags = entry
        for tag in tags:
            fits = isinstance(result, torch.Tensor) and result.numel() == tag.shape.numel()
            tag.provisional &= not fits
            self._finish([tag], result if fits else values)


def _tensors(args: Any, kwargs: Any) -> Iterator[torch.Tensor]:
    for part in (*args, *kwargs.values()):
        if isinstance(part, torch.Tensor):
            yield part
        elif isinstance(part, (list, tuple)):
            yield from (one for one in part if isinstance(one, torch.Tensor))
