//! Bounds against all iterations: sound for random nests, exact for the nests that lowering makes.

use super::*;
use crate::entity::Entity;
use crate::loops::testing::affine;
use crate::loops::{Dynamic, Expr, Ring};
use proptest::prelude::*;

type Nest = Vec<(Bound, Bound, u32)>;

fn loops(count: usize) -> Vec<Loop> {
    (0..count).map(Loop::new).collect()
}

fn scope(nest: &Nest) -> Scope {
    let mut scope = Scope::new();
    for (depth, (lo, hi, step)) in nest.iter().enumerate() {
        scope.push(Loop::new(depth), lo, hi, *step);
    }
    scope
}

fn at(affine: &Affine, counters: &[i64]) -> i64 {
    affine.terms.iter().map(|&(c, l)| c * counters[l.index()]).sum::<i64>() + affine.constant
}

/// Calls `visit` with the counters of every iteration.
fn iterate(nest: &Nest, counters: &mut Vec<i64>, visit: &mut impl FnMut(&[i64])) {
    let Some((lo, hi, step)) = nest.get(counters.len()) else { return visit(counters) };
    let lo = lo.0.iter().map(|a| at(a, counters)).max().unwrap();
    let hi = hi.0.iter().map(|a| at(a, counters)).min().unwrap();
    for counter in (lo..hi).step_by(*step as usize) {
        counters.push(counter);
        iterate(nest, counters, visit);
        counters.pop();
    }
}

/// The true ends of an affine expression; `None` if there is no iteration.
fn enumerated(affine: &Affine, nest: &Nest) -> Option<(i64, i64)> {
    let mut ends: Option<(i64, i64)> = None;
    iterate(nest, &mut Vec::new(), &mut |counters| {
        let value = at(affine, counters);
        let (lo, hi) = ends.unwrap_or((value, value));
        ends = Some((lo.min(value), hi.max(value)));
    });
    ends
}

fn fixed(lo: i64, hi: i64, step: u32) -> (Bound, Bound, u32) {
    (lo.into(), hi.into(), step)
}

#[test]
fn convolution_borders_are_exact() {
    for (size, kernel, pad, stride, dilation) in
        [(8, 3, 1, 1, 1), (9, 3, 1, 2, 1), (7, 5, 2, 2, 1), (4, 4, 3, 1, 1), (10, 3, 2, 1, 2)]
    {
        let [o, k] = loops(2)[..] else { unreachable!() };
        let span = dilation * (kernel - 1) + 1;
        let outputs = (size + 2 * pad - span) / stride + 1;
        // Only without dilation are the borders affine.
        let nest = if dilation == 1 {
            let lo = Bound(vec![Affine::constant(0), affine(&[(-stride, o)], pad)]);
            let hi = Bound(vec![Affine::constant(kernel), affine(&[(-stride, o)], size + pad)]);
            vec![fixed(0, outputs, 1), (lo, hi, 1)]
        } else {
            vec![fixed(pad, outputs - pad, 1), fixed(0, kernel, 1)]
        };
        let position = affine(&[(stride, o), (dilation, k)], -pad);
        assert_eq!(affine_range(&position, &scope(&nest)), (0, size - 1));
        assert_eq!(enumerated(&position, &nest), Some((0, size - 1)));
    }
}

#[test]
fn steps_tighten_the_upper_end() {
    let [x0, x] = loops(2)[..] else { unreachable!() };
    let nest = vec![fixed(0, 10, 4)];
    assert_eq!(affine_range(&x0.into(), &scope(&nest)), (0, 8));
    // Tiles of 8 in steps of 4 over 20: the last tile is cut.
    let cut = Bound(vec![affine(&[(1, x0)], 8), Affine::constant(20)]);
    let nest = vec![fixed(0, 20, 8), (Affine::of(x0).into(), cut, 4)];
    assert_eq!(affine_range(&x.into(), &scope(&nest)), (0, 16));
    assert_eq!(residue(&x.into(), 4, &scope(&nest)), Some(0));
    assert_eq!(residue(&affine(&[(2, x)], 3), 8, &scope(&nest)), Some(3));
    assert_eq!(residue(&x.into(), 8, &scope(&nest)), None);
}

#[test]
fn lower_ends_must_agree_on_a_remainder() {
    let [o, x] = loops(2)[..] else { unreachable!() };
    let nest = |first, second| {
        let lo = Bound(vec![Affine::constant(first), affine(&[(8, o)], second)]);
        scope(&vec![fixed(0, 5, 1), (lo, 40.into(), 4)])
    };
    assert_eq!(residue(&x.into(), 4, &nest(1, 5)), Some(1));
    assert_eq!(residue(&x.into(), 4, &nest(1, 6)), None);
}

#[test]
fn loops_without_iterations_are_known() {
    let o = Loop::new(0);
    let mut scope = scope(&vec![fixed(0, 4, 1)]);
    assert!(!scope.never_runs());
    scope.push(Loop::new(1), &Affine::of(o).into(), &Affine::of(o).into(), 1);
    assert!(scope.never_runs());
    scope.pop();
    assert!(!scope.never_runs());
}

