//! Random functions of words: all operations, loops, choices, calls, and more values at once than there are registers.

mod operation;

use std::collections::BTreeSet;
use tinyc_backends::native::{
    Block, Builder, Class, Cond, Count, Data, Edge, End, FloatCond, Function, Label, Machine, Module, Op,
    Region, Value, Width,
};
use tinyc_ir::seeded::Seeded;

/// Bytes on each side of the address of the input, which is read and written.
pub(crate) const HALF: u32 = 8192;
/// Bytes of the output, which is only written.
pub(crate) const OUTPUT: u32 = 16384;
/// Bytes of constant data.
const TABLE: u32 = 512;

/// Numbers at which encodings change.
const EDGES: [i32; 36] = [
    0,
    1,
    2,
    3,
    7,
    8,
    9,
    31,
    32,
    127,
    128,
    255,
    256,
    257,
    510,
    511,
    1020,
    4095,
    4096,
    0xffff,
    0x1_0000,
    -1,
    -2,
    -7,
    -8,
    -128,
    -255,
    -256,
    -257,
    -4095,
    -4096,
    i32::MAX,
    i32::MIN,
    0x00ff_00ff,
    0x8080_8080_u32 as i32,
    0x7f80_0000,
];

const CONDS: [Cond; 6] = [Cond::Eq, Cond::Ne, Cond::Lt, Cond::Le, Cond::LtU, Cond::LeU];
const FLOAT_CONDS: [FloatCond; 4] = [FloatCond::Eq, FloatCond::Ne, FloatCond::Lt, FloatCond::Le];
const WIDTHS: [Width; 5] = [Width::S8, Width::U8, Width::S16, Width::U16, Width::Word];

/// A word as they are met, and as they are not.
pub(crate) fn word(s: &mut Seeded) -> i32 {
    match s.below(6) {
        0 | 1 => *s.pick(&EDGES),
        2 => 1 << s.below(32),
        3 => ((1_u64 << s.below(33)) - 1) as i32,
        4 => s.range(-300, 300) as i32,
        _ => s.bits() as i32,
    }
}

/// Functions, the last one to be called with the input's address, the output's, and `args` words.
pub(crate) struct Case {
    pub(crate) module: Module,
    pub(crate) args: usize,
}

impl Case {
    /// Made of about `size` operations.
    pub(crate) fn new(seed: u64, size: usize, machine: &Machine) -> Self {
        let mut s = Seeded::new(seed);
        let mut used = BTreeSet::new();
        let mut functions = Vec::new();
        let mut callees = Vec::new();
        for number in 0..s.below(3) {
            let (params, results) = (s.below(8) as usize, s.below(5) as usize);
            let mut writer = Writer::new(&mut s, machine, &mut used, &format!("part_{number}"), params);
            let size = 1 + writer.s.below(size as u64 / 2 + 1) as usize;
            writer.statements(size, 1, 0, ONCE);
            functions.push(writer.finish_with(results));
            callees.push((params, results));
        }
        let args = s.below(8) as usize;
        let mut writer = Writer::new(&mut s, machine, &mut used, "random_run", args + 2);
        (writer.input, writer.output) = (Some(writer.words[0]), Some(writer.words[1]));
        writer.words.drain(..2);
        writer.callees = callees;
        writer.statements(size, 0, 0, ONCE);
        functions.push(writer.finish_all());
        let mut data = Data::default();
        data.bytes = (0..TABLE).map(|_| s.bits() as u8).collect();
        data.align = 4;
        data.labels = vec![Label { name: "table".into(), offset: 0, len: TABLE }];
        Self { module: Module { functions, data, routines: used }, args }
    }
}

const ONCE: Count = Count { times: 1, varies: false };

/// Writes one function.
struct Writer<'a> {
    s: &'a mut Seeded,
    machine: &'a Machine,
    routines: &'a mut BTreeSet<&'static str>,
    b: Builder,
    /// Values that may be used here.
    words: Vec<Value>,
    floats: Vec<Value>,
    /// The addresses of the buffers, if the function knows them.
    input: Option<Value>,
    output: Option<Value>,
    /// Words taken and given by the functions that may be called.
    callees: Vec<(usize, usize)>,
    /// How many values were stored for good.
    stored: u32,
}

impl<'a> Writer<'a> {
    fn new(
        s: &'a mut Seeded,
        machine: &'a Machine,
        routines: &'a mut BTreeSet<&'static str>,
        name: &str,
        params: usize,
    ) -> Self {
        let (b, words) = Builder::new(name, "Random.", &vec![Class::Word; params]);
        Self {
            s,
            machine,
            routines,
            b,
            words,
            floats: Vec::new(),
            input: None,
            output: None,
            callees: Vec::new(),
            stored: 0,
        }
    }

