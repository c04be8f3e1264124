"""What watching a PyTorch training promises: the training is the very same, nothing raises, and nothing is left behind."""

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest
import torch
from fake import FakeRecorder
from nets import Residual, batches, same, train
from torch import nn
from torch.utils.checkpoint import checkpoint

import deepeyes
from deepeyes import _native

torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def recorder(monkeypatch):
    monkeypatch.setattr(_native, "Recorder", FakeRecorder)


def twins(make: Any = Residual) -> Any:
    torch.manual_seed(0)
    model = make()
    return model, copy.deepcopy(model)


def taken():
    """Steps whose activations were taken, and of which layers."""
    batches = FakeRecorder.last.batches
    return len(batches), sorted(batches[-1]["layers"]) if batches else []


class Checkpointed(Residual):
    def forward(self, x):
        x = checkpoint(lambda x: self.act(self.bn1(self.conv1(x))), x, use_reentrant=False)
        x = checkpoint(self.block, x, use_reentrant=False)
        return self.fc2(self.drop(torch.relu(self.fc1(nn.functional.adaptive_avg_pool2d(x, 2).flatten(1)))))

    def block(self, x):
        return self.act(x + self.conv2(x))


@pytest.mark.parametrize("make", [Residual, Checkpointed])
def test_training_is_bit_identical_and_so_is_what_is_random_after_it(make):
    watched, plain = twins(make)
    random.seed(0)
    np.random.seed(0)
    _, after_watched = train(watched)
    others = random.random(), np.random.rand()
    random.seed(0)
    np.random.seed(0)
    _, after_plain = train(plain, watched=False)
    assert same(watched, plain) and torch.equal(after_watched, after_plain)
    assert others == (random.random(), np.random.rand())
    assert taken() == (6, ["conv1", "conv2", "fc1", "fc2"])


def test_nothing_is_left_on_the_model():
    watched, plain = twins()
    run, _ = train(watched)
    for module in watched.modules():
        assert not (module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)
    assert set(watched.__dict__) == set(plain.__dict__) and watched.training
    assert torch._C._len_torch_function_stack() == 0
    run.step(loss=1.0)
    run.validate(accuracy=0.5)
    run.close()
    assert FakeRecorder.last.finished is True


def test_a_watched_model_is_pickled_copied_and_saved(tmp_path):
    model = Residual()
    run = deepeyes.watch(model, budget=1.0)
    x, y = next(batches(1))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert same(other, model)
        other(x)
    torch.save(model, tmp_path / "model.pt")
    torch.load(tmp_path / "model.pt", weights_only=False)(x)
    # The copies' forwards are none of the run's.
    run.step(inputs=x, labels=y)
    assert not run._session.started
    for other in (copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        other.step(inputs=x, labels=y)
        other.close()
    with pytest.warns(RuntimeWarning, match="no layer was seen"):
        run.close()


def test_a_pickled_model_does_not_need_deepeyes():
    model = Residual()
    run = deepeyes.watch(model)
    assert b"deepeyes" not in pickle.dumps(nn.Sequential(nn.ReLU())) and b"deepeyes" not in pickle.dumps(model)
    run.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": "nonsense"},
        {"labels": torch.zeros(3, dtype=torch.long)},
        {"inputs": "nonsense", "indices": [1]},
        {"loss": "nonsense"},
        {"accuracy": object()},
    ],
)
def test_wrong_arguments_are_one_warning_and_then_nothing(wrong):
    model = Residual()
    run = deepeyes.watch(model, budget=1.0)
    x, y = next(batches(1))
    model(x)
    with pytest.warns(RuntimeWarning, match="stopped watching") as caught:
        run.step(**{"inputs": x, "labels": y, "loss": 0.5} | wrong)
        run.step(**{"inputs": x, "labels": y, "loss": 0.5} | wrong)
        run.close()
    assert len(caught) == 1 and not model._forward_hooks


