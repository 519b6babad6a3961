//! What an importer sees of its node: operands, attributes, and the way to add to the graph.

use super::attribute::Attributes;
use super::builder::{Builder, Slot};
use super::code;
use super::proto::NodeProto;
use super::storage::Storage;
use std::sync::Arc;
use tinyc_ir::entity::Entity;
use tinyc_ir::{DType, Data, Def, Diagnostic, Op, Origin, Quant, Tensor, TensorType, Value};

/// A step of an importer: an error needs no place, the driver adds it.
pub(super) type Step<T> = Result<T, Diagnostic>;

/// The error that is never told, because its cause was.
pub(super) fn suffers() -> Diagnostic {
    Diagnostic::error(code::SUFFERS, "an operand failed")
}

/// One ONNX node being imported. An operand may have failed: asking for it ends the import in silence, so importers look
/// at attributes first, and what is wrong with those is told all the same.
pub(super) struct Context<'a, 'm> {
    pub(super) node: &'m NodeProto,
    /// The version of the operator set that the node's domain has.
    pub(super) opset: i64,
    pub(super) build: &'a mut Builder,
    /// How narrow operands and results are treated.
    pub(super) storage: Storage,
    /// The position of the node, or of the one around it, in the model.
    pub(super) index: usize,
    /// How many values there were before this node.
    before: usize,
}

impl<'a, 'm> Context<'a, 'm> {
    pub(super) fn new(node: &'m NodeProto, index: usize, opset: i64, build: &'a mut Builder) -> Self {
        let before = build.graph.values.len();
        let storage = Storage::of(node, build);
        Self { node, opset, build, storage, index, before }
    }

    /// Tells the user something although the node is understood.
    pub(super) fn warn(&mut self, warning: Diagnostic) {
        self.build.warnings.push(warning);
    }

