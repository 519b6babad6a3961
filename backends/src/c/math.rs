//! Float functions in emitted code: the runtime's C text, and what it does not have (roots and rounding of f64, hardware
//! square roots).

use super::helper::Helpers;
use std::collections::BTreeSet;
use tinyc_ir::loops::{Scalar, UnaryOp};
use tinyc_runtime::c_twin;

/// What the names of functions on f32 start with: the C library owns the plain ones.
const PREFIX: &str = "f32_";

/// What stands before a function's name; those on f64 say their type themselves.
fn prefix(name: &str) -> &'static str {
    if name.starts_with("f64_") { "" } else { PREFIX }
}

/// The names of the functions that the wanted ones need, themselves included.
pub(super) fn names(wanted: &BTreeSet<&'static str>) -> Vec<String> {
    let wanted: Vec<_> = wanted.iter().copied().collect();
    c_twin::closure(&wanted).map(|f| format!("{}{}", prefix(f.name), f.name)).collect()
}

/// The definitions of the wanted functions and of what they call.
pub(super) fn print(wanted: &BTreeSet<&'static str>) -> String {
    let wanted: Vec<_> = wanted.iter().copied().collect();
    let mut out = String::new();
    for function in c_twin::closure(&wanted) {
        function.write(prefix(function.name), &mut out).expect("a string takes all text");
        out.push('\n');
    }
    out
}

impl Helpers {
    /// The function for a float operation on one operand, as called.
    pub(super) fn float_function(&mut self, op: UnaryOp, scalar: Scalar) -> String {
        match (op, scalar) {
            (UnaryOp::Sqrt, Scalar::F32) => self.sqrt_f32(),
            (UnaryOp::Sqrt, _) => self.sqrt_f64(),
            (UnaryOp::RoundTiesEven, Scalar::F64) => self.round_f64(),
            (op, _) => {
                let name = twin(op, scalar);
                self.math.insert(name);
                format!("{}{name}", prefix(name))
            }
        }
    }

    fn sqrt_f32(&mut self) -> String {
        self.math.insert("sqrt");
        let soft = format!("{PREFIX}sqrt");
        self.add(4, "sqrt_f32", |name| {
            format!(
                "/* Correctly rounded. */\nstatic inline float {name}(float x)\n{{\n\
                 #if defined(__GNUC__) && defined(__arm__) && defined(__ARM_FP) && (__ARM_FP & 4)\n    \
                     float y;\n    (void){soft}; /* for cores without the instruction */\n    \
                     __asm__(\"vsqrt.f32 %0, %1\" : \"=t\"(y) : \"t\"(x));\n    return y;\n\
                 #elif defined(__GNUC__) && defined(__riscv_flen)\n    \
                     float y;\n    (void){soft}; /* for cores without the instruction */\n    \
                     __asm__(\"fsqrt.s %0, %1\" : \"=f\"(y) : \"f\"(x));\n    return y;\n\
                 #else\n    return {soft}(x);\n#endif\n}}\n"
            )
        })
    }

    fn sqrt_f64(&mut self) -> String {
        let (bits, from) = (self.bits_of(Scalar::F64), self.of_bits(Scalar::F64));
        self.add(4, "sqrt_f64", |name| {
            format!(
                "/* Square root, correctly rounded, in integers: one result bit per step. */\n\
                 static double {name}(double x)\n{{\n    \
                     const uint64_t bits = {bits}(x);\n    \
                     uint64_t mantissa = bits & UINT64_C(0x000fffffffffffff);\n    \
                     int32_t exponent = (int32_t)(bits >> 52 & 0x7ffu);\n    \
                     uint64_t root = 0;\n    \
                     uint64_t rest = 0;\n    \
                     if (x == 0.0 || bits == UINT64_C(0x7ff0000000000000)) {{\n        return x;\n    }}\n    \
                     if (!(x > 0.0)) {{\n        return {from}(UINT64_C(0x7ff8000000000000));\n    }}\n    \
                     if (exponent == 0) {{\n        \
                         exponent = 1;\n        \
                         while (mantissa < UINT64_C(0x0010000000000000)) {{\n            \
                             mantissa <<= 1;\n            exponent -= 1;\n        }}\n    \
                     }} else {{\n        mantissa |= UINT64_C(0x0010000000000000);\n    }}\n    \
                     /* x = mantissa * 2^(exponent - 1075); an even power leaves the root's exponent whole. */\n    \
                     exponent += 1023;\n    \
                     if ((exponent & 1) != 0) {{\n        mantissa <<= 1;\n        exponent -= 1;\n    }}\n    \
                     mantissa <<= 10;\n    \
                     for (int32_t step = 0; step < 54; step++) {{\n        \
                         uint64_t trial;\n        \
                         rest = (rest << 2) | (mantissa >> 62);\n        \
                         mantissa <<= 2;\n        \
                         root <<= 1;\n        \
                         trial = (root << 1) | 1u;\n        \
                         if (rest >= trial) {{\n            rest -= trial;\n            root |= 1u;\n        }}\n    }}\n    \
                     root = (root >> 1) + (root & 1u);\n    \
                     return {from}(((uint64_t)(exponent / 2) << 52) + root - UINT64_C(0x0010000000000000));\n}}\n"
            )
        })
    }

    fn round_f64(&mut self) -> String {
        let (bits, from) = (self.bits_of(Scalar::F64), self.of_bits(Scalar::F64));
        self.add(4, "round_ties_even_f64", |name| {
            format!(
                "/* Nearest integral value, ties to the even one; the sign of zero is kept. */\n\
                 static double {name}(double x)\n{{\n    \
                     const uint64_t bits = {bits}(x);\n    \
                     const uint64_t magnitude = bits & UINT64_C(0x7fffffffffffffff);\n    \
                     double t;\n    \
                     if (magnitude >= UINT64_C(0x4330000000000000)) {{\n        return x;\n    }}\n    \
                     t = ({from}(magnitude) + 4503599627370496.0) - 4503599627370496.0;\n    \
                     return {from}({bits}(t) | (bits & UINT64_C(0x8000000000000000)));\n}}\n"
            )
        })
    }
}

/// The runtime's name of an operation.
fn twin(op: UnaryOp, scalar: Scalar) -> &'static str {
    match op {
        UnaryOp::Exp if scalar == Scalar::F64 => "f64_exp",
        UnaryOp::Log if scalar == Scalar::F64 => "f64_log",
        UnaryOp::RoundTiesEven => "round_ties_even",
        UnaryOp::Sqrt => "sqrt",
        _ => op.function().expect("the others are printed as operators or helpers"),
    }
}
