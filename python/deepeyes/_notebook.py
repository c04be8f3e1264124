"""The dashboard in a notebook."""

from __future__ import annotations

import html
import importlib
import os
import socket
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

from deepeyes import _native

_servers: dict[tuple[str, str | None, str | None], _native.Server] = {}


def show(
    logdir: str | os.PathLike[str] = "runs",
    height: int = 800,
    *,
    proxy: str | None = None,
    allow_host: str | None = None,
) -> str:
    """Shows the dashboard over a log directory below the notebook's cell, and gives its address.

    The server listens on this machine alone and lives until the process ends; a second call shows the same one. `height`: the
    frame's, in pixels. Outside a notebook nothing is shown: the address is for a browser.

    For notebooks on another machine: `proxy` is the path below which the notebook's own server hands requests on to a port, with
    `{port}` in the port's place (`/user/me/proxy/{port}/` with jupyter-server-proxy; taken from `JUPYTERHUB_SERVICE_PREFIX` where
    that is set), and `allow_host` the host name in the browser's address bar. Raises `deepeyes.Error` where no server can start.
    """
    proxy = proxy if proxy is not None else _hub_proxy()
    server = _server(os.path.abspath(os.fspath(logdir)), proxy, allow_host)
    address = server.url
    if proxy is not None:
        parts = urlsplit(address)
        address = parts.path + (f"?{parts.query}" if parts.query else "")
    display = _display()
    if display is not None:
        display(_Frame(address, height))
    return address


class _Frame:
    """The page in a frame, where a notebook shows it."""

    def __init__(self, address: str, height: int) -> None:
        self._address, self._height = address, height

    def __repr__(self) -> str:
        return self._address

    def _repr_html_(self) -> str:
        source = html.escape(self._address, quote=True)
        style = f"width: 100%; height: {int(self._height)}px; border: 0"
        return f'<iframe src="{source}" style="{style}" allowfullscreen></iframe>'


def _server(logdir: str, proxy: str | None, allow_host: str | None) -> _native.Server:
    key = (logdir, proxy, allow_host)
    if key not in _servers:
        port = _free_port() if proxy is not None else 0
        base_path = proxy.format(port=port) if proxy is not None else None
        hosts = [allow_host] if allow_host is not None else []
        _servers[key] = _native.Server(logdir, port=port, base_path=base_path, allow_hosts=hosts)
    return _servers[key]


def _free_port() -> int:
    """A port that is free now: the server must know the path that a proxy makes of it before it listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _hub_proxy() -> str | None:
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    return f"{prefix.rstrip('/')}/proxy/{{port}}/" if prefix else None


def _display() -> Callable[[object], object] | None:
    """IPython's `display` within a notebook; `None` elsewhere, a terminal's IPython too."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return importlib.import_module("IPython.display").display
