"""Float twins: the operators and attributes that real float networks combine, in few nodes."""

import numpy as np
from onnx import numpy_helper

from net import Net


def weights(rng, *shape):
    return (rng.normal(0, 1, shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def float_mix():
    """Asymmetric pads, strides, dilations, groups, both kinds of padded average, broadcasting."""
    rng = np.random.default_rng(201)
    net = Net("float_mix")
    vec = lambda n, lo=-1.0: net.const(rng.uniform(lo, 1, n).astype(np.float32))
    x = net.input("input", "f32", [1, 3, 12, 11])

    x = net.op("Conv", x, net.const(weights(rng, 8, 3, 3, 3)), vec(8), kernel_shape=[3, 3],
               strides=[2, 1], pads=[1, 0, 2, 1])
    x = net.op("BatchNormalization", x, vec(8, 0.5), vec(8), vec(8), vec(8, 0.2), epsilon=1e-3)
    x = net.op("Clip", x, net.f32(0), net.f32(6))
    x = net.op("Conv", x, net.const(weights(rng, 12, 4, 3, 2)), vec(12), kernel_shape=[3, 2],
               dilations=[1, 2], pads=[1, 1, 1, 1], group=2)
    x = net.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])

    pool = dict(kernel_shape=[2, 2], pads=[1, 0, 0, 1])
    a = net.op("AveragePool", x, count_include_pad=0, **pool)
    b = net.op("AveragePool", x, count_include_pad=1, **pool)
    b = net.op("Mul", b, net.const(rng.uniform(-1, 1, (12, 1, 1)).astype(np.float32)))
    x = net.op("Add", a, b)

    x = net.op("Pad", x, net.i64(0, 0, 1, 0, 0, 0, 0, 1), net.f32(0.5), mode="constant")
    x = net.op("Conv", x, net.const(weights(rng, 24, 1, 3, 3)), vec(24), kernel_shape=[3, 3], group=12)
    x = net.op("Transpose", x, perm=[0, 2, 3, 1])
    x = net.op("Mul", x, vec(24))
    x = net.op("Transpose", x, perm=[0, 3, 1, 2])

    means = net.op("ReduceMean", x, axes=[2, 3], keepdims=0)
    left = net.op("Gemm", means, net.const(weights(rng, 5, 24)), vec(5), transB=1, alpha=0.5, beta=2.0)
    x = net.op("GlobalAveragePool", x)
    x = net.op("Squeeze", x, net.i64(2, 3))
    x = net.op("Unsqueeze", x, net.i64(1))
    x = net.op("Reshape", x, net.i64(0, 2, -1))
    x = net.op("Flatten", x, axis=1)
    right = net.op("Gemm", x, net.const(weights(rng, 5, 24).T), net.f32([0.25]))
    logits = net.op("Add", left, right)
    probabilities = net.op("Softmax", logits, axis=-1)
    net.output(logits, "logits", "f32", [1, 5])
    net.output(probabilities, "probabilities", "f32", [1, 5])
    return net


def dyn_dims():
    """A batch that becomes 1 by itself and a height and width that the user must give."""
    rng = np.random.default_rng(202)
    net = Net("dyn_dims")
    x = net.input("input", "f32", ["N", 3, "H", "W"])
    x = net.op("Conv", x, net.const(weights(rng, 6, 3, 3, 3)), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    x = net.op("Relu", x)
    x = net.op("GlobalAveragePool", x)
    x = net.op("Flatten", x, axis=1)
    x = net.op("Gemm", x, net.const(weights(rng, 4, 6)), transB=1)
    net.output(net.op("Softmax", x, axis=1), "output", "f32", ["N", 4])
    return net


def conv1d():
    """Rank-3 tensors: one spatial dimension."""
    rng = np.random.default_rng(203)
    net = Net("conv1d")
    x = net.input("input", "f32", [1, 4, 20])
    x = net.op("Conv", x, net.const(weights(rng, 8, 4, 5)), kernel_shape=[5], strides=[2], pads=[2, 1])
    x = net.op("Relu", x)
    x = net.op("Conv", x, net.const(weights(rng, 8, 1, 3)), kernel_shape=[3],
               dilations=[2], pads=[2, 2], group=8)
    x = net.op("MaxPool", x, kernel_shape=[2], strides=[2])
    x = net.op("GlobalAveragePool", x)
    x = net.op("Flatten", x, axis=1)
    x = net.op("Gemm", x, net.const(weights(rng, 3, 8)), transB=1)
    net.output(x, "output", "f32", [1, 3])
    return net


def two_inputs():
    """Two inputs, broadcast against each other, and two outputs, one of them used again."""
    net = Net("two_inputs")
    x = net.input("signal", "f32", [1, 6, 4])
    gain = net.input("gain", "f32", [6, 1])
    scaled = net.op("Mul", x, gain)
    mean = net.op("ReduceMean", scaled, axes=[1], keepdims=0)
    net.output(scaled, "scaled", "f32", [1, 6, 4])
    net.output(mean, "mean", "f32", [1, 4])
    return net


def old_style():
    """Opset 8: auto_pad, Constant and Dropout nodes, Clip and Unsqueeze by attribute, 2-D Softmax."""
    rng = np.random.default_rng(204)
    net = Net("old_style", opset=8, old_style=True)
    x = net.input("input", "f32", [1, 1, 9, 8])
    x = net.op("Conv", x, net.const(weights(rng, 4, 1, 3, 3)), kernel_shape=[3, 3],
               strides=[2, 2], auto_pad="SAME_UPPER")
    x = net.op("Add", x, net.const(weights(rng, 4, 1, 1)))
    x = net.op("Clip", x, min=-0.5, max=2.0)
    x = net.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_LOWER")
    x = net.op("Identity", net.op("Dropout", x, ratio=0.25))
    x = net.op("Reshape", x, net.i64(1, 24))
    factor = net.op("Constant", value=numpy_helper.from_array(weights(rng, 24)))
    x = net.op("Mul", x, net.op("Unsqueeze", factor, axes=[0]))
    x = net.op("MatMul", x, net.const(weights(rng, 24, 6)))
    x = net.op("Reshape", x, net.i64(1, 2, 3))
    net.output(net.op("Softmax", x, axis=1), "output", "f32", [1, 2, 3])
    return net


ALL = [float_mix, dyn_dims, conv1d, two_inputs, old_style]
