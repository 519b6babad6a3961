//! The small functions that printed code calls: each is printed only if used. None of them can panic.

use super::half;
use super::scalar::{bits, is_float_type, unsigned, value_type};
use super::twin;
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::loops::{PackedOp, Scalar, UnaryOp};
use tinyc_runtime::source::{MATH, PACKED};

/// The crate whose functions the emitted module uses instead of its own, if the user asks for it.
pub(super) const RUNTIME: &str = "tinyc_runtime";

/// The helper functions that the kernels printed so far call.
#[derive(Debug, Default)]
pub(super) struct Helpers {
    functions: BTreeMap<(u8, String), String>,
    math: BTreeSet<String>,
    packed: BTreeSet<String>,
    /// Whether some function may end a run early.
    pub(super) stops: bool,
}

/// A generic function over arrays, with its comment.
fn generic(comment: &str, text: &str) -> String {
    format!("/// {comment}\n#[inline(always)]\n{text}")
}

impl Helpers {
    fn add(&mut self, rank: u8, name: &str, text: impl FnOnce(&str) -> String) -> String {
        self.functions.entry((rank, name.into())).or_insert_with(|| text(name));
        name.into()
    }

    /// Reads an element.
    pub(super) fn at(&mut self) -> String {
        self.add(0, "at", |_| {
            generic(
                "The element at a position, which tinyc has proven to be inside.",
                "fn at<T: Copy + Default, const N: usize>(x: &[T; N], i: usize) -> T {\n    \
                     x.get(i).copied().unwrap_or_default()\n}\n",
            )
        })
    }

    /// Writes an element.
    pub(super) fn put(&mut self) -> String {
        self.add(0, "put", |_| {
            generic(
                "Writes the element at a position, which tinyc has proven to be inside.",
                "fn put<T, const N: usize>(y: &mut [T; N], i: usize, value: T) {\n    \
                     if let Some(element) = y.get_mut(i) {\n        *element = value;\n    }\n}\n",
            )
        })
    }

    /// A part of an array as an array.
    pub(super) fn part(&mut self, mutable: bool) -> String {
        self.stops = true;
        if mutable {
            return self.add(0, "part_mut", |_| {
                generic(
                    "`L` elements from a position on, all of which tinyc has proven to be inside.",
                    "fn part_mut<T, const N: usize, const L: usize>(\n    y: &mut [T; N],\n    i: usize,\n) -> Result<&mut [T; L], Stop> {\n    \
                         let rest = y.get_mut(i..).ok_or(Stop(0))?;\n    \
                         rest.first_chunk_mut().ok_or(Stop(0))\n}\n",
                )
            });
        }
        self.add(0, "part", |_| {
            generic(
                "`L` elements from a position on, all of which tinyc has proven to be inside.",
                "fn part<T, const N: usize, const L: usize>(x: &[T; N], i: usize) -> Result<&[T; L], Stop> {\n    \
                     let rest = x.get(i..).ok_or(Stop(0))?;\n    \
                     rest.first_chunk().ok_or(Stop(0))\n}\n",
            )
        })
    }

    /// Splits a buffer off the arena.
    pub(super) fn carve(&mut self) -> String {
        self.stops = true;
        self.add(0, "carve", |_| {
            generic(
                "Splits off an array behind the first `skip` bytes of memory.",
                "fn carve<'m, const L: usize>(\n    memory: &mut &'m mut [u8],\n    skip: usize,\n) -> Result<&'m mut [u8; L], Stop> {\n    \
                     let all = core::mem::take(memory);\n    \
                     let (_, rest) = all.split_at_mut_checked(skip).ok_or(Stop(0))?;\n    \
                     let (array, rest) = rest.split_first_chunk_mut().ok_or(Stop(0))?;\n    \
                     *memory = rest;\n    Ok(array)\n}\n",
            )
        })
    }

