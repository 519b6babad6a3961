//! The steps that composed operators are made of: each adds nodes and gives the value of the last.
//! Not here: what any ONNX operator means.

use super::attribute::{axis, unsupported};
use super::code;
use super::context::{Context, Step};
use tinyc_ir::formula::{Formula, Number};
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::op::{Concat, Gather, Map, Matmul, Pad, Reduce, Reshape, Strided, Transpose};
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Data, Diagnostic, Shape, Tensor, TensorType, Value};

impl Context<'_, '_> {
    /// Operand `i`, of any type that is not quantised.
    pub(super) fn plain(&mut self, i: usize) -> Step<Value> {
        let value = self.input(i)?;
        if self.ty(value).is_quantized() {
            let message = format!("{} of {} is not supported", self.node.op_type(), self.ty(value));
            return Err(Diagnostic::error(code::ELEMENT_TYPE, message)
                .help("quantised models have it between DequantizeLinear and QuantizeLinear"));
        }
        Ok(value)
    }

    /// All operands, none quantised.
    pub(super) fn plain_all(&mut self) -> Step<Vec<Value>> {
        (0..self.node.input.len()).map(|i| self.plain(i)).collect()
    }

    /// A formula on each element.
    pub(super) fn map(
        &mut self,
        part: &str,
        inputs: &[Value],
        body: impl for<'w> FnOnce(&[Number<'w>]) -> Number<'w>,
    ) -> Step<Value> {
        let dtypes: Vec<DType> = inputs.iter().map(|&v| self.ty(v).dtype).collect();
        let f = Formula::write(&dtypes, body);
        self.part(part, Map { f }, inputs)
    }

    /// Elements in another type; the value itself if they have it.
    pub(super) fn map_to(&mut self, x: Value, dtype: DType) -> Step<Value> {
        if self.ty(x).dtype == dtype { Ok(x) } else { self.map("converted", &[x], |x| x[0].to(dtype)) }
    }

    /// A formula on each element, whose result has the given type: it makes the stored integers of a quantised one.
    pub(super) fn map_as(
        &mut self,
        part: &str,
        inputs: &[Value],
        ty: TensorType,
        body: impl for<'w> FnOnce(&[Number<'w>]) -> Number<'w>,
    ) -> Step<Value> {
        let dtypes: Vec<DType> = inputs.iter().map(|&v| self.ty(v).dtype).collect();
        let f = Formula::write(&dtypes, body);
        self.part_as(part, Map { f }, inputs, ty)
    }

    /// Other dimensions; the value itself if they are the same.
    pub(super) fn reshape(&mut self, x: Value, shape: &[usize]) -> Step<Value> {
        if *self.ty(x).shape == *shape {
            return Ok(x);
        }
        self.part("shape", Reshape { shape: shape.to_vec() }, &[x])
    }

    /// Axes in another order; the value itself if it is the same.
    pub(super) fn transpose(&mut self, x: Value, perm: &[usize]) -> Step<Value> {
        if perm.iter().copied().eq(0..perm.len()) {
            return Ok(x);
        }
        self.part("turned", Transpose { perm: perm.to_vec() }, &[x])
    }

    /// A value with axis `from` moved to the end, or from the end back to `from`.
    pub(super) fn axis_to_end(&mut self, x: Value, from: usize, back: bool) -> Step<Value> {
        let mut perm: Vec<usize> = (0..self.dims(x).len()).collect();
        if back {
            perm.pop().into_iter().for_each(|last| perm.insert(from, last));
        } else {
            let moved = perm.remove(from);
            perm.push(moved);
        }
        self.transpose(x, &perm)
    }

    /// A reduction; reduced axes stay as 1.
    pub(super) fn reduce(&mut self, x: Value, kind: ReduceKind, axes: &[usize]) -> Step<Value> {
        self.part("reduced", Reduce { kind, axes: axes.to_vec() }, &[x])
    }

    /// Elements picked at regular distances.
    pub(super) fn strided(
        &mut self,
        x: Value,
        shape: Vec<usize>,
        strides: Vec<i64>,
        offset: usize,
    ) -> Step<Value> {
        self.part("strided", Strided { shape, strides, offset }, &[x])
    }

    /// `count` elements of an axis from `first` on, `step` apart.
    pub(super) fn slice(
        &mut self,
        x: Value,
        axis: usize,
        first: usize,
        count: usize,
        step: i64,
    ) -> Step<Value> {
        let mut shape = self.dims(x);
        if first == 0 && count == shape[axis] && step == 1 {
            return Ok(x);
        }
        let strides = Shape::new(shape.clone()).strides();
        let offset = first * strides[axis];
        shape[axis] = count;
        let mut strides: Vec<i64> = strides.into_iter().map(|s| s as i64).collect();
        strides[axis] *= step;
        self.strided(x, shape, strides, offset)
    }

    /// A value broadcast to a shape.
    pub(super) fn expand(&mut self, x: Value, shape: &[usize]) -> Step<Value> {
        let own = self.ty(x).shape.clone();
        let target = Shape::new(shape.to_vec());
        if own == target {
            return Ok(x);
        }
        if Shape::broadcast(&own, &target).as_ref() != Some(&target) {
            let message = format!("{} does not broadcast to {target}", self.ty(x));
            return Err(Diagnostic::error(code::SHAPE, message));
        }
        let strides = own.broadcast_strides(&target).into_iter().map(|s| s as i64).collect();
        self.strided(x, shape.to_vec(), strides, 0)
    }

    /// Values one behind the other along an axis.
    pub(super) fn concat(&mut self, xs: &[Value], axis: usize) -> Step<Value> {
        match xs {
            [x] => Ok(*x),
            _ => self.part("joined", Concat { axis }, xs),
        }
    }

    /// Zeros around a value.
    pub(super) fn pad_zeros(&mut self, x: Value, before: Vec<usize>, after: Vec<usize>) -> Step<Value> {
        if before.iter().chain(&after).all(|&n| n == 0) {
            return Ok(x);
        }
        self.part("padded", Pad { before, after, value: 0.0 }, &[x])
    }

    /// Integers made here.
    pub(super) fn ints(
        &mut self,
        part: &str,
        dtype: DType,
        shape: &[usize],
        values: Vec<i64>,
    ) -> Step<Value> {
        self.part_constant(part, Tensor::new(shape.to_vec(), Data::from_ints(dtype, values)), None)
    }

    /// Floats made here.
    pub(super) fn floats(&mut self, part: &str, shape: &[usize], values: Vec<f32>) -> Step<Value> {
        self.part_constant(part, Tensor::f32(shape.to_vec(), values), None)
    }

    /// Known positions along an axis.
    pub(super) fn pick(&mut self, x: Value, axis: usize, positions: Vec<i64>) -> Step<Value> {
        let mut dims = self.dims(x);
        let count = positions.len();
        let i = self.ints("positions", DType::I32, &[1, count], positions)?;
        let split = [dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product()];
        let x = self.reshape(x, &split)?;
        let y = self.part("picked", Gather, &[x, i])?;
        dims[axis] = count;
        self.reshape(y, &dims)
    }

    /// The matrix product of values of at least two dimensions whose outer ones broadcast together.
    pub(super) fn product(&mut self, a: Value, b: Value) -> Step<Value> {
        let (a_dims, b_dims) = (self.dims(a), self.dims(b));
        let (a_outer, a_matrix) = a_dims.split_at(a_dims.len() - 2);
        let (b_outer, b_matrix) = b_dims.split_at(b_dims.len() - 2);
        let outer = Shape::broadcast(&a_outer.to_vec().into(), &b_outer.to_vec().into());
        let Some(outer) = outer.filter(|_| a_matrix[1] == b_matrix[0]) else {
            let message = format!("{} and {} cannot be multiplied", self.ty(a), self.ty(b));
            return Err(Diagnostic::error(code::SHAPE, message));
        };
        let mut flat = |x: Value, own: &[usize], matrix: &[usize]| {
            let batch: usize = own.iter().product();
            if batch == 1 || batch == outer.elements() {
                return self.reshape(x, &[batch, matrix[0], matrix[1]]);
            }
            let all = [outer.dims(), matrix].concat();
            let x = self.expand(x, &all)?;
            self.reshape(x, &[outer.elements(), matrix[0], matrix[1]])
        };
        let (a, b) = (flat(a, a_outer, a_matrix)?, flat(b, b_outer, b_matrix)?);
        let y = self.part("product", Matmul, &[a, b])?;
        self.reshape(y, &[outer.dims(), &[a_matrix[0], b_matrix[1]]].concat())
    }

    /// The axis that an attribute names, negative ones counted from behind.
    pub(super) fn axis(&self, name: &str, default: i64, rank: usize) -> Step<usize> {
        let stated = self.attributes().int(name)?.unwrap_or(default);
        axis(stated, rank)
            .ok_or_else(|| unsupported(name, stated, &format!("an axis of {}", counted(rank, "dimension"))))
    }

    /// Fails with a message about shapes unless the condition holds.
    pub(super) fn require(&self, condition: bool, message: impl Into<String>) -> Step<()> {
        if condition { Ok(()) } else { Err(Diagnostic::error(code::SHAPE, message.into())) }
    }
}
