//! Which virtual registers a line reads and writes.

use super::code::{Line, What};
use super::isa::{Field, Isa, Name, Role};

/// The fields that an instruction reads, but for those that it changes.
pub(crate) fn reads<I: Isa, R: Name>(inst: &I::Inst<R>) -> impl Iterator<Item = (Field, R)> {
    let read = |&(_, _, role): &(Field, R, Role)| role == Role::Use;
    I::fields(inst).into_iter().flatten().filter(read).map(|(field, value, _)| (field, value))
}

/// The fields that an instruction writes or changes.
pub(crate) fn writes<I: Isa, R: Name>(inst: &I::Inst<R>) -> impl Iterator<Item = (Field, R)> {
    let written = |&(_, _, role): &(Field, R, Role)| role != Role::Use;
    I::fields(inst).into_iter().flatten().filter(written).map(|(field, value, _)| (field, value))
}

/// All values that a line reads.
pub(crate) fn reads_of<I: Isa, R: Name>(line: &Line<I, R>) -> Vec<R> {
    let mut found = Vec::new();
    each_read(&mut line.clone(), &mut |value| found.push(*value));
    found
}

/// Visits all values that a line reads, to replace them.
pub(crate) fn each_read<I: Isa, R: Name>(line: &mut Line<I, R>, visit: &mut dyn FnMut(&mut R)) {
    match &mut line.what {
        What::Inst(inst) => I::each_read(inst, visit),
        What::Choose { then, cond, .. } => {
            visit(then);
            I::each_tested(cond, visit);
        }
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
pub(crate) fn writes_of<I: Isa, R: Name>(line: &Line<I, R>) -> Vec<R> {
    match &line.what {
        What::Inst(inst) => writes::<I, R>(inst).map(|(_, value)| value).collect(),
        What::Constant { d, .. }
        | What::DataAddress { d, .. }
        | What::Incoming { d, .. }
        | What::Reload { d, .. }
        | What::Choose { d, .. } => vec![*d],
        What::Call { results, .. } => results.clone(),
        What::Outgoing { .. } | What::Spill { .. } | What::Move { .. } => Vec::new(),
    }
}
