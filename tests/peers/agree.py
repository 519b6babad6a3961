"""Quantises models with tinyc and compares ONNX Runtime on the exported files with tinyc.

    python3 tests/peers/agree.py TINYC SHARED/models

The networks and their samples are those of `quantize.py`, and the committed digits. All samples calibrate, divided as
`tinyc quantize` divides them; those kept for evaluation are compared. Prints a row for `docs/onnx-export.md` for each network, with ONNX
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
from quantize import Net, networks, split

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


def compared(tinyc, net, folder):
    """Samples, and for each level of optimisation: same greatest element, elements that differ, of how many, most steps."""
    samples, file, inputs, outputs = (folder / name for name in ("x.npz", "int8.onnx", "kept.npz", "y.npz"))
    run = lambda *args: subprocess.run([tinyc, *map(str, args)], check=True, capture_output=True)
    shape = [d.dim_value for d in onnx.load(str(net.file)).graph.input[0].type.tensor_type.shape.dim][1:]
    x = net.x.reshape([len(net.x)] + shape)
    np.savez(samples, in_0=x)
    run("quantize", net.file, "--calibrate", samples, "-o", file)
    kept = stored(onnx.load(str(file)), x[split(len(x))[2]])
    np.savez(inputs, in_0=kept)
    run("run", file, "--inputs", inputs, "--outputs", outputs)
    ours = np.load(outputs)["out_0"].reshape(len(kept), -1).astype(int)
    levels = ort.GraphOptimizationLevel
    for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
        other = theirs(file, kept, level).reshape(len(kept), -1).astype(int)
        same = int((ours.argmax(1) == other.argmax(1)).sum())
        yield len(kept), same, int((ours != other).sum()), ours.size, int(np.abs(ours - other).max())


def main():
    tinyc, models = sys.argv[1:]
    failed = False
    print("| network | samples | same top-1 | elements that differ | of | steps at most |\n|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for net in all_networks(pathlib.Path(models)):
            (count, same, differ, of, steps), (_, *fast) = compared(tinyc, net, pathlib.Path(folder))
            failed |= same != count or fast[0] != count
            cells = [net.name, count, f"{same}, {fast[0]}", f"{differ}, {fast[1]}", of, f"{steps}, {fast[3]}"]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
