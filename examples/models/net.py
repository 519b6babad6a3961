"""A small ONNX graph writer: names are counted, constants become initializers.

It knows nothing of any particular model, and it does not infer shapes.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ELEM = {
    "f32": TensorProto.FLOAT,
    "i8": TensorProto.INT8,
    "u8": TensorProto.UINT8,
    "i64": TensorProto.INT64,
}


class Net:
    """Nodes are appended in topological order; every method returns a value's name.

    `old_style` writes what exporters of 2018 wrote: IR version 3, where initializers are also graph
    inputs, and constants in typed fields instead of raw bytes.
    """

    def __init__(self, name, opset=13, microsoft=False, old_style=False):
        self.name, self.opset, self.microsoft, self.old_style = name, opset, microsoft, old_style
        self.nodes, self.consts, self.inputs, self.outputs = [], [], [], []
        self.most = {}

    def _fresh(self, stem):
        return f"{stem}_{len(self.nodes) + len(self.consts)}"

    def input(self, name, dtype, shape):
        self.inputs.append(helper.make_tensor_value_info(name, ELEM[dtype], shape))
        return name

    def output(self, value, name, dtype, shape, most=None):
        """Give the value its public name by renaming it in the node that makes it. `most` is the
        greatest size of its dimension that is a name, because it depends on data."""
        if most is not None:
            self.most[name] = [axis for axis, size in enumerate(shape) if isinstance(size, str)][0], most
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, old in enumerate(names):
                    if old == value:
                        names[i] = name
        self.outputs.append(helper.make_tensor_value_info(name, ELEM[dtype], shape))
        return name

    def const(self, array, name=None):
        name = name or self._fresh("const")
        tensor = numpy_helper.from_array(np.array(array, order="C"), name)
        if self.old_style:
            tensor = helper.make_tensor(name, tensor.data_type, tensor.dims, np.ravel(array))
        self.consts.append(tensor)
        return name

    def f32(self, value):
        return self.const(np.array(value, np.float32))

    def i64(self, *values):
        return self.const(np.array(values, np.int64))

    def op(self, op_type, *inputs, at=None, domain="", **attrs):
        """`at` names the layer, as exporters do: `fc` gives node `/fc/Gemm`."""
        name = f"/{at}/{op_type}" if at else "/" + self._fresh(op_type)
        out = name + "_output_0"
        self.nodes.append(
            helper.make_node(op_type, list(inputs), [out], name=name, domain=domain, **attrs)
        )
        return out

    def quant(self, x, scale, zero_point):
        """QuantizeLinear per tensor; `zero_point` is a numpy scalar whose type is the stored type."""
        return self.op("QuantizeLinear", x, self.f32(scale), self.const(np.array(zero_point)))

    def dequant(self, x, scale, zero_point, axis=None):
        """DequantizeLinear; per axis where `scale` and `zero_point` are vectors."""
        attrs = {} if axis is None else {"axis": axis}
        scale, zero_point = self.f32(scale), self.const(np.array(zero_point))
        return self.op("DequantizeLinear", x, scale, zero_point, **attrs)

    def requant(self, x, scale, zero_point):
        """The QuantizeLinear → DequantizeLinear pair between two quantised operators."""
        return self.dequant(self.quant(x, scale, zero_point), scale, zero_point)

    def copy(self):
        """To try something that shall not stay; node protos are shared."""
        twin = Net(self.name, self.opset, self.microsoft, self.old_style)
        twin.nodes, twin.consts, twin.inputs = list(self.nodes), list(self.consts), self.inputs
        return twin

    def probe(self, value):
        """The graph so far, as bytes, with `value` (float32, of any shape) as its only output."""
        probe = self.copy()
        probe.outputs = [helper.make_tensor_value_info(value, TensorProto.FLOAT, None)]
        return probe.model().SerializeToString()

    def model(self):
        inputs = list(self.inputs)
        if self.old_style:
            inputs += [helper.make_tensor_value_info(c.name, c.data_type, c.dims) for c in self.consts]
        graph = helper.make_graph(self.nodes, self.name, inputs, self.outputs, self.consts)
        opsets = [helper.make_opsetid("", self.opset)]
        if self.microsoft:
            opsets.append(helper.make_opsetid("com.microsoft", 1))
        return helper.make_model(graph, opset_imports=opsets, ir_version=3 if self.old_style else 7)

    def save(self, path):
        onnx.save(self.model(), path)
