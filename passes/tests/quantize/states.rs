//! What a model keeps between runs has one type at both ends.

use super::{graph, samples};
use tinyc_ir::DType;
use tinyc_passes::lower::state::Kept;
use tinyc_passes::quantize::calibrate::{Options, calibrate};
use tinyc_passes::quantize::plan::States;
use tinyc_passes::quantize::runner::Evaluator;

const KEEPING: &str = "graph @keeping {
    in x: f32[1,4]
    in past: f32[1,8]
    in level: f32[1,3]
    in mean: f32[1,1]
    window = concat past, x {axis=1} : f32[1,12]
    next = strided window {shape=[1,8], strides=[12,1], offset=4} : f32[1,8]
    const w: f32[3,12] = seeded(1)
    const b: f32[3] = seeded(2)
    d = dense window, w, b : f32[1,3]
    const slow: f32[1] = [0.9]
    kept = mul level, slow : f32[1,3]
    up = add kept, d : f32[1,3]
    m = reduce x {kind=sum, axes=[1]} : f32[1,1]
    all = add m, mean : f32[1,1]
    out d, next, up, all
}";

#[test]
fn both_ends_of_a_state_are_alike() {
    let float = graph(KEEPING);
    let kept = [(1, 1), (2, 2), (3, 3)].map(|(input, output)| Kept { input, output });
    for (wide, face) in [(false, true), (true, true), (true, false)] {
        let states = States { kept: kept.to_vec(), wide };
        let options = Options { states, integer_face: face, ..Options::default() };
        let (fit, select) = (samples(&float, 24, 1, 0.0, 1.0), samples(&float, 8, 2, 0.0, 1.0));
        let built = calibrate(&float, &fit, &select, &options, &Evaluator).unwrap().built.graph;
        for state in kept {
            assert_eq!(
                built.ty(built.inputs[state.input]),
                built.ty(built.outputs[state.output]),
                "{state:?}"
            );
        }
        // A window has its input's bits, what adds up has more if asked, and what only floats make and read stays one.
        let input = |at: usize| built.ty(built.inputs[at]).dtype;
        let level = if wide { DType::I16 } else { DType::I8 };
        assert_eq!([input(1), input(2), input(3)], [DType::I8, level, DType::F32], "{wide} {face}");
        assert_eq!(input(0), if face { DType::I8 } else { DType::F32 });
    }
}
