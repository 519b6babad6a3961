//! Tensors whose size depends on data: they have their greatest size here, and a count says how many entries along one axis are
//! meant. Which operators may follow such a tensor, and what of their results counts; all others are refused.

use super::attribute::axis;
use super::builder::{Builder, Slot};
use super::code;
use super::context::{Context, Step};
use super::ops::reduced_axes;
use std::sync::Arc;
use tinyc_ir::formula::Formula;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::op::{Map, Transpose};
use tinyc_ir::{DType, Data, Diagnostic, Op, Origin, Tensor, Value};

/// How much of a tensor is meant: the first `count` entries along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Extent {
    pub(super) axis: usize,
    /// i32\[1\].
    pub(super) count: Value,
    /// Whether the entries behind have the value that the operator's importer states, not one that was computed from it.
    filled: bool,
}

impl Builder {
    /// Gives each output whose size depends on data one more behind all others, named after it: how many of its entries are
    /// meant. Those behind them become 0 where they were computed from others (not in quantised tensors).
    pub(super) fn count_outputs(&mut self) -> Step<()> {
        let own = self.graph.outputs.len();
        for i in 0..own {
            let y = self.graph.outputs[i];
            let Some(extent) = self.extents.get(&y).copied() else { continue };
            let name = self.graph.values[y].name.clone();
            let origin = |name: &str| Origin { name: name.into(), onnx: None };
            if !extent.filled && !self.graph.ty(y).is_quantized() {
                let ty = self.graph.ty(y).clone();
                let mut shape = vec![1; ty.shape.rank()];
                shape[extent.axis] = ty.shape[extent.axis];
                let numbers = Data::from_ints(DType::I32, 0..shape[extent.axis] as i64);
                let unique = self.unique(&format!("{name}/numbers"));
                let numbers = self.new_constant(unique, Arc::new(Tensor::new(shape, numbers)), None)?;
                self.graph.values[y].name = self.unique(&format!("{name}/whole"));
                let f = Formula::write(&[ty.dtype, DType::I32, DType::I32], |x| {
                    x[1].lt(x[2]).select(x[0], x[0].wide().literal(0.0).to(ty.dtype))
                });
                let inputs = [y, numbers, extent.count];
                self.graph.outputs[i] =
                    self.node(Map { f }.into(), &inputs, name.clone(), None, origin(&name))?;
            }
            let unique = self.unique(&format!("{name}_count"));
            let copy = Transpose { perm: vec![0] };
            let from = origin(&unique);
            let count = self.node(copy.into(), &[extent.count], unique, None, from)?;
            self.graph.outputs.push(count);
        }
        Ok(())
    }
}

/// An operand of a node that may have others whose size depends on data.
#[derive(Default)]
struct Operand {
    dims: Vec<usize>,
    extent: Option<Extent>,
    /// It is not left out.
    is_there: bool,
}

/// Operators that look at extents of operands themselves, or whose bodies do.
const AWARE: &[&str] = &["Compress", "If", "Loop", "NonMaxSuppression", "NonZero"];

impl Context<'_, '_> {
    /// How much of a value is meant; `None` if all of it is.
    pub(super) fn extent(&self, x: Value) -> Option<Extent> {
        self.build.extents.get(&x).copied()
    }

    /// Says that only the first entries of result `i` are meant. To be called after [`give`](Self::give).
    pub(super) fn limit(&mut self, i: usize, axis: usize, count: Value) {
        let name = self.node.output.get(i).map_or("", String::as_str);
        if let Some(Slot::Value(value)) = self.build.slots.get(name) {
            self.build.extents.insert(*value, Extent { axis, count, filled: true });
        }
    }

    /// Says of a copy what is said of its original.
    pub(super) fn share_extent(&mut self, from: Value, to: Value) {
        if let Some(extent) = self.extent(from) {
            self.build.extents.entry(to).or_insert(extent);
        }
    }

