"""Lightning: `Trainer(callbacks=[deepeyes.lightning.Callback()])`, with `lightning.pytorch` or `pytorch_lightning`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._guard import Guard, enabled
from .torch import Run, watch

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback as Base
elif "lightning.pytorch" in sys.modules or "pytorch_lightning" not in sys.modules:
    try:
        from lightning.pytorch.callbacks import Callback as Base
    except ImportError:
        from pytorch_lightning.callbacks import Callback as Base
else:
    from pytorch_lightning.callbacks import Callback as Base

_INPUTS = ("inputs", "input", "images", "image", "pixel_values", "input_ids", "x", "data")
_LABELS = ("labels", "label", "targets", "target", "y")


class Callback(Base):
    """Watches the module that a trainer fits. Each mini-batch is a step, also where gradients are accumulated.

    `batch`: a function that takes inputs and labels out of a mini-batch, where that is neither a pair nor a mapping with the usual
    names. `accuracy`, `val_accuracy`, `val_loss`: names of logged metrics; those for validation are told from their names
    where absent. `options`: what `deepeyes.watch` takes (`logdir`, `name`, `labels`, `mean`, `std`, `layers`, `budget`, ...).
    """

    def __init__(
        self,
        *,
        batch: Callable[[Any], tuple[Any, Any]] | None = None,
        accuracy: str | None = None,
        val_accuracy: str | None = None,
        val_loss: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.run: Run | None = None
        self._options = options
        self._batch = batch or _inputs_and_labels
        self._accuracy, self._val_accuracy, self._val_loss = accuracy, val_accuracy, val_loss
        self._guard = Guard()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Starts a run."""
        self._guard = Guard(enabled())
        with self._guard.watching("the module cannot be watched"):
            if not self._guard.on:
                return
            self.run = watch(pl_module, **self._options)
            self._guard.when_off(self.run.close)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Records a step."""
        with self._guard.watching("a step cannot be recorded"):
            if self.run is None or not self._guard.on:
                return
            inputs, labels = self._batch(batch)
            loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
            if loss is not None and pl_module.automatic_optimization:
                # The trainer has divided it, for the sum of the accumulated gradients.
                loss = loss * trainer.accumulate_grad_batches
            accuracy = trainer.callback_metrics.get(self._accuracy) if self._accuracy is not None else None
            self.run.step(inputs=inputs, labels=labels, loss=loss, accuracy=accuracy)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Records what was measured on held-out data."""
        with self._guard.watching("a validation cannot be recorded"):
            if self.run is None or trainer.sanity_checking:
                return
            metrics = trainer.callback_metrics
            accuracy = metrics.get(self._val_accuracy or _named(metrics, "acc"))
            loss = metrics.get(self._val_loss or _named(metrics, "loss"))
            if accuracy is not None or loss is not None:
                self.run.validate(accuracy=accuracy, loss=loss)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Ends the run."""
        self._guard.off()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Ends the run as stopped."""
        if self.run is not None:
            self.run.close(finished=False)
        self._guard.off()


def _named(metrics: Mapping[str, Any], part: str) -> str | None:
    """The first validation metric with `part` in its name."""
    return next((name for name in metrics if "val" in name.lower() and part in name.lower()), None)


def _inputs_and_labels(batch: Any) -> tuple[Any, Any]:
    """The inputs and labels of a mini-batch, as far as its form tells them."""
    if isinstance(batch, Mapping):
        return _first(batch, _INPUTS), _first(batch, _LABELS)
    if isinstance(batch, Sequence) and not isinstance(batch, str):
        return (batch[0] if len(batch) > 0 else None), (batch[1] if len(batch) > 1 else None)
    return batch, None


def _first(batch: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((batch[name] for name in names if name in batch), None)
