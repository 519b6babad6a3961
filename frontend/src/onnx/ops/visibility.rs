//! Which keys a query of an attention sees: masks, causal order, windows, padding. Not here: scores and their softmax.
//!
//! What depends on positions alone is an interval of keys for each query, two numbers a row in place of a table of queries
//! times keys. A mask that is known is joined with it at compile time, and where it only hides it becomes one of bytes.

use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Pad;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::{DType, Data, Diagnostic, Tensor, Value};

/// What limits the keys by their positions. Query `i` stands at `before + i`, or at `lengths − queries + i`.
#[derive(Clone, Default)]
pub(super) struct Limits {
    pub(super) queries: usize,
    pub(super) keys: usize,
    /// Keys that were there before the first query.
    pub(super) before: usize,
    /// How many keys of each sample count, `[B]`.
    pub(super) lengths: Option<Value>,
    /// How far behind and ahead of a query a key may be.
    pub(super) left: Option<i64>,
    pub(super) right: Option<i64>,
}

/// Which keys are seen, as values that broadcast to `[B, H, queries, keys]`.
pub(super) struct Visibility {
    keys: usize,
    /// Added to the scores; −inf hides a key.
    bias: Option<Value>,
    /// Whether the bias may be −inf.
    may_hide: bool,
    /// Hides keys where it is false.
    shown: Option<Value>,
    /// The first and last key that is seen, i32, one number for each query.
    first: Option<Value>,
    last: Option<Value>,
    /// Queries that see nothing.
    blind: Blind,
}

/// Which queries see no key at all: their result is zero.
enum Blind {
    None,
    /// Where this bool is true.
    Rows(Value),
    /// Where no score is above −inf.
    ByScores,
}

impl Visibility {
    /// What limits and a mask, bool or float, let through. A mask that is known not to hide is only added.
    pub(super) fn new(
        cx: &mut Context<'_, '_>,
        limits: &Limits,
        mask: Option<Value>,
        may_hide: bool,
    ) -> Step<Self> {
        let (first, last) = limits.interval(cx)?;
        let mut this = Self { first, last, may_hide, ..Self::clear(limits.keys) };
        if let Some(mask) = mask {
            this.take_mask(cx, mask)?;
        }
        this.blind = this.find_blind(cx)?;
        Ok(this)
    }

    /// Every query sees all keys.
    fn clear(keys: usize) -> Self {
        Self { keys, bias: None, may_hide: true, shown: None, first: None, last: None, blind: Blind::None }
    }

    /// Whether every key is seen by every query, as it is.
    pub(super) fn is_clear(&self) -> bool {
        self.arguments().is_empty()
    }

    fn arguments(&self) -> Vec<Value> {
        [self.bias, self.shown, self.first, self.last].into_iter().flatten().collect()
    }

    fn take_mask(&mut self, cx: &mut Context<'_, '_>, mask: Value) -> Step<()> {
        let (dims, dtype) = (cx.dims(mask), cx.ty(mask).dtype);
        let Some(&width) = dims.last().filter(|_| dtype == DType::Bool || dtype.is_float()) else {
            let message = format!("a mask is of bools or floats and has dimensions, not {}", cx.ty(mask));
            return Err(Diagnostic::error(code::SHAPE, message));
        };
        cx.require(width <= self.keys, format!("{} masks more than {} keys", cx.ty(mask), self.keys))?;
        let mut mask = mask;
        if width < self.keys {
            // Keys behind the mask's end are hidden.
            let mut after = vec![0; dims.len()];
            after[dims.len() - 1] = self.keys - width;
            let value = if dtype == DType::Bool { 0.0 } else { f32::NEG_INFINITY };
            mask = cx.part("mask", Pad { before: vec![0; dims.len()], after, value }, &[mask])?;
        }
        let known = [Some(mask), self.first, self.last].into_iter().flatten().all(|v| cx.build.is_fixed(v));
        if known && (self.first.is_some() || self.last.is_some()) {
            let positions = (self.first.take(), self.last.take());
            mask = self.joined(cx, mask, positions)?;
        }
        if dtype == DType::Bool {
            self.shown = Some(mask);
        } else {
            self.bias = Some(mask);
        }
        if let Some(numbers) = cx.build.numbers(mask) {
            self.simplify(cx, &numbers)?;
        }
        Ok(())
    }

