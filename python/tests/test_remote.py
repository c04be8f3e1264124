"""A run that is sent to a server on loopback: it is stored there, and nothing of the way reaches the training."""

import socket
import time

import numpy as np
import pytest

import deepeyes
from deepeyes import _native
from deepeyes._session import Layer, Network, Options, Sample, Session


@pytest.fixture
def server(tmp_path):
    server = _native.Server(str(tmp_path), token="correct-horse")
    yield server
    server.close()


def train(steps=40, **options):
    """A run whose first filter is dead."""
    random = np.random.default_rng(0)
    with deepeyes.start(name="remote", labels=["a", "b"], budget=1.0, window=10, **options) as run:
        for step in range(1, steps + 1):
            values = random.random((32, 4), np.float32)
            values[:, 0] = -1
            run.observe("fc", values)
            run.step(inputs=values, labels=np.arange(32) % 2, loss=1 / step)
        run.validate(accuracy=0.75, loss=0.5)
    return run


def stored(logdir):
    """The run on the server, once everything that was sent is stored."""
    end = time.monotonic() + 30
    run = deepeyes.open("remote", logdir)
    while run.info()["status"] == "running":
        assert time.monotonic() < end
        time.sleep(0.02)
    return run


def test_a_run_that_is_sent_is_stored_on_the_server(server, tmp_path):
    run = train(server=server.url)
    address = server.url.split("/?")[0]
    assert run.location is not None and run.location.startswith(f"{address}/#run=")
    there = stored(tmp_path)
    assert ("dead", [0]) in [(finding["kind"], finding.get("filters")) for finding in run.findings()]
    assert there.info()["status"] == "finished" and there.info()["classes"] == ["a", "b"]
    np.testing.assert_array_equal(there.scalars()["step"], np.arange(1, 41))
    assert there.layers()["fc"]["filters_detail"][0]["state"] == "dead"
    with pytest.raises(deepeyes.Error, match="sent to a server"):
        run.instances("fc")


def test_a_training_that_is_stopped_is_stopped_there(server, tmp_path):
    with pytest.raises(KeyboardInterrupt), deepeyes.start(name="remote", server=server.url) as run:
        run.observe("fc", np.ones((8, 4), np.float32))
        run.step(loss=1.0)
        raise KeyboardInterrupt
    assert stored(tmp_path).info()["status"] == "stopped"


def test_ranks_that_train_together_are_one_run_there(server, tmp_path):
    sessions = [Session(Options("remote", server=server.url, budget=1.0, rank=rank, ranks=2)) for rank in range(2)]
    for session in reversed(sessions):
        session.start(Network("net", [Layer("fc", "dense", 3)]))
    for step in range(1, 21):
        for rank, session in enumerate(sessions):
            places = np.arange(8, dtype=np.uint32)
            rows = np.full((8, 3), step + rank, np.float32)
            session.step(loss=1.0, sample=Sample(np.arange(8) + 8 * rank, layers=[(0, rows, places, places * 0)]))
    for session in sessions:
        session.close()
    assert sessions[0].location == sessions[1].location
    assert stored(tmp_path).layers()["fc"]["instances"] == 2 * 20 * 8


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "token", "said"),
    [
        ("{address}", "wrong-horse", "token is wrong"),
        ("{address}", None, "needs a token"),
        ("http://127.0.0.1:{closed}", None, "no server answers"),
        ("127.0.0.1:6116", None, "no address of a server"),
        ("https://host:6116", None, "https is not supported"),
    ],
)
def test_what_refuses_a_run_is_said_in_one_warning(server, address, token, said):
    address = address.format(address=server.url.split("/?")[0], closed=closed_port())
    with pytest.warns(RuntimeWarning, match=said) as caught:
        run = train(steps=3, server=address, token=token)
    assert len(caught) == 1 and run.location is None
