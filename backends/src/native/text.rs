//! Functions as text, for people and for tests: `v3 = add v1, 4`. It is not read back.

use super::{BlockData, Class, Cond, Edge, End, FloatCond, Function, Inst, Op, Value, Width};
use std::fmt::{Display, Formatter, Result};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::PackedOp;

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "fn {} {{", self.name)?;
        let constants = self.constants();
        for (block, data) in self.blocks.iter() {
            let text = Text { function: self, constants: &constants };
            write!(f, "{block}({}):  ; {}", text.params(data), data.count)?;
            if !data.comment.is_empty() {
                write!(f, ", {}", data.comment)?;
            }
            writeln!(f)?;
            for inst in data.insts.iter().filter(|i| !matches!(i.op, Op::Const(_))) {
                writeln!(f, "    {}", text.inst(inst))?;
            }
            writeln!(f, "    {}", text.end(&data.end))?;
        }
        writeln!(f, "}}")
    }
}

impl Display for super::Count {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}{}", if self.varies { "up to " } else { "" }, self.times)
    }
}

impl Function {
    /// The number of each value that a constant operation defines.
    fn constants(&self) -> Vec<Option<i32>> {
        let mut found = vec![None; self.values.len()];
        for inst in self.blocks.values().flat_map(|b| &b.insts) {
            if let (Op::Const(number), [result]) = (&inst.op, &inst.results[..]) {
                found[result.index()] = Some(*number);
            }
        }
        found
    }
}

struct Text<'a> {
    function: &'a Function,
    constants: &'a [Option<i32>],
}

impl Text<'_> {
    /// A value, or the number that it is.
    fn value(&self, value: Value) -> String {
        match self.constants.get(value.index()) {
            Some(Some(number)) => number.to_string(),
            _ => value.to_string(),
        }
    }

    fn values(&self, values: &[Value]) -> String {
        values.iter().map(|&v| self.value(v)).collect::<Vec<_>>().join(", ")
    }

    fn typed(&self, value: Value) -> String {
        match self.function.values[value] {
            Class::Word => value.to_string(),
            Class::Float => format!("{value}:f"),
        }
    }

    fn params(&self, data: &BlockData) -> String {
        data.params.iter().map(|&p| self.typed(p)).collect::<Vec<_>>().join(", ")
    }

    fn inst(&self, inst: &Inst) -> String {
        let results = inst.results.iter().map(|&r| self.typed(r)).collect::<Vec<_>>().join(", ");
        let assigned = if results.is_empty() { String::new() } else { format!("{results} = ") };
        match (&inst.op, &inst.args[..]) {
            (Op::Load { width, offset, region }, &[base]) => {
                let (place, region) = (self.place(base, *offset), region.0);
                format!("{assigned}load.{} {place} @{region}", width_name(*width))
            }
            (Op::Store { width, offset, region }, &[base, value]) => {
                let (place, region) = (self.place(base, *offset), region.0);
                format!("store.{} {}, {place} @{region}", width_name(*width), self.value(value))
            }
            (Op::Select(cond), &[left, right, then, otherwise]) => format!(
                "{assigned}if {} then {} else {}",
                self.compared(*cond, left, right),
                self.value(then),
                self.value(otherwise)
            ),
            (op, args) => format!("{assigned}{}{}", op_name(op), {
                let args = self.values(args);
                if args.is_empty() { args } else { format!(" {args}") }
            }),
        }
    }

    fn place(&self, base: Value, offset: i32) -> String {
        match offset {
            0 => format!("[{}]", self.value(base)),
            _ => format!("[{} {} {}]", self.value(base), if offset < 0 { '-' } else { '+' }, offset.abs()),
        }
    }

    fn compared(&self, cond: Cond, left: Value, right: Value) -> String {
        format!("{} {} {}", self.value(left), cond_name(cond), self.value(right))
    }

    fn edge(&self, edge: &Edge) -> String {
        format!("{}({}) [{}]", edge.to, self.values(&edge.args), edge.count)
    }

    fn end(&self, end: &End) -> String {
        match end {
            End::Jump(edge) => format!("jump {}", self.edge(edge)),
            End::Branch { cond, left, right, then, otherwise } => format!(
                "if {} {} else {}",
                self.compared(*cond, *left, *right),
                self.edge(then),
                self.edge(otherwise)
            ),
            End::Return(values) if values.is_empty() => "return".into(),
            End::Return(values) => format!("return {}", self.values(values)),
            End::Open => "open".into(),
        }
    }
}

