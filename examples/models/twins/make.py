"""Write every twin and its ONNX Runtime vectors beside this file.

    cd examples/models && python -m twins.make
"""

from pathlib import Path

import vectors
from twins import floats, quantized, samples, sequences

HERE = Path(__file__).parent


def main():
    for makers, huge in [(quantized.ALL, 1e9), (floats.ALL, 20.0), (sequences.ALL, 20.0)]:
        for make in makers:
            net = make()
            path = HERE / f"{net.name}.onnx"
            net.save(path)
            vectors.save(path.with_suffix(".npz"), path, *samples.of(net, huge))
            print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
