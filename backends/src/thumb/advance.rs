//! Loads and stores that move their base: a pointer that is advanced by an addition in a block lets an access do it, before
//! or after the access. The accesses between the two use the pointer that is advanced already.

use super::code::{Code, Line, What};
use super::flavor::Flavor;
use super::isa::{Field, Flags, Inst, Op, Reg};
use crate::codegen::{Flow, reads_of};
use regalloc2::VReg;

/// Which accesses may move their base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Movers {
    /// Stores: where a load that moves its base does not overlap with its neighbours.
    Stores,
    /// Loads, too.
    All,
}

/// The farthest that an access moves its base.
const FARTHEST: i32 = 255;

/// Lets accesses advance pointers. Whether there was any.
pub(super) fn advance(code: &mut Code<VReg>, flavor: Flavor, movers: Movers) -> bool {
    let flow = Flow::new(code);
    let mut found = false;
    for at in 0..code.blocks.len() {
        let block = &code.blocks[at];
        let mut behind = block.end.reads();
        behind.extend(flow.next_use_out[at].keys());
        let lines = &mut code.blocks[at].lines;
        let mut addition = 0;
        while addition < lines.len() {
            match advanced(lines, addition, &behind, flavor, movers) {
                Some(moved) => {
                    *lines = moved;
                    found = true;
                }
                None => addition += 1,
            }
        }
    }
    found
}

/// The lines without the one at `addition`, if that advances a pointer that nothing reads any more and an access can do it.
fn advanced(
    lines: &[Line<VReg>],
    addition: usize,
    behind: &[VReg],
    flavor: Flavor,
    movers: Movers,
) -> Option<Vec<Line<VReg>>> {
    let (new, old, distance) = sum(&lines[addition])?;
    let read_on = lines[addition + 1..].iter().any(|line| reads_of(line).contains(&old));
    if read_on || behind.contains(&old) {
        return None;
    }
    // Accesses from the addition backwards, as long as all that read the pointer can take the advanced one.
    let mut moved: Vec<Line<VReg>> = lines.to_vec();
    moved.remove(addition);
    for at in (0..addition).rev() {
        let uses = reads_of(&lines[at]).iter().filter(|value| **value == old).count();
        if uses == 0 {
            continue;
        }
        if uses == 1
            && let Some(line) = mover(&lines[at], old, new, distance, movers)
        {
            moved[at] = line;
            return Some(moved);
        }
        moved[at] = (uses == 1).then(|| displaced(&lines[at], old, new, distance, flavor)).flatten()?;
    }
    None
}

/// `new = old + distance`, if that is all that a line does.
fn sum(line: &Line<VReg>) -> Option<(VReg, VReg, i32)> {
    let What::Inst(inst) = &line.what else { return None };
    let distance = match inst.op {
        Op::AddImm => inst.imm,
        Op::SubImm => inst.imm.checked_neg()?,
        _ => return None,
    };
    let near =
        distance.unsigned_abs() <= FARTHEST.unsigned_abs() && !inst.flags_written().intersects(Flags::NZCV);
    near.then_some((inst.d?, inst.n?, distance))
}

/// A load or store with an immediate offset from `base`, which is not what it stores.
fn access(line: &Line<VReg>, base: VReg) -> Option<&Inst<VReg>> {
    let What::Inst(inst) = &line.what else { return None };
    (line.memory.is_some() && inst.n == Some(base) && inst.m.is_none() && inst.d != Some(base))
        .then_some(inst)
}

/// The access that advances its base itself.
fn mover(line: &Line<VReg>, old: VReg, new: VReg, distance: i32, movers: Movers) -> Option<Line<VReg>> {
    let inst = access(line, old)?;
    let store = line.memory.is_some_and(|memory| memory.store);
    let (post, pre) = forms(inst.op).filter(|_| store || movers == Movers::All)?;
    let op = match inst.imm {
        0 => post,
        offset if offset == distance => pre,
        _ => return None,
    };
    let what = What::Inst(Inst { op, n: Some(new), imm: distance, ..*inst });
    let mut was = line.was.clone();
    was.push((Field::N, old));
    Some(Line { what, was, ..line.clone() })
}

/// The same access from the advanced pointer, if its offset fits.
fn displaced(line: &Line<VReg>, old: VReg, new: VReg, distance: i32, flavor: Flavor) -> Option<Line<VReg>> {
    let inst = access(line, old)?;
    let inst = Inst { n: Some(new), imm: inst.imm - distance, ..*inst };
    // Any registers will do: only the offset matters.
    let float = matches!(inst.op, Op::Vldr | Op::Vstr);
    let d = if float { Reg::s(0) } else { Reg::r(0) };
    let sample = Inst { imm: inst.imm, d: Some(d), n: Some(Reg::r(1)), ..Inst::new(inst.op) };
    flavor.fits(&sample)?;
    Some(Line { what: What::Inst(inst), ..line.clone() })
}

/// The forms of an access that move the base behind it and before it.
fn forms(op: Op) -> Option<(Op, Op)> {
    Some(match op {
        Op::LdrImm => (Op::LdrPost, Op::LdrPre),
        Op::LdrbImm => (Op::LdrbPost, Op::LdrbPre),
        Op::LdrhImm => (Op::LdrhPost, Op::LdrhPre),
        Op::LdrsbImm => (Op::LdrsbPost, Op::LdrsbPre),
        Op::LdrshImm => (Op::LdrshPost, Op::LdrshPre),
        Op::StrImm => (Op::StrPost, Op::StrPre),
        Op::StrbImm => (Op::StrbPost, Op::StrbPre),
        Op::StrhImm => (Op::StrhPost, Op::StrhPre),
        _ => return None,
    })
}