    /// Reads neighbouring elements, or bytes of the arena, as one number.
    pub(super) fn load(&mut self, element: Option<Scalar>, wide: Scalar) -> String {
        let w = value_type(wide);
        let zero = if is_float_type(wide) { "0.0" } else { "0" };
        let Some(element) = element else {
            return self.add(1, &format!("load_{wide}"), |name| {
                generic(
                    "Bytes from a position on as one number, little-endian.",
                    &format!(
                        "fn {name}<const N: usize>(x: &[u8; N], i: usize) -> {w} {{\n    \
                             let bytes = x.get(i..).and_then(|rest| rest.first_chunk());\n    \
                             bytes.map_or({zero}, |bytes| {w}::from_le_bytes(*bytes))\n}}\n"
                    ),
                )
            });
        };
        let (e, count) = (value_type(element), wide.size() / element.size());
        let (part, u) = (unsigned(element), unsigned(wide));
        self.add(1, &format!("load_{wide}_from_{element}"), |name| {
            let one = |i: usize| match () {
                () if is_float_type(element) => format!("p[{i}].to_bits()"),
                () if part == e => format!("p[{i}]"),
                () => format!("p[{i}] as {part}"),
            };
            let mut sum = format!("    let mut bits = {} as {u};\n", one(0));
            for i in 1..count {
                let part = one(i);
                sum.push_str(&format!("    bits |= ({part} as {u}) << {};\n", i as u32 * bits(element)));
            }
            let result = match () {
                () if is_float_type(wide) => format!("{w}::from_bits(bits)"),
                () if u == w => "bits".into(),
                () => format!("bits as {w}"),
            };
            generic(
                &format!("{count} neighbouring elements as one number, little-endian."),
                &format!(
                    "fn {name}<const N: usize>(x: &[{e}; N], i: usize) -> {w} {{\n    \
                         let Some(p) = x.get(i..).and_then(|rest| rest.first_chunk::<{count}>()) else {{\n        \
                             return {zero};\n    }};\n{sum}    {result}\n}}\n"
                ),
            )
        })
    }

    /// Writes one number over neighbouring elements, or over bytes of the arena.
    pub(super) fn store(&mut self, element: Option<Scalar>, wide: Scalar) -> String {
        let w = value_type(wide);
        let Some(element) = element else {
            return self.add(1, &format!("store_{wide}"), |name| {
                generic(
                    "Writes a number over the bytes from a position on, little-endian.",
                    &format!(
                        "fn {name}<const N: usize>(y: &mut [u8; N], i: usize, value: {w}) {{\n    \
                             if let Some(bytes) = y.get_mut(i..).and_then(|rest| rest.first_chunk_mut()) {{\n        \
                                 *bytes = value.to_le_bytes();\n    }}\n}}\n"
                    ),
                )
            });
        };
        let (e, count) = (value_type(element), wide.size() / element.size());
        let take = if is_float_type(wide) { "value.to_bits()" } else { "value" };
        self.add(1, &format!("store_{wide}_to_{element}"), |name| {
            let one = |bits: &str| match is_float_type(element) {
                true => format!("{e}::from_bits({bits} as {})", unsigned(element)),
                false => format!("{bits} as {e}"),
            };
            let mut parts = format!("        p[0] = {};\n", one("bits"));
            for i in 1..count {
                let shift = i as u32 * bits(element);
                parts.push_str(&format!("        p[{i}] = {};\n", one(&format!("(bits >> {shift})"))));
            }
            generic(
                &format!("Writes one number over {count} neighbouring elements, little-endian."),
                &format!(
                    "fn {name}<const N: usize>(y: &mut [{e}; N], i: usize, value: {w}) {{\n    \
                         let bits = {take};\n    \
                         if let Some(p) = y.get_mut(i..).and_then(|rest| rest.first_chunk_mut::<{count}>()) {{\n{parts}    }}\n}}\n"
                ),
            )
        })
    }

    /// The lesser or greater of two floats: `min_f32`.
    pub(super) fn extreme(&mut self, min: bool, scalar: Scalar) -> String {
        let (word, sign, join) = if min { ("min", '<', '|') } else { ("max", '>', '&') };
        let ty = value_type(scalar);
        self.add(2, &format!("{word}_{scalar}"), |name| {
            format!(
                "/// NaN if either is; -0 is below +0.\n#[inline(always)]\nfn {name}(a: {ty}, b: {ty}) -> {ty} {{\n    \
                     if a {sign} b {{\n        return a;\n    }}\n    \
                     if a == b {{\n        return {ty}::from_bits(a.to_bits() {join} b.to_bits());\n    }}\n    \
                     if a.is_nan() {{\n        return a;\n    }}\n    b\n}}\n"
            )
        })
    }

