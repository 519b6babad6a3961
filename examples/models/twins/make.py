"""Write every twin and its ONNX Runtime vectors beside this file.

    cd examples/models && python -m twins.make
"""

from pathlib import Path

import vectors
from twins import floats, microsoft, quantized, samples, sequences

HERE = Path(__file__).parent


def main():
    quantised = quantized.ALL + microsoft.INTEGERS
    reals = floats.ALL + microsoft.FLOATS
    for makers, huge in [(quantised, 1e9), (reals, 20.0), (sequences.ALL, 20.0)]:
        for make in makers:
            net = make()
            path = HERE / f"{net.name}.onnx"
            net.save(path)
            vectors.save(path.with_suffix(".npz"), path, *samples.of(net, huge))
            print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
