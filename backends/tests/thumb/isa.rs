//! The table of the instruction set against GNU as and objdump: every encoding, in both directions.

use std::collections::BTreeMap;

use tinyc_backends::thumb::isa::{
    Cond, Extension, Extensions, Inst, Op, Reg, Shift, decode, encode, encode_for, expand_float,
    modified_immediate, text,
};

use crate::assembler::{SLOT, assemble, disassemble, refused};
use crate::instances::{self, Instance};
use crate::tools::folder;

const MAIN: &str = ".arch armv7e-m\n.fpu fpv5-sp-d16";
const MAINLINE: &str = ".arch armv8-m.main\n.arch_extension dsp\n.fpu fpv5-sp-d16";
const BASE: &str = ".arch armv6s-m";

/// IT with one instruction.
fn it(cond: Cond) -> Inst<Reg> {
    Inst { cond, imm: 8, ..Inst::new(Op::It) }
}

/// The text of a slot: the instruction, after an IT if it has a condition.
fn slot_text(inst: &Inst<Reg>) -> String {
    // Whatever follows would be part of the block, so those that need no block must not open one.
    if inst.op == Op::It {
        let block: Vec<String> =
            inst.cond.of_block(inst.imm as u8).map(|cond| format!("\nnop{}", cond.suffix())).collect();
        return format!("{}{}", text(inst, None), block[..block.len().min(3)].concat());
    }
    let it = if inst.is_in_it() { text(&it(inst.cond), None) + "\n" } else { String::new() };
    format!("{it}{}", text(inst, None))
}

/// The same as bytes.
fn slot_bytes(inst: &Inst<Reg>, extensions: Extensions) -> Vec<u8> {
    let mut bytes = Vec::new();
    if inst.is_in_it() {
        bytes.extend(encode(&it(inst.cond)).unwrap().bytes());
    }
    bytes.extend(encode_for(inst, extensions).unwrap().bytes());
    bytes.resize(SLOT, 0);
    bytes
}

/// IT takes the instructions after it along, which do not fit into a slot; see `blocks_of_conditions`.
fn without_it(extensions: Extensions, count: usize) -> Vec<Instance> {
    let mut found = instances::all(extensions, count);
    found.retain(|instance| instance.inst.op != Op::It);
    found
}

/// The architecture lets BL reach 16 MiB; on Armv6-M, as makes that 4 MiB.
fn is_far_call(inst: &Inst<Reg>) -> bool {
    inst.op == Op::Bl && inst.imm.unsigned_abs() >= 1 << 22
}

fn compare(setup: &str, extensions: Extensions, instances: &[Instance], name: &str) {
    let texts: Vec<String> = instances.iter().map(|instance| slot_text(&instance.inst)).collect();
    let folder = folder(name);
    let bytes = assemble(setup, &texts, &folder, "all");
    let mut faults = BTreeMap::new();
    for ((instance, text), expected) in instances.iter().zip(&texts).zip(bytes.chunks(SLOT)) {
        let ours = slot_bytes(&instance.inst, extensions);
        if ours != expected {
            faults.entry(instance.form.pattern).or_insert_with(Vec::new).push(format!(
                "{text:?}: as has {expected:02x?}, we have {ours:02x?} from {:?}",
                instance.inst
            ));
        }
    }
    let first: Vec<String> = faults
        .iter()
        .map(|(pattern, all)| format!("{pattern}: {} of them, such as\n  {}", all.len(), all[0]))
        .collect();
    assert!(faults.is_empty(), "{}", first.join("\n"));
    assert_eq!(bytes.len(), SLOT * instances.len());
    // What objdump makes of the bytes means the same.
    let lines = disassemble("all.o", &["-d"], &folder);
    let mut again = vec![String::new(); instances.len()];
    for line in &lines {
        let slot = line.address as usize / SLOT;
        let used = slot_size(&instances[slot].inst, extensions);
        if (line.address as usize % SLOT) < used {
            let mut source = as_source(&line.text, line.address);
            // It leaves the width of some out (RSB).
            let is_first = instances[slot].inst.is_in_it() && (line.address as usize).is_multiple_of(SLOT);
            if instances[slot].inst.wide && !is_first && !source.contains(".w") {
                source = source.replacen('\t', ".w\t", 1);
            }
            again[slot] += &format!("{source}\n");
        }
    }
    let reassembled = assemble(setup, &again, &folder, "again");
    assert_eq!(reassembled.len(), bytes.len());
    let others: Vec<String> = again
        .iter()
        .zip(texts.iter().zip(reassembled.chunks(SLOT).zip(bytes.chunks(SLOT))))
        .filter(|(_, (_, (again, bytes)))| again != bytes)
        .map(|(theirs, (ours, _))| format!("{ours:?} is read as {theirs:?}"))
        .collect();
    assert!(others.is_empty(), "{} differ: {}", others.len(), others.join("\n"));
}

