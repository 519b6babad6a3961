"""Two narrower forms of the digits: float16 throughout, and int8 activations with int4 weights.

    cd examples/models && python -m digits.narrow

They are derived from the committed float32 and QDQ files, with onnx and numpy only. Their vectors
come from ONNX's reference implementation: for float16 one operator at a time in float32, each
result rounded to float16 once.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

HERE = Path(__file__).parent
SAMPLES = 32


def constants(model):
    return {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}


def folded(model):
    """Weights and biases of the convolutions with the batch norm behind them folded in, in float32."""
    consts, layers = constants(model), {}
    for conv, norm in zip(model.graph.node, model.graph.node[1:]):
        if conv.op_type == "Conv":
            gamma, beta, mean, var = (consts[name] for name in norm.input[1:])
            gain = gamma / np.sqrt(var + np.float32(1e-5))
            name = conv.name.split("/")[1]
            layers[name] = consts[conv.input[1]] * gain[:, None, None, None], beta - mean * gain
    layers["fc"] = consts["fc.weight"], consts["fc.bias"]
    return layers


def float16(model):
    """The float32 network with every tensor in float16."""
    nodes, consts = [], []
    for layer, (weight, bias) in folded(model).items():
        for kind, value in [("weight", weight), ("bias", bias)]:
            consts.append(numpy_helper.from_array(value.astype(np.float16), f"{layer}.{kind}"))
    source = list(model.graph.node)
    renamed = {}
    for node in source:
        if node.op_type == "BatchNormalization":
            renamed[node.output[0]] = node.input[0]
            continue
        node = helper.make_node(node.op_type, [renamed.get(i, i) for i in node.input], node.output, node.name,
                                **{a.name: helper.get_attribute_value(a) for a in node.attribute})
        if node.op_type == "Conv":
            node.input.append(f"{node.name.split('/')[1]}.bias")
        nodes.append(node)
    kind = TensorProto.FLOAT16
    graph = helper.make_graph(
        nodes, "digits_f16", [helper.make_tensor_value_info("image", kind, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", kind, ["N", 10])], consts)
    return finished(graph, 13)


def int4(float_model, qdq):
    """The QDQ network with int4 weights, one scale per output channel, and biases in the scales that follow."""
    model = onnx.ModelProto()
    model.CopyFrom(qdq)
    consts, weights = constants(model), folded(float_model)
    makers = {node.output[0]: node for node in model.graph.node}
    new = {}
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        x, w, b = (makers[name] for name in node.input)
        weight, bias = weights[node.name.split("/")[1]]
        scale = np.abs(weight).reshape(len(weight), -1).max(1).astype(np.float32) / np.float32(7)
        stored = np.rint(weight / scale.reshape(-1, *[1] * (weight.ndim - 1)))
        sums = consts[x.input[1]] * scale
        nibbles = np.clip(stored, -7, 7).astype(np.int8).ravel()
        new |= {
            w.input[0]: packed(w.input[0], weight.shape, nibbles),
            w.input[1]: numpy_helper.from_array(scale, w.input[1]),
            w.input[2]: packed(w.input[2], scale.shape, np.zeros(len(scale), np.int8)),
            b.input[0]: numpy_helper.from_array(np.rint(bias / sums).astype(np.int32), b.input[0]),
            b.input[1]: numpy_helper.from_array(sums, b.input[1]),
        }
    kept = [new.get(c.name, c) for c in model.graph.initializer]
    graph = helper.make_graph(model.graph.node, "digits_int4_qdq", model.graph.input, model.graph.output, kept)
    return finished(graph, 21)


def packed(name, shape, values):
    """An int4 tensor: two elements to a byte, the first in the low bits."""
    values = np.append(values, [0] * (len(values) % 2)).astype(np.uint8) & 15
    raw = (values[::2] | values[1::2] << 4).tobytes()
    return helper.make_tensor(name, TensorProto.INT4, shape, raw, raw=True)


def finished(graph, opset):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="tinyc")
    model.ir_version = 10
    onnx.checker.check_model(model, full_check=True)
    return model


def run_float16(model, image):
    """Every operator in float32, its result rounded once."""
    values = {name: value.astype(np.float16) for name, value in constants(model).items()} | {"image": image}
    for node in model.graph.node:
        operands = {name: values[name].astype(np.float32) for name in node.input}
        infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, v.shape) for n, v in operands.items()]
        result = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)
        single = helper.make_model(helper.make_graph([node], "one", infos, [result]),
                                   opset_imports=model.opset_import, ir_version=10)
        values[node.output[0]] = ReferenceEvaluator(single).run(None, operands)[0].astype(np.float16)
    return values["probabilities"]


def save(name, model, run, images, labels):
    onnx.save(model, HERE / f"digits_{name}.onnx")
    outputs = np.stack([run(image) for image in images])
    np.savez_compressed(
        HERE / f"digits_vectors_{name}.npz", in_names=np.array(["image"]), out_names=np.array(["probabilities"]),
        in_0=images[:SAMPLES], out_0=outputs[:SAMPLES])
    right = outputs.argmax(-1)[:, 0] == labels
    print(f"digits_{name}.onnx: {right.sum()} of {len(right)} held-out images, {right.mean():.2%}")


def main():
    samples = np.load(HERE / "digits_samples.npz")
    images, labels = samples["x_f32"][:, None], samples["labels"]
    float_model = onnx.load(HERE / "digits_f32.onnx")
    half = float16(float_model)
    save("f16", half, lambda x: run_float16(half, x), images.astype(np.float16), labels)
    quantized = int4(float_model, onnx.load(HERE / "digits_int8_qdq.onnx"))
    evaluator = ReferenceEvaluator(quantized)
    save("int4_qdq", quantized, lambda x: evaluator.run(None, {"image": x})[0], images, labels)


if __name__ == "__main__":
    main()
