"""Which parameters belong to which layer of a model, by their identity: that is how an operation's layer is known, also
where weights are tied or a module is used functionally or twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

# Classes of others that are nonlinearities by their name, such as Transformers' `NewGELUActivation`.
ACTIVATION = re.compile(r"(?i)(relu|gelu|silu|elu|swish|mish|sigmoid|tanh|activation)")


@dataclass(frozen=True)
class Owner:
    """The module that a weight belongs to, or of that module one parameter alone."""

    name: str
    module: nn.Module
    key: str | None = None

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        own = _own(self.module) if self.key is None else [self.module._parameters[self.key]]
        return sum(parameter.numel() for parameter in own if parameter is not None and parameter.requires_grad)


@dataclass
class Layers:
    """A model's layers. `owners`: by `id` of the weight; `derived`: modules whose weight is computed anew in each forward
    (weight norm, spectral norm); `activations`: modules of others that are nonlinearities."""

    owners: dict[int, Owner] = field(default_factory=dict)
    derived: list[Owner] = field(default_factory=list)
    activations: list[nn.Module] = field(default_factory=list)
    # Where each weight was.
    places: list[tuple[nn.Module, str, int]] = field(default_factory=list)

    @property
    def are_stale(self) -> bool:
        """Whether weights were replaced by others since."""
        return any(id(module._parameters.get(key)) != known for module, key, known in self.places)


def unwrapped(model: nn.Module) -> nn.Module:
    """The user's own module inside of `torch.compile`, DDP and DataParallel."""
    while True:
        inner = model._modules.get("_orig_mod")
        if inner is None and isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = model.module
        if inner is None:
            return model
        model = inner


def find(model: nn.Module, wanted: Iterable[Any] | None = None) -> Layers:
    """The layers of a model: all, or the `wanted` ones: modules, names, or patterns such as `features.*`.

    Raises ValueError where one of the wanted is not there.
    """
    layers = Layers()
    named = [(name.replace("_orig_mod.", ""), module) for name, module in model.named_modules()]
    names = [name or _class_name(module) for name, module in named]
    chosen = None if wanted is None else _chosen(wanted, names, [module for _, module in named])
    ranked = sorted(range(len(named)), key=lambda at: not _has_filters(named[at][1]))
    for at in ranked:
        name, module = names[at], named[at][1]
        if _is_activation(module):
            layers.activations.append(module)
        if chosen is not None and name not in chosen:
            continue
        owner = Owner(name, module)
        weights = [(key, p) for key, p in module._parameters.items() if p is not None and _is_weight(p)]
        for key, parameter in weights:
            whole = _has_filters(module) or key == "weight"
            one = owner if whole else Owner(f"{named[at][0]}.{key}".removeprefix("."), module, key)
            layers.owners.setdefault(id(parameter), one)
            layers.places.append((module, key, id(parameter)))
        if _has_filters(module) and module._parameters.get("weight") is None and hasattr(module, "weight"):
            layers.derived.append(owner)
    return layers


def _has_filters(module: nn.Module) -> bool:
    return isinstance(module, (nn.Linear, nn.modules.conv._ConvNd, nn.MultiheadAttention))


def _is_activation(module: nn.Module) -> bool:
    """Whether a module that is not PyTorch's own is a nonlinearity, by its name."""
    if type(module).__module__.split(".")[0] == "torch" or next(module.children(), None) is not None:
        return False
    return ACTIVATION.search(type(module).__name__) is not None and next(module.parameters(), None) is None


def _is_weight(parameter: torch.Tensor) -> bool:
    return isinstance(parameter, nn.parameter.UninitializedParameter) or parameter.ndim >= 2


def _own(module: nn.Module) -> Iterable[nn.Parameter]:
    return module.parameters(recurse=isinstance(module, nn.MultiheadAttention) or hasattr(module, "parametrizations"))


def _class_name(module: nn.Module) -> str:
    return type(module).__name__.lower()


def _chosen(wanted: Iterable[Any], names: list[str], modules: list[nn.Module]) -> set[str]:
    chosen: set[str] = set()
    for one in [wanted] if isinstance(wanted, (str, nn.Module)) else wanted:
        if isinstance(one, nn.Module):
            found = {name for name, module in zip(names, modules, strict=True) if module is one}
        else:
            found = {name for name in names if fnmatchcase(name, str(one))}
        if not found:
            some = ", ".join(name for name, module in zip(names, modules, strict=True) if _has_filters(module))
            raise ValueError(
                f"layers= names {one!r}, which is no module of the model; it has {some or 'no layer with filters'}"
            )
        chosen |= found
    return chosen
