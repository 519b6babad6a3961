//! One machine instruction, before and after register allocation: an operation and its fields.

/// A machine instruction over registers of type `R`. Fields that the operation does not have keep their default, so equal
/// instructions compare equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Inst<R> {
    /// What is done.
    pub op: Op,
    /// Destination (`Rd`, `Rt` of loads, `RdLo` of long multiplies, `Sd`); for stores the value that is stored.
    pub d: Option<R>,
    /// First operand (`Rn`, `Sn`); the base of loads and stores.
    pub n: Option<R>,
    /// Second operand (`Rm`, `Sm`).
    pub m: Option<R>,
    /// Third register: the addend of multiplies (`Ra`), `RdHi` of long multiplies, `Rt2` of LDRD and STRD.
    pub a: Option<R>,
    /// The immediate: number, byte offset of an access, shift amount of shifts by immediate, displacement of a branch in bytes
    /// relative to the instruction's own address + 4, bit mask of a register list (bit n: rn; lists of floats: count).
    pub imm: i32,
    /// How `m` is shifted first.
    pub shift: Shift,
    /// The condition: of a branch, of IT, or under which an instruction inside an IT block runs.
    pub cond: Cond,
    /// Whether the flags are written (the `s` in `adds`); only where the operation has both forms.
    pub s: bool,
    /// Forces the 32-bit encoding where both exist.
    pub wide: bool,
}

impl<R> Inst<R> {
    /// An instruction with all fields at their default.
    pub const fn new(op: Op) -> Self {
        Self {
            op,
            d: None,
            n: None,
            m: None,
            a: None,
            imm: 0,
            shift: Shift::NONE,
            cond: Cond::Al,
            s: false,
            wide: false,
        }
    }
}

/// A shift of the second operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "amounts in bits, as in the assembly text")]
pub enum Shift {
    Lsl(u8),
    Lsr(u8),
    Asr(u8),
    Ror(u8),
}

impl Shift {
    /// No shift.
    pub const NONE: Self = Self::Lsl(0);
}

/// Under which flags something happens; the numbers are those of the encodings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names of the architecture")]
#[repr(u8)]
pub enum Cond {
    Eq,
    Ne,
    Cs,
    Cc,
    Mi,
    Pl,
    Vs,
    Vc,
    Hi,
    Ls,
    Ge,
    Lt,
    Gt,
    Le,
    Al,
}