fn width_name(width: Width) -> &'static str {
    match width {
        Width::S8 => "s8",
        Width::U8 => "u8",
        Width::S16 => "s16",
        Width::U16 => "u16",
        Width::Word => "w",
        Width::Float => "f",
    }
}

fn cond_name(cond: Cond) -> &'static str {
    match cond {
        Cond::Eq => "==",
        Cond::Ne => "!=",
        Cond::Lt => "<",
        Cond::Le => "<=",
        Cond::LtU => "<u",
        Cond::LeU => "<=u",
    }
}

fn op_name(op: &Op) -> String {
    let plain = match op {
        Op::Const(number) => return format!("const {number}"),
        Op::FloatConst(bits) => return format!("float {:?}", f32::from_bits(*bits)),
        Op::DataAddress(offset) => return format!("data + {offset}"),
        Op::Extend(width) => return format!("extend.{}", width_name(*width)),
        Op::Compare(cond) => return format!("compare {}", cond_name(*cond)),
        Op::CompareWide(cond) => return format!("compare_wide {}", cond_name(*cond)),
        Op::FloatCompare(cond) => {
            let name = match cond {
                FloatCond::Eq => "==",
                FloatCond::Ne => "!=",
                FloatCond::Lt => "<",
                FloatCond::Le => "<=",
            };
            return format!("float_compare {name}");
        }
        Op::Packed(op) => return packed_name(*op),
        Op::Call(callee) => {
            return match callee {
                super::Callee::Kernel(number) => format!("call kernel {number}"),
                super::Callee::Routine(name) => format!("call {name}"),
            };
        }
        Op::Load { .. } => "load",
        Op::Store { .. } => "store",
        Op::Select(_) => "select",
        Op::Add => "add",
        Op::Sub => "sub",
        Op::Mul => "mul",
        Op::And => "and",
        Op::Or => "or",
        Op::Xor => "xor",
        Op::ShiftLeft => "shl",
        Op::ShiftRight => "shr_u",
        Op::ShiftRightSigned => "shr_s",
        Op::CountLeadingZeros => "clz",
        Op::MulHighSigned => "mul_high_s",
        Op::MulHighUnsigned => "mul_high_u",
        Op::MulLongSigned => "mul_long_s",
        Op::MulLongUnsigned => "mul_long_u",
        Op::MulAddLongSigned => "mul_add_long_s",
        Op::MulAddLongUnsigned => "mul_add_long_u",
        Op::DivSigned => "div_s",
        Op::DivUnsigned => "div_u",
        Op::AddWide => "add_wide",
        Op::SubWide => "sub_wide",
        Op::FloatAdd => "fadd",
        Op::FloatSub => "fsub",
        Op::FloatMul => "fmul",
        Op::FloatDiv => "fdiv",
        Op::FloatSqrt => "fsqrt",
        Op::FloatNeg => "fneg",
        Op::FloatAbs => "fabs",
        Op::FloatToSigned => "float_to_s",
        Op::FloatToUnsigned => "float_to_u",
        Op::SignedToFloat => "s_to_float",
        Op::UnsignedToFloat => "u_to_float",
        Op::HalfToFloat => "half_to_float",
        Op::FloatToHalf => "float_to_half",
        Op::BitsToFloat => "bits_to_float",
        Op::FloatToBits => "float_to_bits",
    };
    plain.into()
}

/// As the text form of the loop IR spells it.
fn packed_name(op: PackedOp) -> String {
    let half = |high| if high { "high" } else { "low" };
    match op {
        PackedOp::Dot2 => "dot2".into(),
        PackedOp::Dot2Wide => "dot2_wide".into(),
        PackedOp::MulHalf { a_high, b_high } => format!("mul_half.{}.{}", half(a_high), half(b_high)),
        PackedOp::UnpackSigned { rotate } => format!("unpack_signed.{rotate}"),
        PackedOp::UnpackUnsigned { rotate } => format!("unpack_unsigned.{rotate}"),
        PackedOp::PackLow => "pack_low".into(),
        PackedOp::PackHigh => "pack_high".into(),
        PackedOp::MulHigh => "mul_high".into(),
        PackedOp::MulHighAcc => "mul_high_acc".into(),
        PackedOp::SaturateSigned { bits, shift } => format!("saturate_signed.{bits}.{shift}"),
        PackedOp::SaturateUnsigned { bits, shift } => format!("saturate_unsigned.{bits}.{shift}"),
        PackedOp::AddBytes => "add_bytes".into(),
        PackedOp::MaxBytesSigned => "max_bytes_signed".into(),
        PackedOp::MaxBytesUnsigned => "max_bytes_unsigned".into(),
    }
}
