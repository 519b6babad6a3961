"""What ONNX Runtime's own quantiser and TensorFlow Lite's make of the models, on the samples that tinyc is measured on.

    python3 tests/peers/quantize.py SHARED/models > tests/peers/quantize.tsv

`data.npz` of each network has labelled samples. Both halves of them take turns: a model that was calibrated on one is evaluated on the
other, and what is printed is of both together, so that each sample counts once. The first turn is the division that `tinyc quantize`
makes of one file (`src/quantize/sets.rs`): a fixed shuffle by SplitMix64, half for evaluation, the rest for calibration. In the second
turn that half calibrates, as a file of its own. `division.tsv` has examples, which this program and tinyc's tests check.

ONNX Runtime calibrates on one half with its best settings of those tried here by the mean square error of its outputs on a quarter of
that half: QDQ, int8 activations and int8 weights with a scale for each output channel; ranges by minimum and maximum, entropy or
percentile; symmetric activations or not; after its own preprocessing (shape inference, batch norm folded). Accuracy is measured with the
optimised runtime. TensorFlow Lite's models were calibrated with none of these samples.

Needs numpy, onnx and onnxruntime. Columns: network, model, samples calibrated on in each turn, samples evaluated, metric, value, right,
samples with another first class than the float model's, signal over noise of the outputs in dB (of models with float outputs),
settings in each turn, version.
"""

import contextlib
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnx.version_converter
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

MOST_FIT, MOST_SELECT = 512, 64