    /// A mask that also hides what is outside an interval.
    fn joined(
        &self,
        cx: &mut Context<'_, '_>,
        mask: Value,
        (first, last): (Option<Value>, Option<Value>),
    ) -> Step<Value> {
        let other = Self { first, last, ..Self::clear(self.keys) };
        let is_bool = cx.ty(mask).dtype == DType::Bool;
        other.apply(
            cx,
            "mask",
            mask,
            move |x| if is_bool { x.literal(0.0) } else { x.literal(f64::NEG_INFINITY) },
        )
    }

    /// Drops a known mask that says nothing, and makes bools of one that only hides.
    fn simplify(&mut self, cx: &mut Context<'_, '_>, numbers: &Tensor) -> Step<()> {
        match &numbers.data {
            Data::Bool(shown) if shown.iter().all(|&s| s) => self.shown = None,
            Data::F32(bias) if bias.iter().all(|&b| b == 0.0) => self.bias = None,
            Data::F32(bias) if !bias.contains(&f32::NEG_INFINITY) => self.may_hide = false,
            Data::F32(bias) if bias.iter().all(|&b| b == 0.0 || b == f32::NEG_INFINITY) => {
                let shown = Data::Bool(bias.iter().map(|&b| b == 0.0).collect());
                self.bias = None;
                self.shown =
                    Some(cx.part_constant("mask", Tensor::new(numbers.shape.clone(), shown), None)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn find_blind(&self, cx: &mut Context<'_, '_>) -> Step<Blind> {
        let arguments = self.arguments();
        let keys = self.keys;
        if arguments.iter().all(|&v| cx.build.is_fixed(v)) {
            if arguments.is_empty() {
                return Ok(Blind::None);
            }
            // One number for each query and key: above −inf where it is seen. Only its rows' maxima stay.
            let clear = cx.floats("clear", &[1, 1], vec![0.0])?;
            let dtype = self.bias.map_or(DType::F32, |bias| cx.ty(bias).dtype);
            let clear = cx.map_to(clear, dtype)?;
            let seen = self.apply_to_scores(cx, "seen", clear, 0.0)?;
            let most = cx.reduce(seen, ReduceKind::Max, &[cx.dims(seen).len() - 1])?;
            let rows = cx.map("blind", &[most], |x| x[0].equals(x[0].literal(f64::NEG_INFINITY)))?;
            return Ok(Self::blind_rows(cx, rows));
        }
        if self.bias.is_some() && self.may_hide || self.shown.is_some() {
            return Ok(Blind::ByScores);
        }
        let (first, last) = (self.first, self.last);
        let inputs: Vec<Value> = first.into_iter().chain(last).collect();
        if inputs.is_empty() {
            return Ok(Blind::None);
        }
        let rows = cx.map("blind", &inputs, |x| {
            let end = x[0].literal(keys as f64);
            match (first, last) {
                (Some(_), Some(_)) => x[1].lt(x[0].max(x[0].literal(0.0))) | end.le(x[0]),
                (Some(_), None) => end.le(x[0]),
                _ => x[0].lt(x[0].literal(0.0)),
            }
        })?;
        Ok(Self::blind_rows(cx, rows))
    }

    /// Rows that are blind, unless it is known that none is.
    fn blind_rows(cx: &Context<'_, '_>, rows: Value) -> Blind {
        let any = cx.build.numbers(rows).is_none_or(|n| (0..n.data.len()).any(|i| n.data.bits(i) != 0));
        if any { Blind::Rows(rows) } else { Blind::None }
    }

    /// Scores with the bias on them, −inf where a key is hidden; in front of that a cap, if above zero.
    pub(super) fn apply_to_scores(
        &self,
        cx: &mut Context<'_, '_>,
        part: &str,
        scores: Value,
        cap: f64,
    ) -> Step<Value> {
        if self.is_clear() && cap <= 0.0 {
            return Ok(scores);
        }
        self.apply_with(cx, part, scores, cap, |x| x.literal(f64::NEG_INFINITY))
    }

    fn apply(
        &self,
        cx: &mut Context<'_, '_>,
        part: &str,
        x: Value,
        hidden: impl for<'w> Fn(tinyc_ir::formula::Number<'w>) -> tinyc_ir::formula::Number<'w>,
    ) -> Step<Value> {
        self.apply_with(cx, part, x, 0.0, hidden)
    }

    fn apply_with(
        &self,
        cx: &mut Context<'_, '_>,
        part: &str,
        x: Value,
        cap: f64,
        hidden: impl for<'w> Fn(tinyc_ir::formula::Number<'w>) -> tinyc_ir::formula::Number<'w>,
    ) -> Step<Value> {
        let mut inputs = vec![x];
        inputs.extend(self.arguments());
        let interval = self.first.is_some() || self.last.is_some();
        if interval {
            inputs.push(cx.ints("keys", DType::I32, &[self.keys], (0..self.keys as i64).collect())?);
        }
        let hides = self.may_hide;
        let kept = [self.bias, self.shown, self.first, self.last].map(|v| v.is_some());
        cx.map(part, &inputs, move |x| {
            let mut rest = x[1..].iter().copied();
            let [bias, shown, first, last] = kept.map(|is| if is { rest.next() } else { None });
            let key = rest.next();
            let mut score = x[0];
            if cap > 0.0 {
                score = (score / cap).tanh() * cap;
            }
            let mut seen = shown;
            let mut also = |condition| seen = Some(seen.map_or(condition, |s| s & condition));
            if let Some(bias) = bias {
                score = score + bias;
                if hides {
                    also(bias.differs(bias.literal(f64::NEG_INFINITY)));
                }
            }
            if let (Some(first), Some(key)) = (first, key) {
                also(first.le(key));
            }
            if let (Some(last), Some(key)) = (last, key) {
                also(key.le(last));
            }
            seen.map_or(score, |seen| seen.select(score, hidden(score)))
        })
    }

    /// Rows of blind queries as zeros; `scores` are those with the bias.
    pub(super) fn without_blind(
        &self,
        cx: &mut Context<'_, '_>,
        part: &str,
        x: Value,
        scores: Value,
    ) -> Step<Value> {
        match self.blind {
            Blind::None => Ok(x),
            Blind::Rows(rows) => cx.map(part, &[x, rows], |x| x[1].select(x[0].literal(0.0), x[0])),
            Blind::ByScores => {
                let most = cx.reduce(scores, ReduceKind::Max, &[cx.dims(scores).len() - 1])?;
                cx.map(part, &[x, most], |x| {
                    x[1].equals(x[1].literal(f64::NEG_INFINITY)).select(x[0].literal(0.0), x[0])
                })
            }
        }
    }
}

impl Limits {
    /// The first and last key of each query, as far as they limit anything.
    fn interval(&self, cx: &mut Context<'_, '_>) -> Step<(Option<Value>, Option<Value>)> {
        let (queries, left, right) = (self.queries as f64, self.left, self.right);
        let Some(lengths) = self.lengths else {
            let place = |i: usize| (self.before + i) as i64;
            let ends = |by: i64| (0..self.queries).map(|i| place(i).saturating_add(by)).collect::<Vec<i64>>();
            let top = i64::from(i32::MAX);
            let mut row = |part: &str, ends: Vec<i64>| {
                let ends = ends.into_iter().map(|e| e.clamp(-top, top)).collect();
                cx.ints(part, DType::I32, &[self.queries, 1], ends)
            };
            let first = left.map(|by| ends(by.saturating_neg())).filter(|e| e.iter().any(|&e| e > 0));
            let last = right.map(ends).filter(|e| e.iter().any(|&e| e < self.keys as i64 - 1));
            let first = first.map(|ends| row("first", ends)).transpose()?;
            return Ok((first, last.map(|ends| row("last", ends)).transpose()?));
        };
        let dims = cx.dims(lengths);
        let plain = matches!(cx.ty(lengths).dtype, DType::I32 | DType::I64);
        cx.require(dims.len() == 1 && plain, "the number of keys is one integer for each sample")?;
        let lengths = cx.reshape(lengths, &[dims[0], 1, 1, 1])?;
        let rows = cx.ints("rows", DType::I32, &[self.queries, 1], (0..self.queries as i64).collect())?;
        let first = match left {
            Some(by) => Some(
                cx.map("first", &[lengths, rows], |x| x[0].to(DType::I32) + x[1] - (queries + by as f64))?,
            ),
            None => None,
        };
        let last = match right {
            Some(by) => cx.map("last", &[lengths, rows], |x| {
                let length = x[0].to(DType::I32);
                (length + x[1] - (queries - by as f64)).min(length - 1.0)
            }),
            None => cx.map("last", &[lengths], |x| x[0].to(DType::I32) - 1.0),
        }?;
        Ok((first, Some(last)))
    }
}
