"""Where a model is entered: hooks on the outermost modules that are called, which cost next to nothing unless a step is
sampled, and which leave nothing on the model."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import nn

from ._trace import Trace

# Children are looked at where the model itself is never called, so many levels down, and so many modules at most.
DEEPEST, MOST_ENTRIES = 4, 64


def _nothing() -> Callable[..., None]:
    """A picklable function of the standard library that takes anything and does nothing: what a hook of ours is in a copy
    of the model."""
    return contextlib.nullcontext().__exit__


class Hook:
    """Calls `function`, in the original model alone; what it raises goes to `failed`."""

    def __init__(self, function: Callable[..., None], failed: Callable[[Exception], None]) -> None:
        self._function, self._failed = function, failed

    def __call__(self, *arguments: Any) -> None:
        if torch.compiler.is_compiling():
            return
        try:
            self._function(*arguments)
        except Exception as error:
            self._failed(error)

    def __reduce__(self):
        return getattr, (contextlib.nullcontext(), "__exit__")

    def __deepcopy__(self, _memo: Any) -> Callable[..., None]:
        return _nothing()


class Watcher(Protocol):
    """Who wants to see forwards."""

    def wanted(self) -> bool:
        """Whether the forwards of this step are wanted."""
        ...

    def start(self, module: nn.Module, args: Any, kwargs: Any) -> Trace | None:
        """A forward begins; gives what is to follow it."""
        ...

    def end(self, trace: Trace, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        """A forward has come to its end. One that raises does not."""
        ...

    def spent(self, seconds: float) -> None:
        """So much time has gone into the above."""
        ...

    def failed(self, error: Exception) -> None:
        """One of the above has raised."""
        ...


class Entries:
    """Enters a trace in the outermost watched call of a model, where its watcher wants it."""

    def __init__(self, model: nn.Module, watcher: Watcher) -> None:
        self._watcher = watcher
        self._modules: weakref.WeakSet[nn.Module] = weakref.WeakSet()
        self._frontier: list[weakref.ref[nn.Module]] = []
        self._handles: list[Any] = []
        self._depth = 0
        self._active: tuple[nn.Module, int, Trace, Any, Any] | None = None
        # Whether a wanted forward was seen since this was last set to false.
        self.called = False
        self._hook([model])

    def deepen(self) -> bool:
        """Hooks the children, too: the model itself is not called. False where there are no more."""
        self._depth += 1
        children = [
            child for parent in self._frontier if (module := parent()) is not None for child in module.children()
        ]
        if self._depth > DEEPEST or not children or len(self._modules) + len(children) > MOST_ENTRIES:
            return False
        self._hook(children)
        return True

    def remove(self) -> None:
        """Takes all hooks off."""
        self.leave()
        while self._handles:
            self._handles.pop().remove()

    def leave(self) -> None:
        """Ends a trace that a forward left behind, as one that was interrupted does."""
        if self._active is not None:
            trace, self._active = self._active[2], None
            _take_off(trace)

    def _hook(self, modules: list[nn.Module]) -> None:
        failed = self._watcher.failed
        for module in modules:
            before, after = Hook(self._before, failed), Hook(self._after, failed)
            self._handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
            self._handles.append(module.register_forward_hook(after, with_kwargs=True, always_call=True))
        self._modules.update(modules)
        self._frontier = [weakref.ref(module) for module in modules]

    def _before(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if not self._watcher.wanted():
            return
        began = time.perf_counter()
        # A replica of DataParallel has our hooks, and is none of the modules.
        if module not in self._modules or torch._C._get_tracing_state() is not None:
            return
        self.called = True
        if self._active is not None:
            inside = self._active[0] is not module and _is_on(self._active[2])
            if inside or self._active[1] != threading.get_ident():
                return
            self.leave()
        trace = self._watcher.start(module, args, kwargs)
        if trace is not None:
            self._active = module, threading.get_ident(), trace, args, kwargs
            trace.__enter__()
        self._watcher.spent(time.perf_counter() - began)

    def _after(self, module: nn.Module, _args: Any, _kwargs: Any, result: Any = None) -> None:
        if self._active is None or self._active[0] is not module:
            return
        began = time.perf_counter()
        (_, _, trace, args, kwargs), self._active = self._active, None
        _take_off(trace)
        if result is not None:
            self._watcher.end(trace, module, args, kwargs, result)
        self._watcher.spent(time.perf_counter() - began)


def _stack() -> list[Any]:
    count = torch._C._len_torch_function_stack()
    return [torch._C._get_function_stack_at(at) for at in range(count)]


def _is_on(trace: Trace) -> bool:
    return any(mode is trace for mode in _stack())


def _take_off(trace: Trace) -> None:
    """Takes a trace from wherever it is in the stack of function modes."""
    trace.release()
    if not _is_on(trace):
        return
    above = []
    while (mode := torch._C._pop_torch_function_stack()) is not trace:
        above.append(mode)
    for mode in reversed(above):
        torch._C._push_on_torch_function_stack(mode)
