//! What a core's instruction set can do, as the questions that lowering asks. Not how fast: see `timing`.

use serde::{Deserialize, Serialize};

use crate::figure::Source;

/// What a core can do. Each `bool` promises the instruction; without it, lowering takes the plain form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// The document that all fields of this table come from.
    pub source: Source,
    /// General registers in which a function can hold values once its return address is saved
    /// (the stack pointer, the program counter and fixed registers are not counted).
    pub registers: u32,
    /// How many of them every instruction can name (8 on ARMv6-M; else the same as `registers`).
    pub low_registers: u32,
    /// 32-bit floating-point registers; 0 without an FPU.
    pub float_registers: u32,
    /// 128-bit vector registers; 0 without vectors.
    pub vector_registers: u32,

    /// 32×32 → low 32 bits (MUL, mul).
    pub multiply: bool,
    /// The same with a 32-bit addend (MLA, MLS).
    pub multiply_accumulate: bool,
    /// 32×32 → 64 in one instruction, also accumulating (SMULL, SMLAL, UMULL, UMLAL).
    pub multiply_long: bool,
    /// The high half of 32×32 → 64 in one instruction, nothing else (SMMUL, mulh).
    pub multiply_high: bool,
    /// The high half added to a 32-bit addend (SMMLA): requantisation in two instructions.
    pub multiply_high_accumulate: bool,
    /// Hardware division, signed and unsigned (SDIV, div).
    pub divide: bool,
    /// Saturation to any bit width after a shift (SSAT, USAT).
    pub saturate: bool,
    /// The packed 8- and 16-bit instructions (SMLAD, SMLALD, SMLABB, SXTB16 with rotate, PKHBT, QADD8, UADD8, SEL).
    pub dsp: bool,
    /// Count of leading zeros in one instruction.
    pub count_leading_zeros: bool,
    /// A shift of the second operand that costs no instruction of its own.
    pub shifted_operand: bool,

    /// Word and halfword loads and stores at any address (slower, see timing, but legal).
    pub unaligned: bool,
    /// Loads and stores of several registers in one instruction (LDM, STM).
    pub load_multiple: bool,
    /// Address = register + register.
    pub register_offset: bool,
    /// Loads and stores that advance their base register.
    pub post_increment: bool,
    /// The largest byte offset of a word load from a base register, in bytes.
    pub word_offset_max: u32,
    /// The largest byte offset of a signed byte load from a base register, in bytes; 0 where that load takes no immediate.
    pub signed_byte_offset_max: u32,

    /// binary32 arithmetic in hardware.
    pub fpu_f32: bool,
    /// binary64 arithmetic in hardware.
    pub fpu_f64: bool,
    /// Integer vectors of 128 bits (MVE / Helium).
    pub mve: bool,
    /// Floating-point vectors (MVE-F).
    pub mve_float: bool,
    /// A loop whose counter and branch cost nothing after the first round (DLS/LE).
    pub low_overhead_loop: bool,
    /// The bit-manipulation extensions Zba, Zbb and Zbs (shift-add, min, max, sign extension).
    pub bit_manipulation: bool,
}