@pytest.mark.parametrize("wrong", [{"model": 42}, {"layers": ["nowhere"]}, {"budget": -1}, {"mean": "nonsense"}])
def test_what_cannot_be_watched_is_one_warning(wrong):
    arguments = {"model": Residual()} | wrong
    with pytest.warns(RuntimeWarning, match="stopped watching") as caught:
        run = deepeyes.watch(**arguments)
    x, y = next(batches(1))
    run.step(inputs=x, labels=y)
    run.close()
    assert len(caught) == 1 and run.findings() == []


def test_an_unusable_log_directory_is_one_warning(monkeypatch, tmp_path):
    monkeypatch.undo()
    (tmp_path / "file").write_text("not a directory")
    watched, plain = twins()
    with pytest.warns(RuntimeWarning, match="cannot be written"):
        train(watched, logdir=tmp_path / "file")
    train(plain, watched=False)
    assert same(watched, plain)


def test_a_forward_that_raises_or_is_interrupted_leaves_nothing():
    class Failing(Residual):
        error: BaseException | None = None

        def forward(self, x):
            x = self.conv1(x)
            if self.error is not None:
                raise self.error
            return self.fc2(self.fc1(x.mean((2, 3)).repeat(1, 4)))

    model = Failing()
    run = deepeyes.watch(model, budget=1.0)
    (x, y), (x2, _) = batches(2)
    for error in (ValueError("the user's"), KeyboardInterrupt()):
        model.error = error
        with pytest.raises(type(error)):
            model(x)
    model.error = None
    model(x2)
    run.step(inputs=x2, labels=y)
    assert torch._C._len_torch_function_stack() == 0
    assert FakeRecorder.last.batches[0]["layers"]["conv1"][0].shape == (8 * 32, 8)
    model.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        model(x)
    run.close()
    assert torch._C._len_torch_function_stack() == 0


def test_forwards_in_eval_mode_do_not_count():
    model = Residual()
    run = deepeyes.watch(model, budget=1.0)
    for x, y in batches(3):
        model.train()
        model(x)
        model.eval()
        with torch.no_grad():
            model(torch.zeros(20, 3, 16, 16))
        run.step(inputs=x, labels=y)
    model(x)
    run.step(inputs=x, labels=y)
    assert taken()[0] == 3 and all(len(batch["inputs"]) == 8 for batch in FakeRecorder.last.batches)
    run.close()


def test_disabled_does_nothing(monkeypatch):
    monkeypatch.setenv("DEEPEYES_MODE", "disabled")
    model = Residual()
    run = deepeyes.watch(model)
    assert not model._forward_hooks
    run.step(inputs="anything")
    run.close()


def test_unsampled_steps_neither_follow_the_forward_nor_read_the_loss(monkeypatch):
    model = Residual()
    run = deepeyes.watch(model, budget=1e-9)
    for x, y in batches(3):
        model(x)
        run.step(inputs=x, labels=y)
    monkeypatch.setattr(run._collector, "start", lambda *_: pytest.fail("the forward is followed"))
    monkeypatch.setattr(run._session, "_numbers", lambda _: pytest.fail("the loss is read"))
    for x, _ in batches(3):
        run.step(inputs=x, loss=model(x).sum())
    losses = [pending[1] for pending in run._session._pending]
    assert losses and all(loss.grad_fn is None for loss in losses[-3:])
    monkeypatch.undo()
    run.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_compiled_models_are_replayed(when):
    def forward_of(model):
        return torch.compile(model, backend="eager", fullgraph=True)

    torch._dynamo.reset()
    watched, plain = twins()
    if when == "before":
        run = deepeyes.watch(watched, name="net", budget=1.0)
        compiled = forward_of(watched)
        for x, y in batches(4):
            nn.functional.cross_entropy(compiled(x), y).backward()
            run.step(inputs=x, labels=y)
        run.close()
        assert taken() == (3, ["conv1", "conv2", "fc1", "fc2"])
    else:
        compiled = forward_of(watched)
        train(compiled)
        train(forward_of(plain), watched=False)
        assert same(watched, plain)
        assert taken() == (6, ["conv1", "conv2", "fc1", "fc2"])


