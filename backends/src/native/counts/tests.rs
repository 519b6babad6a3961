//! Counting against running the loops.

use super::{Range, count};
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Affine, Bound, Loop};

/// Entries with an iteration and iterations of the innermost loop, by going through all.
fn naive(loops: &[Range]) -> (u64, u64) {
    fn from(loops: &[Range], counters: &mut Vec<i64>, result: &mut (u64, u64)) {
        let Some((range, inner)) = loops.split_first() else {
            result.1 += 1;
            return;
        };
        let (lo, hi) = range.ends(counters);
        if inner.is_empty() && lo < hi {
            result.0 += 1;
        }
        let mut at = lo;
        while at < hi {
            counters[range.counter.index()] = at;
            from(inner, counters, result);
            at += range.step;
        }
    }
    let mut result = (0, 0);
    from(loops, &mut vec![0; 8], &mut result);
    result
}

fn range(counter: usize, lo: Vec<Affine>, hi: Vec<Affine>, step: i64) -> Range {
    Range { counter: Loop::new(counter), lo: Bound(lo), hi: Bound(hi), step }
}

#[test]
fn borders_of_a_convolution() {
    let [oy, ox] = [Affine::of(Loop::new(0)), Affine::of(Loop::new(1))];
    let number = Affine::constant;
    let border =
        |o: &Affine| (vec![number(0), o.times(-2).offset(1)], vec![number(3), o.times(-2).offset(8)]);
    let (ylo, yhi) = border(&oy);
    let (xlo, xhi) = border(&ox);
    let loops = [
        range(0, vec![number(0)], vec![number(5)], 1),
        range(1, vec![number(0)], vec![number(5)], 2),
        range(2, vec![number(0)], vec![number(7)], 3),
        range(3, ylo, yhi, 1),
        range(4, xlo, xhi, 2),
    ];
    for depth in 1..=loops.len() {
        assert_eq!(count(&loops[..depth]), Some(naive(&loops[..depth])), "{depth} loops");
    }
}

#[test]
fn a_loop_that_never_runs() {
    let number = |n| vec![Affine::constant(n)];
    let loops = [range(0, number(3), number(3), 1), range(1, number(0), number(9), 1)];
    assert_eq!(count(&loops), Some((0, 0)));
    assert_eq!(loops[0].trip(), Some(0));
    assert_eq!(loops[1].trip(), Some(9));
}
