//! What every operation does to registers, flags and memory: one line each. Where control goes next is only named here.

use tinyc_ir::loops::packed as loop_packed;

use super::Trap;
use super::cpu::{ASR, Cpu, LSL, LSR, ROR, shift};
use super::float;
use super::packed::{self, Lanes, half, lanes, products};
use super::step::Step;
use crate::codegen::sim::Memory;
use crate::thumb::isa::{Cond, Op};

/// Where control goes.
pub(super) enum Flow {
    /// To the next instruction (or where r15 says, for what writes it).
    Next,
    /// To the step's target.
    Taken,
    /// There too, and back later.
    Call,
    /// To an address.
    Jump(u32),
    /// There, and back later.
    CallTo(u32),
}

/// Runs one step whose condition holds.
#[inline(always)]
#[rustfmt::skip] // one line per operation
pub(super) fn execute(cpu: &mut Cpu, memory: &mut Memory, s: &Step) -> Result<Flow, Trap> {
    use Lanes::{Halve, Saturate, Wrap};
    // Operands by name; they are read only where a line names them.
    macro_rules! n { () => { cpu.n(s) }; }
    macro_rules! m { () => { cpu.m(s) }; }
    macro_rules! d { () => { cpu.d(s) }; }
    macro_rules! a { () => { cpu.a(s) }; }
    macro_rules! set { ($value:expr) => {{ let value = $value; cpu.set_d(s, value) }}; }
    macro_rules! offset { () => { cpu.n(s).wrapping_add(s.imm) }; }
    macro_rules! indexed { () => { cpu.n(s).wrapping_add(cpu.m(s) << (s.amount & 31)) }; }
    macro_rules! advance { () => {{ let base = offset!(); cpu.set_n(s, base) }}; }
    macro_rules! load { ($load:ident, $address:expr, $as:ty) => {{
        let address = $address; let value = memory.$load(address)?; value as $as as i32 as u32
    }}; }
    // The base is written before the destination: a load of its own base is not defined.
    macro_rules! post { ($load:ident, $as:ty) => {{ let value = load!($load, n!(), $as); advance!(); set!(value) }}; }
    macro_rules! pre { ($load:ident, $as:ty) => {{ let value = load!($load, offset!(), $as); advance!(); set!(value) }}; }
    macro_rules! lanes { ($bits:expr, $signed:expr, $subtract:expr, $how:expr) => {{
        let value = lanes(cpu, n!(), m!(), $bits, $signed, $subtract, $how); set!(value)
    }}; }
    macro_rules! halves { ($x:expr, $y:expr) => { half(n!(), $x) * half(m!(), $y) }; }
    macro_rules! floats { ($f:expr) => {{ let value = $f(cpu.fn_(s), cpu.fm(s)); cpu.set_fd(s, value) }}; }
    macro_rules! float1 { ($f:expr) => {{ let value = $f(cpu.fm(s)); cpu.set_fd(s, value) }}; }
    macro_rules! choose { ($cond:expr) => {{
        let value = if cpu.holds($cond) { cpu.fn_(s) } else { cpu.fm(s) }; cpu.set_fd(s, value)
    }}; }
    let long = |x: u32, y: u32| i64::from(x.cast_signed()) * i64::from(y.cast_signed());
    let signed = |x: u32| i64::from(x.cast_signed());
    match s.op {
        Op::Mov => { let x = cpu.shifted(s); cpu.logic(s, x) }
        Op::Mvn => { let x = !cpu.shifted(s); cpu.logic(s, x) }
        Op::MovImm => cpu.logic_imm(s, s.imm),
        Op::MvnImm => cpu.logic_imm(s, !s.imm),
        Op::Movt => set!(d!() & 0xffff | s.imm),
        Op::Add => { let y = cpu.shifted(s); cpu.add(s, n!(), y, 0) }
        Op::Sub => { let y = cpu.shifted(s); cpu.add(s, n!(), !y, 1) }
        Op::Rsb => { let y = cpu.shifted(s); cpu.add(s, !n!(), y, 1) }
        Op::Adc => { let y = cpu.shifted(s); cpu.add(s, n!(), y, cpu.carry) }
        Op::Sbc => { let y = cpu.shifted(s); cpu.add(s, n!(), !y, cpu.carry) }
        Op::AddImm => cpu.add(s, n!(), s.imm, 0),
        Op::SubImm => cpu.add(s, n!(), !s.imm, 1),
        Op::RsbImm => cpu.add(s, !n!(), s.imm, 1),
        Op::AdcImm => cpu.add(s, n!(), s.imm, cpu.carry),
        Op::SbcImm => cpu.add(s, n!(), !s.imm, cpu.carry),
        Op::And => { let y = cpu.shifted(s); cpu.logic(s, n!() & y) }
        Op::Orr => { let y = cpu.shifted(s); cpu.logic(s, n!() | y) }
        Op::Eor => { let y = cpu.shifted(s); cpu.logic(s, n!() ^ y) }
        Op::Bic => { let y = cpu.shifted(s); cpu.logic(s, n!() & !y) }
        Op::Orn => { let y = cpu.shifted(s); cpu.logic(s, n!() | !y) }
        Op::AndImm => cpu.logic_imm(s, n!() & s.imm),
        Op::OrrImm => cpu.logic_imm(s, n!() | s.imm),
        Op::EorImm => cpu.logic_imm(s, n!() ^ s.imm),
        Op::BicImm => cpu.logic_imm(s, n!() & !s.imm),
        Op::OrnImm => cpu.logic_imm(s, n!() | !s.imm),
        Op::LslImm => cpu.shift(s, LSL, s.imm),
        Op::LsrImm => cpu.shift(s, LSR, s.imm),
        Op::AsrImm => cpu.shift(s, ASR, s.imm),
        Op::RorImm => cpu.shift(s, ROR, s.imm),
        Op::Lsl => cpu.shift(s, LSL, m!() & 0xff),
        Op::Lsr => cpu.shift(s, LSR, m!() & 0xff),
        Op::Asr => cpu.shift(s, ASR, m!() & 0xff),
        Op::Ror => cpu.shift(s, ROR, m!() & 0xff),
        Op::Cmp => { let y = cpu.shifted(s); cpu.compare(n!(), !y, 1); }
        Op::Cmn => { let y = cpu.shifted(s); cpu.compare(n!(), y, 0); }
        Op::Tst => { let y = cpu.shifted(s); cpu.test(s, n!() & y) }
        Op::Teq => { let y = cpu.shifted(s); cpu.test(s, n!() ^ y) }
        Op::CmpImm => { cpu.compare(n!(), !s.imm, 1); }
        Op::CmnImm => { cpu.compare(n!(), s.imm, 0); }
        Op::TstImm => cpu.test_imm(s, n!() & s.imm),
        Op::TeqImm => cpu.test_imm(s, n!() ^ s.imm),
        Op::Ubfx => set!(field(n!(), s.imm)),
        Op::Sbfx => {
            let unused = 32 - (s.imm >> 8 & 63);
            set!((((field(n!(), s.imm) << (unused & 31)) as i32) >> (unused & 31)) as u32)
        }
        Op::Bfi => { let mask = field_mask(s.imm); set!(d!() & !mask | n!() << (s.imm & 31) & mask) }
        Op::Bfc => set!(d!() & !field_mask(s.imm)),
        Op::Clz => set!(m!().leading_zeros()),
        Op::Rbit => set!(m!().reverse_bits()),
        Op::Rev => set!(m!().swap_bytes()),
        Op::Rev16 => set!(m!().swap_bytes().rotate_right(16)),
        Op::Sxtb => set!(cpu.rotated(s) as i8 as u32),
        Op::Sxth => set!(cpu.rotated(s) as i16 as u32),
        Op::Uxtb => set!(cpu.rotated(s) & 0xff),
        Op::Uxth => set!(cpu.rotated(s) & 0xffff),
        Op::Sxtb16 => set!(loop_packed::unpack_signed(m!() as i32, s.amount) as u32),
        Op::Uxtb16 => set!(cpu.rotated(s) & 0x00ff_00ff),
        Op::Sxtab => set!(n!().wrapping_add(cpu.rotated(s) as i8 as u32)),
        Op::Sxtah => set!(n!().wrapping_add(cpu.rotated(s) as i16 as u32)),
        Op::Uxtab => set!(n!().wrapping_add(cpu.rotated(s) & 0xff)),
        Op::Uxtah => set!(n!().wrapping_add(cpu.rotated(s) & 0xffff)),
        Op::Sxtab16 => set!(add_halves(n!(), loop_packed::unpack_signed(m!() as i32, s.amount) as u32)),
        Op::Uxtab16 => set!(add_halves(n!(), cpu.rotated(s) & 0x00ff_00ff)),

        Op::Mul => cpu.product(s, n!().wrapping_mul(m!())),
        Op::Mla => set!(a!().wrapping_add(n!().wrapping_mul(m!()))),
        Op::Mls => set!(a!().wrapping_sub(n!().wrapping_mul(m!()))),
        Op::Smull => { let x = long(n!(), m!()); cpu.set_long(s, x as u64) }
        Op::Umull => { let x = u64::from(n!()) * u64::from(m!()); cpu.set_long(s, x) }
        Op::Smlal => { let x = cpu.long(s).wrapping_add(long(n!(), m!()) as u64); cpu.set_long(s, x) }
        Op::Umlal => { let x = cpu.long(s).wrapping_add(u64::from(n!()) * u64::from(m!())); cpu.set_long(s, x) }
        Op::Umaal => {
            let x = u64::from(n!()) * u64::from(m!()) + u64::from(a!()) + u64::from(d!());
            cpu.set_long(s, x)
        }
        Op::Smmul => set!((long(n!(), m!()) >> 32) as u32),
        Op::Smmulr => set!((long(n!(), m!()).wrapping_add(1 << 31) >> 32) as u32),
        Op::Smmla => set!((signed(a!()) << 32).wrapping_add(long(n!(), m!())).wrapping_shr(32) as u32),
        Op::Smmlar => {
            set!((signed(a!()) << 32).wrapping_add(long(n!(), m!())).wrapping_add(1 << 31).wrapping_shr(32) as u32)
        }
        Op::Smmls => set!((signed(a!()) << 32).wrapping_sub(long(n!(), m!())).wrapping_shr(32) as u32),
        Op::Smlad => { let (l, h) = products(n!(), m!(), false); cpu.sticky(s, signed(a!()) + l + h) }
        Op::Smladx => { let (l, h) = products(n!(), m!(), true); cpu.sticky(s, signed(a!()) + l + h) }
        Op::Smuad => { let (l, h) = products(n!(), m!(), false); cpu.sticky(s, l + h) }
        Op::Smuadx => { let (l, h) = products(n!(), m!(), true); cpu.sticky(s, l + h) }
        Op::Smlsd => { let (l, h) = products(n!(), m!(), false); cpu.sticky(s, signed(a!()) + l - h) }
        Op::Smlsdx => { let (l, h) = products(n!(), m!(), true); cpu.sticky(s, signed(a!()) + l - h) }
        Op::Smlald => {
            let (l, h) = products(n!(), m!(), false);
            let x = cpu.long(s).wrapping_add((l + h) as u64);
            cpu.set_long(s, x)
        }
        Op::Smlaldx => {
            let (l, h) = products(n!(), m!(), true);
            let x = cpu.long(s).wrapping_add((l + h) as u64);
            cpu.set_long(s, x)
        }
        Op::Smlabb => cpu.sticky(s, signed(a!()) + halves!(false, false)),
        Op::Smlabt => cpu.sticky(s, signed(a!()) + halves!(false, true)),
        Op::Smlatb => cpu.sticky(s, signed(a!()) + halves!(true, false)),
        Op::Smlatt => cpu.sticky(s, signed(a!()) + halves!(true, true)),
        Op::Smulbb => set!(halves!(false, false) as u32),
        Op::Smulbt => set!(halves!(false, true) as u32),
        Op::Smultb => set!(halves!(true, false) as u32),
        Op::Smultt => set!(halves!(true, true) as u32),
        Op::Smlawb => cpu.sticky(s, signed(a!()) + ((signed(n!()) * half(m!(), false)) >> 16)),
        Op::Smlawt => cpu.sticky(s, signed(a!()) + ((signed(n!()) * half(m!(), true)) >> 16)),
        Op::Smulwb => set!(((signed(n!()) * half(m!(), false)) >> 16) as u32),
        Op::Smulwt => set!(((signed(n!()) * half(m!(), true)) >> 16) as u32),
        Op::Smlalbb => { let x = cpu.long(s).wrapping_add(halves!(false, false) as u64); cpu.set_long(s, x) }
        Op::Smlalbt => { let x = cpu.long(s).wrapping_add(halves!(false, true) as u64); cpu.set_long(s, x) }
        Op::Smlaltb => { let x = cpu.long(s).wrapping_add(halves!(true, false) as u64); cpu.set_long(s, x) }
        Op::Smlaltt => { let x = cpu.long(s).wrapping_add(halves!(true, true) as u64); cpu.set_long(s, x) }
        // Division by zero gives 0: trapping is an option that start-up code does not take.
        Op::Sdiv => set!((n!() as i32).checked_div(m!() as i32).unwrap_or(if m!() == 0 { 0 } else { i32::MIN }) as u32),
        Op::Udiv => set!(n!().checked_div(m!()).unwrap_or(0)),
        Op::Ssat => { let x = shift(n!(), s.shift, u32::from(s.amount), 0).0; clamp(cpu, s, x, true) }
        Op::Usat => { let x = shift(n!(), s.shift, u32::from(s.amount), 0).0; clamp(cpu, s, x, false) }
        Op::Ssat16 => clamp_halves(cpu, s, true),
        Op::Usat16 => clamp_halves(cpu, s, false),

        Op::Pkhbt => set!(n!() & 0xffff | cpu.shifted(s) & 0xffff_0000),
        Op::Pkhtb => set!(n!() & 0xffff_0000 | cpu.shifted(s) & 0xffff),
        Op::Sadd8 => lanes!(8, true, false, Wrap),
        Op::Uadd8 => lanes!(8, false, false, Wrap),
        Op::Ssub8 => lanes!(8, true, true, Wrap),
        Op::Usub8 => lanes!(8, false, true, Wrap),
        Op::Sadd16 => lanes!(16, true, false, Wrap),
        Op::Uadd16 => lanes!(16, false, false, Wrap),
        Op::Ssub16 => lanes!(16, true, true, Wrap),
        Op::Usub16 => lanes!(16, false, true, Wrap),
        Op::Qadd8 => lanes!(8, true, false, Saturate),
        Op::Qsub8 => lanes!(8, true, true, Saturate),
        Op::Uqadd8 => lanes!(8, false, false, Saturate),
        Op::Uqsub8 => lanes!(8, false, true, Saturate),
        Op::Qadd16 => lanes!(16, true, false, Saturate),
        Op::Qsub16 => lanes!(16, true, true, Saturate),
        Op::Shadd8 => lanes!(8, true, false, Halve),
        Op::Shadd16 => lanes!(16, true, false, Halve),
        Op::Uhadd8 => lanes!(8, false, false, Halve),
        Op::Uhadd16 => lanes!(16, false, false, Halve),
        Op::Sel => set!(packed::select(cpu.ge, n!(), m!())),
        Op::Usad8 => set!(packed::absolute_differences(n!(), m!())),
        Op::Usada8 => set!(a!().wrapping_add(packed::absolute_differences(n!(), m!()))),
        Op::Qadd => set!(cpu.saturate(signed(n!()) + signed(m!())) as u32),
        Op::Qsub => set!(cpu.saturate(signed(n!()) - signed(m!())) as u32),
        Op::Qdadd => { let twice = cpu.saturate(2 * signed(m!())); set!(cpu.saturate(signed(n!()) + i64::from(twice)) as u32) }
        Op::Qdsub => { let twice = cpu.saturate(2 * signed(m!())); set!(cpu.saturate(signed(n!()) - i64::from(twice)) as u32) }

        Op::LdrImm => set!(load!(load32, offset!(), u32)),
        Op::LdrbImm => set!(load!(load8, offset!(), u8)),
        Op::LdrhImm => set!(load!(load16, offset!(), u16)),
        Op::LdrsbImm => set!(load!(load8, offset!(), i8)),
        Op::LdrshImm => set!(load!(load16, offset!(), i16)),
        Op::StrImm => memory.store32(offset!(), d!())?,
        Op::StrbImm => memory.store8(offset!(), d!())?,
        Op::StrhImm => memory.store16(offset!(), d!())?,
        Op::LdrPost => post!(load32, u32),
        Op::LdrbPost => post!(load8, u8),
        Op::LdrhPost => post!(load16, u16),
        Op::LdrsbPost => post!(load8, i8),
        Op::LdrshPost => post!(load16, i16),
        Op::StrPost => { memory.store32(n!(), d!())?; advance!() }
        Op::StrbPost => { memory.store8(n!(), d!())?; advance!() }
        Op::StrhPost => { memory.store16(n!(), d!())?; advance!() }
        Op::LdrPre => pre!(load32, u32),
        Op::LdrbPre => pre!(load8, u8),
        Op::LdrhPre => pre!(load16, u16),
        Op::LdrsbPre => pre!(load8, i8),
        Op::LdrshPre => pre!(load16, i16),
        Op::StrPre => { memory.store32(offset!(), d!())?; advance!() }
        Op::StrbPre => { memory.store8(offset!(), d!())?; advance!() }
        Op::StrhPre => { memory.store16(offset!(), d!())?; advance!() }
        Op::Ldr => set!(load!(load32, indexed!(), u32)),
        Op::Ldrb => set!(load!(load8, indexed!(), u8)),
        Op::Ldrh => set!(load!(load16, indexed!(), u16)),
        Op::Ldrsb => set!(load!(load8, indexed!(), i8)),
        Op::Ldrsh => set!(load!(load16, indexed!(), i16)),
        Op::Str => memory.store32(indexed!(), d!())?,
        Op::Strb => memory.store8(indexed!(), d!())?,
        Op::Strh => memory.store16(indexed!(), d!())?,
        Op::LdrdImm => {
            let address = aligned(offset!())?;
            let (low, high) = (memory.load32(address)?, memory.load32(address.wrapping_add(4))?);
            cpu.set_d(s, low);
            cpu.set_a(s, high)
        }
        Op::StrdImm => {
            let address = aligned(offset!())?;
            memory.store32(address, d!())?;
            memory.store32(address.wrapping_add(4), a!())?
        }
        Op::Ldm => { let end = load_list(cpu, memory, n!(), s.imm)?; cpu.set_n(s, end) }
        Op::LdmKeep => { load_list(cpu, memory, n!(), s.imm)?; }
        Op::Ldmdb => { let start = n!().wrapping_sub(4 * s.imm.count_ones()); load_list(cpu, memory, start, s.imm)?; cpu.set_n(s, start) }
        Op::Pop => { let end = load_list(cpu, memory, cpu.r[13], s.imm)?; cpu.r[13] = end }
        Op::Stm => { let end = store_list(cpu, memory, n!(), s.imm)?; cpu.set_n(s, end) }
        Op::StmKeep => { store_list(cpu, memory, n!(), s.imm)?; }
        Op::Stmdb => { let start = n!().wrapping_sub(4 * s.imm.count_ones()); store_list(cpu, memory, start, s.imm)?; cpu.set_n(s, start) }
        Op::Push => { let start = cpu.r[13].wrapping_sub(4 * s.imm.count_ones()); store_list(cpu, memory, start, s.imm)?; cpu.r[13] = start }
        Op::LdrLit => set!(memory.load32(s.imm)?),
        Op::Adr => set!(s.imm),

        Op::B => return Ok(Flow::Taken),
        Op::Bcond => if cpu.holds(s.cond) { return Ok(Flow::Taken) },
        Op::Cbz => if n!() == 0 { return Ok(Flow::Taken) },
        Op::Cbnz => if n!() != 0 { return Ok(Flow::Taken) },
        Op::Bl => return Ok(Flow::Call),
        Op::Blx => return Ok(Flow::CallTo(m!())),
        Op::Bx => return Ok(Flow::Jump(m!())),
        Op::Tbb => { let entry = memory.load8(n!().wrapping_add(m!()))?; return Ok(table(cpu, entry)) }
        Op::Tbh => { let entry = memory.load16(n!().wrapping_add(m!() << 1))?; return Ok(table(cpu, entry)) }
        Op::It | Op::Nop | Op::Dmb | Op::Dsb | Op::Isb => {}
        Op::Udf | Op::Bkpt | Op::Svc => return Err(Trap::Stopped),
        Op::MrsApsr => set!(cpu.apsr()),
        Op::MsrApsr => { let apsr = n!(); cpu.set_apsr(apsr) }

        Op::Vadd => floats!(float::add),
        Op::Vsub => floats!(float::sub),
        Op::Vmul => floats!(float::mul),
        Op::Vdiv => floats!(float::div),
        Op::Vsqrt => float1!(float::sqrt),
        Op::Vneg => float1!(float::neg),
        Op::Vabs => float1!(float::abs),
        Op::Vnmul => floats!(|x, y| float::neg(float::mul(x, y))),
        Op::Vmla => { let d = cpu.fd(s); floats!(|x, y| float::add(d, float::mul(x, y))) }
        Op::Vmls => { let d = cpu.fd(s); floats!(|x, y| float::add(d, float::neg(float::mul(x, y)))) }
        Op::Vfma => { let d = cpu.fd(s); floats!(|x, y| float::fused(d, x, y)) }
        Op::Vfms => { let d = cpu.fd(s); floats!(|x, y| float::fused(d, float::neg(x), y)) }
        Op::Vmov => float1!(|x| x),
        Op::VmovImm => cpu.set_fd(s, s.imm),
        Op::VmovToFloat => { let x = n!(); cpu.set_fd(s, x) }
        Op::VmovFromFloat => set!(cpu.fn_(s)),
        Op::VmovPairFromFloat => {
            let (low, high) = (cpu.s[(s.imm & 31) as usize], cpu.s[((s.imm + 1) & 31) as usize]);
            cpu.set_d(s, low);
            cpu.set_a(s, high)
        }
        Op::VmovPairToFloat => {
            cpu.s[(s.imm & 31) as usize] = d!();
            cpu.s[((s.imm + 1) & 31) as usize] = a!()
        }
        Op::Vcmp => cpu.float_flags = float::compare(cpu.fn_(s), cpu.fm(s)),
        Op::VcmpZero => cpu.float_flags = float::compare(cpu.fn_(s), 0),
        Op::Vmrs => cpu.set_nzcv(cpu.float_flags),
        Op::VcvtFromSigned => float1!(float::from_signed),
        Op::VcvtFromUnsigned => float1!(float::from_unsigned),
        Op::VcvtToSigned => float1!(float::to_signed),
        Op::VcvtToUnsigned => float1!(float::to_unsigned),
        Op::VcvtrToSigned => float1!(float::to_signed_nearest),
        Op::VcvtbFromHalf => float1!(float::from_half),
        Op::VcvtbToHalf => cpu.set_fd(s, cpu.fd(s) & 0xffff_0000 | float::to_half(cpu.fm(s))),
        Op::Vrintn => float1!(|x| float::round(x, f32::round_ties_even)),
        Op::Vrintz => float1!(|x| float::round(x, f32::trunc)),
        Op::Vrintm => float1!(|x| float::round(x, f32::floor)),
        Op::Vrintp => float1!(|x| float::round(x, f32::ceil)),
        Op::Vrinta => float1!(|x| float::round(x, f32::round)),
        Op::Vmaxnm => floats!(float::max),
        Op::Vminnm => floats!(float::min),
        Op::VselEq => choose!(Cond::Eq),
        Op::VselGe => choose!(Cond::Ge),
        Op::VselGt => choose!(Cond::Gt),
        Op::VselVs => choose!(Cond::Vs),
        Op::Vldr => { let x = memory.load32(aligned(offset!())?)?; cpu.set_fd(s, x) }
        Op::Vstr => memory.store32(aligned(offset!())?, cpu.fd(s))?,
        Op::Vldm => { let end = load_floats(cpu, memory, n!(), s)?; cpu.set_n(s, end) }
        Op::VldmKeep => { load_floats(cpu, memory, n!(), s)?; }
        Op::Vpop => { let end = load_floats(cpu, memory, cpu.r[13], s)?; cpu.r[13] = end }
        Op::Vstm => { let end = store_floats(cpu, memory, n!(), s)?; cpu.set_n(s, end) }
        Op::VstmKeep => { store_floats(cpu, memory, n!(), s)?; }
        Op::Vpush => { let start = cpu.r[13].wrapping_sub(4 * s.imm); store_floats(cpu, memory, start, s)?; cpu.r[13] = start }
    }
    Ok(Flow::Next)
}

