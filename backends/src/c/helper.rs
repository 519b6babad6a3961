//! The small functions that emitted kernels call: each is printed only if used, once, before its users. This file holds
//! the collection and the plain arithmetic; [`super::packed`] and [`super::math`] hold the rest.

use super::half;
use super::math;
use super::packed;
use super::scalar::{bits, limit, memory_type, unsigned, value_type};
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::loops::{PackedOp, Scalar};

/// Names at the top of the file, of checks while compiling.
pub(super) const CHECKS: [&str; 2] = ["int_has_32_bits", "narrowing_wraps"];

/// The helper functions that the kernels printed so far call.
#[derive(Debug)]
pub(super) struct Helpers {
    prefix: String,
    /// Whether packed operations may use ARM's instructions.
    arm_dsp: bool,
    /// Name to definition; the number puts callees before callers.
    functions: BTreeMap<(u8, String), String>,
    /// Functions of the runtime's math, by their names there.
    pub(super) math: BTreeSet<&'static str>,
    /// Types that are accessed without regard to the declared type of the memory.
    any_types: BTreeSet<Scalar>,
    non_finite: BTreeSet<&'static str>,
}

impl Helpers {
    /// An empty collection for a program.
    pub(super) fn new(prefix: &str, arm_dsp: bool) -> Self {
        Self {
            prefix: prefix.into(),
            arm_dsp,
            functions: BTreeMap::new(),
            math: BTreeSet::new(),
            any_types: BTreeSet::new(),
            non_finite: BTreeSet::new(),
        }
    }

