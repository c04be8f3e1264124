"""Processes that train together: which of them this is, and one name for the run of all."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta

import torch

from .. import _native
from .._guard import enabled, log

# How long a process waits for the first one's choice: they all watch the same model at about the same time.
PATIENCE = timedelta(seconds=30)

_watched: Counter[str] = Counter()


def ranks() -> tuple[int, int]:
    """This process' rank, and how many train together."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    try:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return 0, 1


def agreed_name(name: str, logdir: str | os.PathLike[str], rank: int) -> str:
    """A name under `logdir` that no run has: the first process makes its directory, and tells the others through the store of
    `torch.distributed`, which is no collective: a process that does not watch holds nobody up. `name` itself where that
    fails."""
    if not enabled():
        return name
    try:
        store = torch.distributed.distributed_c10d._get_default_store()
        _watched[name] += 1
        key = f"deepeyes/{name}/{_watched[name]}"
        if rank == 0:
            store.set(key, os.path.relpath(_native.new_directory(os.fspath(logdir), name), logdir))
        else:
            store.wait([key], PATIENCE)
        return store.get(key).decode()
    except Exception:
        log.debug("the processes have not agreed on a name", exc_info=True)
        return name
