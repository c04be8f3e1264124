"""Tensors as the session wants them: labels, pixels and numbers on the host, with as few copies from the device as can be."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._images import Pixels, channels_of


def held(value: Any) -> Any:
    """A loss or accuracy to be read later: without its graph, on its device."""
    return value.detach() if isinstance(value, Tensor) else value


def numbers(values: list[Any]) -> list[float]:
    """Losses or accuracies as numbers, NaN for `None`; those on a device come over together."""
    tensors = [(at, value) for at, value in enumerate(values) if isinstance(value, Tensor)]
    found = [float("nan") if value is None or isinstance(value, Tensor) else float(value) for value in values]
    away = [(at, value) for at, value in tensors if value.device.type != "cpu"]
    for at, value in tensors:
        if value.device.type == "cpu":
            found[at] = float(value) if value.ndim == 0 else float(value.double().mean())
    if away:
        together = torch.stack([value.to(away[0][1].device).float().mean() for _, value in away])
        for (at, _), number in zip(away, together.tolist(), strict=True):
            found[at] = number
    return found


def wait_for(tensors: Sequence[Tensor]) -> float:
    """Seconds until the devices have computed what the training has given them: that time is the training's own."""
    began = time.perf_counter()
    for device in {tensor.device for tensor in tensors if tensor.device.type != "cpu"}:
        synchronize = getattr(getattr(torch, device.type, None), "synchronize", None)
        if synchronize is not None:
            synchronize()
    return time.perf_counter() - began


def to_host(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """Float32 tensors as arrays of their shapes; of a device's all come in one copy."""
    if all(tensor.device.type == "cpu" for tensor in tensors):
        return [np.ascontiguousarray(tensor.numpy()) for tensor in tensors]
    device = tensors[0].device
    together = torch.cat([tensor.reshape(-1).to(device) for tensor in tensors]).cpu().numpy()
    ends = np.cumsum([tensor.numel() for tensor in tensors])
    return [part.reshape(t.shape) for part, t in zip(np.split(together, ends[:-1]), tensors, strict=True)]


def are_classes(labels: Any) -> bool:
    """Whether labels are class numbers, of inputs, tokens or pixels, or one-hot."""
    if labels is None:
        return False
    kind = labels.dtype if isinstance(labels, Tensor) else torch.as_tensor(np.asarray(labels)).dtype
    return not kind.is_floating_point or (len(labels.shape) == 2 and labels.shape[1] > 1)


def class_labels(labels: Any, batch: int) -> np.ndarray | None:
    """Class numbers `[batch]` int32 of labels `[n]`, of one-hot or soft labels `[n, classes]`; `None` of anything else
    (real numbers, masks, sequences). Raises ValueError where there are none for each input."""
    if labels is None:
        return None
    values = labels.detach() if isinstance(labels, Tensor) else torch.as_tensor(np.asarray(labels))
    if values.ndim == 0 or len(values) != batch:
        raise ValueError(f"labels= has {list(values.shape)} entries for a mini-batch of {batch} inputs")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and values.is_floating_point():
        values = values.argmax(1)
    if values.ndim != 1 or values.is_floating_point():
        return None
    return values.to("cpu", torch.int64).clamp(-1, 2**31 - 1).numpy().astype(np.int32)


def answers(result: Any) -> Tensor | None:
    """The network's output, of a tensor, a tuple that begins with one, or a mapping or object with `logits`."""
    if isinstance(result, dict):
        result = result.get("logits", next(iter(result.values()), None))
    elif not isinstance(result, (Tensor, tuple, list)):
        result = getattr(result, "logits", None)
    if isinstance(result, (tuple, list)):
        result = result[0] if result else None
    return result if isinstance(result, Tensor) else None


def pixels(inputs: Tensor, places: np.ndarray, how: Pixels) -> np.ndarray | None:
    """The pixels `[n, h, w, c]` uint8 of some inputs; `None` where they are no images."""
    channels = channels_of(inputs.shape)
    if channels is None:
        return None
    inputs = inputs.detach()
    if not how.settled and inputs.dtype != torch.uint8:
        low, high = inputs.aminmax()
        how.scale_offset(channels, float(low), float(high))
    if len(places) != len(inputs):
        inputs = inputs[torch.from_numpy(places).to(inputs.device)]
    if inputs.dtype != torch.uint8:
        scale, offset = (torch.from_numpy(part).to(inputs.device).view(-1, 1, 1) for part in how.scale_offset(channels))
        # The half rounds; what is no number becomes some pixel.
        inputs = torch.addcmul(offset + 0.5, inputs.float(), scale).clamp_(0, 255).to(torch.uint8)
    return np.ascontiguousarray(inputs.permute(0, 2, 3, 1).cpu().numpy())
