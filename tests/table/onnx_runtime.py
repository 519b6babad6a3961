"""Prints how many seconds ONNX Runtime takes for one sample with one thread: `onnx_runtime.py model.onnx vectors.npz`."""

import sys
import time

import numpy
import onnxruntime

SLICES, SLICE = 20, 0.1

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
vectors = numpy.load(sys.argv[2])
feed = {}
for position, node in enumerate(session.get_inputs()):
    shape = [size if isinstance(size, int) else 1 for size in node.shape]
    feed[node.name] = vectors[f"in_{position}"][0].reshape(shape)


def mean():
    """The mean time of the runs of one slice."""
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < SLICE or count == 0:
        session.run(None, feed)
        count += 1
    return (time.perf_counter() - begin) / count


print(min(mean() for _ in range(SLICES)))
