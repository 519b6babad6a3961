//! Innermost loops of machine code, as a disassembler prints it: how many ways lead out of each, and whether it multiplies.
//!
//! A loop over a known range leaves in one place. Any other way out is a question about data or about a bound.

use std::collections::{BTreeMap, BTreeSet};

/// An innermost loop.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    /// The function that it is in.
    pub(crate) function: String,
    /// The address of its first instruction.
    pub(crate) head: u64,
    /// Edges that leave it.
    pub(crate) exits: usize,
    /// Instructions that multiply: with some, it is one of the loops that take a network's time.
    pub(crate) multiplications: usize,
    /// Its instructions.
    pub(crate) text: String,
}

struct Instruction {
    address: u64,
    mnemonic: String,
    text: String,
    /// Where it may lead, beside the next instruction.
    target: Option<u64>,
    /// Whether the next instruction may follow.
    continues: bool,
}

/// All innermost loops in the output of `objdump -d --no-show-raw-insn`, for Arm or RISC-V.
pub(crate) fn innermost(listing: &str) -> Vec<Loop> {
    let mut found = Vec::new();
    let mut name = String::new();
    let mut body = Vec::new();
    for line in listing.lines() {
        if let Some(head) = line.strip_suffix(">:").and_then(|line| line.split_once(" <")) {
            found.extend(loops(&name, &std::mem::take(&mut body)));
            name = head.1.to_owned();
        } else if let Some(instruction) = instruction(line) {
            body.push(instruction);
        }
    }
    found.extend(loops(&name, &body));
    found
}

/// An address, a colon and a tab; then the mnemonic, a tab and the operands, a branch target with its name in angle brackets.
fn instruction(line: &str) -> Option<Instruction> {
    let (address, text) = line.split_once(":\t")?;
    let address = u64::from_str_radix(address.trim(), 16).ok()?;
    let mut words = text.split_whitespace();
    let mnemonic = words.next()?.to_owned();
    let short = mnemonic.split('.').next().unwrap_or_default();
    let arm =
        ["eq", "ne", "cs", "hs", "cc", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"];
    let conditional = short.strip_prefix('b').is_some_and(|rest| arm.contains(&rest))
        || ["cbz", "cbnz"].contains(&short)
        || ["beqz", "bnez", "blez", "bgez", "bltz", "bgtz", "bltu", "bgeu", "bleu", "bgtu"].contains(&short);
    let always = ["b", "j"].contains(&short);
    let ends = always
        || ["bx", "ret", "jr", "udf", "unimp", "ebreak"].contains(&short)
        || short.starts_with("tb")
        || ((short == "pop" || short.starts_with("ldm") || short == "mov" || short == "ldr")
            && text.contains("pc")
            && !text.contains("[pc"));
    let target = text.split_once(" <").map(|(before, _)| before).and_then(|before| {
        let word = before.rsplit([' ', '\t', ',']).next()?;
        u64::from_str_radix(word, 16).ok()
    });
    Some(Instruction {
        address,
        text: text.trim().to_owned(),
        mnemonic,
        target: target.filter(|_| conditional || always),
        continues: !ends,
    })
}

fn loops(function: &str, body: &[Instruction]) -> Vec<Loop> {
    let at: BTreeMap<u64, usize> = body.iter().enumerate().map(|(i, it)| (it.address, i)).collect();
    let next: Vec<Vec<usize>> = (0..body.len())
        .map(|i| {
            let follows = (body[i].continues && i + 1 < body.len()).then_some(i + 1);
            let target = body[i].target.and_then(|target| at.get(&target).copied());
            follows.into_iter().chain(target).collect()
        })
        .collect();
    let mut found = Vec::new();
    innermost_cycles(&next, (0..body.len()).collect(), &mut found);
    let multiply = ["mul", "mla", "smul", "smla", "smm", "umul", "umla"];
    found
        .iter()
        .map(|inside| Loop {
            function: function.to_owned(),
            head: inside.first().map_or(0, |&i| body[i].address),
            exits: inside.iter().flat_map(|&i| &next[i]).filter(|n| !inside.contains(n)).count(),
            multiplications: inside
                .iter()
                .filter(|&&i| multiply.iter().any(|start| body[i].mnemonic.starts_with(start)))
                .count(),
            text: inside.iter().map(|&i| format!("{:x}: {}\n", body[i].address, body[i].text)).collect(),
        })
        .collect()
}

/// Sets of instructions that reach each other, and within which none is left if the way back to where each is entered is taken away.
fn innermost_cycles(next: &[Vec<usize>], among: BTreeSet<usize>, found: &mut Vec<BTreeSet<usize>>) {
    for inside in cycles(next, &among) {
        let entered = (0..next.len()).filter(|i| !inside.contains(i)).flat_map(|i| &next[i]);
        let head = entered.copied().find(|i| inside.contains(i)).or(inside.first().copied());
        let mut without = inside.clone();
        without.retain(|&i| Some(i) != head);
        let before = found.len();
        innermost_cycles(next, without, found);
        if found.len() == before {
            found.push(inside);
        }
    }
}

/// The strongly connected components that hold a cycle: Kosaraju's two walks.
fn cycles(next: &[Vec<usize>], among: &BTreeSet<usize>) -> Vec<BTreeSet<usize>> {
    let mut before = vec![Vec::new(); next.len()];
    for &i in among {
        next[i].iter().filter(|n| among.contains(n)).for_each(|&n| before[n].push(i));
    }
    let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
    for &start in among {
        // The second time that one is met, all behind it are done.
        let mut open = vec![(start, false)];
        while let Some((i, done)) = open.pop() {
            if done {
                order.push(i);
            } else if seen.insert(i) {
                open.push((i, true));
                open.extend(next[i].iter().filter(|n| among.contains(n)).map(|&n| (n, false)));
            }
        }
    }
    let (mut found, mut taken) = (Vec::new(), BTreeSet::new());
    for &start in order.iter().rev() {
        let (mut inside, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(i) = open.pop() {
            if taken.insert(i) {
                inside.insert(i);
                open.extend(&before[i]);
            }
        }
        if inside.len() > 1 || inside.iter().any(|i| next[*i].contains(i)) {
            found.push(inside);
        }
    }
    found
}