    /// The node's attributes.
    pub(super) fn attributes(&self) -> Attributes<'m> {
        Attributes(self.node)
    }

    /// The name of operand `i`; `None` if it is left out.
    pub(super) fn operand(&self, i: usize) -> Option<&'m str> {
        self.node.input.get(i).map(String::as_str).filter(|name| !name.is_empty())
    }

    fn required(&self, i: usize) -> Step<&'m str> {
        self.operand(i).ok_or_else(|| {
            Diagnostic::error(code::OPERAND_MISSING, format!("{} lacks its input {i}", self.node.op_type()))
        })
    }

    pub(super) fn slot(&self, name: &str) -> Slot {
        self.build.slots.get(name).cloned().unwrap_or(Slot::Unknown)
    }

    /// What operand `i` is, which must be there and known.
    pub(super) fn required_slot(&self, i: usize) -> Step<Slot> {
        match self.slot(self.required(i)?) {
            Slot::Unknown => Err(suffers()),
            slot => Ok(slot),
        }
    }

    /// Operand `i` as a value of the graph; a constant without quantisation.
    pub(super) fn input(&mut self, i: usize) -> Step<Value> {
        let value = self.stored(i)?;
        self.widened(value)
    }

    /// As [`input`](Self::input), in the type in which it is stored.
    fn stored(&mut self, i: usize) -> Step<Value> {
        let name = self.required(i)?;
        match self.slot(name) {
            Slot::Value(value) => Ok(value),
            Slot::Constant(tensor) => self.build.constant(name, &tensor, None),
            Slot::Unknown => Err(suffers()),
        }
    }

    /// Operand `i`, which must be f32.
    pub(super) fn float(&mut self, i: usize) -> Step<Value> {
        let value = self.input(i)?;
        let ty = self.ty(value);
        if ty.dtype != DType::F32 || ty.is_quantized() {
            let message = format!("{} of {} is not supported", self.node.op_type(), ty.dtype);
            let help = match ty.dtype {
                DType::F64 => "re-export the model in float32",
                _ => "supported is f32; quantised models have it between DequantizeLinear and QuantizeLinear",
            };
            return Err(Diagnostic::error(code::ELEMENT_TYPE, message).help(help));
        }
        Ok(value)
    }

    /// Operand `i` of a quantised operator, whose scale and zero point are operands too. A constant is read with that
    /// quantisation; `axis` is where a vector of scales runs along it. A value must have been written with the same.
    pub(super) fn quantised(
        &mut self,
        i: usize,
        scale: usize,
        zero_point: usize,
        axis: Option<usize>,
    ) -> Step<Value> {
        let name = self.required(i)?;
        match self.slot(name) {
            Slot::Constant(tensor) => {
                let quant = self.quant(scale, zero_point, axis, tensor.dtype())?;
                self.build.constant(name, &tensor, Some(quant))
            }
            _ => {
                let value = self.input(i)?;
                let ty = self.ty(value).clone();
                let quant = self.quant(scale, zero_point, axis, ty.dtype)?;
                if ty.quant.as_ref() == Some(&quant) {
                    return Ok(value);
                }
                let message = format!("input {i} {name:?} is read as {quant}, but is {ty}");
                Err(Diagnostic::error(code::QUANTISATION_CONFLICT, message).help(
                    "one tensor has one quantisation; requantise it with DequantizeLinear and QuantizeLinear",
                ))
            }
        }
    }

    /// The quantisation that two operands state for a tensor stored as `dtype`.
    pub(super) fn quant(
        &self,
        scale: usize,
        zero_point: usize,
        axis: Option<usize>,
        dtype: DType,
    ) -> Step<Quant> {
        let scales = self.known(scale)?;
        let Data::F32(values) = &scales.data else {
            let message = format!("scales of element type {} are not supported", scales.dtype());
            return Err(Diagnostic::error(code::SCALE, message).help("supported is f32"));
        };
        let zero_points = match self.operand(zero_point) {
            None => vec![0; values.len()],
            Some(name) => {
                let tensor = self.known(zero_point)?;
                if tensor.dtype() != dtype {
                    let message =
                        format!("zero point {name:?} is {}, but the tensor is {dtype}", tensor.dtype());
                    return Err(Diagnostic::error(code::ZERO_POINT, message)
                        .help("a zero point has the element type of its tensor"));
                }
                let ints = tensor.data.to_ints().unwrap_or_default();
                ints.iter().map(|&v| i32::try_from(v).unwrap_or_default()).collect()
            }
        };
        let quant = match (values.as_slice(), axis) {
            ([scale], _) if zero_points.len() == 1 => Quant::per_tensor(*scale, zero_points[0]),
            (_, Some(axis)) => Quant::per_axis(axis, values.clone(), zero_points),
            (_, None) => {
                let message = format!("{} scales are given where one must serve the tensor", values.len());
                return Err(Diagnostic::error(code::PER_AXIS, message)
                    .help("quantise activations per tensor; only weights and biases may be per axis"));
            }
        };
        quant.map_err(|e| {
            use tinyc_ir::quant::QuantError;
            let code = match e {
                QuantError::Scale { .. } => code::SCALE,
                QuantError::Count { .. } => code::ZERO_POINT,
            };
            Diagnostic::error(code, e.to_string())
        })
    }

    /// The numbers of operand `i`, which must be a constant of the model.
    pub(super) fn known(&self, i: usize) -> Step<Arc<Tensor>> {
        let name = self.required(i)?;
        let numbers = match self.slot(name) {
            Slot::Constant(tensor) => Some(tensor),
            Slot::Value(value) => self.build.numbers(value),
            Slot::Unknown => return Err(suffers()),
        };
        numbers.map(|tensor| self.widened_numbers(tensor)).ok_or_else(|| {
            let message = format!("input {i} {name:?} of {} must be a constant", self.node.op_type());
            Diagnostic::error(code::NOT_CONSTANT, message).help(
                "simplify the model before export, so that this is computed once (onnxsim, constant folding)",
            )
        })
    }

    /// The numbers of operand `i` as integers, which must be a constant of the model.
    pub(super) fn known_ints(&self, i: usize) -> Step<Vec<i64>> {
        let tensor = self.known(i)?;
        tensor.data.to_ints().ok_or_else(|| {
            Diagnostic::error(code::ELEMENT_TYPE, format!("input {i} is {}, not integers", tensor.dtype()))
        })
    }

    /// The numbers of operand `i` as floats, which must be a constant of the model.
    pub(super) fn known_floats(&self, i: usize) -> Step<Vec<f32>> {
        let tensor = self.known(i)?;
        tensor.data.as_f32().map(<[f32]>::to_vec).ok_or_else(|| {
            Diagnostic::error(code::ELEMENT_TYPE, format!("input {i} is {}, not f32", tensor.dtype()))
        })
    }

    /// Fails unless a value is made of constants alone.
    pub(super) fn require_fixed(&self, value: Value, what: &str) -> Step<()> {
        if self.build.is_fixed(value) {
            return Ok(());
        }
        let message = format!("{what} of {} must be known at compile time", self.node.op_type());
        Err(Diagnostic::error(code::NOT_CONSTANT, message))
    }

    /// The type of a value.
    pub(super) fn ty(&self, value: Value) -> &TensorType {
        self.build.graph.ty(value)
    }

    /// The dimensions of a value.
    pub(super) fn dims(&self, value: Value) -> Vec<usize> {
        self.ty(value).shape.to_vec()
    }

    /// The type of a quantised result: storage from its zero point, scale and zero point from operands.
    pub(super) fn quantised_type(
        &self,
        scale: usize,
        zero_point: usize,
        default: DType,
    ) -> Step<(DType, Quant)> {
        let dtype = match self.operand(zero_point) {
            Some(_) => self.known(zero_point)?.dtype(),
            None => default,
        };
        Ok((dtype, self.quant(scale, zero_point, None, dtype)?))
    }

    /// The name of the node's first result.
    pub(super) fn output(&self) -> &'m str {
        self.node.output.first().map_or("", String::as_str)
    }

    /// The name of the first result that has one.
    pub(super) fn label(&self) -> &'m str {
        self.node.output.iter().find(|name| !name.is_empty()).map_or("", String::as_str)
    }

    fn origin(&self) -> Origin {
        let name = if self.node.name().is_empty() { self.label() } else { self.node.name() };
        Origin::onnx(name, u32::try_from(self.index).unwrap_or(u32::MAX))
    }

    fn part_name(&mut self, part: &str) -> String {
        let wish = format!("{}/{part}", self.label());
        self.build.unique(&wish)
    }

    /// Adds a helper node; its value is named after the result with `part` behind it.
    pub(super) fn part(&mut self, part: &str, op: impl Into<Op>, inputs: &[Value]) -> Step<Value> {
        let (name, origin) = (self.part_name(part), self.origin());
        self.build.node(op.into(), inputs, name, None, origin)
    }

    /// Adds a helper node with a result of the given type.
    pub(super) fn part_as(
        &mut self,
        part: &str,
        op: impl Into<Op>,
        inputs: &[Value],
        ty: TensorType,
    ) -> Step<Value> {
        let (name, origin) = (self.part_name(part), self.origin());
        self.build.node(op.into(), inputs, name, Some(ty), origin)
    }

    /// Whether a value was made for this node.
    pub(super) fn is_new(&self, value: Value) -> bool {
        value.index() >= self.before
    }

    /// The operators that the node has become so far.
    pub(super) fn made(&self) -> impl Iterator<Item = &Op> {
        let graph = &self.build.graph;
        let own = graph.values.keys().skip(self.before);
        own.filter_map(|value| graph.node_of(value)).map(|(_, node)| &node.op)
    }

    /// Adds a constant made here.
    pub(super) fn part_constant(&mut self, part: &str, tensor: Tensor, quant: Option<Quant>) -> Step<Value> {
        let name = self.part_name(part);
        self.build.new_constant(name, Arc::new(tensor), quant)
    }

    /// Adds the node that makes the first result.
    pub(super) fn result(&mut self, op: impl Into<Op>, inputs: &[Value]) -> Step<()> {
        self.finish(op.into(), inputs, None)
    }

    /// Adds the node that makes the first result, of the given type.
    pub(super) fn result_as(&mut self, op: impl Into<Op>, inputs: &[Value], ty: TensorType) -> Step<()> {
        self.finish(op.into(), inputs, Some(ty))
    }

    fn finish(&mut self, op: Op, inputs: &[Value], ty: Option<TensorType>) -> Step<()> {
        let result = match &ty {
            Some(ty) => ty.dtype,
            None => op.infer(&self.build.graph.types(inputs)).map_or(DType::Bool, |ty| ty.dtype),
        };
        if self.is_narrowed(result) && ty.as_ref().is_none_or(|ty| !ty.is_quantized()) {
            let origin = self.origin();
            let name = self.part_name("result");
            let value = self.build.node(op, inputs, name, ty, origin)?;
            return self.give(0, value);
        }
        let (name, origin) = (self.output().to_string(), self.origin());
        let value = self.build.node(op, inputs, name, ty, origin)?;
        self.define(Slot::Value(value));
        Ok(())
    }

    /// Says what the first result is.
    pub(super) fn define(&mut self, slot: Slot) {
        let slot = match slot {
            Slot::Constant(tensor) => Slot::Constant(self.narrowed_numbers(tensor)),
            other => other,
        };
        let name = self.output().to_owned();
        self.build.slots.insert(name, slot);
    }

    /// Says that a value is result `i`; one made by this node takes the result's name.
    pub(super) fn give(&mut self, i: usize, value: Value) -> Step<()> {
        let Some(name) = self.node.output.get(i).filter(|name| !name.is_empty()) else { return Ok(()) };
        let original = value;
        let value = self.narrowed(i, value)?;
        let data = &self.build.graph.values[value];
        let own = self.is_new(value) && matches!(data.def, Def::Node(..));
        let unnamed = !self.node.output.contains(&data.name);
        let value = if own && unnamed {
            self.build.graph.values[value].name.clone_from(name);
            value
        } else if self.build.outputs.contains(name.as_str()) {
            // The model's outputs have values of their own names.
            let perm = (0..self.dims(value).len()).collect();
            let origin = self.origin();
            let op = tinyc_ir::op::Transpose { perm };
            self.build.node(op.into(), &[value], name.clone(), None, origin)?
        } else {
            value
        };
        self.share_extent(original, value);
        self.build.slots.insert(name.clone(), Slot::Value(value));
        Ok(())
    }

    /// The first result is operand `i`, unchanged.
    pub(super) fn pass_on(&mut self, i: usize) -> Step<()> {
        let slot = self.slot(self.required(i)?);
        if !self.build.outputs.contains(self.output()) {
            self.define(slot);
            return Ok(());
        }
        // The model's outputs have values of their own names.
        let x = self.stored(i)?;
        let perm = (0..self.dims(x).len()).collect();
        self.result(tinyc_ir::op::Transpose { perm }, &[x])
    }
}
