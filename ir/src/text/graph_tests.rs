//! Tests of the graph's text form.

use super::*;
use crate::graph::Graph;
use crate::op::{Clamp, Pad};
use crate::seeded::Seeded;
use crate::{Activation, Origin, Quant, Tensor, TensorType};

fn errors(text: &str) -> Vec<String> {
    let diagnostics = parse_graph("x.tir", text).err().expect("the text is wrong");
    diagnostics.0.iter().map(|d| format!("{} {:04} {}", d.place, d.code, d.message)).collect()
}

fn round_trip(graph: &Graph) -> Graph {
    let text = print_graph(graph);
    let back = parse_graph("x.tir", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(print_graph(&back), text);
    back
}

#[test]
fn the_manuals_example_is_printed_as_it_is_written() {
    let text = include_str!("mod.rs");
    let example =
        text.split("//! ```text\n//! graph @tiny").nth(1).and_then(|t| t.split("//! ```").next()).unwrap();
    let example = format!("graph @tiny{example}").replace("//! ", "");
    let printed = print_graph(&parse_graph("manual", &example).unwrap());
    let expected = "graph @tiny {
  in v0: i8[1,8] q(0.5, -3) \"input\"
  const v1: i8[4,8] q(0.25, 0) \"fc1.weight\" = [-29, -124, 102, 21, ";
    assert!(printed.starts_with(expected), "{printed}");
    assert!(printed.ends_with(example.split_once("const v2").unwrap().1), "{printed}");
}

#[test]
fn every_name_survives() {
    let names =
        ["a b", "", "\"", "\\", "\n\r\t\0", "é😀\u{200b}\u{feff}", "x;y", "v1", "'", "\u{1b}[0m", "%@{}"];
    for (i, name) in names.into_iter().enumerate() {
        let mut graph = Graph::new(name);
        let x = graph.input(name, TensorType::f32([1]));
        let origin = Origin { name: name.into(), onnx: (i % 2 == 0).then_some(u32::MAX) };
        let y =
            graph.node(Clamp { act: Activation::RELU }, &[x], format!("{name}!"), origin.clone()).unwrap();
        graph.outputs = vec![x, y];
        let back = round_trip(&graph);
        assert_eq!(back.name, name);
        assert_eq!(back.values[x].name, name);
        assert_eq!(back.values[y].name, format!("{name}!"));
        assert_eq!(back.nodes.values().next().unwrap().origin, origin);
        assert_eq!(back.outputs, [x, y]);
    }
}

#[test]
fn every_float_survives() {
    let specials =
        [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, f32::MAX, f32::MIN, 1e-45, 0.1];
    let nans = [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0x7fc0_1234];
    let mut values: Vec<f32> = specials.into_iter().chain(nans.map(f32::from_bits)).collect();
    let mut seeded = Seeded::new(3);
    values.extend((0..2000).map(|_| f32::from_bits(seeded.bits() as u32)));
    for chunk in values.chunks(20) {
        let mut graph = Graph::new("floats");
        let singles = Tensor::f32([chunk.len()], chunk.to_vec());
        let bits = chunk.iter().map(|v| f64::from_bits(u64::from(v.to_bits()) << 32 | 0x5a5a_5a5a));
        let doubles = Tensor::new([chunk.len()], Data::F64(bits.collect()));
        let a = graph.constant("a", TensorType::f32([chunk.len()]), singles.clone());
        let b = graph.constant("b", TensorType::new(DType::F64, [chunk.len()]), doubles.clone());
        let back = round_trip(&graph);
        assert!(back.const_of(a).unwrap().same_bits(&singles));
        assert!(back.const_of(b).unwrap().same_bits(&doubles));
    }
    for value in values {
        let mut graph = Graph::new("attributes");
        let x = graph.input("x", TensorType::f32([1]));
        let op = Pad { before: vec![0], after: vec![1], value };
        graph.node(op, &[x], "y", Origin::default()).unwrap();
        let back = round_trip(&graph);
        let crate::Op::Pad(pad) = &back.nodes.values().next().unwrap().op else { panic!() };
        assert_eq!(pad.value.to_bits(), value.to_bits());
    }
}

#[test]
fn activations_keep_the_sign_of_zero() {
    for (lo, hi) in [(-0.0, f32::INFINITY), (-0.0, 6.0), (0.0, 6.0), (-1.5, 0.25), (3.0, 3.0)] {
        let mut graph = Graph::new("g");
        let x = graph.input("x", TensorType::f32([1]));
        graph.node(Clamp { act: Activation { lo, hi } }, &[x], "y", Origin::default()).unwrap();
        let back = round_trip(&graph);
        let crate::Op::Clamp(clamp) = &back.nodes.values().next().unwrap().op else { panic!() };
        assert_eq!((clamp.act.lo.to_bits(), clamp.act.hi.to_bits()), (lo.to_bits(), hi.to_bits()));
    }
}

#[test]
fn constants_of_every_type_and_size_survive() {
    for dtype in DType::ALL {
        for shape in [vec![], vec![0], vec![1], vec![3, 0], vec![2, 2], vec![7, 11], vec![5, 1, 100]] {
            let mut graph = Graph::new("g");
            let ty = TensorType::new(dtype, shape.clone());
            let elements = ty.shape.elements();
            let random = Seeded::new(9).tensor(dtype, shape.clone());
            let extreme = vec![0xffu8; dtype.bytes_of(elements).unwrap()];
            let extreme = match dtype {
                DType::Bool => Data::Bool(vec![true; elements]),
                _ => Data::from_le_bytes(dtype, elements, &extreme).unwrap(),
            };
            let extreme = Tensor::new(shape, extreme);
            let a = graph.constant("a", ty.clone(), random.clone());
            let b = graph.constant("b", ty, extreme.clone());
            let back = round_trip(&graph);
            assert!(back.const_of(a).unwrap().same_bits(&random));
            assert!(back.const_of(b).unwrap().same_bits(&extreme));
        }
    }
}

#[test]
fn quantisations_survive() {
    let mut graph = Graph::new("g");
    let quants = [
        Quant::per_tensor(1e-45, i32::MIN).unwrap(),
        Quant::per_tensor(f32::MAX, i32::MAX).unwrap(),
        Quant::per_axis(1, vec![0.1, 3e-39], vec![-128, 127]).unwrap(),
    ];
    let inputs =
        quants.clone().map(|q| graph.input(q.to_string(), TensorType::quantized(DType::I8, [1, 2], q)));
    let back = round_trip(&graph);
    assert_eq!(inputs.map(|v| back.ty(v).quant.clone().unwrap()), quants);
}

#[test]
fn shortened_text_says_so_and_is_refused() {
    let mut graph = Graph::new("g");
    graph.constant("w", TensorType::new(DType::I8, [9]), Seeded::new(1).tensor(DType::I8, [9]));
    graph.constant("z", TensorType::new(DType::I8, [99]), Tensor::new([99], Data::I8(vec![0; 99])));
    let text = print_graph_with(&graph, &PrintOptions { most_elements: 8 });
    assert!(text.contains("const v0: i8[9] \"w\" = ...\n") && text.contains("= splat(0)"), "{text}");
    assert!(errors(&text)[0].contains("left out"));
}

#[test]
fn all_errors_are_told_with_their_places() {
    let text = "graph @g {
  in x: i8[1,8] q(0.0, -3)
  const w: i8[2] = [1, 200]
  y = relux x
  z = clamp x {act=relu, bounds=3}
  u = clamp q {act=relu}
  in x: f32[1]
  $ v
  const s: f32[2000000000] = splat(1.0)
  t = softmax v
  out y, \"
}";
    assert_eq!(
        errors(text),
        [
            "x.tir:8:3 0601 character '$' has no meaning here",
            "x.tir:11:10 0601 string is not closed on its line",
            "x.tir:2:17 0608 scale 0 at index 0 is not a finite number above zero",
            "x.tir:3:24 0605 `200` is not an integer of type i8 that fits",
            "x.tir:4:7 0603 `relux` is no operator",
            "x.tir:5:7 0606 clamp has no attribute `bounds`",
            "x.tir:6:13 0603 q is not defined before its use",
            "x.tir:7:6 0604 x is defined twice",
            "x.tir:9:3 0602 expected `=`, found `const`",
            "x.tir:9:30 0607 all `splat` and `seeded` data of a file is at most 67108864 bytes",
            "x.tir:12:1 0602 expected a value, found `}`",
        ]
    );
}

