"""Transformers: `Trainer(..., callbacks=[deepeyes.transformers.Callback()])`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from transformers import TrainerCallback

from ._guard import Guard, enabled
from .torch import Run, watch
from .torch._hooks import Hook

_INPUTS = ("pixel_values", "input_ids", "input_values", "input_features", "inputs_embeds")


class Callback(TrainerCallback):
    """Watches the model that a `Trainer` trains. Each mini-batch is a step, also where gradients are accumulated. Tokens and
    image patches are a layer's instances; labels are those of whole inputs `[N]`, as in classification.

    `options`: what `deepeyes.watch` takes (`logdir`, `name`, `labels`, `mean`, `std`, `layers`, `budget`, `server`, ...). Class
    names are the model's `id2label` where `labels` is absent.
    """

    def __init__(self, **options: Any) -> None:
        self.run: Run | None = None
        self._options = options
        self._guard = Guard()
        self._seen: _Forward | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Starts a run."""
        # A training that was interrupted has not come to its end.
        self._guard.off()
        self._guard = Guard(enabled())
        with self._guard.watching("the model cannot be watched"):
            if not self._guard.on:
                return
            model = kwargs["model"]
            options: dict[str, Any] = {"labels": _classes(model)} | self._options
            self.run = watch(model, **options)
            self._guard.when_off(self.run.close)
            self._seen = _Forward(model, lambda error: self._guard.fail("a forward cannot be followed", error))
            self._guard.when_off(self._seen.remove)

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Records a mini-batch after which the weights stay."""
        self._step(args)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Records a mini-batch."""
        self._step(args)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Records what was measured on held-out data."""
        with self._guard.watching("an evaluation cannot be recorded"):
            if self.run is not None and metrics:
                self.run.validate(accuracy=metrics.get("eval_accuracy"), loss=metrics.get("eval_loss"))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ends the run."""
        self._guard.off()

    def _step(self, args: Any) -> None:
        with self._guard.watching("a step cannot be recorded"):
            if self.run is None or self._seen is None or not self._guard.on:
                return
            seen = self._seen.take()
            loss = seen.get("loss")
            if loss is not None and seen.get("share"):
                loss = loss * args.gradient_accumulation_steps
            self.run.step(inputs=seen.get("inputs"), labels=seen.get("labels"), loss=loss)


class _Forward:
    """Keeps what went into a model's last training forward, and the loss that came out."""

    def __init__(self, model: Any, failed: Callable[[Exception], None]) -> None:
        self._seen: dict[str, Any] = {}
        self._hook = model.register_forward_hook(Hook(self._heard, failed), with_kwargs=True)

    def take(self) -> dict[str, Any]:
        """What was kept, once."""
        seen, self._seen = self._seen, {}
        return seen

    def remove(self) -> None:
        """Takes the hook off."""
        self._hook.remove()

    def _heard(self, model: Any, args: Any, kwargs: Mapping[str, Any], output: Any) -> None:
        if not model.training:
            return
        inputs = next((kwargs[name] for name in _INPUTS if kwargs.get(name) is not None), args[0] if args else None)
        labels = kwargs.get("labels")
        tokens = labels is not None and labels.ndim > 1
        loss = output.get("loss") if isinstance(output, Mapping) else None
        self._seen = {
            "inputs": inputs,
            "labels": None if tokens else labels,
            "loss": None if loss is None else loss.detach(),
            # Models with a label for each token divide by the tokens of all mini-batches until the weights change.
            "share": tokens and kwargs.get("num_items_in_batch") is not None,
        }


def _classes(model: Any) -> list[str] | None:
    names: Mapping[int, str] | None = getattr(getattr(model, "config", None), "id2label", None)
    return None if not names else [names[number] for number in sorted(names)]
