"""Test vectors: what ONNX Runtime answers, with its graph optimisations disabled.

One `.npz` per model: `in_names`, `out_names` in graph order, `in_<i>` and `out_<i>` stacked as
[samples, *shape of the value at batch 1*]. Samples run one at a time, as on a microcontroller.
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


def run(model, *inputs):
    """Outputs for inputs stacked as [samples, 1, ...]."""
    sess = session(model)
    names = [i.name for i in sess.get_inputs()]
    results = [sess.run(None, dict(zip(names, sample))) for sample in zip(*inputs, strict=True)]
    return [np.stack(values) for values in zip(*results)]


def save(npz_path, model_path, *inputs):
    sess = session(model_path)
    arrays = {
        "in_names": np.array([i.name for i in sess.get_inputs()]),
        "out_names": np.array([o.name for o in sess.get_outputs()]),
    }
    arrays |= {f"in_{i}": x for i, x in enumerate(inputs)}
    arrays |= {f"out_{i}": y for i, y in enumerate(run(model_path, *inputs))}
    np.savez_compressed(npz_path, **arrays)
