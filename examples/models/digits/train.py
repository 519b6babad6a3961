"""Train a small CNN on scikit-learn's 8×8 digits; write ONNX, samples and vectors beside this file.

    cd examples/models && python -m digits.train

The split: 1437 training and 360 held-out images, shuffled with a fixed seed, classes in equal
shares. Calibration for int8 sees training images only. Everything is seeded; on one machine two
runs give the same bytes (another CPU's BLAS may round differently and train other weights).
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import vectors
from digits import export, layers

HERE = Path(__file__).parent
EPOCHS, BATCH, RATE, DECAY, MOMENTUM = 40, 32, 0.05, 5e-4, 0.9
BLOCKS = [("conv1", layers.conv, (8, 1, 3, 3)), ("dw2", layers.depthwise, (8, 1, 3, 3)),
          ("pw2", layers.conv, (16, 8, 1, 1))]


def split():
    """Images as [N, 1, 8, 8] in 0..1, which is exact in steps of 1/16."""
    digits = load_digits()
    x = (digits.images / 16).astype(np.float32)[:, None]
    return train_test_split(x, digits.target, test_size=360, random_state=0, stratify=digits.target)


def initial(rng):
    params, running = {}, {}
    for name, _, shape in BLOCKS:
        params[f"{name}.w"] = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        params[f"{name}.gamma"], params[f"{name}.beta"] = np.ones(shape[0]), np.zeros(shape[0])
        running[name] = [np.zeros(shape[0]), np.ones(shape[0])]
    params["fc.w"], params["fc.b"] = rng.normal(0, np.sqrt(1 / 256), (10, 256)), np.zeros(10)
    return params, running


def gradients(params, running, x, labels):
    backs = []

    def step(layer, x, *names, extra=()):
        y, back = layer(x, *(params[n] for n in names), *extra)
        backs.append((back, names))
        return y

    for name, layer, _ in BLOCKS:
        x = step(layer, x, f"{name}.w")
        x = step(layers.batch_norm, x, f"{name}.gamma", f"{name}.beta", extra=(running[name],))
        x = step(layers.relu, x)
    x = step(layers.max_pool, x)
    logits = step(layers.dense, x, "fc.w", "fc.b")

    loss, dy = layers.softmax_cross_entropy(logits, labels)
    grads = {}
    for back, names in reversed(backs):
        dy, *by_params = back(dy)
        grads |= dict(zip(names, by_params, strict=True))
    return loss, grads


def train(x, labels):
    """Stochastic gradient descent with momentum and a cosine rate, in float64."""
    rng = np.random.default_rng(7)
    params, running = initial(rng)
    speed = {name: np.zeros_like(p) for name, p in params.items()}
    for epoch in range(EPOCHS):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order, losses = rng.permutation(len(x)), []
        for i in range(0, len(x), BATCH):
            batch = order[i : i + BATCH]
            loss, grads = gradients(params, running, x[batch].astype(np.float64), labels[batch])
            losses.append(loss)
            for name, p in params.items():
                speed[name] = MOMENTUM * speed[name] - rate * (grads[name] + DECAY * p)
                p += speed[name]
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: mean loss {np.mean(losses):.4f}")
    for name, _, _ in BLOCKS:
        params[f"{name}.mean"], params[f"{name}.var"] = running[name]
    return {name: p.astype(np.float32) for name, p in params.items()}


def main():
    x, x_held, labels, labels_held = split()
    params = train(x, labels)
    scale, zero_point = export.write_all(HERE, params, calibration=x[:256])

    x_int8 = np.clip(np.rint(x_held / scale) + int(zero_point), -128, 127).astype(np.int8)
    np.savez_compressed(
        HERE / "digits_samples.npz", x_f32=x_held, x_int8=x_int8, x_int8_scale=scale,
        x_int8_zero_point=zero_point, labels=labels_held.astype(np.int64),
    )
    for name in export.NAMES:
        inputs = (x_int8 if name == "int8_io" else x_held)[:, None]
        model = HERE / f"digits_{name}.onnx"
        vectors.save(HERE / f"digits_vectors_{name}.npz", model, inputs[:32])
        right = vectors.run(model, inputs)[0].argmax(-1)[:, 0] == labels_held
        print(f"{model.name}: {right.sum()} of {len(right)} held-out images, {right.mean():.2%}")


if __name__ == "__main__":
    main()
