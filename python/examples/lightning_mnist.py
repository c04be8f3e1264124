"""A Lightning module on MNIST, with gradients accumulated over two mini-batches."""

import argparse

import lightning.pytorch as pl
import torch
from data import mnist
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import deepeyes.lightning


class Network(pl.LightningModule):
    """Two convolutions and two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 24, 5), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(384, 64), nn.ReLU(inplace=True), nn.Linear(64, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x))

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _index: int) -> torch.Tensor:
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], _index: int) -> None:
        x, y = batch
        scores = self(x)
        self.log("val_loss", nn.functional.cross_entropy(scores, y))
        self.log("val_acc", (scores.argmax(1) == y).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)


def loader(part: str, images: int, shuffle: bool) -> DataLoader:
    """Mini-batches of MNIST's first images."""
    pixels, labels = mnist(part)
    data = TensorDataset(torch.from_numpy(pixels[:images, None]), torch.from_numpy(labels[:images]))
    return DataLoader(data, batch_size=64, shuffle=shuffle)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logdir", default="runs")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--budget", type=float, default=0.015)
    arguments = parser.parse_args()

    pl.seed_everything(0, verbose=False)
    callback = deepeyes.lightning.Callback(
        logdir=arguments.logdir, name="lightning", labels=range(10), budget=arguments.budget
    )
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        accumulate_grad_batches=2,
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Network(), loader("train", arguments.images, True), loader("t10k", 1000, False))
    assert callback.run is not None
    print(callback.run.location)


if __name__ == "__main__":
    main()
