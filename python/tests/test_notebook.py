"""The dashboard in a notebook, and the program."""

import subprocess
import sys
import types
import urllib.request

import deepeyes
from deepeyes import _notebook


def read(address):
    with urllib.request.urlopen(address) as answer:
        return answer.status, answer.read().decode()


def test_elsewhere_its_address_is_given(tmp_path):
    address = deepeyes.show(tmp_path)
    status, page = read(address)
    assert status == 200 and "<title>deepeyes" in page
    assert deepeyes.show(tmp_path) == address, "one server for a log directory"


def test_in_a_notebook_a_frame_is_shown(monkeypatch, tmp_path):
    shown = []
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=shown.append))
    address = deepeyes.show(tmp_path, height=432)
    assert f'src="{address}"' in shown[0]._repr_html_() and "height: 432px" in shown[0]._repr_html_()


def test_behind_a_proxy_the_frame_has_its_path(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")
    path = deepeyes.show(tmp_path, allow_host="hub.example")
    server = next(server for key, server in _notebook._servers.items() if key[0] == str(tmp_path))
    assert path.startswith("/user/me/proxy/") and server.url.endswith(path)
    for way in (path, "/"):
        request = urllib.request.Request(f"http://127.0.0.1:{path.split('/')[4]}{way}", headers={"Host": "hub.example"})
        assert read(request)[0] == 200


def test_the_program():
    answer = subprocess.run([sys.executable, "-m", "deepeyes", "--version"], capture_output=True, text=True)
    assert answer.returncode == 0 and answer.stdout.split() == ["deepeyes", deepeyes.__version__]
    wrong = subprocess.run([sys.executable, "-m", "deepeyes", "inspect", "missing"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "missing" in wrong.stderr
