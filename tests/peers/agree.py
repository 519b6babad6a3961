"""Quantises models with tinyc and compares ONNX Runtime on the exported files with tinyc.

    python3 tests/peers/agree.py TINYC SAMPLES.npz MODEL.onnx [MODEL.onnx ...]

The samples calibrate, and are the inputs of the comparison (of one input, as `in_0` or the first float array). For each file,
with ONNX Runtime's optimisations off and on: samples, how many have the same greatest element, how many elements differ, and by how
many steps at most. The exit code is 1 if a greatest element differs.
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


def quantised(model, x):
    """Samples as the model's integer input stores them: scale and zero point are those of the first tensor that is read."""
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
    return np.stack([session.run(None, {entry.name: row.reshape(entry.shape)})[0] for row in x])


def main():
    tinyc, samples, *models = sys.argv[1:]
    stored = np.load(samples)
    floats = [stored[k] for k in stored.files if stored[k].ndim > 1 and stored[k].dtype == np.float32]
    x = stored["in_0"] if "in_0" in stored.files else floats[0]
    failed = False
    print("model\toptimised\tsamples\tsame top-1\tdiffering\tof\tmost steps")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for model in models:
            file, inputs, outputs = folder / "int8.onnx", folder / "x.npz", folder / "y.npz"
            run = lambda *args: subprocess.run([tinyc, *map(str, args)], check=True, capture_output=True)
            run("quantize", model, "--calibrate", samples, "-o", file)
            loaded = onnx.load(str(file))
            integers = quantised(loaded, x)
            shape = [dim.dim_value for dim in loaded.graph.input[0].type.tensor_type.shape.dim]
            np.savez(inputs, in_0=integers.reshape([len(x)] + shape))
            run("run", file, "--inputs", inputs, "--outputs", outputs)
            ours = np.load(outputs)["out_0"].reshape(len(x), -1).astype(int)
            levels = ort.GraphOptimizationLevel
            for name, level in [("no", levels.ORT_DISABLE_ALL), ("yes", levels.ORT_ENABLE_ALL)]:
                other = theirs(file, integers, level).reshape(len(x), -1).astype(int)
                same = int((ours.argmax(1) == other.argmax(1)).sum())
                failed |= same != len(x)
                differ = ours != other
                steps = int(np.abs(ours - other).max())
                print(f"{pathlib.Path(model).name}\t{name}\t{len(x)}\t{same}\t{differ.sum()}\t{ours.size}\t{steps}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
