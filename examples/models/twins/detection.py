"""Twins of what stands behind the heads of detectors: boxes that overlap are dropped, entries are kept
or not, regions are sampled. Sizes depend on data."""

import numpy as np

from net import Net
from twins.floats import weights

CELLS, ANCHORS, CLASSES, KEEP = 4, 2, 3, 4


def boxes():
    """A small head with anchors; NonMaxSuppression of three classes; the boxes, scores and classes kept."""
    rng = np.random.default_rng(301)
    net = Net("boxes")
    x = net.input("image", "f32", [1, 3, 9, 9])
    each, count = 4 + CLASSES, CELLS * CELLS * ANCHORS
    kernel, bias = weights(rng, ANCHORS * each, 3, 3, 3), rng.uniform(-0.3, 0.3, ANCHORS * each)
    x = net.op("Conv", x, net.const(kernel), net.const(bias.astype(np.float32)), kernel_shape=[3, 3],
               strides=[2, 2])
    x = net.op("Transpose", x, perm=[0, 2, 3, 1])
    x = net.op("Reshape", x, net.i64(1, count, each))
    part = lambda first, end: net.op("Slice", x, net.i64(first), net.i64(end), net.i64(2))
    rows, columns = np.divmod(np.arange(count) // ANCHORS, CELLS)
    middle = np.stack([columns, rows], axis=1).astype(np.float32)[None] + 0.5
    middle = net.op("Add", net.op("Mul", part(0, 2), net.f32(0.25)), net.const(middle))
    size = net.op("Add", net.op("Abs", part(2, 4)), net.f32(1.0))
    found = net.op("Concat", middle, size, axis=2)
    scores = net.op("Transpose", part(4, each), perm=[0, 2, 1])
    kept = net.op("NonMaxSuppression", found, scores, net.i64(KEEP), net.f32([0.3]), net.f32([0.1]),
                  center_point_box=1)

    column = lambda i: net.op("Gather", kept, net.const(np.int64(i)), axis=1)
    classes, number = column(1), column(2)
    own = net.op("Gather", net.op("Squeeze", found, net.i64(0)), number, axis=0)
    middle, size = net.op("Split", own, net.i64(2, 2), axis=1), None
    net.nodes[-1].output.append(middle + "_size")
    half = net.op("Mul", middle + "_size", net.f32(0.5))
    corners = net.op("Concat", net.op("Sub", middle, half), net.op("Add", middle, half), axis=1)
    place = net.op("Add", net.op("Mul", classes, net.const(np.int64(count))), number)
    best = net.op("Gather", net.op("Reshape", scores, net.i64(-1)), place)
    most = CLASSES * KEEP
    net.output(corners, "corners", "f32", ["kept", 4], most)
    net.output(best, "score", "f32", ["kept"], most)
    net.output(net.op("Identity", classes), "class", "i64", ["kept"], most)
    return net


def selection():
    """NonZero, what its positions pick, Compress by a condition that is computed, and Unique."""
    net = Net("selection")
    x = net.input("signal", "f32", [4, 6])
    loud = net.op("Greater", x, net.f32(0.25))
    where = net.op("Transpose", net.op("NonZero", loud), perm=[1, 0])
    values = net.op("Mul", net.op("GatherND", x, where), net.f32(2.0))
    net.output(where, "where", "i64", ["loud", 2], 24)
    net.output(values, "values", "f32", ["loud"], 24)
    rows = net.op("ReduceMax", x, axes=[1], keepdims=0)
    rows = net.op("Compress", x, net.op("Greater", rows, net.f32(1.0)), axis=0)
    net.output(rows, "rows", "f32", ["rows", 6], 4)
    steps = net.op("Unique", net.op("Round", net.op("Mul", x, net.f32(2.0))), sorted=0)
    node = net.nodes[-1]
    node.output.extend(f"{steps}_{i}" for i in range(1, 4))
    names = list(node.output)
    net.output(names[0], "steps", "f32", ["steps"], 24)
    net.output(names[1], "first", "i64", ["steps"], 24)
    net.output(names[2], "step_of", "i64", [24])
    net.output(names[3], "counts", "i64", ["steps"], 24)
    return net


def sampling():
    """GridSample in all modes and paddings; RoiAlign; a DeformConv of two groups with a mask."""
    rng = np.random.default_rng(303)
    net = Net("sampling", opset=20)
    x = net.input("image", "f32", [1, 4, 6, 7])
    grid = net.input("grid", "f32", [1, 3, 5, 2])
    rois = net.input("rois", "f32", [3, 4])
    modes = [("linear", "zeros", 0), ("linear", "reflection", 1), ("cubic", "zeros", 0),
             ("cubic", "reflection", 0), ("nearest", "zeros", 1), ("nearest", "border", 0)]
    all_ = [net.op("GridSample", x, grid, mode=m, padding_mode=p, align_corners=a) for m, p, a in modes]
    net.output(net.op("Concat", *all_, axis=1), "sampled", "f32", [1, 24, 3, 5])
    rois = net.op("Mul", rois, net.f32([1, 1, 3, 3]))
    align = lambda mode: net.op("RoiAlign", x, rois, net.i64(0, 0, 0), mode=mode, output_height=2,
                                output_width=3, sampling_ratio=2, spatial_scale=0.75)
    net.output(net.op("Concat", align("avg"), align("max"), axis=1), "aligned", "f32", [3, 8, 2, 3])
    offset = net.op("Conv", x, net.const(weights(rng, 2 * 2 * 6, 4, 2, 3)), kernel_shape=[2, 3], pads=[1, 1, 0, 1])
    mask = net.op("Sigmoid", net.op("Conv", x, net.const(weights(rng, 2 * 6, 4, 2, 3)), kernel_shape=[2, 3],
                                    pads=[1, 1, 0, 1]))
    y = net.op("DeformConv", x, net.const(weights(rng, 6, 2, 2, 3)), offset,
               net.const(rng.uniform(-1, 1, 6).astype(np.float32)), mask, kernel_shape=[2, 3],
               pads=[1, 1, 0, 1], group=2, offset_group=2)
    net.output(y, "deformed", "f32", [1, 6, 6, 7])
    return net


ALL = [boxes, selection, sampling]
