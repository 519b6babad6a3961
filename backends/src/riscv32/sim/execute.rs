//! What every operation does to registers and memory: one line each. Where control goes next is only named here.

use super::cpu::Cpu;
use super::float::{bits, class, extreme, of, to_signed, to_unsigned};
use super::step::Step;
use crate::codegen::sim::{Memory, Trap};
use crate::riscv32::isa::Op;

/// Where control goes.
pub(super) enum Flow {
    /// To the next instruction.
    Next,
    /// To the step's target.
    Taken,
    /// There too; the destination gets the address behind the step.
    Link,
    /// To an address; the destination likewise.
    Jump(u32),
}

/// Runs one step.
#[inline(always)]
#[rustfmt::skip] // one line per operation
pub(super) fn execute(cpu: &mut Cpu, memory: &mut Memory, s: &Step) -> Result<Flow, Trap> {
    let n = cpu.x[usize::from(s.n & 31)];
    let m = cpu.x[usize::from(s.m & 31)];
    // Operands by name; they are read only where a line names them.
    macro_rules! set { ($value:expr) => {{ let value: u32 = $value; cpu.x[usize::from(s.d).min(32)] = value; }}; }
    macro_rules! fset { ($value:expr) => {{ let value: u32 = $value; cpu.f[usize::from(s.d & 31)] = value; }}; }
    macro_rules! fnn { () => { cpu.f[usize::from(s.n & 31)] }; }
    macro_rules! fmm { () => { cpu.f[usize::from(s.m & 31)] }; }
    macro_rules! faa { () => { cpu.f[usize::from(s.a & 31)] }; }
    macro_rules! branch { ($holds:expr) => { if $holds { return Ok(Flow::Taken) } }; }
    let address = n.wrapping_add(s.imm);
    let (sn, sm) = (n.cast_signed(), m.cast_signed());
    let long = |high: i64| (high >> 32) as u32;
    match s.op {
        Op::Lui | Op::Auipc => set!(s.imm),
        Op::Jal => return Ok(Flow::Link),
        Op::Jalr => return Ok(Flow::Jump(address & !1)),
        Op::Beq => branch!(n == m),
        Op::Bne => branch!(n != m),
        Op::Blt => branch!(sn < sm),
        Op::Bge => branch!(sn >= sm),
        Op::Bltu => branch!(n < m),
        Op::Bgeu => branch!(n >= m),
        Op::Lb => set!(memory.load8(address)? as i8 as u32),
        Op::Lh => set!(memory.load16(address)? as i16 as u32),
        Op::Lw => set!(memory.load32(address)?),
        Op::Lbu => set!(memory.load8(address)?),
        Op::Lhu => set!(memory.load16(address)?),
        Op::Sb => memory.store8(address, m)?,
        Op::Sh => memory.store16(address, m)?,
        Op::Sw => memory.store32(address, m)?,
        Op::Addi => set!(n.wrapping_add(s.imm)),
        Op::Slti => set!(u32::from(sn < s.imm.cast_signed())),
        Op::Sltiu => set!(u32::from(n < s.imm)),
        Op::Xori => set!(n ^ s.imm),
        Op::Ori => set!(n | s.imm),
        Op::Andi => set!(n & s.imm),
        Op::Slli => set!(n << (s.imm & 31)),
        Op::Srli => set!(n >> (s.imm & 31)),
        Op::Srai => set!((sn >> (s.imm & 31)).cast_unsigned()),
        Op::Add => set!(n.wrapping_add(m)),
        Op::Sub => set!(n.wrapping_sub(m)),
        Op::Sll => set!(n << (m & 31)),
        Op::Slt => set!(u32::from(sn < sm)),
        Op::Sltu => set!(u32::from(n < m)),
        Op::Xor => set!(n ^ m),
        Op::Srl => set!(n >> (m & 31)),
        Op::Sra => set!((sn >> (m & 31)).cast_unsigned()),
        Op::Or => set!(n | m),
        Op::And => set!(n & m),
        Op::Fence => {}
        Op::Ecall | Op::Ebreak => return Err(Trap::Stopped),
        Op::Mul => set!(n.wrapping_mul(m)),
        Op::Mulh => set!(long(i64::from(sn) * i64::from(sm))),
        Op::Mulhsu => set!(long(i64::from(sn) * i64::from(m))),
        Op::Mulhu => set!(((u64::from(n) * u64::from(m)) >> 32) as u32),
        Op::Div => set!(if m == 0 { u32::MAX } else { sn.wrapping_div(sm).cast_unsigned() }),
        Op::Divu => set!(n.checked_div(m).unwrap_or(u32::MAX)),
        Op::Rem => set!(if m == 0 { n } else { sn.wrapping_rem(sm).cast_unsigned() }),
        Op::Remu => set!(n.checked_rem(m).unwrap_or(n)),
        Op::Sh1add => set!((n << 1).wrapping_add(m)),
        Op::Sh2add => set!((n << 2).wrapping_add(m)),
        Op::Sh3add => set!((n << 3).wrapping_add(m)),
        Op::Andn => set!(n & !m),
        Op::Orn => set!(n | !m),
        Op::Xnor => set!(!(n ^ m)),
        Op::Clz => set!(n.leading_zeros()),
        Op::Ctz => set!(n.trailing_zeros()),
        Op::Cpop => set!(n.count_ones()),
        Op::Max => set!(sn.max(sm).cast_unsigned()),
        Op::Maxu => set!(n.max(m)),
        Op::Min => set!(sn.min(sm).cast_unsigned()),
        Op::Minu => set!(n.min(m)),
        Op::SextB => set!(n as i8 as u32),
        Op::SextH => set!(n as i16 as u32),
        Op::ZextH => set!(n & 0xffff),
        Op::Rol => set!(n.rotate_left(m & 31)),
        Op::Ror => set!(n.rotate_right(m & 31)),
        Op::Rori => set!(n.rotate_right(s.imm & 31)),
        Op::OrcB => set!(u32::from_le_bytes(n.to_le_bytes().map(|byte| if byte == 0 { 0 } else { 0xff }))),
        Op::Rev8 => set!(n.swap_bytes()),
        Op::Flw => fset!(memory.load32(address)?),
        Op::Fsw => memory.store32(address, fmm!())?,
        Op::Fmadd => fset!(bits(of(fnn!()).mul_add(of(fmm!()), of(faa!())))),
        Op::Fmsub => fset!(bits(of(fnn!()).mul_add(of(fmm!()), -of(faa!())))),
        Op::Fnmsub => fset!(bits((-of(fnn!())).mul_add(of(fmm!()), of(faa!())))),
        Op::Fnmadd => fset!(bits((-of(fnn!())).mul_add(of(fmm!()), -of(faa!())))),
        Op::Fadd => fset!(bits(of(fnn!()) + of(fmm!()))),
        Op::Fsub => fset!(bits(of(fnn!()) - of(fmm!()))),
        Op::Fmul => fset!(bits(of(fnn!()) * of(fmm!()))),
        Op::Fdiv => fset!(bits(of(fnn!()) / of(fmm!()))),
        Op::Fsqrt => fset!(bits(of(fnn!()).sqrt())),
        Op::Fsgnj => fset!(fnn!() & 0x7fff_ffff | fmm!() & 0x8000_0000),
        Op::Fsgnjn => fset!(fnn!() & 0x7fff_ffff | !fmm!() & 0x8000_0000),
        Op::Fsgnjx => fset!(fnn!() ^ fmm!() & 0x8000_0000),
        Op::Fmin => fset!(extreme(fnn!(), fmm!(), true)),
        Op::Fmax => fset!(extreme(fnn!(), fmm!(), false)),
        Op::Feq => set!(u32::from(of(fnn!()) == of(fmm!()))),
        Op::Flt => set!(u32::from(of(fnn!()) < of(fmm!()))),
        Op::Fle => set!(u32::from(of(fnn!()) <= of(fmm!()))),
        Op::Fclass => set!(class(fnn!())),
        Op::FcvtWS => set!(to_signed(fnn!())),
        Op::FcvtWuS => set!(to_unsigned(fnn!())),
        Op::FcvtSW => fset!((sn as f32).to_bits()),
        Op::FcvtSWu => fset!((n as f32).to_bits()),
        Op::FmvXW => set!(fnn!()),
        Op::FmvWX => fset!(n),
    }
    Ok(Flow::Next)
}
