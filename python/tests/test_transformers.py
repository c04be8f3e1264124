"""Transformers' callback: tokens are instances, accumulated mini-batches are steps, and the training is the same with it."""

import numpy as np
import pytest

transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

import torch  # noqa: E402

import deepeyes  # noqa: E402
from deepeyes.transformers import Callback  # noqa: E402

TOKENS, WORDS = 7, 20


def data():
    random = np.random.default_rng(0)
    texts = random.integers(1, WORDS, (96, TOKENS))
    return [{"input_ids": torch.tensor(text), "labels": int(text.sum() % 2)} for text in texts]


def train(folder, callbacks):
    torch.manual_seed(0)
    torch.set_num_threads(2)
    config = transformers.BertConfig(
        vocab_size=WORDS,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=8,
        id2label={0: "even", 1: "odd"},
    )
    model = transformers.BertForSequenceClassification(config)
    trainer = transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(
            str(folder),
            max_steps=6,
            per_device_train_batch_size=16,
            gradient_accumulation_steps=3,
            report_to="none",
            save_strategy="no",
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=data(),  # pyright: ignore[reportArgumentType]
        eval_dataset=data()[:16],  # pyright: ignore[reportArgumentType]
        callbacks=callbacks,
    )
    trainer.train()
    trainer.evaluate()
    return model, torch.rand(3)


def test_a_training_is_the_same_and_is_stored(tmp_path):
    plain, plain_random = train(tmp_path / "a", [])
    seen, seen_random = train(tmp_path / "b", [Callback(logdir=tmp_path, name="bert", budget=1.0)])
    assert all(torch.equal(a, b) for a, b in zip(plain.state_dict().values(), seen.state_dict().values(), strict=True))
    assert torch.equal(plain_random, seen_random)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in seen.modules())

    run = deepeyes.open("bert", tmp_path)
    info, layers, scalars = run.info(), run.layers(), run.scalars()
    assert (info["status"], info["step"], info["classes"]) == ("finished", 18, ["even", "odd"])
    hidden = next(layer for name, layer in layers.items() if name.endswith("intermediate.dense"))
    assert hidden["grid"] == [1, TOKENS] and hidden["filters"] == 24
    np.testing.assert_allclose(scalars["loss"][0], np.log(2), rtol=0.1)
    instances = run.instances(hidden["name"])
    assert set(instances["labels"].tolist()) == {0, 1} and instances["positions"][:, 1].max() == TOKENS - 1