fn slot_size(inst: &Inst<Reg>, extensions: Extensions) -> usize {
    let it = if inst.is_in_it() { 2 } else { 0 };
    it + encode_for(inst, extensions).unwrap().size() as usize
}

/// Turns a line of objdump into one that as reads: targets relative, no comments.
fn as_source(line: &str, address: u32) -> String {
    let line = line.split(['@', ';']).next().unwrap().trim();
    // Names of the other profiles of the architecture.
    let line = line.replace("CPSR_fs", "apsr_nzcvqg").replace("CPSR", "apsr");
    // It writes shifts as moves of a shifted operand, which as refuses with a width.
    if let (Some(_), Some((operands, shift))) = (line.strip_prefix("mov"), line.rsplit_once(", "))
        && let Some((kind @ ("lsl" | "lsr" | "asr" | "ror"), amount)) = shift.split_once(' ')
    {
        return format!("{kind}{}, {amount}", &operands["mov".len()..]);
    }
    // It writes the code of a small float.
    if let Some((vmov, code)) = line.split_once('#').filter(|_| line.starts_with("vmov")) {
        return format!("{vmov}#{:?}", expand_float(code.parse().unwrap()));
    }
    let Some((before, _)) = line.split_once(" <") else { return line };
    let at = before.rfind(['\t', ' ']).unwrap() + 1;
    let target = i64::from(u32::from_str_radix(&before[at..], 16).unwrap() as i32);
    format!("{}. + {}", &before[..at], target - i64::from(address))
}

#[test]
fn every_encoding_is_what_the_assembler_makes_of_its_text() {
    let instances = without_it(Extensions::ALL, 60);
    compare(MAIN, Extensions::ALL, &instances, "isa-armv7e-m");
    compare(MAINLINE, Extensions::ALL, &instances, "isa-armv8-m");
    let forms: usize = Op::all().map(|op| op.info().forms.len()).sum();
    println!("{} operations, {forms} encodings, {} instances", Op::all().count(), instances.len());
    assert!(instances.len() > 30 * forms);
}

#[test]
fn armv6_m_has_its_own_subset() {
    let mut instances = without_it(Extensions::BASE, 60);
    // On Armv6-M, as writes `mov r8, r8` for NOP.
    instances.retain(|Instance { inst, .. }| !is_far_call(inst) && inst.op != Op::Nop);
    compare(BASE, Extensions::BASE, &instances, "isa-armv6-m");
    let mut forms: Vec<_> = instances.iter().map(|instance| std::ptr::from_ref(instance.form)).collect();
    forms.dedup();
    println!("{} encodings, {} instances", forms.len(), instances.len());
    assert!(forms.len() > 70);
}

#[test]
fn each_extension_has_what_the_assembler_says() {
    let main = Extensions::BASE.with(Extension::Main);
    let dsp = main.with(Extension::Dsp);
    let float = dsp.with(Extension::Float);
    let mut everything = without_it(Extensions::ALL, 12);
    everything.retain(|Instance { inst, .. }| !is_far_call(inst));
    for (name, setup, extensions) in [
        ("armv6-m", BASE, Extensions::BASE),
        ("armv7-m", ".arch armv7-m", main),
        ("armv7e-m", ".arch armv7e-m", dsp),
        ("fpv4", ".arch armv7e-m\n.fpu fpv4-sp-d16", float),
    ] {
        let (ours, others): (Vec<&Instance>, Vec<&Instance>) =
            everything.iter().partition(|instance| encode_for(&instance.inst, extensions).is_ok());
        let texts = |instances: &[&Instance]| -> Vec<String> {
            instances.iter().map(|instance| slot_text(&instance.inst)).collect()
        };
        let folder = folder(&format!("isa-extension-{name}"));
        let wrong = |instances: &[&Instance], expected: bool, file: &str| -> Vec<String> {
            let texts = texts(instances);
            let refused = refused(setup, &texts, &folder, file);
            texts
                .into_iter()
                .zip(refused)
                .filter(|(_, refused)| *refused != expected)
                .map(|(text, _)| text)
                .collect()
        };
        assert_eq!(wrong(&ours, false, "ours"), Vec::<String>::new(), "{name}: refused");
        let mut taken = wrong(&others, true, "others");
        // as does not look at the FPU for these two.
        taken.retain(|text| !text.starts_with("vmaxnm") && !text.starts_with("vminnm"));
        assert_eq!(taken, Vec::<String>::new(), "{name}: taken");
        println!("{name}: {} instances are there, {} are not", ours.len(), others.len());
    }
}

