//! The table of instructions against GNU as: every form with registers and numbers at which encodings change.

use crate::tools::{folder, tool};
use tinyc_backends::codegen::{Field, Role};
use tinyc_backends::riscv32::isa::{Class, Extension, Extensions, Inst, Op, Reg, decode, encode, text};

/// Bytes for one instruction.
const SLOT: usize = 4;

/// General registers: x0, those that single forms treat apart, and both sides of what 16-bit forms reach.
const GENERAL: [u8; 9] = [0, 1, 2, 5, 8, 10, 15, 16, 31];
const FLOATS: [u8; 4] = [0, 8, 15, 31];

/// Numbers at which immediates change their form.
fn numbers(op: Op) -> Vec<i32> {
    let class = op.info().class;
    let near = [-2048, -2047, -512, -496, -33, -32, -16, -1, 0, 1, 4, 8, 16, 31, 32, 63, 64, 124, 128, 252];
    match class {
        Class::Branch => [near.iter().map(|n| n & !1).collect(), vec![-4096, -256, 254, 256, 4094]].concat(),
        Class::Jump => [near.iter().map(|n| n & !1).collect(), vec![-65536, 2046, 2048, 65534]].concat(),
        _ if matches!(op, Op::Lui | Op::Auipc) => {
            [-32, -1, 0, 1, 31, 32, 0x7_ffff, -0x8_0000].map(|n: i32| n << 12).to_vec()
        }
        _ => [&near[..], &[256, 508, 512, 1020, 1024, 2044, 2047]].concat(),
    }
}

/// Instructions with operands of all kinds.
fn instances(op: Op) -> Vec<Inst<Reg>> {
    let info = op.info();
    let registers = |field: Field| -> Vec<Option<Reg>> {
        match (info.role(field), info.is_float(field)) {
            (Role::None, _) => vec![None],
            (_, true) => FLOATS.iter().map(|&number| Some(Reg::f(number))).collect(),
            (_, false) => GENERAL.iter().map(|&number| (number > 0).then(|| Reg::x(number))).collect(),
        }
    };
    let [ds, ns, ms, as_] = Field::ALL.map(registers);
    let mut found = Vec::new();
    for &d in &ds {
        for &n in &ns {
            for &m in &ms {
                for &a in &as_ {
                    found.push(Inst { d, n, m, a, ..Inst::new(op) });
                }
            }
        }
    }
    let immediate = info.forms.iter().any(|form| !form.bits.is_empty());
    if immediate {
        found =
            found.iter().flat_map(|inst| numbers(op).into_iter().map(|imm| Inst { imm, ..*inst })).collect();
    }
    let long = found.clone().into_iter().map(|inst| Inst { wide: true, ..inst });
    found.extend(long);
    found
}

/// `as` on all texts, each in its slot.
fn assemble(arch: &str, insts: &[Inst<Reg>]) -> Vec<u8> {
    let folder = folder(&format!("isa-{arch}"));
    let mut source = String::from(".option norelax\n.text\n.balign 4\n");
    for (slot, inst) in insts.iter().enumerate() {
        let option = if inst.wide { "norvc" } else { "rvc" };
        let short = encode(inst, Extensions::ALL).unwrap().size() == 2;
        let text = match text(inst, None).strip_prefix("jal ra, ") {
            // The assembler shortens no call by itself.
            Some(target) if short => format!("c.jal {target}"),
            _ if short && inst.op == Op::Jalr && inst.d.is_some() => format!("c.jalr {}", inst.n.unwrap()),
            _ => text(inst, None),
        };
        source.push_str(&format!(".org {}\n.option {option}\n{text}\n", slot * SLOT));
    }
    source.push_str(&format!(".org {}\n", insts.len() * SLOT));
    std::fs::write(folder.join("all.s"), source).unwrap();
    tool(
        "riscv64-unknown-elf-as",
        &[&format!("-march={arch}"), "-mabi=ilp32f", "-o", "all.o", "all.s"],
        &folder,
    );
    tool("riscv64-unknown-elf-objcopy", &["-O", "binary", "-j", ".text", "all.o", "all.bin"], &folder);
    std::fs::read(folder.join("all.bin")).unwrap()
}

