"""Integer twins: small seeded graphs with the structures that make int8 networks hard.

Weights are random; scales come from a calibration over the twin's own samples, or are set by hand
where their relation is the point.
"""

import numpy as np

import vectors
from net import Net
from twins import samples

I8, U8, I32 = np.int8, np.uint8, np.int32


def four_digits(scale):
    """Rounded, so that another machine's last float bit does not change the model."""
    return np.float32(f"{scale:.3e}")


def power_of_two(scale):
    return np.float32(2.0 ** np.round(np.log2(scale)))


class Layers:
    """QDQ layers over a `Net`: tracks the current value with its scale and zero point."""

    def __init__(self, net, value, scale, zero_point):
        self.net, self.value = net, value
        self.scale, self.zero_point = np.float32(scale), zero_point

    def fork(self, net=None):
        return Layers(net or self.net, self.value, self.scale, self.zero_point)

    def measured(self, x):
        """Float value `x` over the twin's own samples."""
        return vectors.run(self.net.probe(x), *samples.of(self.net, 3.0))[0]

    def calibrated(self, x):
        """The scale at which nearly all of float value `x` fits."""
        y = self.measured(x)
        low, high = np.percentile(y, [0.3, 99.7])
        return four_digits(high / 255 if y.min() >= 0 else max(-low, high) / 127)

    def requant(self, x, scale, zero_point):
        self.value = self.net.requant(x, scale, zero_point)
        self.scale, self.zero_point = np.float32(scale), zero_point
        return self

    def bias(self, q, w_scale):
        """An int32 bias behind DequantizeLinear with scale x_scale·w_scale, per axis if that is."""
        scale = np.float32(self.scale * w_scale)
        axis = 0 if np.ndim(scale) else None
        return self.net.dequant(self.net.const(q), scale, np.zeros(np.shape(scale), I32), axis)

    def weights(self, q, scale, zero_point=None, axis=0):
        if zero_point is None:
            zero_point = np.zeros(np.shape(scale), q.dtype)
        axis = axis if np.ndim(scale) else None
        return self.net.dequant(self.net.const(q), scale, zero_point, axis)

    def conv(self, q, w_scale, bias, **attrs):
        """The float value of the convolution, not yet quantised."""
        w, b = self.weights(q, w_scale), self.bias(bias, w_scale)
        return self.net.op("Conv", self.value, w, b, **attrs)

    def conv_relu(self, q, w_scale, bias, scale=None, **attrs):
        y = self.net.op("Relu", self.conv(q, w_scale, bias, **attrs))
        return self.requant(y, scale or self.calibrated(y), I8(-128))

    def matmul(self, q, w_scale, bias):
        """MatMul → Add, not yet quantised; weights are [K, N]."""
        y = self.net.op("MatMul", self.value, self.weights(q, w_scale, axis=1))
        return self.net.op("Add", y, self.bias(bias, w_scale))


def random_i8(rng, *shape):
    return rng.integers(-127, 128, shape).astype(I8)


def random_scales(rng, n):
    return rng.uniform(0.002, 0.01, n).astype(np.float32)


def small_bias(rng, n):
    return rng.integers(-4000, 4000, n).astype(I32)


def spoil_channels(rng, w, w_scale, bias, unit):
    """Make every second channel of a pointwise layer what VWW's are.

    `unit` = x_scale / y_scale, so that the requantisation multiplier is M = unit·w_scale.
    In turn: constant at the zero point; constant elsewhere; saturated; live but with sums too
    small to move the output, all four with |bias| near 2^30; and one tap whose rounding border lies
    between two input values. All but the third have M < 2^-24.
    """
    for i, c in enumerate(range(0, len(w), 2)):
        kind = i % 5
        w_scale[c] = 2.0 ** (-20.5 if kind == 2 else -rng.uniform(24.5, 27.0)) / unit
        m = float(w_scale[c]) * unit
        bias[c] = {0: -(2**30), 2: 2**30}.get(kind, round((np.floor(2**30 * m) + 0.2) / m))
        if kind < 3:
            w[c] = 0
        if kind == 4:
            w[c], w[c, 3] = 0, 127
            bias[c] = round(1.5 / m) - 127 * 3 - 64  # stored − zero point: 3 rounds down, 4 up
    if len(w) > 11:  # M so small that no int32 bias lifts the output off the zero point
        w[11], w_scale[11], bias[11] = 0, 1e-11, 2**30


