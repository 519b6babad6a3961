//! A layer over [`Builder`] in which a routine reads like its algorithm: words with operators, labels, loops. It chooses
//! nothing but where blocks lie: in the order in which they are begun, the cold ones last.

use super::word::{Operand, Test, Word};
use crate::native::cleanup::cleanup;
use crate::native::{Block, Builder, Callee, Class, Count, Edge, End, Function, Machine, Op, Value};
use std::cell::{Cell, RefCell};
use tinyc_ir::entity::{Arena, Entity};

/// A routine under construction.
pub(super) struct Writer {
    builder: RefCell<Builder>,
    machine: Machine,
    /// Blocks in the order in which they were begun, and whether they are cold.
    begun: RefCell<Vec<(Block, bool)>>,
    /// How many loops the current block is in.
    depth: Cell<u32>,
    /// How often those loops run at most.
    times: Cell<u64>,
}

/// A place to go to, with `N` words brought along.
#[derive(Clone, Copy)]
pub(super) struct Label<'w, const N: usize> {
    block: Block,
    params: [Word<'w>; N],
    cold: bool,
}

impl Writer {
    /// The function of `N` words that `body` writes; every path of it ends in [`give`](Self::give).
    pub(super) fn function<const N: usize>(
        name: &str,
        comment: &str,
        machine: &Machine,
        body: impl for<'w> FnOnce(&'w Self, [Word<'w>; N]),
    ) -> Function {
        let (builder, params) = Builder::new(name, comment, &[Class::Word; N]);
        let writer = Self {
            begun: RefCell::new(vec![(builder.current(), false)]),
            builder: RefCell::new(builder),
            machine: machine.clone(),
            depth: Cell::new(0),
            times: Cell::new(1),
        };
        body(&writer, std::array::from_fn(|i| Word::new(&writer, params[i])));
        let order = writer.begun.into_inner();
        let (hot, cold): (Vec<_>, Vec<_>) = order.into_iter().partition(|(_, cold)| !cold);
        let order: Vec<Block> = hot.into_iter().chain(cold).map(|(block, _)| block).collect();
        cleanup(reordered(writer.builder.into_inner().finish(), &order))
    }

    /// The machine written for.
    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// A constant.
    pub(super) fn constant(&self, number: i32) -> Word<'_> {
        Word::new(self, self.builder.borrow_mut().number(number))
    }

    /// An operation on words that gives `N` words.
    pub(super) fn words<const N: usize>(&self, op: Op, args: &[Word<'_>]) -> [Word<'_>; N] {
        let args: Vec<Value> = args.iter().map(|a| a.value()).collect();
        let mut builder = self.builder.borrow_mut();
        let results = match (N, &op) {
            (1, op) if op.is_pure() => vec![builder.word(op.clone(), &args)],
            _ => builder.pure(op, &args, &[Class::Word; N]),
        };
        std::array::from_fn(|i| Word::new(self, results[i]))
    }

    /// An operation that gives a float. Only with an FPU.
    pub(super) fn float(&self, op: Op, args: &[Value]) -> Value {
        self.builder.borrow_mut().float(op, args)
    }

    /// The bits of a float. Only with an FPU.
    pub(super) fn float_bits(&self, float: Value) -> Word<'_> {
        Word::new(self, self.builder.borrow_mut().word(Op::FloatToBits, &[float]))
    }