#[test]
fn every_form_is_what_the_assembler_writes() {
    let mut insts = Vec::new();
    let mut forms = 0;
    for op in Op::all() {
        let taken: Vec<_> = instances(op)
            .into_iter()
            .filter(|inst| encode(inst, Extensions::ALL).is_ok())
            // Of a copy by ADDI the assembler makes one by ADD, which is shorter.
            .filter(|inst| inst.wide || inst.op != Op::Addi || inst.imm != 0 || inst.n.is_none())
            .collect();
        for form in op.info().forms {
            let fits = |inst: &&Inst<Reg>| {
                let found = encode(inst, Extensions::ALL).unwrap();
                found.size() == u32::from(form.bytes) && found.word() & form.mask == form.value
            };
            assert!(
                taken.iter().any(|inst| fits(&inst)),
                "no instance of {} {}",
                op.info().mnemonic,
                form.pattern
            );
            forms += 1;
        }
        insts.extend(taken);
    }
    let bytes = assemble("rv32imafc_zba_zbb", &insts);
    let mut wrong = Vec::new();
    for (inst, slot) in insts.iter().zip(bytes.chunks(SLOT)) {
        let found = encode(inst, Extensions::ALL).unwrap();
        let ours: Vec<u8> = found.bytes().collect();
        let theirs = &slot[..ours.len()];
        let rest = &slot[ours.len()..];
        if ours != theirs || (ours.len() == 2 && rest != [0, 0]) {
            wrong.push(format!("{inst}: {ours:02x?}, as says {slot:02x?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {:#?}", wrong.len(), insts.len(), &wrong[..wrong.len().min(20)]);
    println!("{forms} forms, {} instances", insts.len());
}

#[test]
fn what_is_encoded_is_decoded_again() {
    for inst in Op::all().flat_map(instances) {
        let Ok(found) = encode(&inst, Extensions::ALL) else { continue };
        let halfwords = [found.word() as u16, (found.word() >> 16) as u16];
        let (decoded, bytes) = decode(&halfwords).unwrap_or_else(|| panic!("{inst} is not decoded"));
        assert_eq!(bytes, found.size(), "{inst}");
        let again = encode(&decoded, Extensions::ALL).unwrap();
        assert_eq!(again, found, "{inst} and {decoded}");
        // Two orders of the same operands may have one encoding, and `wide` only counts where there is a choice.
        let (one, other) = (Inst { wide: false, ..inst }, Inst { wide: false, ..decoded });
        let swapped = Inst { n: other.m, m: other.n, ..other };
        assert!(one == other || one == swapped, "{inst} and {decoded}");
    }
}

#[test]
fn whatever_is_decoded_is_encoded_the_same() {
    for low in 0..=u16::MAX {
        for high in [0u16, 0x0c05, 0x4085, 0x00b5, 0x6045, 0xffff, 0x2085] {
            let Some((inst, bytes)) = decode(&[low, high]) else { continue };
            let word = if bytes == 2 { u32::from(low) } else { u32::from(high) << 16 | u32::from(low) };
            let found = encode(&inst, Extensions::ALL).unwrap_or_else(|error| panic!("{word:#x}: {error}"));
            // An ADD of x0 has two orders.
            let same = found.word() == word
                || decode(&[found.word() as u16, (found.word() >> 16) as u16]).unwrap().0 == inst;
            assert!(found.size() == bytes && same, "{word:#x} is {inst}, which is {:#x}", found.word());
        }
    }
}

#[test]
fn cores_lack_what_they_lack() {
    let a6 = Some(Reg::x(16));
    let add = Inst { d: a6, n: a6, m: a6, ..Inst::new(Op::Add) };
    assert!(encode(&add, Extensions::BASE).is_err());
    assert_eq!(encode(&add, Extensions::BASE.with(Extension::Registers)).unwrap().size(), 4);
    assert!(encode(&Inst::new(Op::Mul), Extensions::BASE).is_err());
    assert_eq!(encode(&Inst::new(Op::Addi), Extensions::BASE.with(Extension::C)).unwrap().size(), 2);
}
