"""Quantises models with tinyc and compares ONNX Runtime on the exported files with tinyc.

    python3 tests/peers/agree.py TINYC SHARED/models

The networks, their samples and the two turns of both halves are those of `quantize.py`, and the committed digits. In each turn, one half
calibrates, and the other is compared, so that all samples are. Prints a row for `docs/onnx-export.md` for each network, with ONNX
Runtime's optimisations off and on: samples, how many have the same greatest element, how many elements differ, and by how many steps at
most. The exit code is 1 if a greatest element differs.
Needs numpy, onnx and onnxruntime.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime as ort
from quantize import Net, check_division, networks, turns

DIGITS = pathlib.Path(__file__).parents[2] / "examples/models/digits"


def stored(model, x):
    """Samples as the model's input stores them. Scale and zero point of integers are those of the first tensor that is read."""
    if model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
        return x
    known = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    reads = (n for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] not in known)
    first = next(reads)
    scale, zero = known[first.input[1]], known[first.input[2]]
    info = np.iinfo(zero.dtype)
    return np.clip(np.rint(x / scale) + zero.astype(np.float32), info.min, info.max).astype(zero.dtype)


def theirs(path, x, level):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = level
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    return np.stack([session.run(None, {entry.name: row[None]})[0] for row in x])


def all_networks(models):
    yield from networks(models)
    digits = np.load(DIGITS / "digits_samples.npz")
    yield Net("digits", DIGITS / "digits_f32.onnx", digits["x_f32"], digits["labels"])


LEVELS = (ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)


def compared(tinyc, net, folder):
    """For each level of optimisation, over both turns: same greatest element, elements that differ, of how many, most steps."""
    half, file, inputs, outputs = (folder / name for name in ("half.npz", "int8.onnx", "kept.npz", "y.npz"))
    run = lambda *args: subprocess.run([tinyc, *map(str, args)], check=True, capture_output=True)
    shape = [d.dim_value for d in onnx.load(str(net.file)).graph.input[0].type.tensor_type.shape.dim][1:]
    x = net.x.reshape([len(net.x)] + shape)
    ours, others = [], {level: [] for level in LEVELS}
    for turn, (_, _, kept) in enumerate(turns(len(x))):
        np.savez(inputs, in_0=x[kept])
        # In the first turn tinyc divides; in the second, the other half is a file of its own.
        np.savez(half, in_0=np.delete(x, kept, axis=0) if turn else x)
        run("quantize", net.file, "--calibrate", half, *(["--evaluate", inputs] if turn else []), "-o", file)
        integers = stored(onnx.load(str(file)), x[kept])
        np.savez(inputs, in_0=integers)
        run("run", file, "--inputs", inputs, "--outputs", outputs)
        ours.append(np.load(outputs)["out_0"].reshape(len(kept), -1).astype(int))
        for level in LEVELS:
            others[level].append(theirs(file, integers, level).reshape(len(kept), -1).astype(int))
    ours = np.concatenate(ours)
    for level in LEVELS:
        other = np.concatenate(others[level])
        same = int((ours.argmax(1) == other.argmax(1)).sum())
        yield same, int((ours != other).sum()), ours.size, int(np.abs(ours - other).max())


def main():
    tinyc, models = sys.argv[1:]
    check_division()
    failed = False
    print("| network | samples | same top-1 | elements that differ | of | steps at most |\n|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for net in all_networks(pathlib.Path(models)):
            (same, differ, of, steps), (same_fast, differ_fast, _, steps_fast) = compared(tinyc, net, pathlib.Path(folder))
            count = len(net.x)
            failed |= same != count or same_fast != count
            cells = [net.name, count, f"{same}, {same_fast}", f"{differ}, {differ_fast}", of, f"{steps}, {steps_fast}"]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