    /// Calls another routine.
    pub(super) fn call<const N: usize>(&self, name: &'static str, args: &[Word<'_>]) -> [Word<'_>; N] {
        self.words(Op::Call(Callee::Routine(name)), args)
    }

    /// Returns.
    pub(super) fn give<const N: usize>(&self, results: [Word<'_>; N]) {
        self.end(End::Return(results.iter().map(|r| r.value()).collect()));
    }

    /// Returns this number.
    pub(super) fn give_constant(&self, number: u32) {
        self.give([self.constant(number as i32)]);
    }

    /// A place on the usual path.
    pub(super) fn label<const N: usize>(&self) -> Label<'_, N> {
        self.place(false)
    }

    /// A place that is reached seldom; it and what follows it lies after all others.
    pub(super) fn cold<const N: usize>(&self) -> Label<'_, N> {
        self.place(true)
    }

    fn place<const N: usize>(&self, cold: bool) -> Label<'_, N> {
        let mut builder = self.builder.borrow_mut();
        let (block, params) = builder.block(&[Class::Word; N], self.depth.get(), self.count());
        Label { block, params: std::array::from_fn(|i| Word::new(self, params[i])), cold }
    }

    fn count(&self) -> Count {
        Count { times: self.times.get(), varies: true }
    }

    /// Writes what happens at a label from now on.
    pub(super) fn begin<'w, const N: usize>(&'w self, label: Label<'w, N>) -> [Word<'w>; N] {
        self.builder.borrow_mut().switch_to(label.block);
        self.begun.borrow_mut().push((label.block, label.cold));
        label.params
    }

    /// Goes to a label.
    pub(super) fn go<const N: usize>(&self, label: Label<'_, N>, args: [Word<'_>; N]) {
        self.end(End::Jump(self.edge(label, args)));
    }

    /// Goes to a label if the test holds, and goes on here if not.
    pub(super) fn go_if<const N: usize>(&self, test: Test<'_>, label: Label<'_, N>, args: [Word<'_>; N]) {
        let is_cold = self.begun.borrow().last().is_some_and(|(_, cold)| *cold);
        let next = self.place::<0>(is_cold);
        let (then, otherwise) = (self.edge(label, args), self.edge(next, []));
        self.branch(test, then, otherwise);
        self.begin(next);
    }

    /// Words that depend on a test, each side computed only where it is needed.
    pub(super) fn choose<'w, const N: usize>(
        &'w self,
        test: Test<'w>,
        then: impl FnOnce() -> [Word<'w>; N],
        otherwise: impl FnOnce() -> [Word<'w>; N],
    ) -> [Word<'w>; N] {
        let is_cold = self.begun.borrow().last().is_some_and(|(_, cold)| *cold);
        let (yes, no, join) = (self.place::<0>(is_cold), self.place::<0>(is_cold), self.place(is_cold));
        self.branch(test, self.edge(yes, []), self.edge(no, []));
        self.begin(yes);
        self.go(join, then());
        self.begin(no);
        self.go(join, otherwise());
        self.begin(join)
    }

    /// Runs the body once, and again while the test that it gives holds, at most `times` in all; the state of the last run.
    pub(super) fn repeat<'w, const N: usize>(
        &'w self,
        times: u64,
        start: [Word<'w>; N],
        body: impl FnOnce([Word<'w>; N]) -> ([Word<'w>; N], Test<'w>),
    ) -> [Word<'w>; N] {
        let is_cold = self.begun.borrow().last().is_some_and(|(_, cold)| *cold);
        let outer = (self.depth.get(), self.times.get());
        let after = self.place(is_cold);
        self.depth.set(outer.0 + 1);
        self.times.set(outer.1 * times);
        let again = self.place(is_cold);
        self.go(again, start);
        let (state, test) = body(self.begin(again));
        self.branch(test, self.edge(again, state), self.edge(after, state));
        self.depth.set(outer.0);
        self.times.set(outer.1);
        self.begin(after)
    }

    fn edge<const N: usize>(&self, label: Label<'_, N>, args: [Word<'_>; N]) -> Edge {
        Edge { to: label.block, args: args.iter().map(|a| a.value()).collect(), count: self.count() }
    }

    fn branch(&self, test: Test<'_>, then: Edge, otherwise: Edge) {
        let (left, right) = (test.left.value(), test.right.value());
        self.end(End::Branch { cond: test.cond, left, right, then, otherwise });
    }

    fn end(&self, end: End) {
        self.builder.borrow_mut().end(end);
    }

    /// Selects by a test.
    pub(super) fn select<'w>(
        &'w self,
        test: Test<'w>,
        then: impl Operand<'w>,
        otherwise: impl Operand<'w>,
    ) -> Word<'w> {
        let values = [then.word(self).value(), otherwise.word(self).value()];
        let sides = [test.left.value(), test.right.value()];
        Word::new(self, self.builder.borrow_mut().select(test.cond, sides, values))
    }

    /// 1 if the test holds, else 0.
    pub(super) fn truth<'w>(&'w self, test: Test<'w>) -> Word<'w> {
        self.words::<1>(Op::Compare(test.cond), &[test.left, test.right])[0]
    }
}

/// The function with its blocks, all of them, in this order.
fn reordered(function: Function, order: &[Block]) -> Function {
    debug_assert_eq!(order.len(), function.blocks.len(), "every label is begun once");
    let mut place = vec![Block::new(0); order.len()];
    for (at, block) in order.iter().enumerate() {
        place[block.index()] = Block::new(at);
    }
    let mut blocks = Arena::new();
    for block in order {
        let mut data = function.blocks[*block].clone();
        match &mut data.end {
            End::Jump(edge) => edge.to = place[edge.to.index()],
            End::Branch { then, otherwise, .. } => {
                then.to = place[then.to.index()];
                otherwise.to = place[otherwise.to.index()];
            }
            End::Return(_) | End::Open => {}
        }
        blocks.push(data);
    }
    Function { blocks, ..function }
}