    /// Returns some values.
    fn finish_with(mut self, results: usize) -> Function {
        let values = (0..results).map(|_| self.word()).collect();
        self.b.end(End::Return(values));
        self.b.finish()
    }

    /// Stores most values and returns a sum of all others.
    fn finish_all(mut self) -> Function {
        let mut sum = self.b.number(17);
        for value in std::mem::take(&mut self.words) {
            if self.s.once_in(2) {
                self.keep(Width::Word, value);
            } else {
                let op = if self.machine.multiply { Op::Mul } else { Op::Xor };
                let product = self.b.word(op, &[sum, value]);
                sum = self.b.word(Op::Xor, &[product, value]);
            }
        }
        for value in std::mem::take(&mut self.floats) {
            let value = self.canonical(value);
            self.keep(Width::Float, value);
        }
        self.b.end(End::Return(vec![sum]));
        self.b.finish()
    }

    /// Stores a value where nothing else is stored.
    fn keep(&mut self, width: Width, value: Value) {
        let Some(output) = self.output else { return };
        let at = 4 * (self.stored % (OUTPUT / 4)) as i32;
        self.stored += 1;
        let (_, greatest) = (self.machine.offset)(width);
        let offset = at.min(greatest & !3);
        let base = if at == offset {
            output
        } else {
            let rest = self.b.number(at - offset);
            self.b.push(Op::Add, &[output, rest], &[Class::Word])[0]
        };
        self.b.push(Op::Store { width, offset, region: Region(1) }, &[base, value], &[]);
    }

    /// About `size` operations, in `depth` loops and `nested` branches.
    fn statements(&mut self, size: usize, depth: u32, nested: u32, count: Count) {
        let mut left = size;
        while left > 0 {
            let part = 1 + self.s.below(left as u64) as usize;
            let taken = match self.s.below(30) {
                0 | 1 if left > 4 && depth < 3 => {
                    self.repeat(part, depth, nested, count);
                    part
                }
                2 if left > 4 && nested < 4 => {
                    self.fork(part, depth, nested, count);
                    part
                }
                _ => {
                    self.operation();
                    1
                }
            };
            left -= taken;
        }
    }

    /// A word: mostly a young one, sometimes for the last time, sometimes a number.
    fn word(&mut self) -> Value {
        if self.words.is_empty() || self.s.once_in(6) {
            let number = word(self.s);
            return self.b.number(number);
        }
        let count = self.words.len() as u64;
        let old = if self.s.once_in(3) { self.s.below(count) } else { self.s.below(count.min(5)) };
        let at = (count - 1 - old) as usize;
        if self.s.once_in(3) { self.words.remove(at) } else { self.words[at] }
    }

    fn words<const N: usize>(&mut self) -> [Value; N] {
        [0; N].map(|_| self.word())
    }

    fn float(&mut self) -> Value {
        if self.floats.is_empty() || self.s.once_in(6) {
            let bits = word(self.s) as u32;
            let bits = if f32::from_bits(bits).is_nan() { 0x7fc0_0000 } else { bits };
            return self.b.float(Op::FloatConst(bits), &[]);
        }
        let at = self.s.below(self.floats.len() as u64) as usize;
        if self.s.once_in(3) { self.floats.remove(at) } else { self.floats[at] }
    }

    /// The float, or the one NaN for all others.
    fn canonical(&mut self, value: Value) -> Value {
        let odd = self.b.push(Op::FloatCompare(FloatCond::Ne), &[value, value], &[Class::Word])[0];
        let nan = self.b.float(Op::FloatConst(0x7fc0_0000), &[]);
        let zero = self.b.number(0);
        self.b.select(Cond::Ne, [odd, zero], [nan, value])
    }

    /// A value of a class for an edge.
    fn value(&mut self, class: Class) -> Value {
        match class {
            Class::Word => self.word(),
            Class::Float => self.float(),
        }
    }

    fn values(&mut self, classes: &[Class]) -> Vec<Value> {
        classes.iter().map(|&class| self.value(class)).collect()
    }

    fn take(&mut self, values: &[Value]) {
        for &value in values {
            match self.b.class(value) {
                Class::Word => self.words.push(value),
                Class::Float => self.floats.push(value),
            }
        }
    }

    /// Some classes for the parameters of a block; now and then more than there are registers.
    fn classes(&mut self) -> Vec<Class> {
        let most = if self.s.once_in(6) { 20 } else { 4 };
        let count = self.s.below(most);
        let float = self.machine.float;
        (0..count).map(|_| if float && self.s.once_in(4) { Class::Float } else { Class::Word }).collect()
    }