    /// What every name in the header starts with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The identifiers that the helpers occupy at file scope.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let functions = self.functions.keys().map(|(_, name)| name.clone());
        let any = self.any_types.iter().map(|&s| any_name(s));
        let checks = CHECKS.map(String::from);
        functions.chain(any).chain(checks).chain(math::names(&self.math)).collect()
    }

    /// Every word in the helpers' text: what stands at file scope beside them must not be one, or a helper's
    /// parameter would hide it.
    pub(super) fn words(&self) -> BTreeSet<String> {
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        self.print().split(word).filter(|w| !w.is_empty()).map(String::from).collect()
    }

    /// Adds a function and returns its name. `text` gets the name and returns the whole definition.
    pub(super) fn add(&mut self, rank: u8, name: &str, text: impl FnOnce(&str) -> String) -> String {
        self.functions.entry((rank, name.into())).or_insert_with(|| text(name));
        name.into()
    }

    /// The macro for an infinity or a NaN.
    pub(super) fn non_finite(&mut self, which: &'static str) -> String {
        self.non_finite.insert(which);
        format!("{}_{which}", self.prefix.to_uppercase())
    }

    /// A type that may access memory of every type.
    pub(super) fn any_type(&mut self, scalar: Scalar) -> String {
        self.any_types.insert(scalar);
        any_name(scalar)
    }

    /// The lesser or greater of two numbers: `min_i32`.
    pub(super) fn extreme(&mut self, min: bool, scalar: Scalar) -> String {
        let (word, sign) = if min { ("min", '<') } else { ("max", '>') };
        let ty = value_type(scalar);
        let short = format!("{word}_{scalar}");
        if !scalar.is_float() {
            return self.add(1, &short, |name| {
                format!("static inline {ty} {name}({ty} a, {ty} b)\n{{\n    return a {sign} b ? a : b;\n}}\n")
            });
        }
        // Zeros are equal but not alike: their signs decide.
        let bits = self.bits_of(scalar);
        let (u, f) = (value_type(unsigned(scalar)), self.of_bits(scalar));
        let join = if min { '|' } else { '&' };
        self.add(1, &short, |name| {
            format!(
                "/* NaN if either is; -0 is below +0. */\n\
                 static inline {ty} {name}({ty} a, {ty} b)\n{{\n    \
                     if (a {sign} b) {{\n        return a;\n    }}\n    \
                     if (a == b) {{\n        const {u} both = {bits}(a) {join} {bits}(b);\n        return {f}(both);\n    }}\n    \
                     return a != a ? a : b;\n}}\n"
            )
        })
    }

    /// As [`extreme`](Self::extreme) where the second operand is a float constant for which one comparison is enough.
    pub(super) fn extreme_constant(&mut self, min: bool, scalar: Scalar) -> String {
        let (word, sign) = if min { ("at_most", ">=") } else { ("at_least", "<=") };
        let ty = value_type(scalar);
        self.add(1, &format!("{word}_{scalar}"), |name| {
            format!(
                "static inline {ty} {name}({ty} x, {ty} end)\n{{\n    return x {sign} end ? end : x;\n}}\n"
            )
        })
    }

    /// A float's bits as an unsigned integer.
    pub(super) fn bits_of(&mut self, scalar: Scalar) -> String {
        let (from, to) = (value_type(scalar), value_type(unsigned(scalar)));
        self.view(&format!("bits_of_{scalar}"), from, to)
    }

    /// The float with the given bits.
    pub(super) fn of_bits(&mut self, scalar: Scalar) -> String {
        let (from, to) = (value_type(unsigned(scalar)), value_type(scalar));
        self.view(&format!("{scalar}_from_bits"), from, to)
    }

    fn view(&mut self, name: &str, from: &str, to: &str) -> String {
        self.add(0, name, |name| half::view(name, from, to))
    }

    /// Absolute value.
    pub(super) fn abs(&mut self, scalar: Scalar) -> String {
        let ty = value_type(scalar);
        let body = if scalar.is_float() {
            let (bits, from) = (self.bits_of(scalar), self.of_bits(scalar));
            let mask = if scalar == Scalar::F32 { "0x7fffffffu" } else { "UINT64_C(0x7fffffffffffffff)" };
            format!("{from}({bits}(x) & {mask})")
        } else {
            format!("x < 0 ? {} : x", wrapping_neg(scalar, "x"))
        };
        self.add(1, &format!("abs_{scalar}"), |name| {
            format!("static inline {ty} {name}({ty} x)\n{{\n    return {body};\n}}\n")
        })
    }

    /// A comparison as a function.
    pub(super) fn compare(&mut self, less: bool, scalar: Scalar) -> String {
        let (word, sign) = if less { ("lt", "<") } else { ("le", "<=") };
        let ty = value_type(scalar);
        self.add(1, &format!("{word}_{scalar}"), |name| {
            format!("static inline _Bool {name}({ty} a, {ty} b)\n{{\n    return a {sign} b;\n}}\n")
        })
    }

    /// Quotient or remainder by a divisor that may be 0 or −1.
    pub(super) fn divide(&mut self, remainder: bool, scalar: Scalar) -> String {
        let ty = value_type(scalar);
        let (word, sign, by_zero) = if remainder { ("rem", '%', "a") } else { ("div", '/', "0") };
        let plain = format!("a {sign} b");
        let value = match (scalar.is_signed(), remainder) {
            (false, _) => plain,
            (true, true) => format!("b == -1 ? 0 : {plain}"),
            (true, false) => format!("b == -1 ? {} : {plain}", wrapping_neg(scalar, "a")),
        };
        self.add(1, &format!("{word}_{scalar}"), |name| {
            format!(
                "static inline {ty} {name}({ty} a, {ty} b)\n{{\n    if (b == 0) {{\n        return {by_zero};\n    }}\n    \
                 return {value};\n}}\n"
            )
        })
    }

    /// A shift whose amount is not known, or not inside the width.
    pub(super) fn shift(&mut self, left: bool, scalar: Scalar) -> String {
        let (ty, width) = (value_type(scalar), bits(scalar));
        let u = value_type(unsigned(scalar));
        let inside =
            if scalar.is_signed() { format!("n >= 0 && n < {width}") } else { format!("n < {width}u") };
        let value = match (left, scalar.is_signed()) {
            (true, true) => format!("{inside} ? ({ty})(({u})x << n) : 0"),
            (true, false) => format!("{inside} ? x << n : 0u"),
            (false, true) => format!("x >> ({inside} ? n : {})", width - 1),
            (false, false) => format!("{inside} ? x >> n : 0u"),
        };
        self.add(1, &format!("{}_{scalar}", if left { "shl" } else { "shr" }), |name| {
            format!("static inline {ty} {name}({ty} x, {ty} n)\n{{\n    return {value};\n}}\n")
        })
    }

    /// From float to integer: towards zero, saturated, NaN to 0.
    pub(super) fn saturate(&mut self, from: Scalar, to: Scalar) -> String {
        let (f, t) = (value_type(from), value_type(to));
        let suffix = if from == Scalar::F32 { "f" } else { "" };
        let power = 2f64.powi(bits(to) as i32 - i32::from(to.is_signed()));
        let (max, min) = (limit(to, "MAX"), if to.is_signed() { limit(to, "MIN") } else { "0".into() });
        let lowest = if to.is_signed() { format!("-{power:?}{suffix}") } else { format!("0.0{suffix}") };
        self.add(1, &format!("{from}_to_{to}"), |name| {
            format!(
                "/* Towards zero, saturated; NaN becomes 0. */\n\
                 static inline {t} {name}({f} x)\n{{\n    \
                     if (x >= {power:?}{suffix}) {{\n        return {max};\n    }}\n    \
                     if (x > {lowest}) {{\n        return ({t})x;\n    }}\n    \
                     return x != x ? 0 : {min};\n}}\n"
            )
        })
    }

    /// Between a half float, by its bits, and f32.
    pub(super) fn half(&mut self, from: Scalar, to: Scalar) -> String {
        // Each conversion has its way through the bits; a function that nothing calls would be warned of.
        let bits = if from == Scalar::BF16 { String::new() } else { self.bits_of(Scalar::F32) };
        let back = if to == Scalar::F32 { self.of_bits(Scalar::F32) } else { String::new() };
        self.add(1, &format!("{from}_to_{to}"), |name| half::conversion(from, to, name, &bits, &back))
    }

    /// Reads neighbouring elements as one wider number.
    pub(super) fn load(&mut self, element: Scalar, wide: Scalar) -> String {
        let any = self.any_type(wide);
        let upper = self.prefix.to_uppercase();
        let (e, w) = (memory_type(element), value_type(wide));
        let (u, part) = (value_type(unsigned(wide)), value_type(unsigned(element)));
        let count = wide.size() / element.size();
        let view = if wide.is_float() { Some(self.of_bits(wide)) } else { None };
        let back = view.unwrap_or_else(|| format!("({w})"));
        let bits = if element.is_float() { Some(self.bits_of(element)) } else { None };
        let part = |i: usize| match &bits {
            Some(bits) => format!("{bits}(p[{i}])"),
            None => format!("({part})p[{i}]"),
        };
        let what = match count {
            1 => "The bits of one element.".to_owned(),
            _ => format!("{count} neighbouring elements as one number, little-endian; p is aligned for it."),
        };
        self.add(2, &format!("load_{wide}_from_{element}"), |name| {
            let mut portable = String::new();
            for i in 0..count {
                let shift = i * 8 * element.size();
                portable.push_str(&format!("    x |= ({u}){} << {shift};\n", part(i)));
            }
            format!(
                "/* {what} */\n\
                 static inline {w} {name}(const {e} *p)\n{{\n#ifdef {upper}_WIDE\n    \
                 return *(const {any} *)(const void *)p;\n#else\n    {u} x = 0;\n{portable}    return {back}(x);\n#endif\n}}\n"
            )
        })
    }

    /// Writes one wide number over neighbouring elements.
    pub(super) fn store(&mut self, element: Scalar, wide: Scalar) -> String {
        let any = self.any_type(wide);
        let upper = self.prefix.to_uppercase();
        let (e, w) = (memory_type(element), value_type(wide));
        let (u, part) = (value_type(unsigned(wide)), value_type(unsigned(element)));
        let count = wide.size() / element.size();
        let bits = if wide.is_float() { self.bits_of(wide) } else { format!("({u})") };
        let back = if element.is_float() { Some(self.of_bits(element)) } else { None };
        let back = |part: String| match &back {
            Some(back) => format!("{back}({part})"),
            None => format!("({e}){part}"),
        };
        let what = match count {
            1 => "One element from its bits.".to_owned(),
            _ => {
                format!("One number over {count} neighbouring elements, little-endian; p is aligned for it.")
            }
        };
        self.add(2, &format!("store_{wide}_to_{element}"), |name| {
            let mut portable = String::new();
            for i in 0..count {
                let shift = i * 8 * element.size();
                let part = back(format!("({part})(bits >> {shift})"));
                portable.push_str(&format!("    p[{i}] = {part};\n"));
            }
            format!(
                "/* {what} */\n\
                 static inline void {name}({e} *p, {w} x)\n{{\n#ifdef {upper}_WIDE\n    \
                 *({any} *)(void *)p = x;\n#else\n    const {u} bits = {bits}(x);\n{portable}#endif\n}}\n"
            )
        })
    }

    /// A packed operation.
    pub(super) fn packed(&mut self, op: PackedOp) -> String {
        let upper = self.prefix.to_uppercase();
        let arm_dsp = self.arm_dsp;
        self.add(3, &packed::name(op), |name| packed::definition(op, name, &upper, arm_dsp))
    }

    /// Everything collected, as text: types, then functions, callees first.
    pub(super) fn print(&self) -> String {
        let upper = self.prefix.to_uppercase();
        let mut out = String::new();
        for which in &self.non_finite {
            let (builtin, plain) = match *which {
                "NAN" => ("__builtin_nanf(\"\")", "(0.0f / 0.0f)"),
                _ => ("__builtin_inff()", "(1.0f / 0.0f)"),
            };
            out.push_str(&format!(
                "#ifdef __GNUC__\n#define {upper}_{which} {builtin}\n#else\n#define {upper}_{which} {plain}\n#endif\n\n"
            ));
        }
        if !self.any_types.is_empty() {
            out.push_str(&format!(
                "/* Memory may be read and written as numbers that are wider than its elements. */\n\
                 #if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__\n#define {upper}_WIDE 1\n"
            ));
            for &scalar in &self.any_types {
                let name = any_name(scalar);
                out.push_str(&format!(
                    "typedef {} __attribute__((may_alias)) {name};\n",
                    memory_type(scalar)
                ));
            }
            out.push_str("#else\n");
            for &scalar in &self.any_types {
                out.push_str(&format!("typedef {} {};\n", memory_type(scalar), any_name(scalar)));
            }
            out.push_str("#endif\n\n");
        }
        out.push_str(&math::print(&self.math));
        for text in self.functions.values() {
            out.push_str(text);
            out.push('\n');
        }
        out
    }
}

fn any_name(scalar: Scalar) -> String {
    format!("any_{scalar}")
}

/// `−x` with the least integer staying what it is.
pub(super) fn wrapping_neg(scalar: Scalar, x: &str) -> String {
    let (ty, u) = (value_type(scalar), value_type(unsigned(scalar)));
    format!("({ty})(0u - ({u}){x})")
}
