"""What keeps our failures out of the training: the first one is told in one warning, and switches the run off."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

log = logging.getLogger("deepeyes")


OURS = (os.path.dirname(__file__), contextlib.__file__)


def warn(message: str) -> None:
    """Warns at the user's line, also where warnings are errors: then the message goes to stderr, and nothing is raised."""
    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(OURS):
        level, frame = level + 1, frame.f_back
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=level)
    except RuntimeWarning:
        print(message, file=sys.stderr)


def enabled() -> bool:
    """Whether the environment lets anything be watched."""
    return os.environ.get("DEEPEYES_MODE", "").lower() != "disabled"


class Guard:
    """One run's switch: on until something fails or the run is closed."""

    def __init__(self, on: bool = True) -> None:
        self.on = on
        self._undo: list[Callable[[], Any]] = []

    def when_off(self, undo: Callable[[], Any]) -> None:
        """Calls `undo` once when the run is switched off, newest first."""
        self._undo.append(undo)

    def off(self) -> None:
        """Switches off; whatever fails on the way out is only logged."""
        self.on = False
        while self._undo:
            try:
                self._undo.pop()()
            except Exception:
                log.debug("while switching off", exc_info=True)

    def fail(self, what: str, error: BaseException | str) -> None:
        """Warns once, and switches off."""
        if not self.on:
            return
        log.debug("%s", what, exc_info=not isinstance(error, str))
        reason = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self.off()
        warn(f"deepeyes stopped watching (training goes on): {what}: {reason}")

    @contextlib.contextmanager
    def watching(self, what: str):
        """Keeps any exception of the block from the caller."""
        try:
            yield
        except Exception as error:
            self.fail(what, error)
