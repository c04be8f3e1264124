"""deepeyes watches a network while it trains, and says layer by layer what it learns.

    run = deepeyes.watch(model, logdir="runs", name="lenet")    # PyTorch; `deepeyes.observe` takes arrays of anything
    ...
    run.step(inputs=x, labels=y, loss=loss)                     # after each iteration
    run.close()

The run lies in `logdir`; `deepeyes serve --logdir runs` shows it. The training is bit-identical with and without it. With
`DEEPEYES_MODE=disabled` in the environment nothing is done at all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._native import Error, __version__

if TYPE_CHECKING:
    from ._default import observe, start
    from ._notebook import show
    from ._reader import open
    from .torch import Run

__all__ = ["Error", "__version__", "observe", "open", "show", "start", "watch"]

# Read when they are asked for, so that `import deepeyes` costs nothing.
_LATER = {"observe": "_default", "open": "_reader", "show": "_notebook", "start": "_default"}


def watch(model: Any, logdir: Any = "runs", **options: Any) -> Run:
    """Watches the training of a PyTorch model; see `deepeyes.torch.watch` for the options."""
    from .torch import watch

    return watch(model, logdir, **options)


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module 'deepeyes' has no attribute {name!r}")
