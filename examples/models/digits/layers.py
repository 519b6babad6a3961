"""Forward and backward passes of the layers that the digits network uses, in plain numpy.

Each `x` → `(y, back)`, where `back(dy)` returns the gradient by `x` and then by the parameters.
Layout is [N, C, H, W]. Not a general library: 'same' padding, stride 1, odd square kernels.
"""

import numpy as np


def windows(x, k):
    """[N, C, H, W, k, k] views of the zero-padded image."""
    p = k // 2
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    return np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(2, 3))


def conv(x, w):
    cols = windows(x, w.shape[2])
    y = np.tensordot(cols, w, ([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)

    def back(dy):
        dw = np.tensordot(dy, cols, ([0, 2, 3], [0, 2, 3]))
        turned = w[:, :, ::-1, ::-1]
        dx = np.tensordot(windows(dy, w.shape[2]), turned, ([1, 4, 5], [0, 2, 3]))
        return dx.transpose(0, 3, 1, 2), dw

    return y, back


def depthwise(x, w):
    cols = windows(x, w.shape[2])
    y = np.einsum("nchwij,cij->nchw", cols, w[:, 0])

    def back(dy):
        dw = np.einsum("nchwij,nchw->cij", cols, dy)[:, None]
        dx = np.einsum("nchwij,cij->nchw", windows(dy, w.shape[2]), w[:, 0, ::-1, ::-1])
        return dx, dw

    return y, back


def batch_norm(x, gamma, beta, running, eps=1e-5, momentum=0.1):
    """Training mode; `running` = [mean, variance] is updated in place."""
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    running[0] += momentum * (mean - running[0])
    running[1] += momentum * (var - running[1])
    column = lambda v: v[None, :, None, None]
    inv = 1 / np.sqrt(var + eps)
    unit = (x - column(mean)) * column(inv)

    def back(dy):
        dgamma, dbeta = (dy * unit).sum((0, 2, 3)), dy.sum((0, 2, 3))
        count = dy.size / dy.shape[1]
        centred = dy - column(dbeta / count) - unit * column(dgamma / count)
        return centred * column(gamma * inv), dgamma, dbeta

    return unit * column(gamma) + column(beta), back


def relu(x):
    return np.maximum(x, 0), lambda dy: (dy * (x > 0),)


def max_pool(x):
    """2×2, stride 2."""
    n, c, h, w = x.shape
    cells = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
    cells = cells.reshape(n, c, h // 2, w // 2, 4)
    winner = cells.argmax(-1)[..., None]

    def back(dy):
        dcells = np.zeros_like(cells)
        np.put_along_axis(dcells, winner, dy[..., None], -1)
        dcells = dcells.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return (dcells.reshape(x.shape),)

    return cells.max(-1), back


def dense(x, w, b):
    """`w` is [out, in], as PyTorch stores it."""
    flat = x.reshape(len(x), -1)
    return flat @ w.T + b, lambda dy: ((dy @ w).reshape(x.shape), dy.T @ flat, dy.sum(0))


def softmax_cross_entropy(logits, labels):
    """Mean loss and its gradient by the logits."""
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return loss, p / len(labels)
