//! The packing as text for a person: how large, how good, and who is alive at the peak. No colour, no layout
//! of the terminal: that is the command line's.

use super::{Block, Packing, Proof};
use std::fmt::Write;

/// A few lines, each ended by a newline: the arena with its bound and proof, then the blocks alive at the peak,
/// largest first, with size and offset in bytes.
pub fn render(blocks: &[Block], packing: &Packing) -> String {
    let mut text = String::new();
    let gap = packing.bytes - packing.lower_bound.min(packing.bytes);
    let verdict = match packing.proof {
        Proof::Optimal { .. } if gap == 0 => "optimal: equals the bound".to_owned(),
        Proof::Optimal { nodes } => format!("optimal: {gap} B over the bound, proven in {nodes} nodes"),
        Proof::BestFound { nodes, at_least } => {
            format!("best found in {nodes} nodes; proven that less than {at_least} B is impossible")
        }
    };
    let count = packing.alive_at_peak.len();
    let noun = if count == 1 { "block" } else { "blocks" };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "arena {} B, lower bound {} B ({verdict})", packing.bytes, packing.lower_bound);
    let _ = writeln!(text, "alive at the peak (step {}): {count} {noun}", packing.peak_step);
    let size = |b: usize| blocks[b].size.to_string();
    let offset = |b: usize| packing.offsets[b].to_string();
    let width = |cell: &dyn Fn(usize) -> String| {
        packing.alive_at_peak.iter().map(|&b| cell(b).len()).max().unwrap_or(0)
    };
    let (sizes, offsets) = (width(&size), width(&offset));
    for &b in &packing.alive_at_peak {
        let Block { name, first, last, .. } = &blocks[b];
        let _ = writeln!(
            text,
            "  {:>sizes$} B at {:>offsets$}  {name}  (steps {first}..={last})",
            size(b),
            offset(b)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::pack;

    #[test]
    fn the_peak_is_listed_largest_first() {
        let blocks =
            [Block::new("in", 8, 4, 0, 1), Block::new("conv1", 120, 4, 1, 2), Block::new("out", 16, 4, 2, 3)];
        assert_eq!(
            render(&blocks, &pack(&blocks).unwrap()),
            "arena 136 B, lower bound 136 B (optimal: equals the bound)\n\
             alive at the peak (step 2): 2 blocks\n  120 B at   0  conv1  (steps 1..=2)\n   \
             16 B at 120  out  (steps 2..=3)\n"
        );
    }

    #[test]
    fn nothing_is_nothing() {
        let text = render(&[], &pack(&[]).unwrap());
        assert!(text.starts_with("arena 0 B, lower bound 0 B"), "{text}");
    }
}
