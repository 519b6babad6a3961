//! Floats of 8 and 4 bits: formats of storage without arithmetic. A tensor of them is one of u8 or u4 whose name is marked in
//! [`Builder::minifloats`](super::builder::Builder); `Cast`, `CastLike` and the quantisation operators turn it into f32 and back by the formulas
//! here, and operators that only move elements pass the mark on. Numbers that the model stores are decoded once.

use super::builder::Slot;
use super::context::{Context, Step};
use super::proto::NodeProto;
use super::proto::tensor_proto::DataType;
use super::{attribute, code};
use tinyc_ir::formula::{Formula, Number};
use tinyc_ir::loops::Literal;
use tinyc_ir::op::{Map, Operator};
use tinyc_ir::{DType, Diagnostic, Tensor, TensorType, Value};

/// A format: one bit for the sign, then exponent and mantissa; E8M0 is an exponent alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Minifloat {
    /// Bits of the exponent.
    exponent: u32,
    /// Bits of the mantissa.
    mantissa: u32,
    bias: u32,
    specials: Specials,
}

/// What of a format is not a finite number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Specials {
    /// Nothing.
    Nothing,
    /// The greatest magnitude is NaN.
    Nan,
    /// The greatest exponent is infinity, and with a mantissa NaN, as in IEEE 754.
    Infinity,
    /// What would be negative zero is NaN.
    NegativeZero,
}

/// What an encoding does where there is a choice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// What lies beyond the greatest number becomes it, else what the format has for it.
    saturate: bool,
    /// How E8M0 rounds; the others round to nearest, ties to even.
    scale: Rounding,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rounding {
    Up,
    Down,
    Nearest,
}

impl Manner {
    /// What a node's attributes ask for.
    pub(super) fn of(cx: &Context<'_, '_>) -> Step<Self> {
        let saturate = cx.attributes().flag("saturate")?.unwrap_or(true);
        let scale = match cx.attributes().string("round_mode")?.as_deref() {
            None | Some("up") => Rounding::Up,
            Some("down") => Rounding::Down,
            Some("nearest") => Rounding::Nearest,
            Some(other) => return Err(attribute::unsupported("round_mode", other, "up, down and nearest")),
        };
        Ok(Self { saturate, scale })
    }
}

impl Minifloat {
    /// The format of an ONNX element type, if it is one of 8 or 4 bits.
    pub(super) fn of(element: i32) -> Option<Self> {
        let format = |exponent, mantissa, bias, specials| Some(Self { exponent, mantissa, bias, specials });
        match DataType::try_from(element).ok()? {
            DataType::Float8e4m3fn => format(4, 3, 7, Specials::Nan),
            DataType::Float8e4m3fnuz => format(4, 3, 8, Specials::NegativeZero),
            DataType::Float8e5m2 => format(5, 2, 15, Specials::Infinity),
            DataType::Float8e5m2fnuz => format(5, 2, 16, Specials::NegativeZero),
            DataType::Float8e8m0 => format(8, 0, 127, Specials::Nan),
            DataType::Float4e2m1 => format(2, 1, 1, Specials::Nothing),
            _ => None,
        }
    }

    /// As what the bits are stored.
    pub(super) fn storage(self) -> DType {
        if self.exponent + self.mantissa < 4 { DType::U4 } else { DType::U8 }
    }

    /// Bits below the sign.
    fn width(self) -> u32 {
        self.exponent + self.mantissa
    }

    /// The bits of the greatest finite number.
    fn greatest(self) -> i32 {
        let all = (1 << self.width()) - 1;
        match self.specials {
            Specials::Nothing | Specials::NegativeZero => all,
            Specials::Nan => all - 1,
            Specials::Infinity => all - (1 << self.mantissa),
        }
    }

