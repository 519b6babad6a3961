"""One graph with the corners of `ai.onnx.ml` that no exporter of `make.py` writes: every comparison with NaN, every aggregate and post
transform, one column of scores for two classes, all kernels and what prepares columns.
"""

import numpy as np
from onnx import TensorProto, helper

DOMAIN = "ai.onnx.ml"
FEATURES = 6
MODES = ["LEQ", "LT", "GTE", "GT", "EQ", "NEQ"]


class Mix:
    """Nodes whose results are side by side in two outputs, one of labels and one of floats."""

    def __init__(self):
        self.nodes, self.consts = [], []
        self.results = {TensorProto.INT64: [], TensorProto.FLOAT: []}

    def add(self, op, inputs, outputs, domain=DOMAIN, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name for name, _ in outputs], domain=domain, **attributes))
        for name, dtype in outputs:
            self.results[dtype].append(name)

    def hidden(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))

    def model(self):
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", FEATURES])
        self.consts.append(helper.make_tensor("rows", TensorProto.INT64, [2], [0, -1]))
        outputs = []
        for name, (dtype, results) in zip(["labels", "scores"], self.results.items()):
            for result in results:
                self.hidden("Reshape", [result, "rows"], f"{result}_rows")
            self.hidden("Concat", [f"{result}_rows" for result in results], name, axis=1)
            outputs.append(helper.make_tensor_value_info(name, dtype, None))
        graph = helper.make_graph(self.nodes, "mix", [x], outputs, self.consts)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 3)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def stumps(modes, prefix, targets, weight, missing):
    """A tree of three tests for each mode; every leaf has a weight for each target."""
    a = {f"nodes_{part}": [] for part in ("treeids", "nodeids", "featureids", "modes", "values")}
    a |= {f"nodes_{part}": [] for part in ("truenodeids", "falsenodeids", "missing_value_tracks_true")}
    votes = {f"{prefix}_{part}": [] for part in ("treeids", "nodeids", "ids", "weights")}
    for tree, mode in enumerate(modes):
        for node in range(7):
            inner = node < 3
            a["nodes_treeids"].append(tree)
            a["nodes_nodeids"].append(node)
            a["nodes_featureids"].append((tree + node) % FEATURES if inner else 0)
            a["nodes_modes"].append(f"BRANCH_{mode}" if inner else "LEAF")
            a["nodes_values"].append([0.5, -1.0, 0.0][node] if inner else 0.0)
            a["nodes_truenodeids"].append(2 * node + 1 if inner else 0)
            a["nodes_falsenodeids"].append(2 * node + 2 if inner else 0)
            a["nodes_missing_value_tracks_true"].append(int(inner and missing(tree + node)))
            for target in [] if inner else targets:
                votes[f"{prefix}_treeids"].append(tree)
                votes[f"{prefix}_nodeids"].append(node)
                votes[f"{prefix}_ids"].append(target)
                votes[f"{prefix}_weights"].append(float(weight()))
    return a | votes