def dw_stack():
    """NHWC int8 input, tf2onnx style; constant channels feed padded depthwise layers."""
    rng = np.random.default_rng(101)
    net = Net("dw_stack_qdq")
    x = net.input("input", "i8", [1, 16, 16, 3])
    x = net.op("Transpose", x, perm=[0, 3, 1, 2])
    at = Layers(net, net.dequant(x, 1 / 255, I8(-128)), 1 / 255, I8(-128))
    drawn = lambda *shape: (random_i8(rng, *shape), random_scales(rng, shape[0]), small_bias(rng, shape[0]))

    at.conv_relu(*drawn(8, 3, 3, 3), kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])
    channels = 8
    for out, stride, pads in [(16, 1, [1, 1, 1, 1]), (24, 2, [0, 0, 1, 1]), (24, 1, [1, 1, 1, 1])]:
        at.conv_relu(*drawn(channels, 1, 3, 3), kernel_shape=[3, 3], strides=[stride] * 2,
                     pads=pads, group=channels)
        w, w_scale, bias = drawn(out, channels, 1, 1)
        healthy = at.fork(net.copy()).conv_relu(w, w_scale, bias)
        spoil_channels(rng, w, w_scale, bias, float(at.scale) / float(healthy.scale))
        at.conv_relu(w, w_scale, bias, scale=healthy.scale, kernel_shape=[1, 1])
        channels = out

    pooled = net.op("AveragePool", at.value, kernel_shape=[3, 3], strides=[1, 1])
    pooled = net.quant(pooled, at.scale, at.zero_point)
    flat = net.op("Reshape", pooled, net.i64(-1, channels * 4))
    at.value = net.dequant(flat, at.scale, at.zero_point)
    w, w_scale = random_i8(rng, channels * 4, 10), np.float32(0.007)
    # The bias takes off the mean, so that the constant channels do not drown the others.
    trial = at.fork(net.copy())
    mean = trial.measured(trial.matmul(w, w_scale, np.zeros(10, I32))).mean((0, 1))
    y = at.matmul(w, w_scale, np.rint(-mean / (at.scale * w_scale)).astype(I32))
    net.output(net.quant(y, at.calibrated(y), I8(-7)), "output", "i8", [1, 10])
    return net