    /// Only values that are there behind everything that was written since.
    fn forget(&mut self, words: &[Value], floats: &[Value]) {
        self.words = words.to_vec();
        self.floats = floats.to_vec();
    }

    /// A loop with a counter.
    fn repeat(&mut self, size: usize, depth: u32, nested: u32, count: Count) {
        let trips = 1 + self.s.below(4);
        let step = *self.s.pick(&[1, 1, 2, 4, 255, 256, 5000]);
        let classes = self.classes();
        let mut all = vec![Class::Word];
        all.extend(&classes);
        let inner = Count { times: count.times * trips, ..count };
        let (head, params) = self.b.block(&all, depth + 1, inner);
        let down = self.s.once_in(2);
        let last = step * trips as i32;
        let mut args = vec![self.b.number(if down { last } else { 0 })];
        args.extend(self.values(&classes));
        self.b.end(End::Jump(Edge { to: head, args, count }));
        self.b.switch_to(head);
        self.take(&params[1..]);
        self.statements(size, depth + 1, nested, inner);
        let number = self.b.number(if down { -step } else { step });
        let next = self.b.push(Op::Add, &[params[0], number], &[Class::Word])[0];
        if self.s.once_in(4) {
            self.words.push(next);
        }
        let mut again = vec![next];
        again.extend(self.values(&classes));
        let results = self.classes();
        let leave = self.values(&results);
        let (behind, results) = self.b.block(&results, depth, count);
        let again =
            Edge { to: head, args: again, count: Count { times: count.times * (trips - 1), ..count } };
        let leave = Edge { to: behind, args: leave, count };
        let right = self.b.number(if down { 0 } else { last });
        let (cond, then, otherwise) = match self.s.below(3) {
            0 if !down => (Cond::Lt, again, leave),
            1 => (Cond::Eq, leave, again),
            _ => (Cond::Ne, again, leave),
        };
        self.b.end(End::Branch { cond, left: next, right, then, otherwise });
        self.b.switch_to(behind);
        self.take(&results);
    }

    /// One of two ways, or one that is left out.
    fn fork(&mut self, size: usize, depth: u32, nested: u32, count: Count) {
        let some = Count { varies: true, ..count };
        let classes = self.classes();
        let short = self.s.once_in(2);
        let (then, _) = self.b.block(&[], depth, some);
        let (cond, left, right) = self.condition();
        let skipped = if short { Some(self.values(&classes)) } else { None };
        let (words, floats) = (self.words.clone(), self.floats.clone());
        let from = self.b.current();
        self.b.switch_to(then);
        self.statements(size.div_ceil(2), depth, nested + 1, some);
        let mut ways: Vec<(Block, Vec<Value>)> = Vec::new();
        let args = self.values(&classes);
        ways.push((self.b.current(), args));
        self.forget(&words, &floats);
        let mut other = None;
        if !short {
            let (block, _) = self.b.block(&[], depth, some);
            self.b.switch_to(block);
            self.statements(size / 2, depth, nested + 1, some);
            let args = self.values(&classes);
            ways.push((self.b.current(), args));
            self.forget(&words, &floats);
            other = Some(block);
        }
        let (join, params) = self.b.block(&classes, depth, count);
        for (block, args) in ways {
            self.b.switch_to(block);
            self.b.end(End::Jump(Edge { to: join, args, count: some }));
        }
        self.b.switch_to(from);
        let then = Edge { to: then, args: Vec::new(), count: some };
        let (to, args) = (other.unwrap_or(join), skipped.unwrap_or_default());
        let otherwise = Edge { to, args, count: some };
        self.b.end(End::Branch { cond, left, right, then, otherwise });
        self.b.switch_to(join);
        self.take(&params);
    }

    /// A condition: words compared, or something that is 0 or 1.
    fn condition(&mut self) -> (Cond, Value, Value) {
        if self.s.once_in(2) {
            return (*self.s.pick(&CONDS), self.word(), self.word());
        }
        let truth = self.comparison();
        let zero = self.b.number(0);
        (*self.s.pick(&[Cond::Eq, Cond::Ne]), truth, zero)
    }

    fn comparison(&mut self) -> Value {
        let cond = *self.s.pick(&CONDS);
        let (op, args) = match self.s.below(3) {
            0 if self.machine.float => {
                let cond = *self.s.pick(&FLOAT_CONDS);
                (Op::FloatCompare(cond), vec![self.float(), self.float()])
            }
            1 => (Op::CompareWide(cond), self.words::<4>().to_vec()),
            _ => (Op::Compare(cond), self.words::<2>().to_vec()),
        };
        self.b.push(op, &args, &[Class::Word])[0]
    }
}