def model():
    rng = np.random.RandomState(5)
    number = lambda: np.float32(np.round(rng.randn(), 3))
    f32, i64 = TensorProto.FLOAT, TensorProto.INT64
    matrix = lambda rows: [float(number()) for _ in range(rows * FEATURES)]
    mix = Mix()
    sometimes = lambda place: place % 2 == 1
    for aggregate in ["SUM", "AVERAGE", "MIN", "MAX"]:
        trees = stumps(MODES, "target", [0, 1], number, sometimes)
        mix.add("TreeEnsembleRegressor", ["x"], [(f"trees_{aggregate.lower()}", f32)], n_targets=2,
                aggregate_function=aggregate, base_values=[0.5, -0.25], **trees)
    for share in [True, False]:
        for transform in ["NONE", "LOGISTIC"]:
            name = f"{'share' if share else 'margin'}_{transform.lower()}"
            weight = (lambda: abs(number()) / 8) if share else number
            trees = stumps(["LEQ", "LT"], "class", [0], weight, sometimes)
            mix.add("TreeEnsembleClassifier", ["x"], [(f"{name}_label", i64), (name, f32)], post_transform=transform,
                    classlabels_int64s=[7, 3], base_values=[0.125], **trees)
    for transform in ["SOFTMAX", "SOFTMAX_ZERO"]:
        name = transform.lower()
        trees = stumps(["LT", "GT"], "class", [0, 1, 2], number, sometimes)
        mix.add("TreeEnsembleClassifier", ["x"], [(f"{name}_label", i64), (name, f32)], post_transform=transform,
                classlabels_int64s=[4, 9, 2], **trees)
    # NaN becomes different integers on different machines.
    mix.hidden("IsNaN", ["x"], "missing")
    mix.consts.append(helper.make_tensor("none", f32, [], [-3.0]))
    mix.hidden("Where", ["missing", "none", "x"], "known")
    mix.hidden("Cast", ["known"], "whole", to=i64)
    trees = stumps(MODES, "class", [0, 1, 2], number, lambda place: False)
    mix.add("TreeEnsembleClassifier", ["whole"], [("integers_label", i64), ("integers", f32)],
            classlabels_int64s=[0, 1, 2], **trees)
    # What follows has no meaning for NaN.
    mix.add("Imputer", ["x"], [("imputed", f32)], imputed_value_floats=[float(number()) for _ in range(FEATURES)],
            replaced_value_float=float("nan"))
    for norm in ["MAX", "L1", "L2"]:
        mix.add("Normalizer", ["imputed"], [(f"norm_{norm.lower()}", f32)], norm=norm)
    mix.add("Binarizer", ["imputed"], [("binary", f32)], threshold=0.25)
    mix.add("Scaler", ["imputed"], [("scaled", f32)], offset=matrix(1), scale=[float(number()) for _ in range(FEATURES)])
    mix.consts.append(helper.make_tensor("places", i64, [3], [4, 0, 4]))
    mix.add("ArrayFeatureExtractor", ["imputed", "places"], [("extracted", f32)])
    mix.add("FeatureVectorizer", ["imputed", "extracted"], [("joined", f32)], inputdimensions=[FEATURES, 3])
    mix.hidden("Cast", ["imputed"], "classes", to=i64)
    mix.add("LabelEncoder", ["classes"], [("encoded", i64)], keys_int64s=[0, -1, 2, 1], values_int64s=[10, 40, 30, 20],
            default_int64=-7)
    mix.add("LabelEncoder", ["classes"], [("encoded_floats", f32)], keys_int64s=[1, 0], values_floats=[0.5, -2.5],
            default_float=9.0)
    mix.add("OneHotEncoder", ["classes"], [("one_hot", f32)], cats_int64s=[1, 0, -1], zeros=1)
    mix.add("LinearRegressor", ["imputed"], [("linear", f32)], coefficients=matrix(2), intercepts=[0.5, -1.0], targets=2)
    mix.add("LinearClassifier", ["imputed"], [("line_label", i64), ("line", f32)], coefficients=matrix(1),
            intercepts=[0.25], classlabels_ints=[5, 6], post_transform="LOGISTIC")
    mix.add("LinearClassifier", ["imputed"], [("lines_label", i64), ("lines", f32)], coefficients=matrix(3),
            intercepts=[0.25, 0.0, -0.5], classlabels_ints=[5, 8, 6], post_transform="SOFTMAX")
    for kernel, parameters in [("LINEAR", [0.0, 0.0, 3.0]), ("POLY", [0.5, 0.25, 3.0]), ("RBF", [0.25, 0.0, 3.0]),
                               ("SIGMOID", [0.125, 0.5, 3.0])]:
        mix.add("SVMRegressor", ["scaled"], [(f"svr_{kernel.lower()}", f32)], kernel_type=kernel, kernel_params=parameters,
                n_supports=5, support_vectors=matrix(5), coefficients=[float(number()) for _ in range(5)], rho=[0.5])
    for labels in [[8, 3], [8, 3, 5], [8, 3, 5, 1]]:
        count = len(labels)
        sizes = [2, 1, 3, 2][:count]
        mix.add("SVMClassifier", ["scaled"], [(f"svc_{count}_label", i64), (f"svc_{count}", f32)], kernel_type="RBF",
                kernel_params=[0.25, 0.0, 3.0], vectors_per_class=sizes, support_vectors=matrix(sum(sizes)),
                coefficients=[float(number()) for _ in range(sum(sizes) * (count - 1))],
                rho=[float(number()) for _ in range(count * (count - 1) // 2)], classlabels_ints=labels)
    return mix.model()


def samples():
    """Rows with thresholds, zeros of both signs, whole numbers, infinities in trees and NaN."""
    rng = np.random.RandomState(7)
    x = np.round(rng.randn(24, FEATURES) * 1.5, 2).astype(np.float32)
    x[1], x[2], x[3] = 0.5, -1.0, -0.0
    x[4:8] = np.round(x[4:8])
    x[6:14][rng.rand(8, FEATURES) < 0.4] = np.nan
    return x