    /// The f32 that stored bits stand for, exactly.
    fn decode<'w>(self, stored: Number<'w>) -> Number<'w> {
        let bits = stored.to(DType::I32);
        let int = |value: i32| bits.constant(Literal::I32(value));
        let nan = bits.constant(Literal::F32(f32::NAN));
        let magnitude = bits & int((1 << self.width()) - 1);
        if self.mantissa == 0 {
            // 2^-127 is half the least normal number of f32.
            let number = magnitude.equals(int(0)).select(int(1 << 22), magnitude.shift_left(int(23)));
            return int(self.greatest()).lt(magnitude).select(nan, number.bits(DType::F32));
        }
        // Where an f32 has these bits, times the power of two between the biases: right for subnormal numbers too.
        let power = bits.constant(Literal::F32(f32::from_bits((254 - self.bias) << 23)));
        let number = magnitude.shift_left(int(23 - self.mantissa as i32)).bits(DType::F32) * power;
        let beyond = int(self.greatest()).lt(magnitude);
        let number = match self.specials {
            Specials::Nan => beyond.select(nan, number),
            Specials::Infinity => {
                let infinity = bits.constant(Literal::F32(f32::INFINITY));
                let special = magnitude.equals(int(self.greatest() + 1)).select(infinity, nan);
                beyond.select(special, number)
            }
            Specials::Nothing | Specials::NegativeZero => number,
        };
        let sign = int(1 << self.width());
        let signed = sign.le(bits).select(-number, number);
        match self.specials {
            Specials::NegativeZero => bits.equals(sign).select(nan, signed),
            _ => signed,
        }
    }

    /// The bits of the nearest number to an f32, ties to even.
    fn encode<'w>(self, x: Number<'w>, manner: Manner) -> Number<'w> {
        let bits = x.bits(DType::I32);
        let int = |value: i32| bits.constant(Literal::I32(value));
        let exponent = bits.shift_right(int(23)) & int(255);
        let (is_nan, sign) = (x.differs(x), int(1 << self.width()));
        if self.mantissa == 0 {
            return self.encode_scale(bits, exponent, manner);
        }
        // In steps of its binade: another power of two, so exact until it is rounded.
        let least = int(128 - self.bias as i32);
        let binade = exponent.max(least);
        let power = (int(254 + self.mantissa as i32) - binade).max(int(0)).shift_left(int(23));
        // Infinity as a great number, so that nothing overflows.
        let finite = x.abs().min(bits.constant(Literal::F32(f32::MAX)));
        let steps = (finite * power.bits(DType::F32)).round().to(DType::I32);
        let magnitude = steps + (binade - least).shift_left(int(self.mantissa as i32));
        let greatest = int(self.greatest());
        let over = greatest.lt(magnitude);
        let beyond = match self.specials {
            Specials::Nan | Specials::Infinity if !manner.saturate => int(self.greatest() + 1),
            _ => greatest,
        };
        let magnitude = over.select(beyond, magnitude);
        let negative = bits.lt(int(0)).select(sign, int(0)) | magnitude;
        match self.specials {
            // There is nothing like NaN: what comes nearest is negative zero.
            Specials::Nothing => is_nan.select(sign, negative),
            Specials::Nan => is_nan.select(int((1 << self.width()) - 1), negative),
            Specials::Infinity => is_nan.select(int((1 << self.width()) - 2), negative),
            Specials::NegativeZero => {
                let number = magnitude.equals(int(0)).select(int(0), negative);
                let lost = if manner.saturate { is_nan } else { is_nan | over };
                lost.select(sign, number)
            }
        }
        .to(self.storage())
    }

    /// The power of two beside the magnitude of an f32 of these bits.
    fn encode_scale<'w>(self, bits: Number<'w>, exponent: Number<'w>, manner: Manner) -> Number<'w> {
        let int = |value: i32| bits.constant(Literal::I32(value));
        let fraction = bits & int((1 << 23) - 1);
        // A tie goes away from zero, but below the normal numbers to zero, as ONNX defines it.
        let up = match manner.scale {
            Rounding::Down => int(0).lt(int(0)),
            Rounding::Up => int(0).lt(fraction),
            Rounding::Nearest => (int(1 << 22) + exponent.equals(int(0)).select(int(1), int(0))).le(fraction),
        };
        let rounded = exponent + up.select(int(1), int(0));
        let rounded = if manner.saturate { rounded.min(int(self.greatest())) } else { rounded };
        int(self.greatest()).lt(exponent).select(int(255), rounded).to(self.storage())
    }

    /// The numbers of a stored tensor.
    fn numbers(self, stored: &Tensor) -> Tensor {
        let f = Formula::write(&[stored.dtype()], |x| self.decode(x[0]));
        let ty = TensorType::new(stored.dtype(), stored.shape.clone());
        let result = TensorType::new(DType::F32, stored.shape.clone());
        Map { f }.eval(&[(&ty, stored)], &result)
    }
}

/// Whether a node takes minifloats: converts or only moves them.
pub(super) fn takes(node: &NodeProto) -> bool {
    converts(node) || moves(node)
}

fn converts(node: &NodeProto) -> bool {
    matches!(node.op_type(), "Cast" | "CastLike" | "DequantizeLinear" | "QuantizeLinear" | "Shape" | "Size")
}

fn moves(node: &NodeProto) -> bool {
    matches!(node.op_type(), "Flatten" | "Identity" | "Reshape" | "Squeeze" | "Transpose" | "Unsqueeze")
}

/// The error for a node that reads minifloats and does more than move them.
pub(super) fn refusal(node: &NodeProto) -> Diagnostic {
    Diagnostic::error(
        code::ELEMENT_TYPE,
        format!("{} of floats of 8 or 4 bits is not supported", node.op_type()),
    )
    .help("convert them to float32 with Cast or DequantizeLinear before they are computed with")
}

