//! Tests of the loop IR's text form.

use super::*;
use crate::Origin;
use crate::loops::*;
use crate::seeded::Seeded;

fn round_trip(program: &Program) -> String {
    let text = print_program(program);
    let back = parse_program("x.tir", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(print_program(&back), text);
    assert_eq!(back, normalize(program), "{text}");
    text
}

#[test]
fn the_manuals_example_is_printed_as_it_is_written() {
    let text = include_str!("mod.rs");
    let example =
        text.split("//! ```text\n//! program @twice").nth(1).and_then(|t| t.split("//! ```").next()).unwrap();
    let example = format!("program @twice{example}").replace("//! ", "");
    let program = parse_program("manual", &example).unwrap();
    assert_eq!(print_program(&program), example);
    assert_eq!(verify(&program), Ok(()));
    let run = interpret::run(&program, &[Data::F32(vec![1.0, -0.0, 0.25, 3.0])]).unwrap();
    assert_eq!(run.outputs, [Data::F32(vec![2.0, -0.0, 0.5, 6.0])]);
}

/// A random kernel that need not be valid, with every kind of expression and statement, its arenas out of order.
fn random_kernel(random: &mut Seeded) -> KernelData {
    let mut kernel =
        KernelData { name: "k".into(), comment: "a \"quoted\" one".into(), ..KernelData::default() };
    for name in ["x", "y", "inf", "max", "ring"] {
        let scalar = *random.pick(&DType::ALL);
        let access = *random.pick(&[Access::Read, Access::Write, Access::ReadWrite]);
        let may_alias = kernel.params.keys().last().filter(|_| random.once_in(3));
        kernel.params.push(ParamData { name: name.into(), scalar, len: 9, align: 8, access, may_alias });
    }
    // Never used, so never printed: normal order has none.
    kernel.loops.push(LoopData { name: "unused".into() });
    kernel.exprs.push(ExprData::Literal(Literal::I32(0)));
    let mut maker = Maker { random, kernel, vars: Vec::new(), loops: Vec::new() };
    let body = maker.block(3);
    maker.kernel.body = body;
    maker.kernel
}

struct Maker<'a> {
    random: &'a mut Seeded,
    kernel: KernelData,
    vars: Vec<Var>,
    loops: Vec<Loop>,
}