class SplitMix:
    """`ir/src/seeded.rs`"""

    def __init__(self, seed):
        self.state = seed

    def bits(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    def below(self, count):
        return (self.bits() * count) >> 64


def shuffled(count):
    order, stream = list(range(count)), SplitMix(0)
    for at in range(count - 1, 0, -1):
        other = stream.below(at + 1)
        order[at], order[other] = order[other], order[at]
    return order


def calibration(numbers):
    """Of shuffled numbers of samples those for ranges and those for choices."""
    choosing = min(len(numbers) // 4, MOST_SELECT)
    select, fit = numbers[:choosing], numbers[choosing:]
    return fit[:MOST_FIT], select


def turns(count):
    """Numbers of samples for ranges, for choices and for evaluation, in two turns."""
    order = shuffled(count)
    kept, rest = sorted(order[: count // 2]), order[count // 2 :]
    again = [kept[at] for at in shuffled(len(kept))]
    return [(*calibration(rest), kept), (*calibration(again), sorted(rest))]


def check_division():
    """Stops if the turns of the examples are not those that tinyc makes."""
    lines = (pathlib.Path(__file__).parent / "division.tsv").read_text().splitlines()
    for line in lines[1:]:
        count, turn, *uses = line.split("\t")
        found = turns(int(count))[int(turn)]
        if [[int(n) for n in use.split()] for use in uses] != list(found):
            sys.exit(f"turn {turn} of {count} samples: tinyc divides otherwise")


class Samples(CalibrationDataReader):
    def __init__(self, name, x):
        self.rows = iter([{name: sample[None]} for sample in x])

    def get_next(self):
        return next(self.rows, None)


def run(path, x, optimise=True):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    shape = [1] + list(entry.shape[1:])
    if entry.type == "tensor(float)":
        x = x.astype(np.float32)
    return np.stack([session.run(None, {entry.name: row.reshape(shape)})[0][0] for row in x])


class Net:
    """A network with labelled samples."""

    def __init__(self, name, file, x, labels, own=None, integers=None, targets=None):
        self.name, self.file, self.x, self.labels = name, file, x.astype(np.float32), labels
        self.own, self.integers, self.targets = own, integers, targets


def networks(models):
    def data(folder):
        return np.load(folder / "data.npz", allow_pickle=True)

    def shifted(x):
        return (x.astype(np.int16) - 128).astype(np.int8)

    tiny = models / "mlperf_tiny"

    def net(name, folder, x, integers, labels, targets=None):
        float_file, own = folder / f"{folder.name}_f32_b1.onnx", folder / f"{folder.name}_int8_qdq_b1.onnx"
        return Net(name, float_file, x, labels, own, integers, targets)

    folder = tiny / "kws_dscnn"
    d = data(folder)
    real = (d["x_int8"].astype(np.float32) - np.float32(d["zero_point"])) * np.float32(d["scale"])
    spoken, words = d["labels"], d["label_names"]
    yield net("KWS", folder, real, d["x_int8"], spoken)
    folder = tiny / "vww_mobilenet"
    d = data(folder)
    yield net("VWW", folder, d["x_u8"] / np.float32(255), shifted(d["x_u8"]), d["labels"])
    folder = tiny / "ic_resnet8"
    d = data(folder)
    yield net("IC", folder, d["x_u8"], shifted(d["x_u8"]), d["labels"])
    folder = tiny / "ad_autoencoder"
    clips = data(folder)["log_mel"]
    windows = np.stack([clip[i : i + 5].reshape(640) for clip in clips for i in range(len(clip) - 4)])
    integers = np.clip(np.round(windows / np.float32(0.3910152316093445)) + 89, -128, 127).astype(np.int8)
    yield net("AD", folder, windows, integers, None, windows)
    folder = tiny / "sww_1dcnn"
    d = data(folder)
    yield net("SWW", folder, d["x_f32"], d["x_int8"], d["labels"])
    folder = models / "models" / "keypoint_classifier"
    d = data(folder)
    yield Net("gestures", folder / "model.onnx", d["x_f32"], d["labels"])
    folder = models / "models" / "mnist8"
    d = data(folder)
    yield Net("MNIST 28", folder / "model.onnx", d["x_u8"].reshape(-1, 1, 28, 28), d["labels"])
    halved = d["x_u8"].reshape(-1, 1, 14, 2, 14, 2).mean((3, 5)) / 255
    yield Net("MNIST 14", models / "models" / "mnist14_atmega" / "model.onnx", halved, d["labels"])
    # Its classes have the order of Arm's training script.
    order = ["Silence", "Unknown", "Yes", "No", "Up", "Down", "Left", "Right", "On", "Off", "Stop", "Go"]
    spoken = np.array([order.index(words[label]) for label in spoken])
    yield Net("KWS LSTM", models / "models" / "armkws_lstm" / "model.onnx", real.reshape(-1, 490), spoken)


SETTINGS = [
    (method, symmetric)
    for method in (CalibrationMethod.MinMax, CalibrationMethod.Entropy, CalibrationMethod.Percentile)
    for symmetric in (False, True)
]


def quantise(net, x, folder, method, symmetric, adjust=True):
    """ONNX Runtime's quantiser; the file that it makes."""
    prepared, result = folder / "prepared.onnx", folder / f"{net.name}_{method.name}_{symmetric}.onnx"
    model = onnx.load(str(net.file))
    if model.opset_import[0].version < 13:
        # Its quantiser wants operator set 13 for scales along an axis.
        model = onnx.version_converter.convert_version(model, 13)
    onnx.save(model, str(prepared))
    quant_pre_process(str(prepared), str(prepared), skip_symbolic_shape=True)
    entry = ort.InferenceSession(str(prepared), providers=["CPUExecutionProvider"]).get_inputs()[0]
    shape = [1] + list(entry.shape[1:])
    quantize_static(
        str(prepared),
        str(result),
        Samples(entry.name, x.reshape([len(x)] + shape[1:])),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=method,
        extra_options={
            "ActivationSymmetric": symmetric,
            "WeightSymmetric": True,
            "QDQDisableWeightAdjustForInt32Bias": not adjust,
        },
    )
    return result


def quantised(net, fit, select, wanted, folder):
    """ONNX Runtime's best file and its settings; `wanted` are the float model's outputs for `select`."""
    found = []
    for method, symmetric in SETTINGS:
        with contextlib.redirect_stdout(sys.stderr):
            try:
                file = quantise(net, net.x[fit + select], folder, method, symmetric)
            except ValueError:
                # Its search for scales that suit biases fails for some shapes of biases.
                file = quantise(net, net.x[fit + select], folder, method, symmetric, False)
        loss = float(np.mean((run(file, net.x[select]) - wanted) ** 2))
        found.append((loss, f"{method.name}{', symmetric' if symmetric else ''}", file))
    _, settings, file = min(found)
    return file, settings


def row(net, what, y, wanted, calibrated="", settings=""):
    """Prints the line of a model with outputs `y` for all samples; `wanted` are the float model's."""
    if net.labels is not None:
        first, own = (outputs.reshape(len(outputs), -1).argmax(1) for outputs in (y, wanted))
        right = int((first == net.labels).sum())
        metric, value, changed = "top1", right / len(y), int((first != own).sum())
    else:
        metric, value, right, changed = "mse", float(np.mean((y.astype(np.float64) - net.targets) ** 2)), "", ""
    decibels = ""
    if what == "ort":
        noise = np.sum((y.astype(np.float64) - wanted) ** 2)
        decibels = f"{10 * np.log10(np.sum(wanted.astype(np.float64) ** 2) / noise):.1f}"
    cells = [net.name, what, calibrated, len(y), metric, f"{value:.6g}", right, changed, decibels, settings, ort.__version__]
    print("\t".join(str(cell) for cell in cells), flush=True)


def main():
    models = pathlib.Path(sys.argv[1])
    check_division()
    print("network\tmodel\tcalibrated\tevaluated\tmetric\tvalue\tright\tchanged\tdb\tsettings\tonnxruntime")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for net in networks(models):
            wanted = run(net.file, net.x)
            row(net, "float", wanted, wanted)
            if net.own is not None:
                y = run(net.own, net.integers)
                if net.targets is not None:
                    y = (y.astype(np.float32) - 96) * np.float32(0.36449846625328064)
                row(net, "tflite", y, wanted)
            y, calibrated, settings = np.empty_like(wanted), [], []
            for fit, select, kept in turns(len(net.x)):
                file, chosen = quantised(net, fit, select, wanted[select], folder)
                y[kept] = run(file, net.x[kept])
                calibrated.append(str(len(fit) + len(select)))
                settings.append(chosen)
            row(net, "ort", y, wanted, " + ".join(calibrated), "; ".join(settings))


if __name__ == "__main__":
    main()
