"""Flash and cycles of the committed models, and flash of what emlearn makes of the same forest.

    cd examples/models && pip install emlearn==0.23.2 && python -m trees.compare TINYC

TINYC is the compiled program. The table goes between the markers of docs/trees.md. Needs arm-none-eabi-gcc.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import emlearn

from trees.make import HERE, digits_forest

PAGE = HERE.parents[2] / "docs" / "trees.md"
MARKERS = ("<!-- table:trees -->", "<!-- /table -->")
CORES = {"cortex-m0plus": [], "cortex-m4": ["-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]}
FORMS = [("inline", "float"), ("inline", "int16_t"), ("loadable", "int16_t")]


def measured(tinyc, name, core):
    command = [tinyc, "verify", HERE / f"{name}.onnx", "--target", core, "--inputs", HERE / f"{name}.npz", "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["verification"]


def ours(tinyc):
    for path in sorted(HERE.glob("*.onnx")):
        cells = []
        for core in CORES:
            found = measured(tinyc, path.stem, core)
            assert found["outputs_equal"], path
            cycles, flash = found["cycles"], found["flash"]
            cells += [f"{cycles['least']:,} to {cycles['most']:,}", f"{cycles['predicted']:,}"]
            cells += [f"{flash['total']:,} ({flash['code']:,})"]
        yield f"| {path.stem} | " + " | ".join(cells) + " |"


def size(folder, form, dtype, core, flags):
    """Bytes of code and constants of emlearn's C, by gcc -O2."""
    source = folder / "forest.c"
    source.write_text(
        f'#include "{form}_{dtype}.h"\n'
        f"int predict(const {dtype} *x) {{ return forest_predict(x, 64); }}\n"
    )
    gcc = ["arm-none-eabi-gcc", f"-mcpu={core}", "-mthumb", *flags, "-O2", f"-I{emlearn.includedir}"]
    subprocess.run([*gcc, "-c", source, "-o", folder / "forest.o"], check=True)
    listed = subprocess.run(["arm-none-eabi-size", folder / "forest.o"], check=True, capture_output=True, text=True)
    text, data = listed.stdout.splitlines()[1].split()[:2]
    return int(text) + int(data)


def theirs():
    forest, *_ = digits_forest()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for form, dtype in FORMS:
            model = emlearn.convert(forest, method=form, dtype=dtype)
            model.save(name="forest", file=str(folder / f"{form}_{dtype}.h"), format="c", inference=[form])
            cells = [f"{size(folder, form, dtype, core, flags):,}" for core, flags in CORES.items()]
            yield f"| {form}, {dtype} | " + " | ".join(cells) + " |"


def main():
    tinyc = Path(sys.argv[1]).resolve()
    cores = " | ".join(f"cycles on {core} | at most | flash (code)" for core in CORES)
    lines = [f"| model | {cores} |", "|---" + "|--:" * 6 + "|", *ours(tinyc), ""]
    lines += ["| emlearn 0.23.2, the forest of the digits | flash on " + " | flash on ".join(CORES) + " |"]
    lines += ["|---|--:|--:|", *theirs()]
    before, rest = PAGE.read_text().split(MARKERS[0])
    after = rest.split(MARKERS[1], 1)[1]
    PAGE.write_text(before + MARKERS[0] + "\n" + "\n".join(lines) + "\n" + MARKERS[1] + after)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
