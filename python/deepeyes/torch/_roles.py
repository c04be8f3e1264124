"""What PyTorch's functions mean for a layer: those that are layers, and those that belong to the layer before them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

# `kind` of a layer, the place of its weight among the arguments and its name there, and its spatial axes (`None`: dense).
LAYERS: dict[Callable[..., Any], tuple[str, int, str, int | None]] = {
    F.linear: ("dense", 1, "weight", None),
    torch.matmul: ("dense", 1, "other", None),
    torch.Tensor.matmul: ("dense", 1, "other", None),
    torch.Tensor.__matmul__: ("dense", 1, "other", None),
    torch.addmm: ("dense", 2, "mat2", None),
    F.multi_head_attention_forward: ("attention", 5, "in_proj_weight", None),
}
for axes in (1, 2, 3):
    LAYERS[getattr(F, f"conv{axes}d")] = (f"conv{axes}d", 1, "weight", axes)
    LAYERS[getattr(F, f"conv_transpose{axes}d")] = (f"conv_transpose{axes}d", 1, "weight", axes)


def functions(names: str) -> set[Callable[..., Any]]:
    """Everything that has one of the names (apart by spaces), also with a trailing underscore (in place)."""
    places = (F, torch, torch.Tensor)
    both = [name + end for name in names.split() for end in ("", "_")]
    return {found for place in places for name in both if callable(found := getattr(place, name, None))}


NONLINEARITIES = functions(
    "relu relu6 gelu silu mish elu selu celu leaky_relu rrelu prelu hardtanh hardswish hardsigmoid hardshrink softplus "
    "softsign logsigmoid sigmoid tanh threshold tanhshrink softshrink clamp clamp_min clip square"
)
NORMS = functions("batch_norm instance_norm group_norm")
# These belong to the layer only where a nonlinearity follows: in transformers they belong to the layer that comes next.
TOKEN_NORMS = functions("layer_norm rms_norm")
DROPOUTS = functions("dropout alpha_dropout feature_dropout dropout1d dropout2d dropout3d feature_alpha_dropout")
ADDITIONS = functions("add __add__ __radd__ __iadd__")
CASTS = functions("to float half bfloat16 double contiguous type_as")
RESHAPES = functions("view reshape flatten unflatten view_as reshape_as squeeze unsqueeze")
# Their result still is the layer's output, value by value.
PASSING = NONLINEARITIES | NORMS | TOKEN_NORMS | DROPOUTS | ADDITIONS | CASTS | RESHAPES
# Looking at a tensor is not reading its values.
LOOKS = functions(
    "size dim ndimension numel nelement stride is_contiguous is_floating_point is_complex data_ptr storage_offset __len__ "
    "type get_device element_size untyped_storage register_hook requires_grad_ retain_grad __repr__ __format__ "
    "is_same_size is_tensor __hash__ is_nonzero"
)