#[test]
fn what_is_encoded_is_what_was_asked_for() {
    let mut random = instances::Random::new();
    let mut encoded = 0;
    for Instance { inst, .. } in instances::all(Extensions::ALL, 60) {
        for _ in 0..25 {
            let changed = instances::with_a_change(inst, &mut random);
            // Printing takes anything.
            assert!(!text(&changed, Some(random.next())).is_empty());
            let Ok(encoding) = encode(&changed) else { continue };
            encoded += 1;
            let in_it = changed.is_in_it().then_some(changed.cond);
            let (decoded, bytes) = decode(encoding.halfwords(), in_it)
                .unwrap_or_else(|| panic!("{changed} ({changed:?}) is not read back"));
            assert_eq!(bytes, encoding.size());
            let mut asked = Inst { wide: decoded.wide, ..changed };
            if asked.shift == Shift::Ror(0) {
                asked.shift = Shift::NONE;
            }
            let exchanged = Inst { n: asked.m, m: asked.n, ..asked };
            assert!(
                decoded == asked || commutes(asked.op) && decoded == exchanged,
                "{changed:?}: {decoded:?}"
            );
        }
    }
    println!("{encoded} instances");
    assert!(encoded > 100_000);
}

fn commutes(op: Op) -> bool {
    matches!(op, Op::Add | Op::Adc | Op::And | Op::Orr | Op::Eor | Op::Mul)
}

#[test]
fn decoding_is_the_inverse_of_encoding() {
    let instances = instances::all(Extensions::ALL, 400);
    for Instance { inst, .. } in &instances {
        let in_it = inst.is_in_it().then_some(inst.cond);
        let encoding = encode(inst).unwrap();
        assert_eq!(decode(encoding.halfwords(), in_it), Some((*inst, encoding.size())), "{inst}");
    }
    println!("{} instances", instances.len());
}

#[test]
fn every_halfword_means_one_thing() {
    let halfwords: Vec<u16> = (0..0xe800).collect();
    let folder = folder("isa-halfwords");
    let bytes: Vec<u8> = halfwords.iter().flat_map(|halfword| halfword.to_le_bytes()).collect();
    std::fs::write(folder.join("all.bin"), bytes).unwrap();
    let args = ["-D", "-b", "binary", "-m", "arm", "-M", "force-thumb"];
    let lines = disassemble("all.bin", &args, &folder);
    assert_eq!(lines.len(), halfwords.len());
    let (mut decoded, mut twins) = (0, 0);
    for (&halfword, line) in halfwords.iter().zip(lines) {
        let Some((inst, 2)) = decode(&[halfword], None) else { continue };
        decoded += 1;
        let undefined = ["undefined", "UNDEFINED", "UNPREDICTABLE", ".short"];
        assert!(!undefined.iter().any(|word| line.text.contains(word)), "{halfword:#x}: {}", line.text);
        let again = encode(&inst).unwrap();
        // Adding a small number to a register in place has two encodings; the assembler takes the other one, too.
        if inst.op == Op::AddImm || inst.op == Op::SubImm {
            let three = halfword & 0xfc00 == 0x1c00 && inst.d == inst.n;
            if three {
                assert_eq!(again.halfwords()[0] >> 12, 3, "{inst}");
                twins += 1;
                continue;
            }
        }
        assert_eq!(again.halfwords(), [halfword], "{inst}");
    }
    println!("{decoded} of {} halfwords decode, {twins} of them to a preferred twin", halfwords.len());
    assert!(decoded > 50_000);
}

