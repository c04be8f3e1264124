"""Watches `model.fit`: on a sampled step, the inputs of its mini-batch are put through the model once more, as in inference."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import keras

from .. import _budget
from .._default import start
from .._guard import Guard, enabled
from .._observe import Observed, Observer
from ._capture import Capture
from ._graph import Watched, reader, watched_layers


class Callback(keras.callbacks.Callback):
    """Watches the convolutions and dense layers of a model while it is fitted.

    Weights, optimizer, metrics and random generators are what they are without it: it reads each mini-batch as it goes into the
    training step, and on a sampled step computes the activations of its inputs with the weights after that step, without dropout
    and with the moving averages of batch norm. With `steps_per_execution` above 1 the first mini-batch of each execution counts.

    `layers`: names of layers, where not all are to be watched. `name`: the model's where absent. The others: see `deepeyes.start`.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str] = "runs",
        *,
        name: str | None = None,
        layers: Sequence[str] | None = None,
        labels: Sequence[Any] | None = None,
        mean: Any = None,
        std: Any = None,
        server: str | None = None,
        token: str | None = None,
        budget: float = _budget.DEFAULT,
        window: int = 20,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.run: Observer | None = None
        self._layers = layers
        self._options: dict[str, Any] = {
            "logdir": logdir,
            "labels": labels,
            "mean": mean,
            "std": std,
            "server": server,
            "token": token,
            "budget": budget,
            "window": window,
            "seed": seed,
        }
        self._name = name
        self._guard = Guard()
        self._tap: _Tap | None = None
        self._capture: Capture | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts a run."""
        # A fit that was interrupted has not come to its end.
        self._guard.off()
        self._guard = Guard(enabled())
        with self._guard.watching("the model cannot be watched"):
            if not self._guard.on:
                return
            if keras.config.backend() not in ("jax", "torch"):
                raise NotImplementedError(
                    f"the {keras.config.backend()} backend does not show its mini-batches; use JAX or PyTorch"
                )
            model: Any = self.model
            last = keras.config.image_data_format() == "channels_last"
            self.run = start(name=self._name or model.name, channels_last=last, **self._options)
            self._guard.when_off(self.run.close)
            self._tap = _Tap(model)
            self._guard.when_off(self._tap.remove)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Listens to the training step; it is made anew by `compile`, also in the middle of a training."""
        with self._guard.watching("the training step cannot be listened to"):
            if self._guard.on and self._tap is not None:
                self._tap.install()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Records the step."""
        with self._guard.watching("a step cannot be watched"):
            if not self._guard.on or self.run is None or self._tap is None:
                return
            data, self._tap.data = self._tap.data, None
            inputs, labels, _ = keras.utils.unpack_x_y_sample_weight(data) if data is not None else (None, None, None)
            predictions = self._observe(inputs) if data is not None and self.run.sampling else None
            inputs = inputs if hasattr(inputs, "shape") else None
            labels = labels if hasattr(labels, "shape") else None
            self.run.step(inputs=inputs, labels=labels, predictions=predictions, loss=(logs or {}).get("loss"))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Records validation metrics, where there are any."""
        if self.run is not None and logs and "val_loss" in logs:
            accuracies = [logs[name] for name in logs if name.startswith("val_") and "acc" in name]
            self.run.validate(accuracy=accuracies[0] if accuracies else None, loss=logs["val_loss"])

    def on_train_end(self, logs: Any = None) -> None:
        """Ends the run."""
        self._guard.off()

    def _observe(self, inputs: Any) -> Any:
        """Hands over the activations of a mini-batch's inputs; gives the model's scores for them, where it has classes."""
        run, model = self.run, self.model
        assert run is not None and model is not None
        if keras.config.backend() == "jax":
            import jax

            model.jax_state_sync()  # pyright: ignore[reportAttributeAccessIssue]
            # Waiting for the training is no time of ours.
            jax.block_until_ready([variable.value for variable in model.trainable_variables])
        began = time.perf_counter()
        if self._capture is None:
            self._capture = Capture(model, self._chosen(model))
        heard, output = self._capture(inputs)
        observed = [
            Observed(
                watched.name,
                values,
                channels_last=watched.channels_last,
                kind=watched.kind,
                rectify=watched.rectify,
                output=watched.output,
                receptive_field=watched.field and watched.field.pairs(),
                parameters=watched.layer.count_params(),
                reads=reader(watched, read),
            )
            for watched, read, values in heard
        ]
        run.observe_all(observed, began)
        return output if len(getattr(output, "shape", ())) == 2 else None

    def _chosen(self, model: Any) -> list[Watched]:
        found = watched_layers(model)
        if self._layers is None:
            return found
        unknown = set(self._layers) - {watched.name for watched in found}
        if unknown:
            names = ", ".join(watched.name for watched in found)
            raise ValueError(f"no layers {sorted(unknown)}: the model has {names}")
        return [watched for watched in found if watched.name in self._layers]


class _Tap:
    """Shows the mini-batches that go into a model's training step."""

    def __init__(self, model: Any) -> None:
        self.data: Any = None
        self._model = model
        self._original: Callable[..., Any] | None = None
        self._installed: Callable[..., Any] | None = None

    def install(self) -> None:
        """Puts itself before the training step, where it is not there yet."""
        original = self._model.train_function
        if original is None or original is self._installed:
            return

        def listening(*arguments: Any) -> Any:
            *state, batches = arguments
            if isinstance(batches, (list, tuple)):
                self.data = batches[0]
            else:
                self.data = next(batches)
                batches = chain([self.data], batches)
            return original(*state, batches)

        self._original, self._installed = original, listening
        self._model.train_function = listening

    def remove(self) -> None:
        """Takes itself away."""
        if self._installed is not None and self._model.train_function is self._installed:
            self._model.train_function = self._original
        self._installed = None
