//! The simulator against QEMU, instruction for instruction: random programs over all encodings, which store all registers
//! and flags after every step. Both execute the same bytes at the same addresses, and leave the same bytes.

use std::ops::Range;

use tinyc_backends::codegen::elf::{Assembly, Constants, Function};
use tinyc_backends::thumb::Architecture;
use tinyc_backends::thumb::isa::{Class, Cond, Extensions, Field, Inst, Op, Reg, Role, encode};
use tinyc_backends::thumb::sim::{Layout, Machine, STACK_BYTES};
use tinyc_targets::Core;

use crate::board::{Job, number, words};
use crate::instances::{self, Random};
use crate::tools::folder;

type I = Inst<Reg>;

/// The register that points to where the state goes; programs leave it alone, and the stack pointer and program counter.
const DUMP: u8 = 11;
/// Bytes that programs load from and store to, and the middle, where most accesses go.
const SCRATCH: u32 = 512;
const MIDDLE: u32 = 128;
/// General registers whose contents are stored, but for the one that points.
const STORED: i32 = 0b0101_0111_1111_1111;
/// Words on the stack that programs may use through the stack pointer.
const SPARE: i32 = 11;
/// Bytes of numbers behind the code, which loads relative to the program counter find.
const LITERALS: u32 = 4200;

#[test]
fn armv6m_code_runs_as_under_qemu() {
    // QEMU has an M0 with too little memory; an M3 executes the same code.
    compare("cortex-m3", "mps2-an385", Extensions::BASE, 40);
}

#[test]
fn armv7m_code_runs_as_under_qemu() {
    all("cortex-m3", "mps2-an385");
}

#[test]
fn armv7em_code_runs_as_under_qemu() {
    all("cortex-m4", "mps2-an386");
}

#[test]
fn fpv5_code_runs_as_under_qemu() {
    all("cortex-m7", "mps2-an500");
}

#[test]
fn armv8m_code_runs_as_under_qemu() {
    all("cortex-m33", "mps2-an505");
}

fn all(core: &str, machine: &str) {
    let extensions = Extensions::of(&tinyc_targets::find(core).unwrap().core).unwrap();
    compare(core, machine, extensions, 16);
}

/// Runs `count` instances of every encoding, in programs of some hundred steps.
fn compare(name: &str, machine: &str, extensions: Extensions, count: usize) {
    let core = tinyc_targets::find(name).unwrap().core;
    let mut random = Random::new();
    let mut steps: Vec<I> =
        instances::all(extensions, count).into_iter().map(|instance| instance.inst).collect();
    for at in (1..steps.len()).rev() {
        steps.swap(at, random.next() as usize % (at + 1));
    }
    let folder = folder(&format!("steps-{name}-{}", steps.len()));
    let (mut ran, mut ops) = (0, std::collections::BTreeSet::new());
    for chunk in steps.chunks(300) {
        let program = Program::new(chunk, &core, &mut random);
        ops.extend(program.steps.iter().flat_map(|step| step.insts.iter().map(|inst| inst.op)));
        ran += program.steps.len();
        program.check(&core, machine, &folder);
    }
    let left_out: Vec<Op> = Op::all().filter(|op| op.supported(extensions) && !ops.contains(op)).collect();
    // Table branches need tables: compiled code has them. The others end a program.
    assert_eq!(
        left_out,
        [Op::Bx, Op::Tbb, Op::Tbh, Op::Udf, Op::Bkpt, Op::Svc]
            .into_iter()
            .filter(|op| op.supported(extensions))
            .collect::<Vec<_>>()
    );
    println!("{name} on {machine}: {ran} steps, {} operations agree", ops.len());
}

/// Some instructions behind which the state is stored.
struct Step {
    /// What prepares it.
    before: Vec<I>,
    /// What is compared.
    insts: Vec<I>,
    /// What puts the stack pointer back.
    after: Vec<I>,
}

