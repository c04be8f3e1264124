"""Arrays of any framework as NumPy's: of the whole only what was drawn is copied off a device where the framework allows it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np


def take(array: Any, index: Sequence[Any]) -> np.ndarray:
    """`array[index]` as NumPy; `index` holds integer arrays and slices. A PyTorch tensor is indexed on its own device."""
    if is_tensor(array):
        torch = sys.modules["torch"]
        on_device = tuple(torch.as_tensor(i, device=array.device) if isinstance(i, np.ndarray) else i for i in index)
        return as_numpy(array.detach()[on_device])
    return as_numpy(array)[tuple(index)]


def as_numpy(array: Any) -> np.ndarray:
    """A NumPy array, PyTorch tensor, or whatever offers `__array__` or `__dlpack__`, as NumPy; floats of less than 32 bits
    become float32. A view where that is possible. Raises TypeError for anything else."""
    if is_tensor(array):
        array = array.detach()
        if array.is_floating_point() and array.element_size() < 4:
            array = array.float()
        return array.cpu().numpy()
    if hasattr(array, "__array__"):
        array = np.asarray(array)
    elif hasattr(array, "__dlpack__"):
        array = np.from_dlpack(array)
    elif isinstance(array, (list, tuple, int, float)):
        array = np.asarray(array)
    else:
        raise TypeError(
            f"a {type(array).__name__} is no array: give a NumPy array, or one with __array__ or __dlpack__"
        )
    # JAX's bfloat16 and float8 are types that NumPy itself does not know.
    return array.astype(np.float32) if array.dtype.kind == "V" or array.dtype == np.float16 else array


def is_tensor(array: Any) -> bool:
    """Whether it is a PyTorch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


class Means:
    """Each value's mean as a number, NaN for `None`: losses and accuracies as any framework has them. `waited`: seconds that
    reading them from devices took, which is waiting for the training."""

    def __init__(self) -> None:
        self.waited = 0.0

    def __call__(self, values: Sequence[Any]) -> list[float]:
        began = time.perf_counter()
        found = [float("nan") if value is None else float(as_numpy(value).mean()) for value in values]
        if any(hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray) for value in values):
            self.waited += time.perf_counter() - began
        return found


def class_numbers(values: Any, count: int, places: np.ndarray) -> np.ndarray:
    """Labels or predictions of the drawn inputs, int32: from class numbers `[count]` or `[count, 1]`, or scores and one-hot rows
    `[count, classes]`. Empty where they are nothing of that kind, such as the targets of a regression."""
    none = np.empty(0, np.int32)
    if values is None:
        return none
    values = as_numpy(values)
    if values.ndim == 0 or len(values) != count:
        return none
    if values.ndim == 2 and values.shape[1] > 1:
        return values[places].argmax(1).astype(np.int32)
    values = values.reshape(count, -1)
    if values.shape[1] != 1 or values.dtype.kind not in "iub":
        return none
    return values[places, 0].astype(np.int32)
