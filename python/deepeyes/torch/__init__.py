"""Watches PyTorch trainings: `run = deepeyes.torch.watch(model)`, `run.step(...)` after each iteration, `run.close()`."""

from ._run import Run, watch

__all__ = ["Run", "watch"]
