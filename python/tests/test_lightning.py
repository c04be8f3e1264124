"""Lightning's callback: what a trainer does is the same with it, and what it saw is stored."""

import pickle

import numpy as np
import pytest

pl = pytest.importorskip("lightning.pytorch")

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

import deepeyes  # noqa: E402
from deepeyes.lightning import Callback  # noqa: E402


class Network(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Flatten(), nn.Dropout(0.2)
        )
        self.out = nn.Linear(6 * 36, 10)
        self.losses = []

    def training_step(self, batch, _index):
        loss = nn.functional.cross_entropy(self.out(self.net(batch["image"])), batch["label"])
        self.losses.append(float(loss.detach()))
        return {"loss": loss}

    def validation_step(self, batch, _index):
        scores = self.out(self.net(batch["image"]))
        self.log_dict({"val_acc": (scores.argmax(1) == batch["label"]).float().mean(), "val_loss": scores.mean()})

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-2)


def fit(callbacks, fail=False):
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pairs = TensorDataset(torch.tensor(images.reshape(-1, 1, 8, 8) / 16, dtype=torch.float32), torch.tensor(labels))
    pl.seed_everything(1, verbose=False)
    torch.set_num_threads(2)

    def collate(batch):
        return {"image": torch.stack([x for x, _ in batch]), "label": torch.stack([y for _, y in batch])}

    model = Network()
    trainer = pl.Trainer(
        max_steps=12,
        accumulate_grad_batches=2,
        accelerator="cpu",
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        val_check_interval=12,
    )
    held_out = DataLoader(torch.utils.data.Subset(pairs, range(64)), 64, collate_fn=collate)
    trainer.fit(model, DataLoader(pairs, 64, shuffle=True, collate_fn=collate), held_out)
    return model, torch.rand(3)


@pytest.mark.filterwarnings("ignore:.*(num_workers|LeafSpec).*")
def test_a_fit_is_the_same_and_is_stored(tmp_path):
    callback = Callback(logdir=tmp_path, labels=range(10), budget=1.0)
    plain, plain_random = fit([])
    seen, seen_random = fit([callback])
    assert all(torch.equal(a, b) for a, b in zip(plain.state_dict().values(), seen.state_dict().values(), strict=True))
    assert torch.equal(plain_random, seen_random)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in seen.modules())
    assert pickle.loads(pickle.dumps(callback)) is not None

    run = deepeyes.open("network", tmp_path)
    scalars = run.scalars()
    assert run.info()["status"] == "finished" and list(run.layers()) == ["net.0", "out"]
    np.testing.assert_allclose(scalars["loss"], seen.losses, rtol=1e-5)
    assert np.isfinite(scalars["accuracy"]).any() and np.isfinite(scalars["train_accuracy"][-12:]).all()


@pytest.mark.filterwarnings("ignore:.*(num_workers|LeafSpec).*")
def test_what_fails_in_it_stops_no_fit(tmp_path):
    (tmp_path / "file").write_text("no directory")
    with pytest.warns(RuntimeWarning, match="deepeyes stopped watching"):
        fit([Callback(logdir=tmp_path / "file", batch=lambda batch: batch["missing"])])
