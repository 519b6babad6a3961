//! Which virtual registers a line reads and writes.

use super::code::{Line, What};
use super::isa::{Field, Inst, Role};

/// The fields that an instruction reads, but for those that it changes.
pub(super) fn reads<R: Copy>(inst: &Inst<R>) -> impl Iterator<Item = (Field, R)> {
    fields(inst).filter(|(_, _, role)| *role == Role::Use).map(|(field, value, _)| (field, value))
}

/// The fields that an instruction writes or changes.
pub(super) fn writes<R: Copy>(inst: &Inst<R>) -> impl Iterator<Item = (Field, R)> {
    fields(inst).filter(|(_, _, role)| *role != Role::Use).map(|(field, value, _)| (field, value))
}

/// The register fields of an instruction, and what is done with them.
fn fields<R: Copy>(inst: &Inst<R>) -> impl Iterator<Item = (Field, R, Role)> {
    let values = [inst.d, inst.n, inst.m, inst.a];
    let info = inst.op.info();
    Field::ALL.into_iter().zip(values).filter_map(|(field, value)| Some((field, value?, info.role(field))))
}

/// All values that a line reads.
pub(super) fn reads_of<R: Copy>(line: &Line<R>) -> Vec<R> {
    let mut found = Vec::new();
    each_read(&mut line.clone(), &mut |value| found.push(*value));
    found
}

/// Visits all values that a line reads, to replace them.
pub(super) fn each_read<R: Copy>(line: &mut Line<R>, visit: &mut dyn FnMut(&mut R)) {
    match &mut line.what {
        What::Inst(inst) => {
            let info = inst.op.info();
            let values = [&mut inst.d, &mut inst.n, &mut inst.m, &mut inst.a];
            for (field, value) in Field::ALL.into_iter().zip(values) {
                if let Some(value) = value
                    && info.role(field) == Role::Use
                {
                    visit(value);
                }
            }
        }
        What::Choose { then, .. } => visit(then),
        What::Call { args, .. } => args.iter_mut().for_each(&mut *visit),
        What::Outgoing { value, .. } | What::Spill { value, .. } => visit(value),
        What::Constant { .. }
        | What::DataAddress { .. }
        | What::Incoming { .. }
        | What::Reload { .. }
        | What::Move { .. } => {}
    }
    line.was.iter_mut().for_each(|(_, value)| visit(value));
}

/// All values that a line defines.
pub(super) fn writes_of<R: Copy>(line: &Line<R>) -> Vec<R> {
    match &line.what {
        What::Inst(inst) => writes(inst).map(|(_, value)| value).collect(),
        What::Constant { d, .. }
        | What::DataAddress { d, .. }
        | What::Incoming { d, .. }
        | What::Reload { d, .. }
        | What::Choose { d, .. } => vec![*d],
        What::Call { results, .. } => results.clone(),
        What::Outgoing { .. } | What::Spill { .. } | What::Move { .. } => Vec::new(),
    }
}