#[test]
fn rings_and_dynamic_parts_add_their_ranges() {
    let i = Loop::new(0);
    let scope = scope(&vec![fixed(0, 10, 1)]);
    let value = Expr::new(0);
    let index = |row: Affine, rows, dynamic| Index {
        affine: Affine::constant(1),
        ring: Some(Ring { stride: 10, row, rows }),
        dynamic: Some(Dynamic { stride: dynamic, value, lo: -1, hi: 3 }),
    };
    assert_eq!(index_range(&index(i.into(), 4, 2), &scope), (1 - 2, 1 + 30 + 6));
    assert_eq!(index_range(&index(Affine::constant(6), 4, -2), &scope), (1 + 20 - 6, 1 + 20 + 2));
    assert_eq!(index_range(&index(i.into(), 16, 0), &scope), (1, 91));
    assert!(!is_multiple_of(&index(i.into(), 4, 2), 2, &scope));
    let even = Index { affine: affine(&[(4, i)], 2), ..index(i.into(), 4, 6) };
    assert!(is_multiple_of(&even, 2, &scope));
    assert!(!is_multiple_of(&even, 4, &scope));
}

#[test]
fn overflow_and_unknown_counters_are_unbounded() {
    let i = Loop::new(0);
    let nest = scope(&vec![fixed(0, 3, 1)]);
    assert_eq!(affine_range(&affine(&[(i64::MAX, i)], 0), &nest), (0, i64::MAX));
    assert_eq!(affine_range(&affine(&[(1, Loop::new(7))], 0), &nest), (i64::MIN, i64::MAX));
    let huge = Dynamic { stride: i64::MAX, value: Expr::new(0), lo: -2, hi: 2 };
    let index = Index { dynamic: Some(huge), ..Index::default() };
    assert_eq!(index_range(&index, &nest), (i64::MIN, i64::MAX));
}

#[test]
fn many_candidates_many_deep_end_soon() {
    let mut scope = Scope::new();
    for depth in 0..30 {
        let mut lo = vec![Affine::constant(0)];
        let mut hi = vec![Affine::constant(9)];
        for outer in 0..depth {
            lo.push(affine(&[(1, Loop::new(outer))], -9));
            hi.push(affine(&[(1, Loop::new(outer))], 9));
        }
        scope.push(Loop::new(depth), &Bound(lo), &Bound(hi), 1);
    }
    let (lo, hi) = affine_range(&affine(&[(1, Loop::new(29)), (-1, Loop::new(28))], 0), &scope);
    assert!(lo <= -8 && hi >= 8);
}

/// An affine expression in the first `depth` loops.
fn any_affine(depth: usize, constants: std::ops::Range<i64>) -> impl Strategy<Value = Affine> {
    let coefficients = prop::collection::vec(prop_oneof![Just(0i64), -3i64..=4], depth);
    (coefficients, constants).prop_map(|(coefficients, constant)| {
        let terms: Vec<_> = coefficients.into_iter().enumerate().map(|(i, c)| (c, Loop::new(i))).collect();
        affine(&terms, constant)
    })
}

fn any_nest() -> impl Strategy<Value = Nest> {
    let range = |depth| {
        let bound = |constants| prop::collection::vec(any_affine(depth, constants), 1..3).prop_map(Bound);
        (bound(-3..2), bound(1..8), 1u32..5)
    };
    (range(0), range(1), range(2)).prop_map(|(a, b, c)| vec![a, b, c])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn ranges_hold_every_iteration(nest in any_nest(), index in any_affine(3, -5..6)) {
        if let Some((least, greatest)) = enumerated(&index, &nest) {
            let (lo, hi) = affine_range(&index, &scope(&nest));
            prop_assert!(lo <= least && greatest <= hi, "{lo}..={hi} does not hold {least}..={greatest}");
            prop_assert!(!scope(&nest).never_runs());
        }
    }

    #[test]
    fn ranges_of_rectangular_nests_are_exact(
        ends in prop::collection::vec((-4i64..5, 1i64..9, 1u32..5), 3), index in any_affine(3, -5..6),
    ) {
        let nest: Nest = ends.iter().map(|&(lo, count, step)| fixed(lo, lo + count, step)).collect();
        prop_assert_eq!(Some(affine_range(&index, &scope(&nest))), enumerated(&index, &nest));
    }

    #[test]
    fn residues_hold_in_every_iteration(nest in any_nest(), index in any_affine(3, -5..6), modulus in 1i64..9) {
        if let Some(expected) = residue(&index, modulus, &scope(&nest)) {
            let mut wrong = None;
            iterate(&nest, &mut Vec::new(), &mut |counters| {
                let value = at(&index, counters);
                if value.rem_euclid(modulus) != expected {
                    wrong = Some(value);
                }
            });
            prop_assert_eq!(wrong, None);
        }
    }
}