/// `width` bits from `lowest` on, at the bottom.
fn field(value: u32, imm: u32) -> u32 {
    (value & field_mask(imm)) >> (imm & 31)
}

fn field_mask(imm: u32) -> u32 {
    (((1u64 << (imm >> 8 & 63)) - 1) << (imm & 31)) as u32
}

fn add_halves(x: u32, y: u32) -> u32 {
    (x.wrapping_add(y) & 0xffff) | (x & 0xffff_0000).wrapping_add(y & 0xffff_0000)
}

fn clamp(cpu: &mut Cpu, step: &Step, value: u32, signed: bool) {
    let (least, most) = packed::limits(step.imm & 63, signed);
    let value = i64::from(value.cast_signed());
    let result = value.clamp(least, most);
    cpu.saturated |= result != value;
    cpu.set_d(step, result as u32);
}

fn clamp_halves(cpu: &mut Cpu, step: &Step, signed: bool) {
    let (result, changed) = packed::clamp_halves(cpu.n(step), step.imm, signed);
    cpu.saturated |= changed;
    cpu.set_d(step, result);
}

/// The address of an access that may never be unaligned.
fn aligned(address: u32) -> Result<u32, Trap> {
    if address & 3 == 0 { Ok(address) } else { Err(Trap::Unaligned { address, bytes: 4 }) }
}

