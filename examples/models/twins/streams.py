"""Streaming twins: outputs that are inputs of the next run. `STATES` says which."""

import numpy as np

from net import Net
from twins.floats import weights

STATES = {
    "stream": {"past": "past_next", "hidden": "hidden_next", "older": "older_next"},
    "stream_qdq": {"past": "past_next", "level": "level_next"},
}

ZERO_POINTS = {"stream_qdq": {"past": -7, "level": 20}}


def stream():
    """A causal convolution over a window of frames, a leaky state, and what that was one run before."""
    rng = np.random.default_rng(301)
    net = Net("stream")
    frame = net.input("frame", "f32", [1, 3, 1])
    past = net.input("past", "f32", [1, 3, 4])
    hidden = net.input("hidden", "f32", [1, 5])
    older = net.input("older", "f32", [1, 5])
    window = net.op("Concat", past, frame, axis=2)
    past_next = net.op("Slice", window, net.i64(1), net.i64(5), net.i64(2))
    x = net.op("Conv", window, net.const(weights(rng, 5, 3, 5)), kernel_shape=[5])
    x = net.op("Tanh", net.op("Squeeze", x, net.i64(2)))
    leaky = net.op("Add", net.op("Mul", hidden, net.f32(0.75)), net.op("Mul", x, net.f32(0.5)))
    older_next = net.op("Identity", hidden)
    score = net.op("Gemm", net.op("Sub", leaky, older), net.const(weights(rng, 2, 5)), transB=1)
    net.output(score, "score", "f32", [1, 2])
    net.output(past_next, "past_next", "f32", [1, 3, 4])
    net.output(leaky, "hidden_next", "f32", [1, 5])
    net.output(older_next, "older_next", "f32", [1, 5])
    return net


def stream_qdq():
    """The same in int8, with zero points: what is kept starts there."""
    rng = np.random.default_rng(302)
    net = Net("stream_qdq")
    zero = lambda n: np.int8(n)
    frames, levels = (0.0625, zero(-7)), (0.125, zero(20))
    frame = net.input("frame", "i8", [1, 3, 1])
    past = net.input("past", "i8", [1, 3, 4])
    level = net.input("level", "i8", [1, 4, 1])
    window = net.op("Concat", net.dequant(past, *frames), net.dequant(frame, *frames), axis=2)
    window = net.requant(window, *frames)
    past_next = net.quant(net.op("Slice", window, net.i64(1), net.i64(5), net.i64(2)), *frames)
    stored = rng.integers(-127, 128, (4, 3, 5)).astype(np.int8)
    kernel = net.dequant(net.const(stored), 0.0078125, zero(0))
    bias = net.const(rng.integers(-300, 300, 4).astype(np.int32))
    bias = net.op("DequantizeLinear", bias, net.f32(0.0625 * 0.0078125))
    x = net.op("Conv", window, kernel, bias, kernel_shape=[5])
    x = net.requant(x, 0.09375, zero(3))
    level_next = net.quant(net.op("Add", net.dequant(level, *levels), x), *levels)
    score = net.quant(net.op("Relu", x), 0.09375, zero(3))
    net.output(score, "score", "i8", [1, 4, 1])
    net.output(past_next, "past_next", "i8", [1, 3, 4])
    net.output(level_next, "level_next", "i8", [1, 4, 1])
    return net


ALL = [stream, stream_qdq]
