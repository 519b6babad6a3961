//! Every operation of the loop IR on numbers that hurt: ends of ranges, zeros of both signs, NaN, halves.

use crate::driver::Case;
use crate::net::{Net, elementwise};
use tinyc_ir::Data;
use tinyc_ir::loops::{BinaryOp, PackedOp, Scalar, UnaryOp};

/// The types that arithmetic is on.
const NUMBERS: [Scalar; 6] = [Scalar::I32, Scalar::U32, Scalar::I64, Scalar::U64, Scalar::F32, Scalar::F64];

fn floats() -> Vec<f64> {
    let mut v =
        vec![0.0, -0.0, 0.3, -0.5, 0.5, 1.5, 2.5, -2.5, 1.0, -3.75, 126.5, 127.5, -128.5, 255.5, 1e-40];
    v.extend([3e9, -3e9, 2147483647.0, -2147483648.0, 1e19, -1e19, 1e30, 8388607.5, 4503599627370495.5]);
    // Where half floats end, and ties between two of them.
    v.extend([65504.0, 65519.99, 65520.0, 1.00048828125, 1.00146484375, 1.00390625, 1.01171875]);
    v.extend([
        6.103515625e-5,
        6.097555160522461e-5,
        2.9802322387695312e-8,
        2.9802326e-8,
        8.940696716308594e-8,
    ]);
    v.extend([f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 87.3, -87.5, 4.0]);
    v
}

fn ints(scalar: Scalar) -> Vec<i64> {
    let (lo, hi) = scalar.int_range().unwrap();
    let mut v = vec![0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 100, 0x1234_5678, -1, -2, -7, -100];
    v.extend([lo as i64, lo as i64 + 1, hi as i64, hi as i64 - 1, 0x8000_7fff, 0x7fff_8000u32 as i64]);
    v.push(0x80ff_7f01);
    v
}

fn values(scalar: Scalar) -> Data {
    match scalar {
        Scalar::F32 => Data::F32(floats().into_iter().map(|x| x as f32).collect()),
        Scalar::F64 => Data::F64(floats()),
        Scalar::Bool => Data::Bool(vec![true, false]),
        Scalar::F16 | Scalar::BF16 => {
            Data::from_bits(scalar, (0..=0xffffu64).step_by(93).chain([0x7c00, 0xfc00]))
        }
        int => Data::from_ints(int, ints(int)),
    }
}

/// All pairs of the type's values: the left operands, the right operands.
fn pairs(scalar: Scalar) -> [Data; 2] {
    let v = values(scalar);
    let n = v.len();
    let left: Vec<usize> = (0..n * n).map(|i| i / n).collect();
    let right: Vec<usize> = (0..n * n).map(|i| i % n).collect();
    [v.gather(&left), v.gather(&right)]
}

fn applies(op: BinaryOp, scalar: Scalar) -> bool {
    use BinaryOp::*;
    match op {
        // On integers these must not overflow; other programs show them.
        Add | Sub | Mul => scalar.is_float(),
        Div | Min | Max => scalar != Scalar::Bool,
        WrappingAdd | WrappingSub | WrappingMul | Rem | Shl | Shr => scalar.is_int(),
        And | Or | Xor => !scalar.is_float(),
        Eq | Ne => true,
        Lt | Le => scalar != Scalar::Bool,
    }
}

const BINARY: [BinaryOp; 19] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::WrappingAdd,
    BinaryOp::WrappingSub,
    BinaryOp::WrappingMul,
    BinaryOp::Div,
    BinaryOp::Rem,
    BinaryOp::Min,
    BinaryOp::Max,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
    BinaryOp::Shl,
    BinaryOp::Shr,
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::Lt,
    BinaryOp::Le,
];

