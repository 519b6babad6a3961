"""Twins of sequences: attention in both dialects, equations, spectra."""

import numpy as np

from net import Net
from twins.floats import weights


def attention_mix():
    """Two blocks as ONNX has them: grouped heads that turn with their position and look back at
    what came before, then heads that read a cache of constants through a mask with an empty row."""
    rng = np.random.default_rng(301)
    net = Net("attention_mix", opset=23)
    matrix = lambda *shape: net.const(weights(rng, *shape[::-1]).T)
    x = net.input("input", "f32", [1, 6, 16])

    n = net.op("LayerNormalization", x, net.const(rng.uniform(0.5, 1.5, 16).astype(np.float32)))
    angles = np.outer(np.arange(6), 0.5 ** np.arange(2))[None].astype(np.float32)
    cos, sin = net.const(np.cos(angles)), net.const(np.sin(angles))
    turn = lambda v, heads: net.op("RotaryEmbedding", v, cos, sin, num_heads=heads)
    q = turn(net.op("MatMul", n, matrix(16, 16)), 4)
    k = turn(net.op("MatMul", n, matrix(16, 8)), 2)
    v = net.op("MatMul", n, matrix(16, 8))
    a = net.op("Attention", q, k, v, q_num_heads=4, kv_num_heads=2, is_causal=1, softcap=4.0)
    x = net.op("Add", x, net.op("MatMul", a, matrix(16, 16)))

    n = net.op("RMSNormalization", x, net.const(rng.uniform(0.5, 1.5, 16).astype(np.float32)))
    heads = net.op("Reshape", n, net.i64(1, 6, 2, 8))
    q = net.op("Einsum", heads, matrix(8, 4), equation="bshd,de->bhse")
    cache = lambda: net.const(rng.normal(0, 1, (1, 2, 5, 4)).astype(np.float32))
    mask = np.where(rng.random((6, 5)) < 0.3, -np.inf, rng.normal(0, 1, (6, 5)))
    mask[2], mask[3] = -np.inf, 0
    a = net.op("Attention", q, cache(), cache(), net.const(mask.astype(np.float32)), scale=0.7)
    y = net.op("Einsum", a, net.const(weights(rng, 2, 4, 3)), equation="bhse,heo->bso")
    net.output(y, "output", "f32", [1, 6, 3])
    return net


def runtime_attention():
    """The operators of ONNX Runtime: a projection with padding and a causal order, then heads with a
    bias on their scores, the first of them turned."""
    rng = np.random.default_rng(302)
    net = Net("runtime_attention", microsoft=True)
    domain = dict(domain="com.microsoft")
    const = lambda *shape: net.const(rng.normal(0, 0.5, shape).astype(np.float32))
    x = net.input("input", "f32", [1, 5, 8])

    padding = net.const(np.array([[1, 1, 0, 1, 1]], np.int32))
    a = net.op("Attention", x, const(8, 8 + 8 + 4), const(8 + 8 + 4), padding, num_heads=2,
               unidirectional=1, qkv_hidden_sizes=[8, 8, 4], **domain)

    table = np.outer(np.arange(8), 0.3 ** np.arange(2)).astype(np.float32)
    q = net.op("RotaryEmbedding", x, net.const(np.array([2], np.int64)), net.const(np.cos(table)),
               net.const(np.sin(table)), interleaved=1, **domain)
    b = net.op("MultiHeadAttention", q, x, net.op("Concat", a, a, axis=2), const(24), "", const(1, 2, 5, 5),
               num_heads=2, scale=0.4, **domain)
    net.output(b, "output", "f32", [1, 5, 8])
    return net


def spectrum():
    """From samples to pitches: frames that overlap, a transform of 60 elements, bands, a cosine
    transform; and there and back again over 34 elements."""
    rng = np.random.default_rng(303)
    net = Net("spectrum", opset=17)
    x = net.input("signal", "f32", [1, 204, 1])
    window = net.const(np.hanning(60).astype(np.float32))
    s = net.op("STFT", x, net.const(np.array(24, np.int64)), window, onesided=1)
    power = net.op("ReduceSumSquare", s, axes=[3], keepdims=0)
    edge = lambda hertz: net.f32(hertz)
    count = lambda n: net.const(np.array(n, np.int64))
    bands = net.op("MelWeightMatrix", count(8), count(60), count(2000), edge(50), edge(900))
    pitch = net.op("MatMul", power, bands)
    # What rounding leaves in empty bands stays far below 1.
    pitch = net.op("Mul", pitch, net.f32(1e-3))
    pitch = net.op("Log", net.op("Add", pitch, net.f32(1.0)))
    net.output(pitch, "pitch", "f32", [1, 7, 8])

    parts = net.op("Reshape", x, net.i64(6, 34, 1))
    there = net.op("DFT", parts, axis=1, onesided=1)
    there = net.op("Mul", there, net.const(rng.uniform(0, 1, (18, 1)).astype(np.float32)))
    whole = net.op("DFT", net.op("Reshape", there, net.i64(6, 18, 2)), axis=1, inverse=1)
    net.output(whole, "filtered", "f32", [6, 18, 2])
    return net


ALL = [attention_mix, runtime_attention, spectrum]
