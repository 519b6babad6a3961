//! Small functions whose layout can be said in words: where blocks go, how far branches reach, where words and hot loops lie.

use super::*;
use crate::codegen::Edge;
use crate::thumb::isa::Extensions;

fn flavor(core: &str) -> Flavor {
    Flavor::of(&tinyc_targets::find(core).expect("the core is known").core).expect("it is a Cortex-M")
}

/// `adds r0, r0, #1`: 16 bits.
fn narrow() -> Piece {
    let r0 = Some(Reg::r(0));
    Piece::Inst(Inst { d: r0, n: r0, imm: 1, s: true, ..Inst::new(Op::AddImm) })
}

/// `add r8, r8, #1`: 32 bits.
fn wide() -> Piece {
    let r8 = Some(Reg::r(8));
    Piece::Inst(Inst { d: r8, n: r8, imm: 1, ..Inst::new(Op::AddImm) })
}

fn leave() -> Piece {
    Piece::Inst(Inst { m: Some(Reg::LR), ..Inst::new(Op::Bx) })
}

fn edge(to: usize, times: u64) -> Edge<Reg> {
    Edge { to, args: Vec::new(), count: Count { times, varies: false } }
}

fn jump(to: usize, times: u64) -> End<Reg> {
    End::Jump(edge(to, times))
}

fn branch(then: (usize, u64), otherwise: (usize, u64)) -> End<Reg> {
    End::Branch { cond: Cond::Ne, then: edge(then.0, then.1), otherwise: edge(otherwise.0, otherwise.1) }
}

/// A function of blocks: what each holds, how it ends, how often it runs.
fn laid_out(blocks: Vec<(Vec<Piece>, End<Reg>, u64)>, core: &str) -> Layout {
    let blocks = blocks.into_iter().map(|(mut pieces, end, times)| {
        if matches!(end, End::Return(_)) {
            pieces.push(leave());
        }
        Block { pieces, end, count: Count { times, varies: false }, comment: String::new() }
    });
    let body = Body { blocks: blocks.collect() };
    let layout = layout(&body, flavor(core));
    // What holds for every layout: instructions follow each other, and each branch leads to a block's beginning.
    let starts: Vec<u32> = layout
        .spans
        .iter()
        .filter(|s| !s.range.is_empty())
        .map(|s| layout.code[s.range.start].address)
        .collect();
    for pair in layout.code.windows(2) {
        assert!(pair[1].address >= pair[0].end());
    }
    for placed in &layout.code {
        if let (Some(target), Op::B | Op::Bcond) = (placed.target(), placed.inst.op) {
            let around = layout.code.iter().any(|other| other.address == target);
            assert!(
                around,
                "{} leads to {target}, between instructions; blocks begin at {starts:?}",
                placed.inst
            );
        }
        assert!(
            crate::thumb::isa::encode_for(
                &placed.inst,
                Extensions::of(&tinyc_targets::find(core).expect("known").core).expect("Arm")
            )
            .is_ok()
        );
    }
    layout
}

fn ops(layout: &Layout) -> Vec<Op> {
    layout.code.iter().map(|placed| placed.inst.op).collect()
}

#[test]
fn empty_blocks_vanish_and_their_jumps_lead_on() {
    let blocks = vec![
        (vec![narrow()], jump(1, 1), 1),
        (vec![], jump(2, 1), 1),
        (vec![wide()], End::Return(Vec::new()), 1),
    ];
    assert_eq!(ops(&laid_out(blocks, "cortex-m4")), [Op::AddImm, Op::AddImm, Op::Bx]);
}

#[test]
fn blocks_that_split_an_edge_stand_behind_the_block_that_it_leaves() {
    // 0 branches to 2 through the split block 3, which stands last.
    let blocks = vec![
        (vec![narrow()], branch((3, 1), (1, 1)), 2),
        (vec![narrow()], jump(2, 1), 1),
        (vec![narrow()], End::Return(Vec::new()), 2),
        (vec![wide(), wide()], jump(2, 1), 1),
    ];
    let layout = laid_out(blocks, "cortex-m4");
    let sizes: Vec<usize> = layout.spans.iter().map(|span| span.range.len()).collect();
    // The condition is turned around: the split block follows, then the other way.
    assert_eq!(sizes, [2, 3, 1, 2], "{:?}", ops(&layout));
    assert_eq!(layout.code[1].inst.cond, Cond::Eq);
}