/// One program per type with every operation on two operands, the right one a variable.
pub(crate) fn binary() -> Vec<Case> {
    let mut cases = Vec::new();
    for scalar in NUMBERS.into_iter().chain([Scalar::Bool]) {
        let [left, right] = pairs(scalar);
        let len = left.len();
        let mut net = Net::new(&format!("binary_{scalar}"));
        let (a, b) = (net.input("a", scalar, len), net.input("b", scalar, len));
        for op in BINARY.into_iter().filter(|&op| applies(op, scalar)) {
            let name = format!("{op:?}").to_lowercase();
            let result = if op.is_comparison() { Scalar::Bool } else { scalar };
            let y = net.output(&format!("y_{name}"), result, len);
            let kernel = elementwise(&name, &[scalar, scalar], result, len, |k, v| k.binary(op, v[0], v[1]));
            net.call(kernel, &[a, b, y], 0);
        }
        cases.push(Case { program: net.0, runs: vec![vec![left, right]] });
    }
    cases
}

/// Operations whose right operand is a constant, where the C text is another.
pub(crate) fn constants() -> Vec<Case> {
    use tinyc_ir::loops::Literal;
    let mut cases = Vec::new();
    for scalar in NUMBERS {
        let input = values(scalar);
        let len = input.len();
        let mut net = Net::new(&format!("constants_{scalar}"));
        let a = net.input("a", scalar, len);
        let literals: Vec<Literal> = match scalar {
            Scalar::I32 => [0, 1, 5, 31, 32, -1, -3, i32::MIN, i32::MAX].map(Literal::I32).into(),
            Scalar::U32 => [0, 1, 5, 31, 32, u32::MAX].map(Literal::U32).into(),
            Scalar::I64 => [0, 1, 5, 63, 64, -1, -3, i64::MIN, i64::MAX].map(Literal::I64).into(),
            Scalar::U64 => [0, 1, 5, 63, 64, u64::MAX].map(Literal::U64).into(),
            Scalar::F32 => [0.0, -0.0, 6.0, -1.5, f32::NAN, f32::INFINITY].map(Literal::F32).into(),
            _ => [0.0, -0.0, 6.0, -1.5, f64::NAN, f64::NEG_INFINITY].map(Literal::F64).into(),
        };
        for op in BINARY.into_iter().filter(|&op| applies(op, scalar)) {
            for (i, &literal) in literals.iter().enumerate() {
                let name = format!("{op:?}_{i}").to_lowercase();
                let result = if op.is_comparison() { Scalar::Bool } else { scalar };
                let y = net.output(&format!("y_{name}"), result, len);
                let kernel = elementwise(&name, &[scalar], result, len, |k, v| {
                    let end = k.literal(literal);
                    k.binary(op, v[0], end)
                });
                net.call(kernel, &[a, y], 0);
            }
        }
        cases.push(Case { program: net.0, runs: vec![vec![input]] });
    }
    cases
}

/// Operations on one operand, and conversions between all types.
pub(crate) fn unary() -> Vec<Case> {
    let mut cases = Vec::new();
    for scalar in Scalar::ALL.into_iter().filter(|s| !s.is_packed()) {
        let input = values(scalar);
        let len = input.len();
        let mut net = Net::new(&format!("unary_{scalar}"));
        let a = net.input("a", scalar, len);
        let float = scalar.is_float() && !scalar.is_half();
        let signed = float || matches!(scalar, Scalar::I32 | Scalar::I64);
        let ops = [
            (UnaryOp::Neg, signed),
            (UnaryOp::Abs, signed),
            (UnaryOp::Not, NUMBERS.contains(&scalar) && scalar.is_int() || scalar == Scalar::Bool),
            (UnaryOp::Sqrt, float),
            (UnaryOp::RoundTiesEven, float),
            (UnaryOp::Exp, float),
            (UnaryOp::Log, float),
            (UnaryOp::Sin, scalar == Scalar::F32),
            (UnaryOp::Cos, scalar == Scalar::F32),
            (UnaryOp::Tanh, scalar == Scalar::F32),
            (UnaryOp::Sigmoid, scalar == Scalar::F32),
            (UnaryOp::Erf, scalar == Scalar::F32),
        ];
        for (op, _) in ops.into_iter().filter(|o| o.1) {
            let name = format!("{op:?}").to_lowercase();
            let y = net.output(&format!("y_{name}"), scalar, len);
            let kernel = elementwise(&name, &[scalar], scalar, len, |k, v| k.unary(op, v[0]));
            net.call(kernel, &[a, y], 0);
        }
        // Half floats have f32 as their only neighbour.
        let bridge = |a: Scalar, b: Scalar| !a.is_half() || a == b || b == Scalar::F32;
        let legal = |&to: &Scalar| !to.is_packed() && bridge(scalar, to) && bridge(to, scalar);
        for to in Scalar::ALL.into_iter().filter(legal) {
            let y = net.output(&format!("to_{to}"), to, len);
            let kernel =
                elementwise(&format!("convert_{to}"), &[scalar], to, len, |k, v| k.convert(to, v[0]));
            net.call(kernel, &[a, y], 0);
        }
        for to in NUMBERS.into_iter().filter(|to| NUMBERS.contains(&scalar) && to.size() == scalar.size()) {
            let y = net.output(&format!("bits_{to}"), to, len);
            let kernel = elementwise(&format!("bits_{to}"), &[scalar], to, len, |k, v| k.bits(to, v[0]));
            net.call(kernel, &[a, y], 0);
        }
        cases.push(Case { program: net.0, runs: vec![vec![input]] });
    }
    cases
}

