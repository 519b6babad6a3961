//! The order in which nodes are imported: each after those whose results it reads, else as in the file.

use super::captures;
use super::proto::NodeProto;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// The positions of all nodes in topological order, and the nodes of one cycle if there is one (then the order lacks
/// the nodes on cycles and behind them).
pub(super) struct Order {
    pub(super) nodes: Vec<usize>,
    pub(super) cycle: Vec<usize>,
}

/// Sorts nodes; a tensor that no node makes holds nobody up.
pub(super) fn sort(nodes: &[NodeProto]) -> Order {
    let mut makers = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for name in node.output.iter().filter(|n| !n.is_empty()) {
            makers.entry(name.as_str()).or_insert(index);
        }
    }
    let needs: Vec<Vec<usize>> = nodes
        .iter()
        .map(|n| captures::reads(n).into_iter().filter_map(|name| makers.get(name).copied()).collect())
        .collect();
    let mut users = vec![Vec::new(); nodes.len()];
    let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
    for (index, needs) in needs.iter().enumerate() {
        for &maker in needs {
            users[maker].push(index);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..nodes.len()).filter(|&i| waiting[i] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for &user in &users[index] {
            waiting[user] -= 1;
            if waiting[user] == 0 {
                ready.push(Reverse(user));
            }
        }
    }
    let cycle =
        waiting.iter().position(|&w| w > 0).map_or_else(Vec::new, |start| walk(start, &needs, &waiting));
    Order { nodes: order, cycle }
}

/// Follows unmet needs from a node that waits until a node comes up again; every such node has one.
fn walk(start: usize, needs: &[Vec<usize>], waiting: &[usize]) -> Vec<usize> {
    let mut path = Vec::new();
    let mut place = BTreeMap::new();
    let mut at = start;
    loop {
        if let Some(&first) = place.get(&at) {
            let mut cycle: Vec<usize> = path.split_off(first);
            cycle.reverse();
            return cycle;
        }
        place.insert(at, path.len());
        path.push(at);
        match needs[at].iter().copied().find(|&n| waiting[n] > 0) {
            Some(next) => at = next,
            None => return path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            input: inputs.iter().map(|s| (*s).to_string()).collect(),
            output: vec![output.to_string()],
            ..NodeProto::default()
        }
    }

    #[test]
    fn makers_come_first_and_ties_keep_the_file_order() {
        let order = sort(&[node(&["b"], "c"), node(&["x"], "a"), node(&["a"], "b"), node(&["x"], "d")]);
        assert_eq!(order.nodes, [1, 2, 0, 3]);
        assert!(order.cycle.is_empty());
    }

    #[test]
    fn a_cycle_is_named_without_the_nodes_around_it() {
        let order = sort(&[node(&["c"], "d"), node(&["x", "c"], "b"), node(&["b"], "c"), node(&["x"], "a")]);
        assert_eq!(order.nodes, [3]);
        assert_eq!(order.cycle, [1, 2]);
        assert_eq!(sort(&[node(&["a"], "a")]).cycle, [0]);
    }
}
