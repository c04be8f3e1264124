"""Keras 3: `model.fit(..., callbacks=[deepeyes.keras.Callback()])`, on the JAX and PyTorch backends."""

from ._callback import Callback

__all__ = ["Callback"]