impl Context<'_, '_> {
    /// The format of operand `i`, if its elements are minifloats.
    pub(super) fn minifloat(&self, i: usize) -> Option<Minifloat> {
        self.build.minifloats.get(self.operand(i)?).copied()
    }

    /// Operand `i`, of that format, as f32.
    pub(super) fn decoded(&mut self, i: usize, format: Minifloat) -> Step<Value> {
        if let Slot::Constant(stored) = self.required_slot(i)? {
            return self.part_constant("decoded", format.numbers(&stored), None);
        }
        let x = self.input(i)?;
        self.map("decoded", &[x], |x| format.decode(x[0]))
    }

    /// An f32 as the node's result of that format.
    pub(super) fn give_encoded(&mut self, x: Value, format: Minifloat, manner: Manner) -> Step<()> {
        let y = self.map("encoded", &[x], |x| format.encode(x[0], manner))?;
        self.give(0, y)?;
        self.mark(format);
        Ok(())
    }

    /// Says that the elements of the first result are minifloats.
    pub(super) fn mark(&mut self, format: Minifloat) {
        self.build.minifloats.insert(self.output().to_owned(), format);
    }

    /// The result of an operator that moves minifloats consists of them.
    pub(super) fn follow_minifloats(&mut self) {
        if moves(self.node)
            && let Some(format) = self.minifloat(0)
        {
            self.mark(format);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::formula::Applied;

    const FORMATS: [i32; 6] = [
        DataType::Float8e4m3fn as i32,
        DataType::Float8e4m3fnuz as i32,
        DataType::Float8e5m2 as i32,
        DataType::Float8e5m2fnuz as i32,
        DataType::Float8e8m0 as i32,
        DataType::Float4e2m1 as i32,
    ];

    fn decoding(format: Minifloat) -> Formula {
        Formula::write(&[format.storage()], |x| format.decode(x[0]))
    }

    fn numbers(format: Minifloat) -> Vec<f32> {
        let (formula, storage) = (decoding(format), [format.storage()]);
        let mut decode = Applied::new(&formula, &storage).unwrap();
        let codes = 1u64 << format.storage().bits();
        (0..codes).map(|code| f32::from_bits(decode.apply(&[code]) as u32)).collect()
    }

    fn encoded(format: Minifloat, manner: Manner, xs: &[f32]) -> Vec<u64> {
        let formula = Formula::write(&[DType::F32], |x| format.encode(x[0], manner));
        let mut encode = Applied::new(&formula, &[DType::F32]).unwrap();
        xs.iter().map(|x| encode.apply(&[x.to_bits().into()])).collect()
    }

    /// ONNX's tables name these.
    #[test]
    fn ends_of_the_formats() {
        let ends = [(448.0, 2), (240.0, 1), (57344.0, 6), (57344.0, 1), (f32::exp2(127.0), 1), (6.0, 0)];
        for (element, (greatest, nans)) in FORMATS.into_iter().zip(ends) {
            let numbers = numbers(Minifloat::of(element).unwrap());
            let finite = numbers.iter().copied().filter(|x| x.is_finite());
            assert_eq!(finite.fold(0.0, f32::max), greatest, "{element}");
            assert_eq!(numbers.iter().filter(|x| x.is_nan()).count(), nans, "{element}");
        }
    }

    #[test]
    fn the_nearest_is_taken_and_of_two_the_even_one() {
        let manner = Manner { saturate: true, scale: Rounding::Nearest };
        for format in
            FORMATS.map(|element| Minifloat::of(element).unwrap()).into_iter().filter(|f| f.mantissa > 0)
        {
            let numbers = numbers(format);
            let finite: Vec<(u64, f32)> =
                (0..).zip(numbers.iter().copied()).filter(|(_, x)| x.is_finite()).collect();
            // Every number, the middle to every next one, and both sides of it.
            let mut xs = vec![1e-30, -1e-40, f32::MAX, f32::MIN, f32::INFINITY, f32::NEG_INFINITY];
            for &(_, x) in &finite {
                for &(_, y) in &finite {
                    let middle = (x + y) / 2.0;
                    xs.extend([x, middle, middle.next_up(), middle.next_down()]);
                }
            }
            for (x, code) in xs.iter().zip(encoded(format, manner, &xs)) {
                let got = numbers[code as usize];
                let clamped = x.clamp(-448.0f32.max(57344.0), 57344.0);
                let distance = |y: f32| (f64::from(clamped) - f64::from(y)).abs();
                let least = finite.iter().map(|&(_, y)| distance(y)).fold(f64::INFINITY, f64::min);
                assert_eq!(distance(got), least, "{x} became {got}");
                let tie = finite.iter().any(|&(_, y)| y != got && distance(y) == least);
                assert!(!tie || code & 1 == 0, "{x} became {got}");
            }
        }
    }
}
