"""Write every twin and its ONNX Runtime vectors beside this file.

    cd examples/models && python -m twins.make
"""

from pathlib import Path

import vectors
from twins import detection, floats, microsoft, quantized, samples, sequences, streams

HERE = Path(__file__).parent


def main():
    quantised = quantized.ALL + microsoft.INTEGERS
    reals = floats.ALL + microsoft.FLOATS + sequences.ALL + streams.ALL
    for makers, huge in [(quantised, 1e9), (reals, 20.0), (detection.ALL, 2.0)]:
        for make in makers:
            net = make()
            path = HERE / f"{net.name}.onnx"
            net.save(path)
            vectors.save(path.with_suffix(".npz"), path, *samples.of(net, huge), most=net.most)
            print(f"{path.name}: {path.stat().st_size} bytes")
    for make in streams.ALL:
        net = make()
        path = HERE / f"{net.name}.onnx"
        frames = samples.of(net, 4.0)[0]
        vectors.save_sequence(HERE / f"{net.name}_sequence.npz", path, streams.STATES[net.name], frames,
                              streams.ZERO_POINTS.get(net.name))


if __name__ == "__main__":
    main()