/// The operations. A name without a suffix of the assembly text takes registers; `Imm` takes an immediate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "mnemonics of the architecture; the table has the details")]
pub enum Op {
    // Moves and arithmetic: d, n, m with shift, or imm. Those with `s` may write the flags.
    Mov,
    MovImm,
    Movt,
    Mvn,
    MvnImm,
    Add,
    AddImm,
    Sub,
    SubImm,
    Rsb,
    RsbImm,
    Adc,
    AdcImm,
    Sbc,
    SbcImm,
    And,
    AndImm,
    Orr,
    OrrImm,
    Eor,
    EorImm,
    Bic,
    BicImm,
    Orn,
    OrnImm,
    /// Shifts: d, n, and imm or m.
    LslImm,
    LsrImm,
    AsrImm,
    RorImm,
    Lsl,
    Lsr,
    Asr,
    Ror,
    /// Comparisons: n, and m with shift or imm.
    Cmp,
    CmpImm,
    Cmn,
    CmnImm,
    Tst,
    TstImm,
    Teq,
    TeqImm,
    /// Bit fields and bits: `imm` is `lsb | width << 8` for the fields (d, n); the others have d and m.
    Ubfx,
    Sbfx,
    Bfi,
    Bfc,
    Clz,
    Rbit,
    Rev,
    Rev16,
    /// Extensions: d, m; `shift` is none or `Ror(8, 16, 24)`.
    Sxtb,
    Sxth,
    Uxtb,
    Uxth,
    Sxtb16,
    Uxtb16,
    /// The same plus n.
    Sxtab,
    Sxtah,
    Uxtab,
    Uxtah,
    Sxtab16,
    Uxtab16,
    // Multiplies: d = n * m (+ a).
    Mul,
    Mla,
    Mls,
    Smull,
    Umull,
    Smlal,
    Umlal,
    Umaal,
    Smmul,
    Smmulr,
    Smmla,
    Smmlar,
    Smmls,
    Smlad,
    Smladx,
    Smuad,
    Smuadx,
    Smlsd,
    Smlsdx,
    Smlald,
    Smlaldx,
    Smlabb,
    Smlabt,
    Smlatb,
    Smlatt,
    Smulbb,
    Smulbt,
    Smultb,
    Smultt,
    Smlawb,
    Smlawt,
    Smulwb,
    Smulwt,
    Smlalbb,
    Smlalbt,
    Smlaltb,
    Smlaltt,
    Sdiv,
    Udiv,
    /// Saturation: d, n with shift (Lsl or Asr); imm is the number of bits.
    Ssat,
    Usat,
    Ssat16,
    Usat16,
    // Packed: d, n, m. Pkhbt shifts m left, Pkhtb arithmetically right.
    Pkhbt,
    Pkhtb,
    Sadd8,
    Uadd8,
    Ssub8,
    Usub8,
    Sadd16,
    Uadd16,
    Ssub16,
    Usub16,
    Qadd8,
    Qsub8,
    Uqadd8,
    Uqsub8,
    Qadd16,
    Qsub16,
    Shadd8,
    Shadd16,
    Uhadd8,
    Uhadd16,
    Sel,
    Usad8,
    Usada8,
    /// d = n + m, n - m, n + 2 m, n - 2 m, all saturated. (The architecture calls n Rm and m Rn.)
    Qadd,
    Qsub,
    Qdadd,
    Qdsub,
    // Loads and stores: `d, [n, imm]`.
    LdrImm,
    LdrbImm,
    LdrhImm,
    LdrsbImm,
    LdrshImm,
    StrImm,
    StrbImm,
    StrhImm,
    /// `d, [n], imm`
    LdrPost,
    LdrbPost,
    LdrhPost,
    LdrsbPost,
    LdrshPost,
    StrPost,
    StrbPost,
    StrhPost,
    /// `d, [n, imm]!`
    LdrPre,
    LdrbPre,
    LdrhPre,
    LdrsbPre,
    LdrshPre,
    StrPre,
    StrbPre,
    StrhPre,
    /// `d, [n, m, lsl 0..3]`
    Ldr,
    Ldrb,
    Ldrh,
    Ldrsb,
    Ldrsh,
    Str,
    Strb,
    Strh,
    /// `d, a, [n, imm]`
    LdrdImm,
    StrdImm,
    /// Registers of the mask `imm` at n, which advances; with `Stm`, `Ldm` likewise. `LdmKeep`: n does not advance.
    /// The 32-bit forms, which reach beyond r0 to r7 (LR of PUSH, PC of POP), take two registers or more.
    Ldm,
    LdmKeep,
    Stm,
    StmKeep,
    Stmdb,
    Ldmdb,
    Push,
    Pop,
    /// d = word at (address of the instruction + 4, aligned down to 4) + imm.
    LdrLit,
    /// d = the same address.
    Adr,
    // Branches. `Bcond` has a condition; `Blx` and `Bx` go to m; `Cbz` and `Cbnz` test n.
    B,
    Bcond,
    Bl,
    Blx,
    Bx,
    Cbz,
    Cbnz,
    /// Table branches: n base, m index.
    Tbb,
    Tbh,
    /// `cond` is the first condition, `imm` the 4-bit mask field of the encoding (`Cond::block_mask`).
    It,
    Nop,
    Udf,
    Bkpt,
    Svc,
    /// Barriers for the whole system.
    Dmb,
    Dsb,
    Isb,
    /// d = flags, or flags = n (APSR, with the GE bits).
    MrsApsr,
    MsrApsr,
    // Floats: d, n, m are s registers.
    Vadd,
    Vsub,
    Vmul,
    Vdiv,
    Vsqrt,
    Vneg,
    Vabs,
    Vnmul,
    Vmla,
    Vmls,
    Vfma,
    Vfms,
    /// d, m are floats: a copy.
    Vmov,
    /// d is a float, imm the eight bits of the encoded number.
    VmovImm,
    /// d is a float, n general.
    VmovToFloat,
    /// d is general, n a float.
    VmovFromFloat,
    /// Two moves: d, a general; imm the first of two neighbouring floats. To and from floats.
    VmovPairFromFloat,
    VmovPairToFloat,
    /// n, m are floats; VcmpZero has n only. Quiet.
    Vcmp,
    VcmpZero,
    /// Flags of the FPU to the core's.
    Vmrs,
    /// d, m are floats; the integer lies in the float register.
    VcvtFromSigned,
    VcvtFromUnsigned,
    VcvtToSigned,
    VcvtToUnsigned,
    VcvtrToSigned,
    /// d, m are floats; the binary16 lies in the lower half of its register, whose upper half stays.
    VcvtbFromHalf,
    VcvtbToHalf,
    /// FPv5 only: d, m (n).
    Vrintn,
    Vrintz,
    Vrintm,
    Vrintp,
    Vrinta,
    Vmaxnm,
    Vminnm,
    VselEq,
    VselGe,
    VselGt,
    VselVs,
    /// d a float: `d, [n, imm]`.
    Vldr,
    Vstr,
    /// Floats d.. (`imm` of them) at n, which advances (Vldm, Vstm) or not (Keep).
    Vldm,
    VldmKeep,
    Vstm,
    VstmKeep,
    Vpush,
    Vpop,
}