struct Program {
    steps: Vec<Step>,
    code: Vec<I>,
    /// How far behind the beginning of the code the function lies.
    entry: u32,
    literals: Vec<u8>,
    start: Vec<u8>,
    scratch: Vec<u8>,
    layout: Layout,
    fpu: bool,
}

/// How far behind the beginning of flash the code lies, for the vectors of the machine.
const OFFSET: u32 = 0x400;

fn r(number: u8) -> Option<Reg> {
    Some(Reg::r(number))
}

fn list(op: Op, imm: i32) -> I {
    I { imm, ..I::new(op) }
}

fn on_stack(op: Op, imm: i32) -> I {
    I { d: Some(Reg::SP), n: Some(Reg::SP), imm, ..I::new(op) }
}

/// Numbers that show the ends of ranges.
fn interesting(random: &mut Random) -> u32 {
    const EDGES: [u32; 14] = [
        0,
        1,
        2,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x8000,
        0x7fff,
        0xff80_7f01,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_1234,
        0xffa0_0001,
        0x0000_0fff,
    ];
    match random.next() % 4 {
        0 => EDGES[random.next() as usize % EDGES.len()],
        1 => random.next() % 64,
        // Floats of like size, whose sums cancel and whose integers fit.
        2 => (0x3f00_0000 + random.next() % 0x1200_0000) | (random.next() & 1 << 31),
        _ => random.next(),
    }
}

impl Program {
    fn new(insts: &[I], core: &Core, random: &mut Random) -> Self {
        let fpu = core.features.fpu_f32;
        let layout = Layout { flash: core.qemu.flash.origin + OFFSET, ram: core.qemu.ram.origin };
        let start = words(&(0..46).map(|_| interesting(random)).collect::<Vec<_>>());
        let mut program = Self {
            steps: Vec::new(),
            code: Vec::new(),
            entry: 0,
            literals: (0..LITERALS).map(|_| random.next() as u8).collect(),
            start,
            scratch: (0..SCRATCH).map(|_| interesting(random) as u8).collect(),
            layout,
            fpu,
        };
        program.steps = insts.iter().filter_map(|inst| program.step(*inst, random)).collect();
        program.lay_out();
        program
    }

    /// Where programs load and store; the buffers follow the stack and its red zone.
    fn scratch_address(&self) -> u32 {
        self.layout.ram + STACK_BYTES + tinyc_backends::thumb::sim::RED_ZONE
    }

    /// The step around an instruction, or nothing if it must not run here.
    fn step(&self, inst: I, random: &mut Random) -> Option<Step> {
        let bad = [Some(Reg::PC), r(DUMP)];
        let fields = Field::ALL.map(|field| inst.register(field).copied());
        if fields.iter().any(|field| field.is_some() && bad.contains(field)) {
            return None;
        }
        let mut step = Step { before: Vec::new(), insts: vec![inst], after: Vec::new() };
        let sp = fields.contains(&Some(Reg::SP));
        match inst.op.info().class {
            _ if matches!(inst.op, Op::Udf | Op::Bkpt | Op::Svc | Op::Bx | Op::Tbb | Op::Tbh) => return None,
            Class::Branch | Class::BranchConditional | Class::Call => self.branch(&mut step, random)?,
            Class::It => self.block(&mut step, random)?,
            _ if inst.op == Op::LdrLit => {
                // Far enough ahead, where the literals are sure to be, or in the code behind.
                step.insts[0].imm = inst.imm.clamp(-40, 1000);
            }
            Class::Load { .. } | Class::Store { .. } | Class::FloatLoad | Class::FloatStore if sp => {
                let allowed = 0..=4 * (SPARE - 2);
                if inst.op.info().role(Field::N) == Role::Modify
                    || !allowed.contains(&inst.imm)
                    || inst.m.is_some()
                {
                    return None;
                }
            }
            Class::Load { .. } | Class::Store { .. } | Class::FloatLoad | Class::FloatStore => {
                self.address(&mut step, random)?;
            }
            Class::LoadMultiple
            | Class::StoreMultiple
            | Class::FloatLoadMultiple
            | Class::FloatStoreMultiple => {
                self.many(&mut step, random)?;
            }
            // The stack pointer comes back to its place.
            _ if inst.d == Some(Reg::SP) => return None,
            _ => {}
        }
        if inst.is_in_it() {
            step.insts.insert(0, I { cond: inst.cond, imm: 8, ..I::new(Op::It) });
        }
        if step.before.is_empty() {
            self.values(&mut step, random);
        }
        Some(step)
    }