#[test]
fn blocks_of_conditions() {
    let mut texts = Vec::new();
    let mut ours = Vec::new();
    for number in 0..14 {
        let cond = Cond::from_number(number).unwrap();
        for same in
            [vec![], vec![true], vec![false], vec![true, false], vec![false, false], vec![false, true]]
        {
            let mask = cond.block_mask(&same);
            let conds: Vec<Cond> = cond.of_block(mask).collect();
            let expected: Vec<Cond> = std::iter::once(cond)
                .chain(same.iter().map(|&same| if same { cond } else { cond.inverse() }))
                .collect();
            assert_eq!(conds, expected);
            let it = Inst { cond, imm: i32::from(mask), ..Inst::new(Op::It) };
            let mut block = text(&it, None);
            let mut bytes: Vec<u8> = encode(&it).unwrap().bytes().collect();
            for cond in conds {
                let nop = Inst { cond, ..Inst::new(Op::Nop) };
                block += &format!("\n{nop}");
                bytes.extend(encode(&nop).unwrap().bytes());
            }
            bytes.resize(SLOT, 0);
            texts.push(block);
            ours.extend(bytes);
        }
    }
    assert_eq!(assemble(MAIN, &texts, &folder("isa-it"), "all"), ours);
}

#[test]
fn what_has_no_encoding_is_refused() {
    let r = Reg::r;
    let add = Inst { d: Some(r(0)), n: Some(r(1)), m: Some(r(2)), ..Inst::new(Op::Add) };
    let cases = [
        Inst { d: None, ..add },
        Inst { a: Some(r(3)), ..add },
        Inst { d: Some(Reg::s(0)), ..add },
        Inst { d: Some(Reg::PC), ..add },
        Inst { imm: 1, ..add },
        Inst { d: Some(r(0)), n: Some(r(1)), imm: 0x1234_5678, ..Inst::new(Op::AddImm) },
        Inst { d: Some(r(0)), n: Some(r(1)), imm: 0x1001, s: true, ..Inst::new(Op::AddImm) },
        Inst { d: Some(r(0)), n: Some(r(1)), imm: 4096, ..Inst::new(Op::LdrImm) },
        Inst { d: Some(r(0)), n: Some(r(1)), imm: -256, ..Inst::new(Op::LdrImm) },
        Inst { d: Some(r(0)), n: Some(r(0)), imm: 4, ..Inst::new(Op::LdrPost) },
        Inst { d: Some(r(0)), n: Some(r(0)), m: Some(r(1)), a: Some(r(0)), ..Inst::new(Op::Smull) },
        Inst { imm: 1 << 24, ..Inst::new(Op::B) },
        Inst { imm: 3, ..Inst::new(Op::B) },
        Inst { cond: Cond::Eq, imm: 1 << 20, ..Inst::new(Op::Bcond) },
        Inst { n: Some(r(8)), imm: 4, ..Inst::new(Op::Cbz) },
        Inst { n: Some(r(1)), wide: true, imm: 4, ..Inst::new(Op::Cbz) },
        Inst { d: Some(Reg::s(30)), n: Some(r(0)), imm: 3, ..Inst::new(Op::Vldm) },
    ];
    for inst in cases {
        assert!(encode(&inst).is_err(), "{inst}");
    }
    // Armv6-M has no flagless addition of three registers, no IT, no wide form.
    assert!(encode_for(&Inst { s: true, ..add }, Extensions::BASE).is_ok());
    for inst in [add, Inst { cond: Cond::Eq, ..add }, Inst { s: true, wide: true, ..add }] {
        assert!(encode_for(&inst, Extensions::BASE).is_err(), "{inst}");
    }
    assert!(modified_immediate(0x1001).is_none());
}

#[test]
fn numbers_that_fit_are_known_beforehand() {
    let ops = [Op::AddImm, Op::SubImm, Op::MovImm, Op::AndImm, Op::RsbImm, Op::MvnImm];
    let mut random = instances::Random::new();
    for _ in 0..20_000 {
        let value = random.next() >> (random.next() % 32);
        let value = if random.next().is_multiple_of(3) { value & 0xff } else { value };
        for op in ops {
            for s in [false, true] {
                let n = (!matches!(op, Op::MovImm | Op::MvnImm)).then_some(Reg::r(9));
                let inst = Inst { d: Some(Reg::r(8)), n, imm: value as i32, s, ..Inst::new(op) };
                assert_eq!(op.takes_immediate(value, s), encode(&inst).is_ok(), "{inst}");
            }
        }
    }
}