    /// For a value that is meant in part, whether each entry is: bool, 1 along all axes but one.
    pub(super) fn meant(&mut self, x: Value) -> Step<Option<Value>> {
        let Some(extent) = self.extent(x) else { return Ok(None) };
        let mut shape = vec![1; self.dims(x).len()];
        shape[extent.axis] = self.dims(x)[extent.axis];
        let numbers = self.ints("numbers", DType::I32, &shape, (0..shape[extent.axis] as i64).collect())?;
        self.map("meant", &[numbers, extent.count], |x| x[0].lt(x[1])).map(Some)
    }

    /// The value with another number wherever no entry is meant.
    pub(super) fn beyond(&mut self, x: Value, number: f64) -> Step<Value> {
        match self.meant(x)? {
            None => Ok(x),
            Some(meant) => self.map("bounded", &[x, meant], |x| {
                x[1].select(x[0], x[0].wide().literal(number).to(x[0].ty()))
            }),
        }
    }

    /// The number of true elements: i32\[1\].
    pub(super) fn count(&mut self, mask: Value) -> Step<Value> {
        let ones = self.map("ones", &[mask], |x| x[0].to(DType::I32))?;
        let axes: Vec<usize> = (0..self.dims(ones).len()).collect();
        let sum = self.reduce(ones, ReduceKind::Sum, &axes)?;
        self.reshape(sum, &[1])
    }

    /// The error of an operator that cannot work on part of a tensor.
    pub(super) fn refuse_extent(&self, name: &str) -> Diagnostic {
        let message =
            format!("{} of {name:?}, whose size depends on data, is not supported", self.node.op_type());
        Diagnostic::error(code::DATA_SIZE, message).help(format!(
            "make {name:?} an output of the model, which comes with its count, and do the rest behind the network"
        ))
    }

