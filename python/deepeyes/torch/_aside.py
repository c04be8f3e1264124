"""Runs a model aside from its training, and leaves it as it was: attributes, buffers, generators, hooks of others."""

from __future__ import annotations

import random
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_hooks", "_backward_pre_hooks")


@contextmanager
def aside(model: nn.Module) -> Iterator[None]:
    """In this block the model may be run: in eval mode, uncompiled, outside of autocast, and unseen by others' hooks."""
    modules = list(model.modules())
    devices = _devices(model)
    with ExitStack() as stack:
        for kind in {"cpu", *(device.type for device in devices)}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(_uncompiled())
        stack.enter_context(_generators(devices))
        stack.enter_context(_values(modules))
        stack.enter_context(_attributes(modules))
        for module in modules:
            module.training = False
            for name in HOOKS:
                if hooks := getattr(module, name):
                    setattr(module, name, _torchs_own(hooks))
        yield


@contextmanager
def _attributes(modules: list[nn.Module]) -> Iterator[None]:
    """Keeps what the modules' attributes are, and what lists, mappings and sets among them hold."""
    kept = [(module, dict(module.__dict__)) for module in modules]
    holders = [
        (value, type(value)(value))
        for _, attributes in kept
        for value in attributes.values()
        if type(value) in (list, dict, set, OrderedDict)
    ]
    try:
        yield
    finally:
        for module, attributes in kept:
            _restore(module.__dict__, attributes)
        for holder, values in holders:
            if isinstance(holder, dict):
                _restore(holder, values)
            elif len(holder) != len(values) or not all(a is b for a, b in zip(holder, values, strict=True)):
                holder.clear()
                holder.extend(values) if isinstance(holder, list) else holder.update(values)


def _restore(holder: dict[Any, Any], values: dict[Any, Any]) -> None:
    """Gives a mapping its former values, and touches nothing that it still has."""
    for key in [key for key in holder if key not in values]:
        del holder[key]
    for key, value in values.items():
        if key not in holder or holder[key] is not value:
            holder[key] = value


@contextmanager
def _values(modules: list[nn.Module]) -> Iterator[None]:
    """Keeps the buffers' values."""
    buffers = [buffer for module in modules for buffer in module._buffers.values() if buffer is not None]
    kept = [(buffer, buffer._version, buffer.clone()) for buffer in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, version, values in kept:
                if buffer._version != version:
                    buffer.copy_(values)


@contextmanager
def _generators(devices: list[torch.device]) -> Iterator[None]:
    """Keeps the states of the random generators."""
    states = torch.get_rng_state(), [torch.cuda.get_rng_state(device) for device in devices]
    others = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        for device, state in zip(devices, states[1], strict=True):
            torch.cuda.set_rng_state(state, device)
        random.setstate(others[0])
        np.random.set_state(others[1])


def _devices(model: nn.Module) -> list[torch.device]:
    """The CUDA devices that the model lies on."""
    return sorted(
        {p.device for p in model.parameters() if p.device.type == "cuda"}, key=lambda device: device.index or 0
    )


def _torchs_own(hooks):
    """Only the hooks that PyTorch computes weights with (weight norm, pruning): those of others would see runs of ours."""
    kept = type(hooks)()
    for key, hook in hooks.items():
        if type(hook).__module__.startswith("torch."):
            kept[key] = hook
    return kept


@contextmanager
def _uncompiled() -> Iterator[None]:
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # Importing the compiler takes seconds: where nobody has, nothing is compiled.
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
            with torch.compiler.set_stance("force_eager"):
                yield
        else:
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