impl Maker<'_> {
    fn block(&mut self, depth: u32) -> Vec<Stmt> {
        let (vars, loops) = (self.vars.clone(), self.loops.clone());
        let block = (0..self.random.below(5)).map(|_| self.stmt(depth)).collect();
        (self.vars, self.loops) = (vars, loops);
        block
    }

    fn stmt(&mut self, depth: u32) -> Stmt {
        match self.random.below(if depth == 0 { 5 } else { 8 }) {
            0 => Stmt::Break,
            1 => Stmt::Fail { code: self.random.below(256) as u8 },
            2 if !self.vars.is_empty() => {
                Stmt::Assign { var: *self.random.pick(&self.vars), value: self.expr(3) }
            }
            3 => {
                let value = self.expr(3);
                Stmt::Store { param: self.param(), index: self.index(2), value }
            }
            5 | 6 => {
                let names = ["oy", "min", "in", "dynamic", "oy"];
                let name = names[self.loops.len() % 5].to_string() + &"_".repeat(self.loops.len() / 5);
                let (lo, hi) = (self.bound(), self.bound());
                let counter =
                    self.kernel.loops.push(LoopData { name: format!("{name}{}", self.loops.len()) });
                self.loops.push(counter);
                let body = self.block(depth - 1);
                self.loops.pop();
                Stmt::For { counter, lo, hi, step: 1 + self.random.below(3) as u32, body }
            }
            7 => {
                let then = self.block(depth - 1);
                let otherwise = self.block(depth - 1);
                Stmt::If { condition: self.expr(3), then, otherwise }
            }
            _ => {
                let value = self.expr(4);
                let name =
                    format!("{}{}", self.random.pick(&["acc", "nan", "if_", "i32"]), self.kernel.vars.len());
                let var = self.kernel.vars.push(VarData { name, scalar: *self.random.pick(&DType::ALL) });
                self.vars.push(var);
                Stmt::Let { var, value }
            }
        }
    }

    fn param(&mut self) -> Param {
        let params: Vec<Param> = self.kernel.params.keys().collect();
        *self.random.pick(&params)
    }

    fn affine(&mut self) -> Affine {
        let mut affine = Affine::constant(*self.random.pick(&[0, 0, 1, -7, i64::MAX, i64::MIN]));
        for counter in self.loops.clone() {
            let coefficient = *self.random.pick(&[0, 1, -1, 3, -12, i64::MAX]);
            affine = affine.plus(&Affine { terms: vec![(coefficient, counter)], constant: 0 });
            affine.terms.retain(|t| t.0 != 0);
        }
        affine
    }

    fn bound(&mut self) -> Bound {
        let count = 1 + self.random.below(3);
        Bound((0..count).map(|_| self.affine()).collect())
    }

    fn index(&mut self, depth: u32) -> Index {
        let ring = Ring { stride: self.random.range(-2, 16), row: self.affine(), rows: 3 };
        let dynamic = |this: &mut Self| Dynamic {
            stride: this.random.range(-1, 4),
            value: this.expr(depth),
            lo: -5,
            hi: i64::MAX,
        };
        Index {
            affine: if self.random.once_in(3) { Affine::default() } else { self.affine() },
            ring: self.random.once_in(3).then_some(ring),
            dynamic: (depth > 0 && self.random.once_in(3)).then(|| dynamic(self)),
        }
    }

    fn literal(&mut self) -> Literal {
        let bits = self.random.bits();
        match self.random.below(9) {
            0 => Literal::Bool(bits & 1 == 0),
            1 => Literal::I32(*self.random.pick(&[0, 1, -1, i32::MIN, i32::MAX])),
            2 => Literal::U32(bits as u32),
            3 => Literal::I64(*self.random.pick(&[i64::MIN, -5, i64::MAX])),
            4 => Literal::U64(bits),
            5 => Literal::F32(f32::from_bits(bits as u32)),
            6 => Literal::F32(*self.random.pick(&[
                0.0,
                -0.0,
                f32::INFINITY,
                f32::NEG_INFINITY,
                f32::NAN,
                -f32::NAN,
            ])),
            7 => Literal::F64(f64::from_bits(bits)),
            _ => Literal::F64(*self.random.pick(&[1.0, -0.0, f64::NEG_INFINITY, f64::NAN, 1e300])),
        }
    }

    fn expr(&mut self, depth: u32) -> Expr {
        use super::operators::{BINARY_CALLS, INFIX, UNARY_CALLS, numbers_mut};
        let data = match if depth == 0 { self.random.below(3) } else { self.random.below(9) } {
            0 if !self.vars.is_empty() => ExprData::Var(*self.random.pick(&self.vars)),
            1 => ExprData::Affine(self.affine()),
            3 => ExprData::Load {
                param: self.param(),
                index: self.index(depth - 1),
                scalar: *self.random.pick(&DType::ALL),
            },
            4 => {
                let ops: Vec<UnaryOp> = UNARY_CALLS
                    .iter()
                    .map(|c| c.1)
                    .chain([UnaryOp::Neg, UnaryOp::Not, UnaryOp::Neg])
                    .collect();
                ExprData::Unary { op: *self.random.pick(&ops), value: self.expr(depth - 1) }
            }
            5 | 6 => {
                let ops: Vec<BinaryOp> =
                    INFIX.iter().map(|i| i.1).chain(BINARY_CALLS.iter().map(|c| c.1)).collect();
                // Right before left: the arena is not in the order of the text.
                let right = self.expr(depth - 1);
                ExprData::Binary { op: *self.random.pick(&ops), left: self.expr(depth - 1), right }
            }
            7 if self.random.once_in(4) => {
                ExprData::Bits { to: *self.random.pick(&DType::ALL), value: self.expr(depth - 1) }
            }
            7 if self.random.once_in(2) => {
                ExprData::Convert { to: *self.random.pick(&DType::ALL), value: self.expr(depth - 1) }
            }
            7 => ExprData::Select {
                condition: self.expr(depth - 1),
                then: self.expr(depth - 1),
                otherwise: self.expr(depth - 1),
            },
            8 => {
                let names = [
                    "dot2",
                    "dot2_wide",
                    "mul_half_hl",
                    "unpack_signed",
                    "saturate_unsigned",
                    "pack_high",
                    "mul_high_acc",
                ];
                let mut op = super::operators::packed_named(self.random.pick::<&str>(&names)).unwrap();
                numbers_mut(&mut op).into_iter().for_each(|n| *n.1 = 24);
                let args = op.signature().0.iter().map(|_| self.expr(depth - 1)).collect();
                ExprData::Packed { op, args }
            }
            _ => ExprData::Literal(self.literal()),
        };
        self.kernel.exprs.push(data)
    }
}

#[test]
fn random_programs_survive() {
    let mut random = Seeded::new(5);
    for _ in 0..3000 {
        let mut program =
            Program { name: "p".into(), arena_bytes: random.below(3) as u32, ..Program::default() };
        let kernel = random_kernel(&mut random);
        let kernel = program.kernels.push(kernel);
        let data = random.tensor(DType::I16, [70]).data;
        let places = [
            Place::Input(3),
            Place::Output(0),
            Place::Arena(12),
            Place::State(u32::MAX),
            Place::Flash(data.into()),
        ];
        for (i, place) in places.into_iter().enumerate() {
            let face = program::Face { shape: vec![1, 70], quant: random.once_in(2).then_some((0.1, -3)) };
            let (tensor, face) =
                (random.once_in(2).then(|| "t\"\n".into()), random.once_in(2).then_some(face));
            let name = ["x", "y", "call", "a b", "é"][i].to_string();
            let packed = (i == 2).then_some((DType::I4, 280));
            let data =
                BufferData { name, scalar: DType::I16, len: 70, align: 1 << i, place, packed, tensor, face };
            let buffer = program.buffers.push(data);
            [&mut program.inputs, &mut program.outputs][i % 2].push(buffer);
            let origin = if i == 2 { Origin::default() } else { Origin::onnx("n", i as u32) };
            program.calls.push(Call { kernel, args: vec![buffer; i], origin, macs: i as u64 });
        }
        round_trip(&program);
    }
}

