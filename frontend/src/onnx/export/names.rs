//! Names of tensors in the file: those of the graph, where they are free.

use super::order::{Held, Order};
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::entity::Entity;
use tinyc_ir::{Def, Graph, Value};

/// Names that are taken.
#[derive(Clone, Default)]
pub(super) struct Taken {
    names: BTreeSet<String>,
    /// For a name that was wished for again, the next number to try.
    next: BTreeMap<String, usize>,
}

impl Taken {
    /// Takes a name; false if it was taken.
    pub(super) fn insert(&mut self, name: String) -> bool {
        self.names.insert(name)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

impl FromIterator<String> for Taken {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self { names: names.into_iter().collect(), next: BTreeMap::new() }
    }
}

/// A name that nothing else has, which is taken then: `wish`, or `wish_2` and so on.
pub(super) fn unique(taken: &mut Taken, wish: &str) -> String {
    if taken.insert(wish.to_owned()) {
        return wish.to_owned();
    }
    let mut number = taken.next.get(wish).copied().unwrap_or(2);
    let name = loop {
        let name = format!("{wish}_{number}");
        number += 1;
        if taken.insert(name.clone()) {
            break name;
        }
    };
    taken.next.insert(wish.to_owned(), number);
    name
}

/// For each value, the name of its tensor in the order in which it is held, and all names that are taken.
///
/// An output's tensor has its very name, also where the graph only turns the axes of another's to make it.
pub(super) fn choose(graph: &Graph, held: &Held) -> (Vec<String>, Taken) {
    let mut wishes: Vec<Option<&str>> = vec![None; graph.values.len()];
    let is_output = |v: Value| graph.outputs.contains(&v);
    for &output in &graph.outputs {
        let computed = matches!(graph.values[output].def, Def::Node(..));
        if computed && held.order(output) == Order::Last {
            wishes[output.index()] = Some(&graph.values[output].name);
        }
    }
    for (value, data) in graph.values.iter().rev() {
        let Some(of) = held.same_as(value) else { continue };
        let free = matches!(graph.values[of].def, Def::Node(..)) && held.order(of) == Order::First;
        // An output that another one already stands for is copied.
        if free && (wishes[of.index()].is_none() || is_output(value)) {
            wishes[of.index()] = Some(&data.name);
        }
    }
    let mut taken: Taken =
        graph.inputs.iter().chain(&graph.outputs).map(|&v| graph.values[v].name.clone()).collect();
    let interface = taken.clone();
    let mut given = Taken::default();
    let mut names = Vec::with_capacity(graph.values.len());
    for (value, data) in graph.values.iter() {
        let name = match (&data.def, wishes[value.index()]) {
            (Def::Input, _) => data.name.clone(),
            (Def::Node(..), Some(wish)) if interface.contains(wish) && given.insert(wish.to_owned()) => {
                wish.to_owned()
            }
            (Def::Node(..), Some(wish)) => unique(&mut taken, wish),
            (Def::Node(..), None) if held.same_as(value).is_some() => String::new(),
            _ => {
                let name = data.name.strip_suffix("/nhwc").filter(|_| held.order(value) == Order::First);
                unique(&mut taken, name.unwrap_or(&data.name))
            }
        };
        names.push(name);
    }
    (names, taken)
}
