"""Write models that a compiler must refuse with a clear message, and a few odd ones that it must take.

    cd examples/models && python -m bad.make

Files whose name ends in `_ok` are valid. README.md, one folder up, says what is wrong in the others.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import vectors
from net import Net

HERE = Path(__file__).parent
ONES = np.ones((2, 3, 3, 3), np.float32)


def one_conv(name, weight=ONES):
    """A valid little network to break: image → Conv → Relu → output."""
    net = Net(name)
    x = net.input("image", "f32", [1, 3, 6, 6])
    x = net.op("Conv", x, net.const(weight, "weight"), at="conv", kernel_shape=[3, 3])
    net.output(net.op("Relu", x, at="conv"), "output", "f32", [1, 2, 4, 4])
    return net


def unsupported():
    """Two problems in one file: an attribute that makes no sense after training, and a random op."""
    net = Net("unsupported", opset=15)
    x = net.input("image", "f32", [1, 3, 6, 6])
    x = net.op("RandomNormalLike", x, at="noise", seed=1.0)
    ones = [net.const(np.ones(3, np.float32)) for _ in range(4)]
    x = net.op("BatchNormalization", x, *ones, at="norm", training_mode=1)
    net.nodes[-1].output.extend(["running_mean", "running_var"])
    net.output(x, "output", "f32", [1, 3, 6, 6])
    return net.model()


def wrong_rank():
    return one_conv("wrong_rank", ONES[0]).model()


def wrong_channels():
    return one_conv("wrong_channels", ONES[:, :2]).model()


def missing_initializer():
    net = one_conv("missing_initializer")
    net.consts.clear()
    return net.model()


def cyclic():
    net = Net("cyclic")
    x = net.input("input", "f32", [1, 4])
    forward = net.op("Add", x, "/back/Relu_output_0", at="forward")
    net.output(net.op("Relu", forward, at="back"), "output", "f32", [1, 4])
    net.nodes[0].input[1] = "output"
    return net.model()


def defined_twice():
    net = one_conv("defined_twice")
    net.nodes.append(helper.make_node("Relu", ["image"], ["output"], name="/again/Relu"))
    return net.model()


def quantize(name, scale):
    net = Net(name)
    x = net.input("input", "f32", [1, 4])
    q = net.op("QuantizeLinear", x, net.f32(scale), net.const(np.int8(0)), at="q")
    net.output(q, "output", "i8", [1, 4])
    return net.model()


def zero_scale():
    return quantize("zero_scale", 0.0)


def nan_scale():
    return quantize("nan_scale", np.nan)


def huge_dims():
    """An initializer that claims 2^66 elements, which is 0 in 64 bits that wrap, and holds four."""
    model = one_conv("huge_dims").model()
    tensor = model.graph.initializer[0]
    tensor.dims[:] = [2**32, 2**32, 4, 1]
    tensor.raw_data = np.ones(4, np.float32).tobytes()
    return model


def short_data():
    """An initializer with fewer bytes than its dims say."""
    model = one_conv("short_data").model()
    model.graph.initializer[0].raw_data = ONES.tobytes()[:-2]
    return model


def external(name, location, offset=0, length=ONES.nbytes):
    model = one_conv(name).model()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in [("location", location), ("offset", offset), ("length", length)]:
        tensor.external_data.add(key=key, value=str(value))
    return model


def external_escape():
    return external("external_escape", "../../../../../../etc/passwd")


def external_absolute():
    return external("external_absolute", "/etc/passwd")


def external_missing():
    return external("external_missing", "no_such_file.bin")


def external_huge():
    """The file is there; offset and length reach far beyond its end."""
    return external("external_huge", "external_ok.bin", offset=2**40, length=2**50)


def external_ok():
    return external("external_ok", "external_ok.bin", offset=64)


def unsorted_ok():
    """The consumer comes before its producer; the graph has no cycle."""
    net = one_conv("unsorted_ok")
    net.nodes.reverse()
    return net.model()


ALL = [unsupported, wrong_rank, wrong_channels, missing_initializer, cyclic, defined_twice, zero_scale,
       nan_scale, huge_dims, short_data, external_escape, external_absolute, external_missing,
       external_huge, external_ok, unsorted_ok]


def main():
    weight = np.random.default_rng(301).normal(0, 0.2, ONES.shape).astype(np.float32)
    (HERE / "external_ok.bin").write_bytes(bytes(64) + weight.tobytes())
    for make in ALL:
        onnx.save(make(), HERE / f"{make.__name__}.onnx")
    whole = one_conv("truncated", weight).model().SerializeToString()
    (HERE / "truncated.onnx").write_bytes(whole[: len(whole) // 2])
    (HERE / "empty.onnx").write_bytes(b"")
    (HERE / "not_onnx.onnx").write_bytes(b"This is not a protobuf message, whatever its name says.\n")

    x = np.random.default_rng(302).normal(0, 1, (4, 1, 3, 6, 6)).astype(np.float32)
    for name in ("external_ok", "unsorted_ok"):
        vectors.save(HERE / f"{name}.npz", HERE / f"{name}.onnx", x)


if __name__ == "__main__":
    main()
