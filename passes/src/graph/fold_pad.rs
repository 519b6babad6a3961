//! Moves a `pad` into the borders of the `conv2d` or pooling operator behind it. Exact.
//!
//! A convolution's own padding holds the real value 0 and adds nothing to the sum, so the pad's value must be 0: the
//! stored value equal to the zero point. On floats a padded 0 adds `0·w`, which changes no sum unless that is
//! -0.0 or `w` is not finite; both are checked. An average counts the padding; a maximum passes over the least value.

use tinyc_ir::graph::{Node, Value};
use tinyc_ir::op::{Pad, window::Window};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Graph, Op, TensorType};

/// Removes pads that the next operator can do itself.
pub fn run(graph: &Graph) -> Graph {
    Rewriter::run(graph, rewrite)
}

fn rewrite(rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
    let mut op = rewriter.old.nodes[node].op.clone();
    if !matches!(op, Op::Conv2d(_) | Op::AvgPool2d(_) | Op::MaxPool2d(_)) {
        return None;
    }
    let mut inputs = rewriter.inputs(node);
    let new = &rewriter.new;
    let (_, data) = new.node_of(inputs[0])?;
    let Op::Pad(pad) = &data.op else { return None };
    let around = spatial(pad)?;
    let ty = new.ty(inputs[0]);
    match &mut op {
        Op::Conv2d(conv) => {
            let plain = ty.is_quantized() || plain_floats(new, &inputs[1..]);
            (is_zero(pad, ty) && plain).then_some(())?;
            widen(&mut conv.pads, around);
        }
        Op::AvgPool2d(pool) => {
            (is_zero(pad, ty) && (pool.count_include_pad || pool.window.pads == [0; 4])).then_some(())?;
            pool.count_include_pad = true;
            widen(&mut pool.window.pads, around);
        }
        Op::MaxPool2d(pool) => {
            let least = ty.dtype.int_range().map(|(lo, _)| lo as i64);
            (pad.stored(ty).is_some() && pad.stored(ty) == least).then_some(())?;
            let Window { pads, .. } = &mut pool.window;
            widen(pads, around);
        }
        _ => return None,
    }
    inputs[0] = data.inputs[0];
    // Padding as wide as the kernel is refused by the operator's types, and then the pad stays.
    rewriter.replace(node, op, &inputs).ok()
}

/// Top, left, bottom, right, if only rows and columns are padded.
fn spatial(pad: &Pad) -> Option<[usize; 4]> {
    let (&[bn, top, left, bc], &[an, bottom, right, ac]) = (&pad.before[..], &pad.after[..]) else {
        return None;
    };
    ([bn, bc, an, ac] == [0; 4]).then_some([top, left, bottom, right])
}

fn is_zero(pad: &Pad, ty: &TensorType) -> bool {
    match ty.quant.as_ref().and_then(|q| q.tensor_wide()) {
        Some((_, zero_point)) => pad.stored(ty) == Some(i64::from(zero_point)),
        None => pad.value == 0.0,
    }
}

/// Whether weights are finite and no bias is -0.0, so that sums never are and products with 0 add nothing.
fn plain_floats(graph: &Graph, weight_and_bias: &[Value]) -> bool {
    let numbers = |i: usize| graph.const_of(weight_and_bias[i]).and_then(|t| t.data.as_f32());
    let (Some(weight), Some(bias)) = (numbers(0), numbers(1)) else { return false };
    weight.iter().all(|w| w.is_finite()) && bias.iter().all(|b| *b != 0.0 || b.is_sign_positive())
}

fn widen(pads: &mut [usize; 4], around: [usize; 4]) {
    for (pad, more) in pads.iter_mut().zip(around) {
        *pad += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::{ops, quantized};
    use tinyc_ir::op::{AvgPool2d, MaxPool2d};
    use tinyc_ir::{Activation, Data, Origin, Tensor, eval::eval};

    fn pooled(value: f32, average: bool, kernel: usize) -> Graph {
        let at = Origin::default;
        let mut graph = Graph::new("g");
        let x = graph.input("x", quantized([1, 4, 4, 2], 0.5, -3));
        let pad = Pad { before: vec![0, 1, 1, 0], after: vec![0, 1, 0, 0], value };
        let y = graph.node(pad, &[x], "pad", at()).unwrap();
        let window = Window { kernel: [kernel, kernel], strides: [1, 1], pads: [0; 4] };
        let y = if average {
            let pool = AvgPool2d { window, count_include_pad: false, act: Activation::NONE };
            graph.node(pool, &[y], "pool", at()).unwrap()
        } else {
            graph.node(MaxPool2d { window }, &[y], "pool", at()).unwrap()
        };
        graph.outputs = vec![y];
        graph
    }

    #[test]
    fn pads_go_where_the_value_allows_it() {
        let cases = [
            (0.0, true, 3, 1),
            (1.0, true, 3, 2),
            (-1e9, false, 2, 1),
            (0.0, false, 2, 2),
            (0.0, true, 1, 2),
        ];
        for (value, average, kernel, count) in cases {
            let graph = pooled(value, average, kernel);
            let after = run(&graph);
            assert_eq!(ops(&after).len(), count, "{value} {average} {kernel}");
            let input =
                Tensor::new([1, 4, 4, 2], Data::I8((0..32).map(|i| (i * 31 % 251 - 120) as i8).collect()));
            let outputs = |g: &Graph| eval(g, std::slice::from_ref(&input)).outputs(g);
            assert_eq!(outputs(&graph), outputs(&after));
        }
    }
}
