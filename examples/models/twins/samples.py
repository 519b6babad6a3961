"""Seeded inputs for the twins.

Extremes first (every end of the range, the alternating ends, zero), then random data from narrow
to full range.
"""

import numpy as np
from onnx import TensorProto

SAMPLES = 16
FREE_DIMS = {"N": 1, "H": 9, "W": 7}


def integers(rng, dtype, shape):
    info = np.iinfo(dtype)
    middle = (info.min + info.max + 1) // 2
    ends = np.resize([info.min, info.max], shape)
    fixed = [np.full(shape, v) for v in (info.min, info.max, middle)] + [ends, ends[..., ::-1]]
    spread = np.linspace(2, 128, SAMPLES - len(fixed))
    drawn = [middle + rng.integers(-int(s), int(s), shape) for s in spread]
    return np.stack(fixed + drawn).astype(dtype)


def floats(rng, shape, huge):
    ends = np.resize([-huge, huge], shape)
    tiny = np.resize([-0.0, 1e-42, -1e-42], shape)
    fixed = [np.zeros(shape), tiny, np.full(shape, -huge), np.full(shape, huge), ends]
    drawn = [rng.normal(0, s, shape) for s in np.geomspace(0.1, 4, SAMPLES - len(fixed))]
    return np.stack(fixed + drawn).astype(np.float32)


def of(net, huge):
    """One array [SAMPLES, *shape] per graph input. `huge` is the largest float value: large only
    where the graph quantises its input first."""
    rng, arrays = np.random.default_rng(1), []
    for value in net.inputs:
        kind = value.type.tensor_type
        shape = [FREE_DIMS.get(d.dim_param, d.dim_value) for d in kind.shape.dim]
        if kind.elem_type == TensorProto.FLOAT:
            arrays.append(floats(rng, shape, huge))
        else:
            dtype = np.int8 if kind.elem_type == TensorProto.INT8 else np.uint8
            arrays.append(integers(rng, dtype, shape))
    return arrays