#[test]
fn branches_take_the_form_that_reaches() {
    for (count, thumb2, armv6m) in [
        (100, [Op::Bcond].as_slice(), [Op::Bcond].as_slice()),
        // A conditional branch reaches 254 bytes back; behind that Thumb-2 has a longer one, Armv6-M goes around a jump.
        (200, &[Op::Bcond], &[Op::Bcond, Op::B]),
        (1100, &[Op::Bcond], &[Op::Bcond, Op::Bl]),
    ] {
        for (core, expected) in [("cortex-m4", thumb2), ("cortex-m0plus", armv6m)] {
            let blocks = vec![
                (vec![narrow()], jump(1, 1), 1),
                (vec![narrow(); count], branch((1, 4), (2, 1)), 5),
                (vec![narrow()], End::Return(Vec::new()), 1),
            ];
            let layout = laid_out(blocks, core);
            let branches: Vec<Op> =
                ops(&layout).into_iter().filter(|op| !matches!(op, Op::AddImm | Op::Bx)).collect();
            assert_eq!(branches, expected, "{core}, {count}");
            let back = layout
                .code
                .iter()
                .find_map(|p| p.target().filter(|&to| to < p.address && p.inst.op != Op::Nop));
            assert_eq!(back, Some(layout.code[layout.spans[1].range.start].address), "{core}, {count}");
        }
    }
}

#[test]
fn words_lie_within_reach_of_their_loads() {
    let literal = |number: i32| Piece::Literal { d: Reg::r(1), word: Symbol::Number(number) };
    let mut pieces = Vec::new();
    for number in 0..6 {
        pieces.push(literal(0x1234_5600 + number));
        pieces.push(literal(0x1234_5600));
        pieces.extend(vec![narrow(); 150]);
    }
    let layout = laid_out(vec![(pieces, End::Return(Vec::new()), 1)], "cortex-m0");
    let mut loads = 0;
    for placed in layout.code.iter().filter(|placed| placed.inst.op == Op::LdrLit) {
        let at = ((placed.address + 4) & !3) + placed.inst.imm as u32;
        assert!((0..=1020).contains(&placed.inst.imm), "{}", placed.inst.imm);
        assert!(layout.literals.iter().any(|&(offset, _)| offset == at));
        assert!(layout.code.iter().all(|other| at >= other.end() || at + 4 <= other.address));
        loads += 1;
    }
    assert_eq!(loads, 12);
    // More than one pool, with a branch over each that stands inside, and no word twice in one pool.
    let over = layout.code.iter().filter(|placed| placed.inst.op == Op::B).count();
    assert!(over >= 1 && layout.literals.len() < 12, "{over}, {}", layout.literals.len());
}

#[test]
fn hot_loops_lie_on_word_borders() {
    let blocks = || {
        vec![
            (vec![narrow(), wide()], jump(1, 1), 1),
            (
                vec![wide(), narrow(), wide(), narrow(), narrow(), wide(), wide()],
                branch((1, 99), (2, 1)),
                100,
            ),
            (vec![narrow(), wide()], End::Return(Vec::new()), 1),
        ]
    };
    let straddling = |layout: &Layout, span: usize| {
        layout.code[layout.spans[span].range.clone()].iter().filter(|placed| placed.straddles()).count()
    };
    // Where fetching a word more costs time, the loop is straight, and nothing else is longer than it must be.
    let straight = laid_out(blocks(), "cortex-m4");
    assert_eq!(straddling(&straight, 1), 0);
    assert_eq!(straight.code[straight.spans[1].range.start].address % 4, 0);
    // Elsewhere only its head lies on a border.
    let short = laid_out(blocks(), "cortex-m33");
    assert_eq!(short.code[short.spans[1].range.start].address % 4, 0);
    assert!(straddling(&short, 1) > 0 && short.bytes < straight.bytes);
}

#[test]
fn words_are_many_and_still_within_reach() {
    // Denser than code: a pool of all of them would be out of reach of the first.
    let pieces =
        (0..600).map(|number| Piece::Literal { d: Reg::r(1), word: Symbol::Number(0x1234_5600 + number) });
    let layout = laid_out(vec![(pieces.collect(), End::Return(Vec::new()), 1)], "cortex-m0");
    let loads = layout.code.iter().filter(|placed| placed.inst.op == Op::LdrLit);
    for placed in loads.clone() {
        let at = ((placed.address + 4) & !3) + placed.inst.imm as u32;
        assert!((0..=1020).contains(&placed.inst.imm), "{}", placed.inst.imm);
        assert!(layout.literals.iter().any(|&(offset, _)| offset == at));
    }
    assert_eq!((loads.count(), layout.literals.len()), (600, 600));
}