/// Every packed operation.
pub(crate) fn packed() -> Case {
    let mut two = vec![PackedOp::PackLow, PackedOp::PackHigh, PackedOp::MulHigh, PackedOp::AddBytes];
    two.extend([PackedOp::MaxBytesSigned, PackedOp::MaxBytesUnsigned]);
    let mut three = vec![PackedOp::Dot2, PackedOp::MulHighAcc];
    for (a_high, b_high) in [(false, false), (false, true), (true, false), (true, true)] {
        three.push(PackedOp::MulHalf { a_high, b_high });
    }
    let mut one = Vec::new();
    for rotate in [0, 8, 16, 24] {
        one.extend([PackedOp::UnpackSigned { rotate }, PackedOp::UnpackUnsigned { rotate }]);
    }
    for (bits, shift) in [(1, 0), (8, 0), (8, 9), (16, 31), (31, 1), (32, 0), (32, 7)] {
        one.push(PackedOp::SaturateSigned { bits, shift });
    }
    for (bits, shift) in [(0, 0), (1, 3), (8, 0), (8, 9), (16, 31), (31, 0), (31, 1)] {
        one.push(PackedOp::SaturateUnsigned { bits, shift });
    }

    let [a, b] = pairs(Scalar::I32);
    let len = a.len();
    let acc = a.gather(&(0..len).map(|i| i * 37 % len).collect::<Vec<_>>());
    let mut net = Net::new("packed");
    let wide = Data::from_ints(
        Scalar::I64,
        acc.to_ints().unwrap().into_iter().map(|x| x.wrapping_mul(0x7fff_ffff_fff1)),
    );
    let inputs = [("acc", &acc), ("a", &a), ("b", &b), ("wide", &wide)];
    let buffers = inputs.map(|(name, data)| net.input(name, data.dtype(), len));
    let word = Scalar::I32;
    for (i, &op) in one.iter().chain(&two).chain(&three).enumerate() {
        let y = net.output(&format!("y_{i}"), word, len);
        let count = if i < one.len() {
            1
        } else if i < one.len() + two.len() {
            2
        } else {
            3
        };
        let args = if count == 3 { &buffers[..3] } else { &buffers[1..1 + count] };
        let kernel =
            elementwise(&format!("packed_{i}"), &[word; 3][..count], word, len, |k, v| k.packed(op, v));
        net.call(kernel, &[args, &[y]].concat(), 0);
    }
    let y = net.output("y_wide", Scalar::I64, len);
    let kernel = elementwise("dot", &[Scalar::I64, word, word], Scalar::I64, len, |k, v| {
        k.packed(PackedOp::Dot2Wide, v)
    });
    net.call(kernel, &[buffers[3], buffers[1], buffers[2], y], 0);
    Case { program: net.0, runs: vec![vec![acc, a, b, wide]] }
}
