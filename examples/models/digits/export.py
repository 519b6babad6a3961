"""The digits network as ONNX: float32 with batch normalisation, and ONNX Runtime's int8 forms of it.

The float file keeps BatchNormalization, as a framework's export does, so that folding it is the
compiler's work. The int8 files start from a folded twin, because ONNX Runtime's quantiser would
otherwise leave BatchNormalization in float.
"""

import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader, QuantFormat, QuantType, quantize_static,
)

from net import Net

NAMES = ["f32", "int8_qdq", "int8_qop", "int8_io"]
EPS = 1e-5


def digits_net(p, fold):
    net = Net("digits")
    x = net.input("image", "f32", ["N", 1, 8, 8])
    for name, pad, group in [("conv1", 1, 1), ("dw2", 1, 8), ("pw2", 0, 1)]:
        w, gamma, beta, mean, var = (p[f"{name}.{k}"] for k in ("w", "gamma", "beta", "mean", "var"))
        gain = gamma / np.sqrt(var + np.float32(EPS))
        weights = [net.const(w * gain[:, None, None, None] if fold else w, f"{name}.weight")]
        if fold:
            weights.append(net.const(beta - mean * gain, f"{name}.bias"))
        x = net.op(
            "Conv", x, *weights, at=name, kernel_shape=w.shape[2:], pads=[pad] * 4,
            strides=[1, 1], dilations=[1, 1], group=group,
        )
        if not fold:
            norm = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": var}
            norm = [net.const(v, f"{name}.norm.{k}") for k, v in norm.items()]
            x = net.op("BatchNormalization", x, *norm, at=name, epsilon=EPS)
        x = net.op("Relu", x, at=name)
    x = net.op("MaxPool", x, at="pool", kernel_shape=[2, 2], strides=[2, 2])
    x = net.op("Flatten", x, at="pool", axis=1)
    fc = net.const(p["fc.w"], "fc.weight"), net.const(p["fc.b"], "fc.bias")
    x = net.op("Gemm", x, *fc, at="fc", transB=1)
    x = net.op("Softmax", x, at="fc", axis=1)
    net.output(x, "probabilities", "f32", ["N", 10])
    return net


class Batches(CalibrationDataReader):
    def __init__(self, x):
        self.batches = iter([{"image": x}])

    def get_next(self):
        return next(self.batches, None)


def integer_io(qdq):
    """Cut the first QuantizeLinear and the last DequantizeLinear: int8 in, int8 out."""
    model = onnx.ModelProto()
    model.CopyFrom(qdq)
    graph = model.graph
    first = next(n for n in graph.node if n.input[0] == graph.input[0].name)
    last = next(n for n in graph.node if n.output[0] == graph.output[0].name)
    consts = {c.name: onnx.numpy_helper.to_array(c) for c in graph.initializer}
    scale, zero_point = consts[first.input[1]], consts[first.input[2]]
    for node in graph.node:
        if node.input[0] == first.output[0]:
            node.input[0] = graph.input[0].name
        if node.output[0] == last.input[0]:
            node.output[0] = graph.output[0].name
    graph.node.remove(first)
    graph.node.remove(last)
    used = {name for node in graph.node for name in node.input}
    kept = [c for c in graph.initializer if c.name in used]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(kept)
    for value in (graph.input[0], graph.output[0]):
        value.type.tensor_type.elem_type = onnx.TensorProto.INT8
    return model, scale, zero_point


def write_all(folder, params, calibration):
    """Write the four models; return the scale and zero point of the integer input."""
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser's advice to pre-process, done here
    digits_net(params, fold=False).save(folder / "digits_f32.onnx")
    with tempfile.TemporaryDirectory() as scratch:
        folded = Path(scratch) / "folded.onnx"
        digits_net(params, fold=True).save(folded)
        forms = [("int8_qdq", QuantFormat.QDQ, QuantType.QInt8, True),
                 ("int8_qop", QuantFormat.QOperator, QuantType.QUInt8, False)]
        for name, form, activations, per_channel in forms:
            quantize_static(
                str(folded), str(folder / f"digits_{name}.onnx"), Batches(calibration),
                quant_format=form, per_channel=per_channel,
                activation_type=activations, weight_type=QuantType.QInt8,
            )
    model, scale, zero_point = integer_io(onnx.load(folder / "digits_int8_qdq.onnx"))
    onnx.save(model, folder / "digits_int8_io.onnx")
    return scale, zero_point