/// Loads the registers of a mask and returns the address behind them.
fn load_list(cpu: &mut Cpu, memory: &mut Memory, start: u32, mut mask: u32) -> Result<u32, Trap> {
    let mut address = aligned(start)?;
    while mask != 0 {
        let value = memory.load32(address)?;
        cpu.r[mask.trailing_zeros() as usize & 15] = value;
        mask &= mask - 1;
        address = address.wrapping_add(4);
    }
    Ok(address)
}

fn store_list(cpu: &Cpu, memory: &mut Memory, start: u32, mut mask: u32) -> Result<u32, Trap> {
    let mut address = aligned(start)?;
    while mask != 0 {
        memory.store32(address, cpu.r[mask.trailing_zeros() as usize & 15])?;
        mask &= mask - 1;
        address = address.wrapping_add(4);
    }
    Ok(address)
}

fn load_floats(cpu: &mut Cpu, memory: &mut Memory, start: u32, step: &Step) -> Result<u32, Trap> {
    let mut address = aligned(start)?;
    for index in u32::from(step.d)..u32::from(step.d) + step.imm {
        cpu.s[index as usize & 31] = memory.load32(address)?;
        address = address.wrapping_add(4);
    }
    Ok(address)
}

fn store_floats(cpu: &Cpu, memory: &mut Memory, start: u32, step: &Step) -> Result<u32, Trap> {
    let mut address = aligned(start)?;
    for index in u32::from(step.d)..u32::from(step.d) + step.imm {
        memory.store32(address, cpu.s[index as usize & 31])?;
        address = address.wrapping_add(4);
    }
    Ok(address)
}

/// The jump over `entry` halfwords behind a table branch; r15 is the address behind it.
fn table(cpu: &Cpu, entry: u32) -> Flow {
    Flow::Jump(cpu.r[15].wrapping_add(2 * entry) | 1)
}
