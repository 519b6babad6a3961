"""Test vectors: what ONNX Runtime answers, with its graph optimisations disabled.

One `.npz` per model: `in_names`, `out_names` in graph order, `in_<i>` and `out_<i>` stacked as
[samples, *shape of the value at batch 1*]. Samples run one at a time, as on a microcontroller.

An output whose size depends on data is filled with zeros up to its greatest size, and its sizes
follow as one more output, `NAME_count`, behind all others.
"""

import numpy as np
import onnxruntime as ort


def session(model):
    """`model` is a path or the bytes of a model."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    model = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(model, *inputs, most=None):
    """Outputs for inputs stacked as [samples, 1, ...]; `most` has the axis and greatest size of
    those whose size depends on data, by their names."""
    sess = session(model)
    names = [i.name for i in sess.get_inputs()]
    results = [sess.run(None, dict(zip(names, sample))) for sample in zip(*inputs, strict=True)]
    outputs, counts = [], []
    for out, values in zip(sess.get_outputs(), zip(*results)):
        axis, size = (most or {}).get(out.name, (None, 0))
        if axis is not None:
            counts.append(np.array([[v.shape[axis]] for v in values], np.int32))
            pad = lambda v: [(0, size - d if a == axis else 0) for a, d in enumerate(v.shape)]
            values = [np.pad(v, pad(v)) for v in values]
        outputs.append(np.stack(values))
    return outputs + counts


def save(npz_path, model_path, *inputs, most=None):
    sess = session(model_path)
    most = most or {}
    outs = [o.name for o in sess.get_outputs()]
    arrays = {
        "in_names": np.array([i.name for i in sess.get_inputs()]),
        "out_names": np.array(outs + [f"{name}_count" for name in outs if name in most]),
    }
    arrays |= {f"in_{i}": x for i, x in enumerate(inputs)}
    arrays |= {f"out_{i}": y for i, y in enumerate(run(model_path, *inputs, most=most))}
    np.savez_compressed(npz_path, **arrays)


def save_sequence(npz_path, model_path, states, frames, zero_points=None):
    """As `save`, for a model whose state (input → output) goes from each sample to the next; its one other input is the
    first. What is kept starts as zero, which in a quantised tensor is its zero point."""
    sess = session(model_path)
    inputs, outputs = sess.get_inputs(), [o.name for o in sess.get_outputs()]
    kinds = {"tensor(float)": np.float32, "tensor(int8)": np.int8}
    zeros = zero_points or {}
    kept = {i.name: np.full(i.shape, zeros.get(i.name, 0), kinds[i.type]) for i in inputs[1:]}
    results = []
    for frame in frames:
        results.append(sess.run(None, {inputs[0].name: frame} | kept))
        kept = {old: results[-1][outputs.index(new)] for old, new in states.items()}
    arrays = {"in_names": np.array([inputs[0].name]), "out_names": np.array(outputs), "in_0": frames}
    arrays |= {f"out_{i}": np.stack(values) for i, values in enumerate(zip(*results))}
    np.savez_compressed(npz_path, **arrays)