    /// Sometimes gives the operands new values: else all drift to the same.
    fn values(&self, step: &mut Step, random: &mut Random) {
        let inst = *step.insts.last().expect("a step has instructions");
        for field in [Field::N, Field::M, Field::A, Field::D] {
            let Some(&register) = inst.register(field) else { continue };
            if register == Reg::SP || random.next().is_multiple_of(2) {
                continue;
            }
            let value = interesting(random);
            if register.is_float() {
                step.before.extend(number(9, value));
                step.before.push(I { d: Some(register), n: r(9), ..I::new(Op::VmovToFloat) });
            } else {
                step.before.extend(number(register.number(), value));
            }
        }
    }

    /// A base, so that the access falls into the scratch bytes.
    fn address(&self, step: &mut Step, random: &mut Random) -> Option<()> {
        let inst = step.insts[0];
        let base = inst.n?;
        let mut target = self.scratch_address() + MIDDLE + random.next() % 32 * 4;
        if let Class::Load { bytes, .. } | Class::Store { bytes, .. } = inst.op.info().class {
            match bytes {
                1 => target += random.next() % 4,
                2 | 4 if random.next().is_multiple_of(4) => target += random.next() % 4,
                2 => target += random.next() % 2 * 2,
                _ => {}
            }
        }
        // Nothing but the base may be the base: what is loaded into it is lost.
        if let Some(index) = inst.m {
            if index == base {
                return None;
            }
            let value = random.next() % 16;
            step.before.extend(number(index.number(), value));
            let amount = match inst.shift {
                tinyc_backends::thumb::isa::Shift::Lsl(amount) => amount,
                _ => 0,
            };
            target -= value << amount;
        }
        let post = matches!(
            inst.op,
            Op::LdrPost
                | Op::LdrbPost
                | Op::LdrhPost
                | Op::LdrsbPost
                | Op::LdrshPost
                | Op::StrPost
                | Op::StrbPost
                | Op::StrhPost
        );
        let offset = if post { 0 } else { inst.imm };
        step.before.extend(number(base.number(), target.wrapping_add_signed(-offset)));
        Some(())
    }

    /// The same for several registers.
    fn many(&self, step: &mut Step, random: &mut Random) -> Option<()> {
        let inst = step.insts[0];
        let general = i32::from(inst.general_list());
        if general & (1 << 15 | 1 << DUMP) != 0 {
            return None;
        }
        let count = if general == 0 { inst.float_range() as i32 } else { general.count_ones() as i32 };
        let stack_is_even = on_stack(Op::AddImm, 4 * count);
        match inst.op {
            // Whether the stack pointer moves has to be known.
            Op::Push | Op::Vpush | Op::Pop | Op::Vpop if inst.is_in_it() => return None,
            Op::Push | Op::Vpush => step.after.push(stack_is_even),
            Op::Pop | Op::Vpop => {
                let push = |_| list(Op::Push, 1 << (random.next() % 8));
                step.before.extend((0..count).map(push));
            }
            _ => {
                let base = inst.n.filter(|&base| base != Reg::SP)?;
                let target = self.scratch_address() + MIDDLE + random.next() % 16 * 4;
                step.before.extend(number(base.number(), target));
            }
        }
        Some(())
    }

