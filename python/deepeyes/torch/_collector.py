"""Collects what the forwards of a sampled step give: it follows them where it can, and else replays some inputs."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._sampler import Sampler
from .._session import Session
from ._aside import aside
from ._capture import Capture, Forward
from ._hooks import Entries
from ._layers import find
from ._tensors import answers
from ._trace import Trace

# Sampled steps in a row in which the model is not called, before its children are watched as well.
UNCALLED = 2
# Forwards of one step that are kept: all entries of a model, and the newest where nobody ends the step.
MOST_FORWARDS = 64
# Inputs that are replayed, and failures after which none are.
REPLAYED, MOST_FAILURES = 16, 3
REPLAYING = (
    "The model runs where it cannot be followed (compiled, replicated or as a graph): a few of each sampled step's inputs "
    "are replayed in eval mode."
)


class Collector:
    """Watches a model's forwards for a session, of the `wanted` layers (see `find`). `compiled`: the model is called by its
    compiled wrapper. `read`: whether what the layers read is wanted, too."""

    def __init__(
        self, model: nn.Module, wanted: Any, session: Session, sampler: Sampler, compiled: bool = False
    ) -> None:
        self._model = weakref.ref(model)
        self._wanted, self._session, self._sampler = wanted, session, sampler
        self.layers = find(model, wanted)
        self._compiled = compiled
        self.read = False
        self._forwards: deque[Forward] = deque(maxlen=MOST_FORWARDS)
        self._places: dict[int, np.ndarray] = {}
        self._uncalled = self._failures = 0
        self._evaluated = False
        # The axis of the forward's input along which its inputs lie.
        self._axis = 0
        self._entries = Entries(model, self)

    def remove(self) -> None:
        """Takes everything off the model."""
        self._entries.remove()
        self.forget()

    def forget(self) -> None:
        """Lets go of what was collected."""
        self._forwards.clear()
        self._places.clear()
        self._evaluated = False

    def take(self, inputs: Any) -> Forward | None:
        """What the step's forwards gave together; `None` where that is nothing. `inputs`: the step's, where they are given."""
        self._entries.leave()
        called, self._entries.called = self._entries.called, False
        model = self._model()
        if model is None:
            return None
        if not self._forwards and not self._evaluated and self._is_hidden(model, called):
            self._replay(model, inputs)
        return _together(self._forwards)

    def has_second_axis(self, forward: Forward, batch: int) -> bool:
        """Whether the forward's inputs are not `batch` along its first axis, but along its second, as sequences may be:
        then they are looked for there from now on."""
        first = first_tensor(forward.args, forward.kwargs)
        if self._axis or first is None or first.ndim not in (2, 3) or first.shape[1] != batch:
            return False
        self._axis = 1
        return True

    def wanted(self) -> bool:
        return self._session.sampling and self._session.on

    def spent(self, seconds: float) -> None:
        self._session.spent(seconds)

    def failed(self, error: Exception) -> None:
        self._session.guard.fail("a forward cannot be followed", error)

    def start(self, module: nn.Module, args: Any, kwargs: Any) -> Trace | None:
        if not module.training:
            self._evaluated = True
            return None
        first = first_tensor(args, kwargs)
        if first is None or first.ndim <= self._axis or _is_recorded() or is_compiled(module):
            return None
        model = self._model()
        if model is not None and self.layers.are_stale:
            self.layers = find(model, self._wanted)
        batch = first.shape[self._axis]
        return self._capture(module, args, kwargs, batch) if batch > 0 else None

    def end(self, trace: Trace, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        assert isinstance(trace, Capture)
        trace.end()
        trace.forward.end(answers(result))
        if trace.forward.layers:
            self._forwards.append(trace.forward)

    def _capture(self, module: nn.Module, args: Any, kwargs: Any, batch: int) -> Capture:
        limits = self._session.limits
        if batch not in self._places:
            self._places[batch] = self._sampler.inputs(batch, limits.places(batch))
        forward = Forward(batch, self._places[batch], module, args, kwargs)
        note = self._session.note
        return Capture(self.layers, forward, limits, self._sampler, note, self.failed, self.read)

    def _is_hidden(self, model: nn.Module, called: bool) -> bool:
        """Whether the model seems to run where it cannot be followed (compiled, replicated, as a CUDA graph). It may also be
        that its children are called instead, so that they are watched from now on."""
        if called or self._compiled or is_compiled(model):
            return True
        self._uncalled += 1
        if self._uncalled >= UNCALLED:
            self._entries.deepen()
        return self._uncalled >= UNCALLED

    def _replay(self, model: nn.Module, inputs: Any) -> None:
        """Runs a few of the step's inputs through the model, in eval mode."""
        if not isinstance(inputs, Tensor) or inputs.ndim == 0 or len(inputs) == 0 or self._failures >= MOST_FAILURES:
            return
        self._places[len(inputs)] = self._sampler.inputs(len(inputs), min(REPLAYED, len(inputs)))
        places = self._places[len(inputs)]
        device = next((p.device for p in model.parameters()), inputs.device)
        few = inputs.detach()[torch.from_numpy(places).to(inputs.device)].to(device)
        capture = self._capture(model, (few,), {}, len(few))
        try:
            with aside(model), torch.no_grad(), capture:
                result = model.forward(few)
            self.end(capture, model, (few,), {}, result)
        except Exception as error:
            self._failures += 1
            self._session.note(f"The model runs where it cannot be followed, and cannot be replayed either: {error}")
            return
        self._session.note(REPLAYING)
        forward = capture.forward
        forward.batch, forward.places = len(inputs), places


def first_tensor(args: Any, kwargs: Any) -> Tensor | None:
    """The first tensor among a forward's arguments, or in a list or mapping among them."""
    for value in (*args, *kwargs.values()):
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)
        for part in parts:
            if isinstance(part, Tensor):
                return part
    return None


def is_compiled(model: nn.Module) -> bool:
    """Whether `torch.compile` has a part in the model's forward."""
    return any(module._compiled_call_impl is not None or "_orig_mod" in module._modules for module in model.modules())


def _is_recorded() -> bool:
    return torch.cuda.is_initialized() and torch.cuda.is_current_stream_capturing()


def _together(forwards: Sequence[Forward]) -> Forward | None:
    """The newest forward, with layers that only earlier ones over the same inputs have run through."""
    if not forwards:
        return None
    newest = forwards[-1]
    for forward in list(forwards)[-2::-1]:
        if forward.batch != newest.batch or not np.array_equal(forward.places, newest.places):
            continue
        missing = [name for name in forward.order if name not in newest.order]
        newest.order[:0] = missing
        newest.layers |= {name: forward.layers[name] for name in missing if name in forward.layers}
    return newest