def residual():
    """Residual Adds with M ≥ 1/4, pools whose sums tie, global pool, MatMul head, Softmax."""
    rng = np.random.default_rng(102)
    net = Net("residual_qdq")
    x = net.input("input", "i8", [1, 4, 8, 8])
    at = Layers(net, net.dequant(x, 0.03125, I8(0)), 0.03125, I8(0))
    drawn = lambda *shape: (random_i8(rng, *shape), random_scales(rng, shape[0]), small_bias(rng, shape[0]))
    three = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    # First with arbitrary scales; then with powers of two, where half of the sums can tie.
    for channels, snap in [(4, four_digits), (8, power_of_two)]:
        main, short = at, at.fork()
        main.conv_relu(*drawn(8, channels, 3, 3), **three)
        y = main.conv(*drawn(8, 8, 3, 3), **three)
        main.requant(y, snap(main.calibrated(y)), I8(5))
        y = short.conv(*drawn(8, channels, 1, 1), kernel_shape=[1, 1])
        short.requant(y, snap(main.scale * np.float32(0.55)), I8(-11))
        y = net.op("Relu", net.op("Add", main.value, short.value))
        at = main.requant(y, snap(main.scale * np.float32(1.1)), I8(-128))

    # Both operands are the same tensor and M = 1/4: every odd value is a tie.
    at.requant(net.op("Add", at.value, at.value), at.scale * 4, I8(-128))
    at.requant(net.op("AveragePool", at.value, kernel_shape=[2, 2], strides=[2, 2]), at.scale, I8(-128))
    at.requant(net.op("GlobalAveragePool", at.value), at.scale, I8(-128))
    at.requant(net.op("Flatten", at.value, axis=1), at.scale, at.zero_point)
    y = at.matmul(random_i8(rng, 8, 6), np.float32(0.05 / 74) / at.scale, small_bias(rng, 6) // 40)
    at.requant(y, at.calibrated(y), I8(4))
    y = net.quant(net.op("Softmax", at.value, axis=-1), 1 / 256, I8(-128))
    net.output(y, "output", "i8", [1, 6])
    return net


def u8u8():
    """uint8 activations, uint8 weights with zero points ≠ 0, float at both edges."""
    rng = np.random.default_rng(103)
    net = Net("u8u8_qdq")
    x = net.input("input", "f32", [1, 2, 10, 10])
    at = Layers(net, x, 1, U8(0)).requant(x, 0.0157, U8(113))

    def weights(shape, scale, zero_point):
        q = np.clip(rng.normal(zero_point, 50, shape).round(), 0, 255).astype(U8)
        return at.weights(q, np.float32(scale), U8(zero_point)), np.float32(scale)

    w, w_scale = weights((6, 2, 3, 3), 0.011, 121)
    y = net.op("Conv", at.value, w, at.bias(small_bias(rng, 6), w_scale),
               kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    at.requant(net.op("Relu", y), 0.0213, U8(0))
    y = net.op("AveragePool", at.value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    at.requant(y, 0.0187, U8(0))
    w, w_scale = weights((8, 6, 3, 3), 0.006, 140)
    y = net.op("Conv", at.value, w, at.bias(small_bias(rng, 8), w_scale), kernel_shape=[3, 3])
    at.requant(y, 0.032, U8(130))
    at.requant(net.op("Flatten", at.value, axis=1), 0.032, U8(130))
    w, w_scale = weights((4, 72), 0.004, 7)
    y = net.op("Gemm", at.value, w, at.bias(small_bias(rng, 4), w_scale), transB=1)
    at.requant(y, 0.1, U8(128))
    at.requant(net.op("Softmax", at.value, axis=1), 1 / 255, U8(0))
    net.output(at.value, "output", "f32", [1, 4])
    return net


def matmul_chain():
    """An autoencoder's MatMul → Add → Relu chain, weights [K, N], int8 in and out."""
    rng = np.random.default_rng(104)
    net = Net("matmul_chain_qdq")
    x = net.input("input", "i8", [1, 64])
    at = Layers(net, net.dequant(x, 0.39, I8(89)), 0.39, I8(89))
    widths = [64, 24, 24, 4, 24, 64]
    for i, (k, n) in enumerate(zip(widths, widths[1:])):
        w_scale = random_scales(rng, n) if i % 2 else np.float32(0.006)
        y = at.matmul(random_i8(rng, k, n), w_scale, small_bias(rng, n))
        if i < len(widths) - 2:
            y = net.op("Relu", y)
            at.requant(y, at.calibrated(y), I8(-128))
    net.output(net.quant(y, at.calibrated(y), I8(46)), "output", "i8", [1, 64])
    return net


def qop_mix():
    """QOperator form: ONNX's QLinearConv and QLinearMatMul, and com.microsoft's operators."""
    rng = np.random.default_rng(105)
    net = Net("qop_mix", microsoft=True)
    ms = dict(domain="com.microsoft")
    q = lambda scale, zero_point: [net.f32(scale), net.const(np.array(zero_point))]
    x = net.input("input", "u8", [1, 3, 9, 9])

    def conv(x, x_q, w, y_q, bias=True, **attrs):
        w_scale = rng.uniform(0.003, 0.012, len(w)).astype(np.float32)
        args = [x, *x_q, net.const(w), *q(w_scale, np.zeros(len(w), I8)), *y_q]
        args += [net.const(small_bias(rng, len(w)))] if bias else []
        return net.op("QLinearConv", *args, kernel_shape=w.shape[2:], **attrs)

    x_q, a_q, b_q, c_q = q(0.0203, U8(128)), q(0.0711, U8(0)), q(0.0517, U8(120)), q(0.0907, U8(90))
    x = conv(x, x_q, random_i8(rng, 8, 3, 3, 3), a_q, strides=[2, 2], pads=[1, 1, 1, 1])
    a = conv(x, a_q, random_i8(rng, 8, 1, 3, 3), b_q, bias=False, group=8, pads=[1, 1, 1, 1])
    x = net.op("QLinearAdd", a, *b_q, x, *a_q, *c_q, **ms)
    d_q = q(0.0813, U8(60))
    x = net.op("QLinearAveragePool", x, *c_q, *d_q, kernel_shape=[2, 2], strides=[2, 2],
               pads=[0, 0, 1, 1], count_include_pad=0, **ms)
    x = net.op("MaxPool", x, kernel_shape=[2, 2], strides=[1, 1])
    x = net.op("Flatten", x, axis=1)
    f_q, g_q, h_q = q(0.3, U8(100)), q(0.17, U8(110)), q(1 / 256, U8(0))
    x = net.op("QLinearMatMul", x, *d_q, net.const(random_i8(rng, 32, 12)), *q(0.008, I8(0)), *f_q)
    x = net.op("QGemm", x, *f_q, net.const(random_i8(rng, 7, 12)), *q(0.002, I8(0)),
               net.const(small_bias(rng, 7)), *g_q, transB=1, **ms)
    x = net.op("QLinearSoftmax", x, *g_q, *h_q, axis=1, opset=13, **ms)
    net.output(x, "output", "u8", [1, 7])
    return net


ALL = [dw_stack, residual, u8u8, matmul_chain, qop_mix]