    /// A branch over one instruction, or a call of the little function before the program.
    fn branch(&self, step: &mut Step, random: &mut Random) -> Option<()> {
        let inst = &mut step.insts[0];
        match inst.op {
            Op::Blx => {
                let register = inst.m?;
                step.before.extend(number(register.number(), self.layout.flash + 1));
            }
            // The offset is known when the program is laid out.
            Op::Bl => inst.imm = 0,
            _ => {
                let over = I { d: r(1), n: r(1), imm: 77, ..I::new(Op::AddImm) };
                let over = I { wide: true, ..over };
                let bytes = encode(inst).ok()?.size();
                inst.wide = bytes == 4;
                inst.imm = bytes as i32;
                if let Some(register) = inst.n {
                    step.before.extend(number(register.number(), random.next() % 2));
                }
                step.insts.push(over);
            }
        }
        Some(())
    }

    /// A block of up to four moves and additions under a condition and its opposite.
    fn block(&self, step: &mut Step, random: &mut Random) -> Option<()> {
        let it = step.insts[0];
        let conds: Vec<Cond> = it.cond.of_block(it.imm as u8).collect();
        for cond in conds {
            let (d, n, m) =
                (r((random.next() % 8) as u8), r((random.next() % 8) as u8), r((random.next() % 8) as u8));
            step.insts.push(match [Op::Add, Op::Eor, Op::Mul, Op::MovImm][random.next() as usize % 4] {
                Op::MovImm => I { d, imm: (random.next() % 256) as i32, cond, ..I::new(Op::MovImm) },
                op => I { d, n, m, cond, ..I::new(op) },
            });
        }
        Some(())
    }

    /// Code that stores the state: general registers, flags, floats; and restores what it needs for that.
    fn dump(&self) -> Vec<I> {
        let at_dump = |op| I { n: r(DUMP), ..I::new(op) };
        let mut code = vec![I { imm: STORED, ..at_dump(Op::Stm) }];
        code.push(I { d: r(0), ..I::new(Op::MrsApsr) });
        code.push(I { d: r(0), imm: 4, ..at_dump(Op::StrPost) });
        if self.fpu {
            code.push(I { d: Some(Reg::s(0)), imm: 32, ..at_dump(Op::Vstm) });
        }
        code.push(I { d: r(0), imm: -(self.state_bytes() as i32), ..at_dump(Op::LdrImm) });
        code
    }

    fn state_bytes(&self) -> u32 {
        4 * (STORED.count_ones() + 1 + if self.fpu { 32 } else { 0 })
    }

    fn lay_out(&mut self) {
        let leaf =
            [I { d: r(3), n: r(3), imm: 1, ..I::new(Op::AddImm) }, I { m: Some(Reg::LR), ..I::new(Op::Bx) }];
        let floats = |op, d: u8, imm| I { d: Some(Reg::s(d)), imm, ..I::new(op) };
        let mut code: Vec<I> = leaf.to_vec();
        self.entry = crate::board::bytes(&leaf).len() as u32;
        code.push(list(Op::Push, 0x4ff0));
        if self.fpu {
            code.push(floats(Op::Vpush, 16, 16));
        }
        // r0: the first state; r1: where states go.
        code.push(I { d: r(DUMP), m: r(1), ..I::new(Op::Mov) });
        if self.fpu {
            code.push(I { n: r(0), ..floats(Op::Vldm, 0, 32) });
        }
        code.push(I { n: r(0), ..list(Op::LdmKeep, STORED) });
        code.push(list(Op::Push, (1 << SPARE) - 1));
        let dump = self.dump();
        let mut size: usize = code.iter().map(|inst| encode(inst).unwrap().size() as usize).sum();
        let mut add = |code: &mut Vec<I>, inst: &I| {
            code.push(*inst);
            size += encode(inst).unwrap_or_else(|error| panic!("{error}")).size() as usize;
            size
        };
        for step in &mut self.steps {
            for inst in &step.before {
                add(&mut code, inst);
            }
            for inst in &mut step.insts {
                let at = add(&mut code, &I { imm: if inst.op == Op::Bl { 0 } else { inst.imm }, ..*inst });
                if inst.op == Op::Bl {
                    inst.imm = -(at as i32 - 4) - 4;
                    *code.last_mut().expect("just added") = *inst;
                }
            }
            for inst in step.after.iter().chain(&dump) {
                add(&mut code, inst);
            }
        }
        code.push(on_stack(Op::AddImm, 4 * SPARE));
        if self.fpu {
            code.push(floats(Op::Vpop, 16, 16));
        }
        code.push(list(Op::Pop, 0x8ff0));
        self.code = code;
    }

