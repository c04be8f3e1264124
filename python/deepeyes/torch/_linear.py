"""PyTorch's functions as stand-ins that are linear and positive, and depend on the very same places of what they read.

A gradient through them is nonzero exactly where an output sees an input: nothing cancels, and no nonlinearity or weight is
zero by chance. Convolutions compute one channel for all, since a layer's filters see the same places.

Two things are left out on purpose: statistics of norms, and gates that are computed from a whole map and scale it (squeeze
and excitation). Both would make everything after them see the whole input.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import _roles as roles


def thin(x: Tensor) -> Tensor:
    """A map with its channels as one: the one that all of them are, or their mean."""
    base = x._base
    if base is not None and x.ndim > 1 and x.stride(1) == 0 and base.shape == (x.shape[0], 1, *x.shape[2:]):
        return base
    return x.mean(1, keepdim=True)


def _is_thin(x: Tensor) -> bool:
    return x.ndim > 2 and x.shape[1] > 1 and x.stride(1) == 0


def wide(x: Tensor, channels: int) -> Tensor:
    """A map of one channel as one of many."""
    return x.expand(-1, channels, *x.shape[2:])


def _convolution(axes: int, transposed: bool) -> Callable[..., Tensor]:
    function: Any = getattr(F, f"conv{'_transpose' if transposed else ''}{axes}d")

    def convolution(input, weight, bias=None, stride=1, padding=0, *rest, **more):
        output_padding = rest[0] if transposed and rest else more.get("output_padding", 0)
        place = 2 if transposed else 0
        dilation = rest[place] if len(rest) > place else more.get("dilation", 1)
        groups = rest[1] if transposed and len(rest) > 1 else more.get("groups", 1)
        size = weight.shape[2:]
        kernel = torch.full((1, 1, *size), 1 / math.sqrt(size.numel()), dtype=input.dtype, device=input.device)
        if transposed:
            out = function(thin(input), kernel, None, stride, padding, output_padding, 1, dilation)
            return wide(out, weight.shape[1] * groups)
        return wide(function(thin(input), kernel, None, stride, padding, dilation), weight.shape[0])

    return convolution


def _max_pool(axes: int, indices: bool) -> Callable[..., Any]:
    pool: Any = getattr(F, f"avg_pool{axes}d")
    convolve: Any = getattr(F, f"conv{axes}d")
    real: Any = getattr(F, f"max_pool{axes}d_with_indices")

    def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        stride = kernel_size if stride is None or stride == [] else stride
        core = thin(input)
        if all(step == 1 for step in _each(dilation, axes)):
            out = pool(core, kernel_size, stride, padding, ceil_mode)
        else:
            kernel = torch.ones((1, 1, *_each(kernel_size, axes)), dtype=input.dtype, device=input.device)
            out = convolve(core, kernel, None, stride, padding, dilation)
        out = wide(out, input.shape[1])
        return (out, real(input, kernel_size, stride, padding, dilation, ceil_mode)[1]) if indices else out

    return max_pool


def _each(value: Any, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def _linear(input, weight, bias=None):
    return input.mean(-1, keepdim=True).expand(*input.shape[:-1], weight.shape[0])


def _matmul(a, b):
    if isinstance(b, nn.Parameter) and b.ndim == 2:
        return a.mean(-1, keepdim=True).expand(*a.shape[:-1], b.shape[1])
    return a.mean(-1, keepdim=True) + b.mean(-2, keepdim=True)


def _addmm(input, mat1, mat2, **_more):
    return _matmul(mat1, mat2)


def _attention(query, key, value, *_rest, **_more):
    seen = (key.mean(-1, keepdim=True) + value).mean(-2, keepdim=True)
    return query.mean(-1, keepdim=True) + seen


def _attention_block(query, key, value, *_rest, **_more):
    seen = (key.mean(-1, keepdim=True) + value.mean(-1, keepdim=True)).mean(0, keepdim=True)
    return (query.mean(-1, keepdim=True) + seen).expand(query.shape), None


def _softmax(input, dim=-1, *_rest, **_more):
    return input + input.mean(-1 if dim is None else dim, keepdim=True)


def _identity(input, *_rest, **_more):
    return input


def _constant(x: Any) -> bool:
    return not isinstance(x, Tensor) or isinstance(x, nn.Parameter) or not x.requires_grad


def _shape(a: Any, b: Any) -> torch.Size:
    return torch.broadcast_shapes(*(x.shape if isinstance(x, Tensor) else () for x in (a, b)))


def _sum(a: Any, b: Any = None, *_rest, **more):
    """Of a sum or a difference of what is probed; constants only have a shape."""
    b = more.get("other", b)
    if _constant(a) or _constant(b):
        return (b if _constant(a) else a).expand(_shape(a, b))
    if a.shape == b.shape and _is_thin(a) and _is_thin(b):
        return wide(thin(a) + thin(b), a.shape[1])
    return a + b


def _product(a: Any, b: Any = None, *_rest, **more):
    b = more.get("other", b)
    if not _constant(a) and not _constant(b) and a.numel() != b.numel():
        return (a if a.numel() > b.numel() else b).expand(_shape(a, b))
    return _sum(a, b)


def _view(input, *shape, **more):
    if shape and isinstance(shape[0], torch.dtype):
        return input
    return input.reshape(*shape, **more)


def _to(input, *rest, **more):
    moved = Tensor.to(input, *rest, **more)
    return moved.to(input.dtype) if moved.is_floating_point() else moved


def _glu(input, dim=-1):
    first, second = input.chunk(2, dim)
    return first + second


def _pad(input, pad, *rest, **more):
    if _is_thin(input) and len(pad) <= 2 * (input.ndim - 2):
        return wide(F.pad(thin(input), pad), input.shape[1])
    return F.pad(input, pad, *rest, **more)


def _named(stand_in: Callable[..., Any], names: str) -> dict[Any, Callable[..., Any]]:
    return dict.fromkeys(roles.functions(names), stand_in)


STAND_INS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys(roles.NONLINEARITIES | roles.NORMS | roles.TOKEN_NORMS | roles.DROPOUTS, _identity),
    **_named(
        _identity, "local_response_norm normalize exp log sqrt rsqrt pow abs float half bfloat16 double detach type_as"
    ),
    **_named(_sum, "add sub __add__ __radd__ __iadd__ __sub__ __isub__ subtract"),
    **_named(_product, "mul div __mul__ __rmul__ __imul__ __truediv__ __itruediv__ multiply divide true_divide"),
    **_named(_softmax, "softmax log_softmax"),
    **_named(_matmul, "matmul __matmul__ bmm mm"),
    **_named(_addmm, "addmm"),
    **_named(_attention, "scaled_dot_product_attention"),
    **_named(_view, "view"),
    **_named(_to, "to"),
    **_named(_glu, "glu"),
    F.linear: _linear,
    F.multi_head_attention_forward: _attention_block,
    F.pad: _pad,
}
for axes in (1, 2, 3):
    for transposed in (False, True):
        name = f"conv{'_transpose' if transposed else ''}{axes}d"
        STAND_INS[getattr(F, name)] = _convolution(axes, transposed)
    for indices in (False, True):
        name = f"max_pool{axes}d" + ("_with_indices" if indices else "")
        STAND_INS |= _named(_max_pool(axes, indices), name)
    STAND_INS[getattr(F, f"adaptive_max_pool{axes}d")] = getattr(F, f"adaptive_avg_pool{axes}d")
