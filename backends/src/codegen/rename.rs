//! Back to SSA form after spilling: a value that was loaded again has several names, and each use gets the one that
//! reaches it. After Braun and others, "Simple and Efficient Construction of Static Single Assignment Form" (2013).

use super::code::{Code, End};
use super::flow::Flow;
use super::isa::Isa;
use super::operands::{each_read, writes_of};
use regalloc2::{RegClass, VReg};
use std::collections::{BTreeMap, BTreeSet};

/// Gives each use the name that reaches it. `origins` says which value a new name stands for.
pub(crate) fn rename<I: Isa>(
    code: &mut Code<I, VReg>,
    flow: &Flow,
    vregs: &mut usize,
    origins: &BTreeMap<VReg, VReg>,
) {
    let values: BTreeSet<VReg> = origins.values().copied().collect();
    if values.is_empty() {
        return;
    }
    let mut renamer =
        Renamer { code, flow, vregs, entries: BTreeMap::new(), lasts: BTreeMap::new(), joins: Vec::new() };
    renamer.find_lasts(origins, &values);
    renamer.uses(origins, &values);
    let joins = std::mem::take(&mut renamer.joins);
    remove_trivial_params(code, flow, joins);
}

struct Renamer<'a, I: Isa> {
    code: &'a mut Code<I, VReg>,
    flow: &'a Flow,
    vregs: &'a mut usize,
    /// The name of a value at the start of a block.
    entries: BTreeMap<(usize, VReg), VReg>,
    /// The last name that a block itself gives a value.
    lasts: BTreeMap<(usize, VReg), VReg>,
    /// Parameters that were added.
    joins: Vec<(usize, VReg)>,
}

impl<I: Isa> Renamer<'_, I> {
    fn find_lasts(&mut self, origins: &BTreeMap<VReg, VReg>, values: &BTreeSet<VReg>) {
        for (at, block) in self.code.blocks.iter().enumerate() {
            let defined = block.params.iter().copied().chain(block.lines.iter().flat_map(writes_of));
            for name in defined {
                let value = origins.get(&name).copied().unwrap_or(name);
                if values.contains(&value) {
                    self.lasts.insert((at, value), name);
                }
            }
        }
    }

    fn uses(&mut self, origins: &BTreeMap<VReg, VReg>, values: &BTreeSet<VReg>) {
        for at in self.flow.order.clone() {
            let mut names: BTreeMap<VReg, VReg> = BTreeMap::new();
            for &param in self.code.blocks[at].params.iter().filter(|p| values.contains(p)) {
                names.insert(param, param);
            }
            let mut lines = std::mem::take(&mut self.code.blocks[at].lines);
            for line in &mut lines {
                each_read(line, &mut |value| {
                    if values.contains(value) {
                        let name = names.get(value).copied();
                        *value = name.unwrap_or_else(|| self.entry(at, *value));
                    }
                });
                for name in writes_of(line) {
                    let value = origins.get(&name).copied().unwrap_or(name);
                    if values.contains(&value) {
                        names.insert(value, name);
                    }
                }
            }
            self.code.blocks[at].lines = lines;
            let mut end = std::mem::replace(&mut self.code.blocks[at].end, End::Return(Vec::new()));
            let mut rename = |value: &mut VReg| {
                if values.contains(value) {
                    *value = names.get(value).copied().unwrap_or_else(|| self.entry(at, *value));
                }
            };
            end.each_read(&mut rename);
            self.code.blocks[at].end = end;
        }
        self.fill();
    }

    /// The name of a value at the start of a block.
    fn entry(&mut self, at: usize, value: VReg) -> VReg {
        if let Some(&name) = self.entries.get(&(at, value)) {
            return name;
        }
        let name = match self.flow.before[at][..] {
            [only] => self.exit(only, value),
            _ => {
                let name = VReg::new(*self.vregs, RegClass::Int);
                *self.vregs += 1;
                self.joins.push((at, name));
                self.entries.insert((at, value), name);
                // The arguments are found once all uses are known.
                return name;
            }
        };
        self.entries.insert((at, value), name);
        name
    }

    /// The name of a value at the end of a block.
    fn exit(&mut self, at: usize, value: VReg) -> VReg {
        self.lasts.get(&(at, value)).copied().unwrap_or_else(|| self.entry(at, value))
    }

    /// Adds the parameters that joins need, with their arguments; finding those may need more.
    fn fill(&mut self) {
        let mut done = 0;
        while done < self.joins.len() {
            let (at, name) = self.joins[done];
            let value = self.entries.iter().find(|((block, _), found)| *block == at && **found == name);
            let value = value.map(|((_, value), _)| *value).expect("every join stands for a value");
            for from in self.flow.before[at].clone() {
                let arg = self.exit(from, value);
                for edge in self.code.blocks[from].end.edges_mut() {
                    if edge.to == at {
                        edge.args.push(arg);
                    }
                }
            }
            self.code.blocks[at].params.push(name);
            done += 1;
        }
    }
}

/// Removes added parameters that every edge gives the same value.
fn remove_trivial_params<I: Isa>(code: &mut Code<I, VReg>, flow: &Flow, mut joins: Vec<(usize, VReg)>) {
    loop {
        let trivial = joins.iter().enumerate().find_map(|(number, &(at, name))| {
            let place = code.blocks[at].params.iter().position(|p| *p == name)?;
            let edges = flow.before[at].iter().flat_map(|&from| code.blocks[from].end.edges());
            let mut others =
                edges.filter(|edge| edge.to == at).map(|edge| edge.args[place]).filter(|arg| *arg != name);
            let first = others.next()?;
            others.all(|other| other == first).then_some((number, at, place, name, first))
        });
        let Some((number, at, place, name, same)) = trivial else { return };
        joins.remove(number);
        code.blocks[at].params.remove(place);
        for block in &mut code.blocks {
            let to = at;
            for edge in block.end.edges_mut() {
                if edge.to == to {
                    edge.args.remove(place);
                }
            }
            let replace = |value: &mut VReg| {
                if *value == name {
                    *value = same;
                }
            };
            block.lines.iter_mut().for_each(|line| each_read(line, &mut |value| replace(value)));
            block.end.each_read(&mut |value| replace(value));
        }
    }
}