    /// After the import of a node: what counts of its results, if only a part of an operand does.
    pub(super) fn follow_extents(&mut self) -> Step<()> {
        let node = self.node;
        let operand = |name: &String| match self.build.slots.get(name.as_str()) {
            Some(&Slot::Value(x)) => Operand { dims: self.dims(x), extent: self.extent(x), is_there: true },
            Some(Slot::Constant(known)) => {
                Operand { dims: known.shape.to_vec(), extent: None, is_there: true }
            }
            Some(Slot::Unknown) | None => Operand::default(),
        };
        let operands: Vec<Operand> = node.input.iter().map(operand).collect();
        let partial = operands.iter().position(|o| o.extent.is_some());
        let Some(first) = partial.filter(|_| !AWARE.contains(&node.op_type())) else { return Ok(()) };
        let refused = self.refuse_extent(&node.input[first]);
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            let y = match self.build.slots.get(name.as_str()) {
                Some(&Slot::Value(y)) => y,
                Some(Slot::Constant(_)) => return Err(refused),
                Some(Slot::Unknown) | None => continue,
            };
            // An operand that is passed on keeps its own.
            if self.is_new(y) {
                let extent = self.result_extent(&operands, y)?.ok_or_else(|| refused.clone())?;
                self.build.extents.insert(y, extent);
            }
        }
        Ok(())
    }

    /// `None` if the operands do not go together.
    fn result_extent(&mut self, operands: &[Operand], y: Value) -> Step<Option<Extent>> {
        let mut found: Option<Extent> = None;
        for (i, operand) in operands.iter().enumerate() {
            let Some(extent) = operand.extent else { continue };
            let Some(own) = self.moved(i, &operand.dims, extent, y)? else { return Ok(None) };
            if found.is_some_and(|found| found != own) {
                return Ok(None);
            }
            found = Some(own);
        }
        let Some(extent) = found else { return Ok(None) };
        // What is whole must not meet the axis, unless it is repeated along it.
        let (rank, joins) = (self.dims(y).len(), self.node.op_type() == "Concat");
        let meets = |dims: &[usize]| {
            let own = (extent.axis + dims.len()).checked_sub(rank).map(|axis| dims[axis]);
            joins || self.is_elementwise() && own.is_some_and(|size| size != 1)
        };
        let fits = !operands.iter().any(|o| o.extent.is_none() && o.is_there && meets(&o.dims));
        Ok(fits.then_some(extent))
    }

    /// Where the axis of operand `i` is in a result; `None` if the operator does not leave it alone.
    fn moved(&mut self, i: usize, from: &[usize], extent: Extent, y: Value) -> Step<Option<Extent>> {
        let (to, at) = (self.dims(y), extent.axis);
        let attributes = self.attributes();
        let other = |stated: Option<usize>| stated.filter(|&axis| axis != at).map(|_| at);
        let moved = match self.node.op_type() {
            "Transpose" => match attributes.ints("perm")? {
                Some(perm) => perm.iter().position(|&p| p == at as i64),
                None => Some(from.len() - 1 - at),
            },
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
                let before = |dims: &[usize], axis: usize| dims[..axis].iter().product::<usize>();
                (0..to.len()).find(|&a| to[a] == from[at] && before(&to, a) == before(from, at))
            }
            "Gather" => {
                let data = if i == 0 { from.len() } else { (to.len() + 1).saturating_sub(from.len()) };
                let picked = self.axis("axis", 0, data)?;
                match i {
                    0 if at < picked => Some(at),
                    0 if at > picked => (to.len() + at).checked_sub(from.len()),
                    1 => Some(picked + at),
                    _ => None,
                }
            }
            "GatherND" => (i == 1 && at + 1 < from.len()).then_some(at),
            "Concat" | "Split" => other(Some(self.axis("axis", 0, from.len())?)),
            "Softmax" | "LogSoftmax" if self.opset >= 13 => other(Some(self.axis("axis", -1, from.len())?)),
            "ArgMax" | "ArgMin" => self.kept(at, from, &[self.axis("axis", 0, from.len())?])?,
            name if name.starts_with("Reduce") => match reduced_axes(self, from.len())? {
                Some(axes) => self.kept(at, from, &axes)?,
                None => Some(at),
            },
            "Scan" => None,
            "Slice" => return self.sliced(from, extent, &to),
            _ if self.is_elementwise() => (to.len() + at).checked_sub(from.len()),
            _ => None,
        };
        let same = moved.filter(|&axis| to.get(axis) == Some(&from[at]));
        Ok(same.map(|axis| Extent { axis, count: extent.count, filled: false }))
    }

    /// Where an axis is after a reduction of others.
    fn kept(&self, at: usize, from: &[usize], axes: &[usize]) -> Step<Option<usize>> {
        let keeps = self.attributes().flag("keepdims")?.unwrap_or(true);
        let gone = if keeps { 0 } else { axes.iter().filter(|&&a| a < at).count() };
        Ok((!axes.contains(&at) && at < from.len()).then(|| at - gone))
    }

    /// A slice of other axes, or of the first entries of this one.
    fn sliced(&mut self, from: &[usize], extent: Extent, to: &[usize]) -> Step<Option<Extent>> {
        let numbers = |i: usize, name: &str| -> Step<Option<Vec<i64>>> {
            if self.opset < 10 {
                return Ok(self.attributes().ints(name)?.map(<[i64]>::to_vec));
            }
            if self.operand(i).is_none() { Ok(None) } else { self.known_ints(i).map(Some) }
        };
        let starts = numbers(1, "starts")?.unwrap_or_default();
        let ends = numbers(2, "ends")?.unwrap_or_default();
        let axes = numbers(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = numbers(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
        let Some(own) = axes.iter().position(|&a| axis(a, from.len()) == Some(extent.axis)) else {
            return Ok(Some(Extent { filled: false, ..extent }));
        };
        // An end that is counted from behind would be counted from the last entry that is meant.
        if starts[own] != 0 || steps[own] != 1 || ends[own] < 0 {
            return Ok(None);
        }
        let most = to[extent.axis] as f64;
        let count = self.map("count", &[extent.count], |x| x[0].min(x[0].literal(most)))?;
        Ok(Some(Extent { axis: extent.axis, count, filled: false }))
    }

    /// Whether the node became operators on each element alone.
    fn is_elementwise(&self) -> bool {
        let is_elementwise = |op: &Op| match op {
            Op::Map(_) | Op::Add(_) | Op::Mul(_) | Op::Clamp(_) | Op::Quantize(_) | Op::Dequantize(_) => true,
            Op::Transpose(op) => op.perm.iter().copied().eq(0..op.perm.len()),
            _ => false,
        };
        self.made().next().is_some() && self.made().all(is_elementwise)
    }
}