    /// Runs it on both and compares.
    fn check(&self, core: &Core, machine_name: &str, folder: &std::path::Path) {
        let mut code = crate::board::bytes(&self.code);
        let length = code.len() as u32;
        code.extend(&self.literals);
        let function = Function {
            name: "steps".into(),
            global: true,
            align: 4,
            bytes: code.clone(),
            data: std::iter::once(length..length + LITERALS).collect::<Vec<Range<u32>>>(),
            references: vec![],
        };
        let assembly =
            Assembly { name: "steps".into(), functions: vec![function], constants: Constants::default() };
        let object = assembly.object(&Architecture::of(core).unwrap().format(core));
        let mut machine = Machine::load_at(&object, core, self.layout).unwrap();
        machine.allow_unaligned(true);
        let scratch = machine.alloc("scratch", SCRATCH as usize, 4, Some(&self.scratch), true).unwrap();
        assert_eq!(scratch, self.scratch_address());
        let start = machine.alloc("start", self.start.len(), 4, Some(&self.start), false).unwrap();
        let bytes = self.state_bytes() * self.steps.len() as u32;
        let dump = machine.alloc("dump", bytes as usize, 4, None, true).unwrap();
        let entry = self.layout.flash + self.entry;
        let job = Job {
            core,
            machine: machine_name,
            flash: core.qemu.flash.origin,
            ram: self.layout.ram,
            code: &code,
            offset: OFFSET,
            entry,
            args: &[start, dump],
            data: &[(scratch, self.scratch.clone()), (start, self.start.clone())],
            result: (scratch, dump + bytes - scratch),
        };
        let expected = job.run(folder, &[]);
        let outcome = machine.call_at(entry, &[start, dump], &mut |_, _| {});
        let state = self.state_bytes() as usize;
        let states = &expected[(dump - scratch) as usize..];
        for (at, step) in self.steps.iter().enumerate() {
            let Ok(found) = machine.read(dump + (at * state) as u32, state) else {
                panic!("step {at}, {step}: {}", outcome.expect_err("a state is missing"));
            };
            let before = at.checked_sub(1).map(|before| &states[before * state..][..state]);
            self.compare(step, before, &states[at * state..][..state], &found);
        }
        outcome.unwrap_or_else(|fault| panic!("{fault}"));
        let found = machine.read(scratch, SCRATCH as usize).unwrap();
        assert_eq!(found, expected[..SCRATCH as usize], "what programs stored");
    }

    /// Fails if two states differ, with the state before the step.
    fn compare(&self, step: &Step, before: Option<&[u8]>, qemu: &[u8], ours: &[u8]) {
        if qemu == ours {
            return;
        }
        let mut names: Vec<String> =
            (0..16).filter(|bit| STORED >> bit & 1 == 1).map(|bit| Reg::r(bit).to_string()).collect();
        names.push("apsr".into());
        names.extend((0..32).map(|number| Reg::s(number).to_string()));
        let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[4 * at..][..4].try_into().unwrap());
        let mut said = format!("{step}\n");
        for (at, name) in names.iter().enumerate().take(ours.len() / 4) {
            let old = before.map_or(0, |before| word(before, at));
            let (qemu, ours) = (word(qemu, at), word(ours, at));
            let mark = if qemu == ours { "" } else { "  <-- differs" };
            said += &format!("{name:>5}: {old:08x} -> {qemu:08x} under QEMU, {ours:08x} here{mark}\n");
        }
        panic!("{said}");
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts = self.before.iter().chain(&self.insts).map(ToString::to_string).collect::<Vec<_>>();
        f.write_str(&texts.join("; "))
    }
}