#[test]
fn every_operation_has_a_spelling() {
    use super::operators::{packed_name, packed_named};
    let all = [
        PackedOp::Dot2,
        PackedOp::Dot2Wide,
        PackedOp::UnpackSigned { rotate: 8 },
        PackedOp::UnpackUnsigned { rotate: 16 },
        PackedOp::PackLow,
        PackedOp::PackHigh,
        PackedOp::MulHigh,
        PackedOp::MulHighAcc,
        PackedOp::SaturateSigned { bits: 8, shift: 3 },
        PackedOp::SaturateUnsigned { bits: 0, shift: 31 },
        PackedOp::AddBytes,
        PackedOp::MaxBytesSigned,
        PackedOp::MaxBytesUnsigned,
        PackedOp::MulHalf { a_high: true, b_high: false },
        PackedOp::MulHalf { a_high: false, b_high: true },
    ];
    for op in all {
        let named = packed_named(packed_name(op)).unwrap();
        assert_eq!(std::mem::discriminant(&named), std::mem::discriminant(&op));
        assert_eq!(packed_name(named), packed_name(op));
    }
}

fn errors(body: &str) -> Vec<String> {
    let text = format!("program @p {{\nkernel @k(x: read i8[4] align 1) {{\n{body}\n}}\n}}");
    let Err(diagnostics) = parse_program("x.tir", &text) else { return Vec::new() };
    diagnostics.0.iter().map(|d| format!("{} {:04} {}", d.place, d.code, d.message)).collect()
}

#[test]
fn errors_have_places() {
    assert_eq!(errors("let a: i32 = 1 + b"), ["x.tir:3:18 0603 b is no register in scope"]);
    assert_eq!(errors("x[i] = 3"), ["x.tir:3:3 0603 i is no counter in scope"]);
    assert_eq!(
        errors("let a: i32 = 3000000000"),
        ["x.tir:3:14 0605 `3000000000` is not a number that fits i32"]
    );
    assert_eq!(errors("let a: f32 = 1e99f32"), ["x.tir:3:14 0605 `1e99` is not a number that fits f32"]);
    assert_eq!(
        errors("let a: i32 = select(1, 2)"),
        ["x.tir:3:14 0603 `select` is no operation on 2 operands"]
    );
    assert_eq!(errors("let a: i32 = dot2(1, 2)"), ["x.tir:3:14 0602 `dot2` takes 3 operands, not 2"]);
    assert_eq!(
        errors("let a: i32 = saturate_signed(1, bits=8)"),
        ["x.tir:4:1 0606 the number `shift` is missing"]
    );
    assert_eq!(errors("for i in 0..4 { x[i*2] = 1 }"), ["x.tir:3:20 0602 expected `]`, found `*`"]);
    assert_eq!(errors("let a: i32 = 1 +"), ["x.tir:4:1 0602 expected an expression, found `}`"]);
    for deep in [
        format!("let a: i32 = {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("let a: i32 = 1{}", " + 1".repeat(100_000)),
        format!("let a: i32 = {}1", "!".repeat(100_000)),
        format!("let a: i32 = {}1", "2 ^ ".repeat(100_000)),
        format!("let a: i32 = {}", "x[dynamic(".repeat(100_000)),
        "if true { ".repeat(100_000),
    ] {
        assert!(errors(&deep)[0].contains("nesting is deeper"), "{:?}", errors(&deep)[0]);
    }
}

/// As the graph's: random damage never panics, and what still parses prints and parses again.
#[test]
fn mutated_text_is_read_or_refused() {
    let mut random = Seeded::new(12);
    let mut accepted = 0;
    for round in 0..3000 {
        let mut program = Program { name: "p".into(), ..Program::default() };
        program.kernels.push(random_kernel(&mut Seeded::new(round % 50)));
        let mut bytes = print_program(&program).into_bytes();
        for _ in 0..=random.below(2) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(3) {
                0 => bytes[at] = *random.pick(b"0123456789-[]{}(),:=\"\\@;e.v \n\xff"),
                1 => drop(bytes.drain(at..(at + random.below(9) as usize).min(bytes.len()))),
                _ => bytes.insert(at, b'9'),
            }
            bytes.push(b'\n');
        }
        if let Ok(program) = parse_program("mutated", &String::from_utf8_lossy(&bytes)) {
            accepted += 1;
            let printed = print_program(&program);
            assert_eq!(print_program(&parse_program("printed", &printed).unwrap()), printed);
        }
    }
    assert!(accepted > 200, "only {accepted} mutations still parse: the test has lost its bite");
}
