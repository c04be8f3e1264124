"""A small vision transformer of Transformers on scikit-learn's digits; each image patch is an instance."""

import argparse
import tempfile

import numpy as np
import torch
from data import digits
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification

import deepeyes.transformers


class Digits(Dataset):
    """Digits as the model takes them."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = torch.from_numpy(images[:, None]), labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, at: int) -> dict[str, object]:
        return {"pixel_values": self.images[at], "labels": int(self.labels[at])}


def network() -> ViTForImageClassification:
    """Two blocks over 16 patches of 2 x 2 pixels."""
    return ViTForImageClassification(
        ViTConfig(
            image_size=8,
            patch_size=2,
            num_channels=1,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            id2label={digit: str(digit) for digit in range(10)},
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logdir", default="runs")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--budget", type=float, default=0.015)
    arguments = parser.parse_args()

    images, labels = digits()
    torch.manual_seed(0)
    callback = deepeyes.transformers.Callback(logdir=arguments.logdir, name="transformers", budget=arguments.budget)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=network(),
            args=TrainingArguments(
                folder,
                max_steps=arguments.steps // 2,
                per_device_train_batch_size=64,
                gradient_accumulation_steps=2,
                learning_rate=2e-3,
                report_to="none",
                save_strategy="no",
                use_cpu=True,
                disable_tqdm=True,
            ),
            train_dataset=Digits(images[:1500], labels[:1500]),
            eval_dataset=Digits(images[1500:], labels[1500:]),
            compute_metrics=lambda answers: {
                "accuracy": float((answers.predictions.argmax(1) == answers.label_ids).mean())  # pyright: ignore
            },
            callbacks=[callback],
        )
        trainer.train()
        trainer.evaluate()
    assert callback.run is not None
    print(callback.run.location)


if __name__ == "__main__":
    main()
