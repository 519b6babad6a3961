"""Runs exported models with ONNX Runtime and compares with what tinyc computes.

    TINYC_EXPORTED=/tmp/exported cargo test --all-features --test export
    python3 tests/peers/export.py /tmp/exported FOLDER_OF_VECTORS...

Each NAME.onnx is checked by onnx and run on the inputs of NAME.npz (or of NAME/vectors.npz and
vectors/NAME.npz) found below the folders. Those files hold what ONNX Runtime computed for the original model; for each file
are printed: samples, how many have the same greatest element, how many elements differ, and by how much at most (in
steps where outputs are integers).
Needs numpy, onnx and onnxruntime.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort


def vectors(name, folders):
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.npz")):
            if path.stem == name or path.parent.name == name and path.stem == "vectors":
                return np.load(path, allow_pickle=True)
            if path.stem.replace("_vectors", "") == name:
                return np.load(path, allow_pickle=True)
    return None


def session(path, optimise):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compare(path, stored, optimise):
    run = session(path, optimise)
    inputs = run.get_inputs()
    count = len(stored["in_0"])
    same = differ = elements = 0
    worst = 0.0
    for i in range(count):
        feed = {x.name: stored[f"in_{k}"][i].reshape(x.shape) for k, x in enumerate(inputs)}
        outputs = run.run(None, feed)
        first = None
        for k, y in enumerate(outputs):
            expected = stored[f"out_{k}"][i].reshape(y.shape)
            exact = np.issubdtype(y.dtype, np.integer) or y.dtype == bool
            a, b = y.astype(np.float64), expected.astype(np.float64)
            off = np.abs(a - b)
            off[np.isnan(a) & np.isnan(b) | (a == b)] = 0
            differ += int((off > (0 if exact else 1e-4 + 1e-4 * np.abs(b))).sum())
            elements += y.size
            worst = max(worst, float(off.max(initial=0)))
            if first is None:
                first = a.size == 0 or int(np.nanargmax(a)) == int(np.nanargmax(b))
        same += first
    return count, same, differ, elements, worst


def main():
    folder, *rest = sys.argv[1:]
    print("model\toptimised\tsamples\tsame top-1\tdiffering\tof\tlargest difference")
    failed = 0
    for path in sorted(pathlib.Path(folder).glob("*.onnx")):
        name = path.stem
        try:
            onnx.checker.check_model(str(path), full_check=True)
        except Exception as error:  # whatever it is, it is the answer
            print(f"{name}\tnot valid: {str(error).splitlines()[0]}")
            failed += 1
            continue
        stored = vectors(name, rest)
        if stored is None:
            continue
        for optimise in (False, True):
            try:
                count, same, differ, elements, worst = compare(path, stored, optimise)
            except Exception as error:
                print(f"{name}\t{'yes' if optimise else 'no'}\tfails: {str(error).splitlines()[0][:160]}")
                failed += 1
                continue
            failed += same != count
            print(f"{name}\t{'yes' if optimise else 'no'}\t{count}\t{same}\t{differ}\t{elements}\t{worst:g}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
