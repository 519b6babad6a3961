"""Train small classical models on data that scikit-learn ships, export them, and store ONNX Runtime's answers beside them.

    cd examples/models && pip install -r trees/requirements.txt && python -m trees.make

Each `NAME.npz` has held-out samples with their classes (`labels`), and a few with NaN where the model takes them.
"""

from pathlib import Path

import lightgbm
import numpy as np
import onnxmltools
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn import datasets, ensemble, linear_model, svm
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skl2onnx import to_onnx

import vectors
from trees import mix

HERE = Path(__file__).parent
SAMPLES = 24
OPSETS = {"": 17, "ai.onnx.ml": 3}


def data(name):
    """Features and classes: for training, and held out."""
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    stratify = y if y.dtype.kind == "i" else None
    return train_test_split(x.astype(np.float32), y, test_size=0.25, random_state=0, stratify=stratify)


def scikit(model, x, zipmap=False):
    """As `skl2onnx` exports it; `zipmap` for its default of dictionaries."""
    options = {} if zipmap or not hasattr(model, "classes_") else {"zipmap": False}
    return to_onnx(model, x[:1], options=options, target_opset=OPSETS)


def without_zipmap(proto):
    """LightGBM's exporter has no option for it."""
    graph = proto.graph
    zipmap = next(node for node in graph.node if node.op_type == "ZipMap")
    graph.node.remove(zipmap)
    scores = next(output for output in graph.output if output.name == zipmap.output[0])
    index = list(graph.output).index(scores)
    graph.output.remove(scores)
    scores.name = zipmap.input[0]
    scores.type.Clear()
    scores.type.tensor_type.elem_type = 1
    graph.output.insert(index, scores)
    return proto


def write(name, proto, x, labels, answers=None):
    """The model, and the samples with the answers of `answers` (or of the model itself)."""
    path = HERE / f"{name}.onnx"
    path.write_bytes(proto.SerializeToString())
    sess = vectors.session((answers or proto).SerializeToString())
    results = [sess.run(None, {sess.get_inputs()[0].name: row[None]}) for row in x]
    outputs = [np.stack(values) for values in zip(*results)]
    arrays = {"in_0": x[:, None], "labels": labels} | {f"out_{i}": y for i, y in enumerate(outputs)}
    if labels.dtype.kind != "i":
        del arrays["labels"]
    np.savez_compressed(path.with_suffix(".npz"), **arrays)
    right = "" if labels.dtype.kind != "i" else f", {np.mean(outputs[0].ravel() == labels):.0%} right"
    print(f"{path.name}: {path.stat().st_size} bytes{right}")


def with_nan(x):
    """Some samples with features that are missing."""
    x = x.copy()
    rows = np.arange(1, len(x), 3)
    x[rows, rows % x.shape[1]] = np.nan
    return x


def digits_forest():
    """The forest, and features and classes that were held out."""
    x, held, y, labels = data("digits")
    forest = ensemble.RandomForestClassifier(7, max_depth=6, min_samples_leaf=4, random_state=0).fit(x, y)
    return forest, x, held[:SAMPLES], labels[:SAMPLES]


def main():
    forest, x, held, labels = digits_forest()
    write("forest_digits", scikit(forest, x), held, labels)

    x, held, y, labels = data("iris")
    held, labels = held[:SAMPLES], labels[:SAMPLES]
    boosting = ensemble.GradientBoostingClassifier(n_estimators=8, random_state=0).fit(x, y)
    write("boosting_iris", scikit(boosting, x), held, labels)
    # What most users export at first: names as classes, and dictionaries of scores. ONNX Runtime answers with positions
    # and a tensor if the same model has neither.
    names = datasets.load_iris().target_names.astype(str)
    pipeline = make_pipeline(StandardScaler(), linear_model.LogisticRegression()).fit(x, names[y])
    plain = make_pipeline(StandardScaler(), linear_model.LogisticRegression()).fit(x, y)
    write("logistic_iris", scikit(pipeline, x, zipmap=True), held, labels, scikit(plain, x))
    machine = make_pipeline(StandardScaler(), svm.SVC(C=2.0)).fit(x, y)
    write("svm_iris", scikit(machine, x), held, labels)

    x, held, y, labels = data("breast_cancer")
    held, labels = with_nan(held[:SAMPLES]), labels[:SAMPLES]
    types = [("input", FloatTensorType([None, x.shape[1]]))]
    light = lightgbm.LGBMClassifier(n_estimators=20, num_leaves=15, verbose=-1).fit(with_nan(x), y)
    proto = onnxmltools.convert_lightgbm(light, initial_types=types, target_opset=15)
    write("lightgbm_cancer", without_zipmap(proto), held, labels)

    x, held, y, labels = data("wine")
    held, labels = with_nan(held[:SAMPLES]), labels[:SAMPLES]
    types = [("input", FloatTensorType([None, x.shape[1]]))]
    gradient = xgboost.XGBClassifier(n_estimators=10, max_depth=4).fit(with_nan(x), y)
    write("xgboost_wine", onnxmltools.convert_xgboost(gradient, initial_types=types, target_opset=15), held, labels)

    x, held, y, labels = data("diabetes")
    held, labels = held[:SAMPLES], labels[:SAMPLES]
    trees = ensemble.RandomForestRegressor(6, max_depth=6, random_state=0).fit(x, y)
    write("forest_diabetes", scikit(trees, x), held, labels)
    write("mix", mix.model(), mix.samples(), np.zeros(0))
    support = make_pipeline(StandardScaler(), svm.SVR(C=50.0, gamma=0.05)).fit(x[:120], y[:120])
    write("svr_diabetes", scikit(support, x), held, labels)


if __name__ == "__main__":
    main()