/// Valid text with bytes changed, tokens moved and pieces cut out: parsing ends, in bounded memory, without a panic, and
/// what parses prints and parses again.
#[test]
fn mutated_text_is_read_or_refused() {
    let text = "graph @fuzz {
  in v0: i8[1,4,4,2] q(0.5, -3) \"in\\u{e9}\"
  const v1: i8[2,1,1,2] q(axis=0, [0.25, 1e-30], [0, 0]) \"w\" = [1, -2, 3, 4]
  const v2: i32[2] q(axis=0, [0.125, 5e-31], [0, 0]) = hex\"0001020304050607\"
  const v3: f32[3] = seeded(3)
  v4 = conv2d v0, v1, v2 {strides=[2,2], pads=[0,0,0,0], act=clamp(-1.5, inf)} : i8[1,2,2,2] q(0.25, 7) @ \"c\" onnx:3
  v5 = reshape v4 {shape=[2,4]}
  v6 = transpose v5 {perm=[1,0]} \"t\"
  out v6, v4
}
";
    assert!(parse_graph("valid", text).is_ok());
    let mut seeded = Seeded::new(11);
    let mut accepted = 0;
    for _ in 0..6000 {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=seeded.below(2) {
            let at = seeded.below(bytes.len() as u64) as usize;
            let to = (at + seeded.below(12) as usize).min(bytes.len());
            match seeded.below(5) {
                0 => bytes[at] = *seeded.pick(b"0123456789-[]{}(),:=\"\\@;e.v \n\xff"),
                1 => drop(bytes.drain(at..to)),
                2 => {
                    let piece = bytes[at..to].to_vec();
                    let target = seeded.below(bytes.len() as u64) as usize;
                    bytes.splice(target..target, piece);
                }
                3 => bytes.insert(at, b'9'),
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                bytes.push(b'g');
            }
        }
        let mutated = String::from_utf8_lossy(&bytes);
        if let Ok(graph) = parse_graph("mutated", &mutated) {
            accepted += 1;
            let printed = print_graph(&graph);
            let back = parse_graph("printed", &printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
            assert_eq!(print_graph(&back), printed);
            let _ = crate::verify::verify(&graph);
        }
    }
    assert!(accepted > 200, "only {accepted} mutations still parse: the test has lost its bite");
}