    /// As [`extreme`](Self::extreme) where the second operand is a constant for which one comparison is enough.
    pub(super) fn extreme_constant(&mut self, min: bool, scalar: Scalar) -> String {
        let (word, sign) = if min { ("at_most", ">=") } else { ("at_least", "<=") };
        let ty = value_type(scalar);
        self.add(2, &format!("{word}_{scalar}"), |name| {
            format!(
                "#[inline(always)]\nfn {name}(x: {ty}, end: {ty}) -> {ty} {{\n    if x {sign} end {{\n        return end;\n    }}\n    x\n}}\n"
            )
        })
    }

    /// Quotient or remainder by a divisor that may be 0 or −1.
    pub(super) fn divide(&mut self, remainder: bool, scalar: Scalar) -> String {
        let ty = value_type(scalar);
        let (word, by_zero) = if remainder { ("rem", "a") } else { ("div", "0") };
        let overflow = if remainder { "0" } else { "a" };
        self.add(2, &format!("{word}_{scalar}"), |name| {
            let body = match scalar.is_signed() {
                false => format!("    a.checked_{word}(b).unwrap_or({by_zero})\n"),
                true => format!(
                    "    let otherwise = if b == 0 {{ {by_zero} }} else {{ {overflow} }};\n    \
                     a.checked_{word}(b).unwrap_or(otherwise)\n"
                ),
            };
            format!("#[inline(always)]\nfn {name}(a: {ty}, b: {ty}) -> {ty} {{\n{body}}}\n")
        })
    }

    /// A shift whose amount is not known, or not inside the width.
    pub(super) fn shift(&mut self, left: bool, scalar: Scalar) -> String {
        let (ty, width) = (value_type(scalar), bits(scalar));
        self.add(2, &format!("{}_{scalar}", if left { "shl" } else { "shr" }), |name| {
            let top = width - 1;
            let (outside, value) = match (left, scalar.is_signed()) {
                (true, _) => ("0".to_owned(), format!("x << (n & {top})")),
                (false, true) => (format!("x >> {top}"), format!("x >> (n & {top})")),
                (false, false) => ("0".to_owned(), format!("x >> (n & {top})")),
            };
            format!(
                "#[inline(always)]\nfn {name}(x: {ty}, n: {ty}) -> {ty} {{\n    \
                     if !(0..{width}).contains(&n) {{\n        return {outside};\n    }}\n    {value}\n}}\n"
            )
        })
    }

    /// Between a half float, by its bits, and f32.
    pub(super) fn half(&mut self, from: Scalar, to: Scalar) -> String {
        self.add(2, &half::name(from, to), |name| half::conversion(from, to, name))
    }

    /// The function for a float operation on one operand, as called.
    pub(super) fn float_function(&mut self, op: UnaryOp, scalar: Scalar) -> String {
        match (op, scalar) {
            (UnaryOp::Sqrt, Scalar::F64) => self.add(3, "sqrt_f64", |_| SQRT_F64.into()),
            (UnaryOp::RoundTiesEven, Scalar::F64) => self.add(3, "round_f64", |_| ROUND_F64.into()),
            (op, _) => {
                let name = match op {
                    UnaryOp::Exp if scalar == Scalar::F64 => "exp64",
                    UnaryOp::Log if scalar == Scalar::F64 => "log64",
                    UnaryOp::RoundTiesEven => "round_ties_even",
                    UnaryOp::Sqrt => "sqrt",
                    _ => op.function().expect("the others are printed as operators"),
                };
                self.math.insert(name.into());
                format!("math::{name}")
            }
        }
    }

    /// A packed operation, as called.
    pub(super) fn packed(&mut self, op: PackedOp) -> String {
        let (name, parameters) = match op {
            PackedOp::Dot2 => ("dot2", String::new()),
            PackedOp::Dot2Wide => ("dot2_wide", String::new()),
            PackedOp::MulHalf { a_high, b_high } => ("mul_half", format!("::<{a_high}, {b_high}>")),
            PackedOp::UnpackSigned { rotate } => ("unpack_signed", format!("::<{rotate}>")),
            PackedOp::UnpackUnsigned { rotate } => ("unpack_unsigned", format!("::<{rotate}>")),
            PackedOp::PackLow => ("pack_low", String::new()),
            PackedOp::PackHigh => ("pack_high", String::new()),
            PackedOp::MulHigh => ("mul_high", String::new()),
            PackedOp::MulHighAcc => ("mul_high_acc", String::new()),
            PackedOp::SaturateSigned { bits, shift } => ("saturate_signed", format!("::<{bits}, {shift}>")),
            PackedOp::SaturateUnsigned { bits, shift } => {
                ("saturate_unsigned", format!("::<{bits}, {shift}>"))
            }
            PackedOp::AddBytes => ("add_bytes", String::new()),
            PackedOp::MaxBytesSigned => ("max_bytes_signed", String::new()),
            PackedOp::MaxBytesUnsigned => ("max_bytes_unsigned", String::new()),
        };
        self.packed.insert(name.into());
        format!("packed::{name}{parameters}")
    }

