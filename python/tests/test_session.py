"""The framework-free session: what reaches the recorder, in which order, and what never reaches the training."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest
from fake import FakeRecorder

from deepeyes import _native
from deepeyes._session import Layer, Network, Options, Sample, Session


@pytest.fixture
def recorder(monkeypatch):
    monkeypatch.setattr(_native, "Recorder", FakeRecorder)


def started(**options):
    session = Session(Options(**options))
    session.start(Network("net", [Layer("fc", "dense", 3)]))
    return session


def sample(count=4):
    rows = np.ones((count, 3), np.float32)
    places = np.arange(count, dtype=np.uint32)
    return Sample(
        np.arange(count), np.zeros(count, np.int32), np.zeros(count, np.int32), None, [(0, rows, places, places * 0)]
    )


def test_every_step_arrives_once_and_in_order(recorder):
    session = started(budget=0.02)
    for step in range(60):
        session.step(loss=step, sample=sample() if session.sampling else None)
    session.close()
    fake = FakeRecorder.last
    batches = [batch["step"] for batch in fake.batches]
    assert sorted(batches + fake.scalar_steps) == list(range(1, 61))
    assert fake.losses == {step: step - 1 for step in range(1, 61)}
    assert batches[:3] == [1, 2, 3] and fake.finished is True
    assert fake.batches[0]["accuracy"] == 1.0


def test_a_refused_step_keeps_its_scalars(recorder):
    session = started(budget=0.5)
    FakeRecorder.last.taking = False
    for step in range(5):
        session.step(loss=step, sample=sample())
    assert not FakeRecorder.last.losses and not session.sampling
    FakeRecorder.last.taking = True
    session.close()
    assert FakeRecorder.last.scalar_steps == [1, 2, 3, 4, 5]


def test_a_failure_is_one_warning_and_then_nothing(recorder):
    session = started()
    with pytest.warns(RuntimeWarning, match="stopped watching.*ValueError") as caught:
        session.step(loss="nonsense", sample=sample())
        session.step(loss="nonsense", sample=sample())
        session.validate(accuracy="nonsense")
        session.close()
    assert len(caught) == 1 and not session.sampling
    assert FakeRecorder.last.finished is False


def test_warnings_that_are_errors_do_not_stop_the_training(recorder):
    session = started()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.step(loss="nonsense", sample=sample())
    assert not session.on


@pytest.mark.parametrize("share", [0, -1, math.nan, "much", True, None])
def test_an_unusable_budget_is_refused_with_words(recorder, share):
    with pytest.warns(RuntimeWarning, match="budget="):
        session = Session(Options(budget=share))
    assert not session.on


def test_disabled_does_nothing(recorder, monkeypatch):
    monkeypatch.setenv("DEEPEYES_MODE", "disabled")
    monkeypatch.setattr(_native, "Recorder", None)
    session = started()
    session.step(loss=1.0, sample=sample())
    session.close()
    assert not session.sampling and not session.started


def test_copies_are_inert(recorder):
    session = started()
    for other in (copy.deepcopy(session), pickle.loads(pickle.dumps(session))):
        assert not other.on
        other.step(loss=1.0, sample=sample())
        other.close()
    assert session.on and FakeRecorder.last.finished is None
    session.close()