def test_replays_leave_what_is_compiled():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    model = torch.compile(Residual(), backend="eager")
    train(model)
    assert taken()[0] == 6 and torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


class Remembering(Residual):
    """Keeps what it computes in attributes, and would fail over a forward that it was not asked for."""

    def __init__(self):
        super().__init__()
        self.losses, self.calls, self.last = [], {}, None
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x):
        self.losses.append(x.square().mean())
        self.calls[len(self.calls)] = len(x)
        self.last, self.other = x, x
        self.count += 1
        self.register_buffer("newest", x.mean())
        return super().forward(x)


def test_runs_aside_leave_what_the_model_keeps():
    model = Remembering()
    run = deepeyes.watch(model, budget=1.0)
    calls = []
    model.conv1.register_forward_hook(lambda *_: calls.append(1))
    x, y = next(batches(1))
    model(x)
    kept = model.losses, model.calls
    run.step(inputs=x, labels=y)
    assert taken() == (1, ["conv1", "conv2", "fc1", "fc2"]) and len(calls) == 1
    assert kept == (model.losses, {0: 8}) and len(model.losses) == 1
    assert model.last is x and model.other is x and model.count == 1 and model.newest == x.mean()
    run.close()


def test_a_model_compiled_in_place_is_replayed():
    torch._dynamo.reset()
    watched, plain = twins()
    for model in (watched, plain):
        model.compile(backend="eager")
        train(model, watched=model is watched)
    assert same(watched, plain)
    assert taken() == (6, ["conv1", "conv2", "fc1", "fc2"])


def test_mixed_precision_gives_float32():
    def forward(model):
        def call(x):
            with torch.autocast("cpu", torch.bfloat16):
                return model(x)

        return call

    watched, plain = twins()
    train(watched, forward=forward(watched))
    train(plain, watched=False, forward=forward(plain))
    assert same(watched, plain) and taken() == (6, ["conv1", "conv2", "fc1", "fc2"])


def test_channels_last_gives_the_same_activations():
    rows = []
    for memory in (torch.contiguous_format, torch.channels_last):
        model, _ = twins()
        model = model.double().to(memory_format=memory)
        train(model, steps=1, forward=lambda x, model=model, memory=memory: model(x.double().to(memory_format=memory)))
        rows.append(FakeRecorder.last.batches[0]["layers"])
    for name in rows[0]:
        np.testing.assert_allclose(rows[0][name][0], rows[1][name][0], rtol=1e-5, atol=1e-6)


def test_a_model_that_is_never_called_has_its_children_watched():
    class Container(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Residual()

        def training_step(self, x):
            return self.net(x)

    watched, plain = twins(Container)
    train(watched, forward=watched.training_step)
    train(plain, watched=False, forward=plain.training_step)
    assert same(watched, plain)
    assert taken() == (4, ["net.conv1", "net.conv2", "net.fc1", "net.fc2"])


def test_the_data_parallel_wrapper_is_no_part_of_names():
    model = nn.DataParallel(Residual())
    train(model)
    assert taken() == (6, ["conv1", "conv2", "fc1", "fc2"])


def test_of_accumulated_batches_the_one_that_is_told_counts():
    model = Residual()
    run = deepeyes.watch(model, budget=1.0)
    (first, _), (second, labels) = batches(2)
    model(first)
    model(second)
    run.step(inputs=second, labels=labels, indices=range(8))
    model.eval()
    got = FakeRecorder.last.batches[0]
    assert list(got["inputs"]) == list(range(8)) and list(got["labels"]) == labels.tolist()
    run.close()


def test_closing_follows_the_context():
    with pytest.raises(ZeroDivisionError), deepeyes.watch(model := Residual(), budget=1.0) as run:
        x, y = next(batches(1))
        model(x)
        run.step(inputs=x, labels=y)
        _ = 1 / 0
    assert FakeRecorder.last.finished is False and not model._forward_hooks
