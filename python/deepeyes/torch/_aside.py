"""Runs a model aside from its training, and leaves it as it was: mode, buffers, generators, hooks of others."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import nn

HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_hooks", "_backward_pre_hooks")


@contextmanager
def aside(model: nn.Module, training: bool = False) -> Iterator[None]:
    """In this block the model may be run in eval mode, uncompiled, outside of autocast."""
    modules = list(model.modules())
    modes = [module.training for module in modules]
    hooks = [(module, name, found) for module in modules for name in HOOKS if (found := getattr(module, name))]
    buffers = [(module, name, buffer, buffer.clone()) for module, name, buffer in _buffers(modules)]
    versions = [buffer._version for _, _, buffer, _ in buffers]
    devices = _devices(model)
    generators = torch.get_rng_state(), [torch.cuda.get_rng_state(device) for device in devices]
    others = random.getstate(), np.random.get_state()
    with ExitStack() as stack:
        stack.enter_context(_uncompiled())
        for kind in {"cpu", *(device.type for device in devices)}:
            stack.enter_context(torch.autocast(kind, enabled=False))
        try:
            for module in modules:
                module.training = training
            for module, name, found in hooks:
                setattr(module, name, _torchs_own(found))
            yield
        finally:
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode
            for module, name, found in hooks:
                setattr(module, name, found)
            with torch.no_grad():
                for (module, name, buffer, copy), version in zip(buffers, versions, strict=True):
                    if buffer._version != version:
                        buffer.copy_(copy)
                    if module._buffers.get(name) is not buffer:
                        module._buffers[name] = buffer
            torch.set_rng_state(generators[0])
            for device, state in zip(devices, generators[1], strict=True):
                torch.cuda.set_rng_state(state, device)
            random.setstate(others[0])
            np.random.set_state(others[1])


def _buffers(modules: list[nn.Module]) -> Iterator[tuple[nn.Module, str, torch.Tensor]]:
    for module in modules:
        for name, buffer in module._buffers.items():
            if buffer is not None:
                yield module, name, buffer


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