    /// The functions, callees first; none if there are none.
    pub(super) fn print(&self) -> String {
        let mut texts: Vec<&str> = self.functions.values().map(String::as_str).collect();
        if self.stops {
            texts.insert(0, STOP);
        }
        texts.join("\n")
    }

    /// The modules of the runtime's functions, or where they are imported from.
    pub(super) fn modules(&self, runtime: bool) -> String {
        let modules = [
            ("math", "Float functions with the same bits on every core.", MATH, &self.math),
            (
                "packed",
                "Operations on pairs of 16-bit and on four 8-bit numbers in a word.",
                PACKED,
                &self.packed,
            ),
        ];
        let used: Vec<_> = modules.into_iter().filter(|m| !m.3.is_empty()).collect();
        if runtime {
            let names: Vec<&str> = used.iter().map(|m| m.0).collect();
            return match names.as_slice() {
                [] => String::new(),
                [one] => format!("use {RUNTIME}::{one};\n"),
                more => format!("use {RUNTIME}::{{{}}};\n", more.join(", ")),
            };
        }
        let mut out = Vec::new();
        for (name, comment, sources, wanted) in used {
            let mut text = format!("/// {comment}\nmod {name} {{\n");
            for (i, item) in twin::closure(sources, wanted).iter().enumerate() {
                if i > 0 {
                    text.push('\n');
                }
                text.push_str(&indented(item, 4));
            }
            text.push_str("}\n");
            out.push(text);
        }
        out.join("\n")
    }
}

/// The text with so many columns before each line that is not empty.
pub(super) fn indented(text: &str, columns: usize) -> String {
    let pad = " ".repeat(columns);
    text.lines().map(|l| if l.is_empty() { "\n".into() } else { format!("{pad}{l}\n") }).collect()
}

const STOP: &str = r#"/// Why a run ends early: a code for the user, or 0 where a position would be outside, which is
/// proven not to occur.
#[allow(dead_code, reason = "few networks can fail")]
struct Stop(u8);
"#;

const SQRT_F64: &str = "\
/// Square root, correctly rounded, in integers: one result bit per step.
fn sqrt_f64(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut mantissa = bits & 0x000f_ffff_ffff_ffff;
    let mut exponent = (bits >> 52 & 0x7ff) as i32;
    if x == 0.0 || bits == 0x7ff0_0000_0000_0000 {
        return x;
    }
    if x.is_nan() || x < 0.0 {
        return f64::from_bits(0x7ff8_0000_0000_0000);
    }
    if exponent == 0 {
        exponent = 1;
        while mantissa < 0x0010_0000_0000_0000 {
            mantissa <<= 1;
            exponent -= 1;
        }
    } else {
        mantissa |= 0x0010_0000_0000_0000;
    }
    // x = mantissa * 2^(exponent - 1075); an even power leaves the root's exponent whole.
    exponent += 1023;
    if exponent & 1 != 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    mantissa <<= 10;
    let (mut root, mut rest) = (0u64, 0u64);
    for _ in 0..54 {
        rest = (rest << 2) | (mantissa >> 62);
        mantissa <<= 2;
        root <<= 1;
        let trial = (root << 1) | 1;
        if rest >= trial {
            rest -= trial;
            root |= 1;
        }
    }
    root = (root >> 1) + (root & 1);
    f64::from_bits(((exponent as u64 / 2) << 52) + root - 0x0010_0000_0000_0000)
}
";

const ROUND_F64: &str = "\
/// Nearest integral value, ties to the even one; the sign of zero is kept.
fn round_f64(x: f64) -> f64 {
    let bits = x.to_bits();
    let magnitude = bits & 0x7fff_ffff_ffff_ffff;
    if magnitude >= 0x4330_0000_0000_0000 {
        return x;
    }
    let t = (f64::from_bits(magnitude) + 4_503_599_627_370_496.0) - 4_503_599_627_370_496.0;
    f64::from_bits(t.to_bits() | (bits & 0x8000_0000_0000_0000))
}
";
