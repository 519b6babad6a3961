//! A value of the graph as tensors of the file: its stored numbers or the reals that they mean, in either order of axes.

use super::order::{Order, four, is_same};
use super::unsayable;
use super::writer::{Writer, allow_zero, file_type, int, ints};
use crate::onnx::context::Step;
use crate::onnx::layout::{TO_FIRST, TO_LAST};
use crate::onnx::proto::AttributeProto;
use crate::onnx::tensor;
use tinyc_ir::op::Transpose;
use tinyc_ir::{Activation, DType, Data, Def, Op, Quant, Shape, Tensor, Value};

/// Which tensor of the file stands for a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Form {
    /// Whether it holds reals as f32, not what is stored.
    real: bool,
    order: Order,
}

impl Form {
    /// What the graph has.
    pub(super) const STORED: Self = Self { real: false, order: Order::Last };

    /// What is meant, in an order.
    pub(super) fn real(order: Order) -> Self {
        Self { real: true, order }
    }

    /// What is stored, in an order.
    pub(super) fn stored(order: Order) -> Self {
        Self { real: false, order }
    }
}

/// Beyond this many elements, a chain of reshapes and transposes is not looked through.
const VIEW_ELEMENTS: usize = 1 << 22;

impl Writer<'_> {
    /// The order in which a value is held.
    pub(super) fn order(&self, value: Value) -> Order {
        self.held.order(value)
    }

    /// A value as it is stored.
    pub(super) fn stored(&mut self, value: Value, order: Order) -> Step<String> {
        let form = Form { real: false, order };
        if let Some(name) = self.forms.get(&(value, form)) {
            return Ok(name.clone());
        }
        let data = &self.graph.values[value];
        let name = if let Def::Const(tensor) = &data.def {
            let known = self.forms.keys().any(|(other, form)| *other == value && !form.real);
            let tensor = order.arranged(tensor);
            match known {
                false => {
                    let name = self.name(value).to_owned();
                    self.constant_as(&name, &tensor);
                    name
                }
                true => self.constant(&format!("{}/nchw", data.name), &tensor),
            }
        } else {
            self.rearranged(value, order)?
        };
        self.forms.insert((value, form), name.clone());
        Ok(name)
    }

    /// A computed value in another order than the one in which it is held.
    fn rearranged(&mut self, value: Value, order: Order) -> Step<String> {
        let held = self.order(value);
        let from = self.forms.get(&(value, Form { real: false, order: held })).cloned();
        let from = from.ok_or_else(|| unsayable("a tensor is read before it is made"))?;
        let graph = self.graph;
        let (name, shape) = (&graph.values[value].name, &graph.ty(value).shape);
        if order == Order::Beside {
            let (four, to) = (four(shape), order.shape(shape));
            if is_same(&four) || shape.elements() == 1 {
                let y = self.free(&format!("{name}/beside"));
                return Ok(self.reorder(&from, y, &to));
            }
            let wide = self.free(&format!("{name}/wide"));
            let wide = self.reorder(&from, wide, &four);
            let y = self.free(&format!("{name}/beside"));
            self.helper("Transpose", &[&wide], &y, vec![ints("perm", super::ints(&TO_FIRST))]);
            return Ok(y);
        }
        let to = order.shape(shape);
        let y = match order {
            Order::Last if graph.outputs.contains(&value) && self.name(value) != name => name.clone(),
            Order::Last => self.free(&format!("{name}/nhwc")),
            _ => self.free(&format!("{name}/nchw")),
        };
        // A reshape would not know which axis scales run along.
        let per_axis = graph.ty(value).quant.as_ref().is_some_and(|quant| quant.axis().is_some());
        if is_same(shape) && !per_axis {
            return Ok(self.reorder(&from, y, &to));
        }
        if order == Order::First
            && let Some(base) = self.same_order(value)
        {
            let from = self.stored(base, Order::Last)?;
            return Ok(self.reorder(&from, y, &to));
        }
        let perm = if order == Order::First { TO_FIRST } else { TO_LAST };
        self.helper("Transpose", &[&from], &y, vec![ints("perm", super::ints(&perm))]);
        Ok(y)
    }

    fn reorder(&mut self, x: &str, y: String, shape: &Shape) -> String {
        let dims = Data::I64(super::ints(shape));
        let dims = self.constant(&format!("{y}/shape"), &Tensor::new([shape.rank()], dims));
        self.helper("Reshape", &[x, &dims], &y, allow_zero(shape));
        y
    }

    /// The value below a chain of reshapes and transposes that has the same elements in the order that this one has with
    /// channels first.
    fn same_order(&self, value: Value) -> Option<Value> {
        let graph = self.graph;
        let elements = graph.ty(value).shape.elements();
        if !(1..=VIEW_ELEMENTS).contains(&elements) {
            return None;
        }
        let mut steps: Vec<(Op, Shape)> =
            vec![(Transpose { perm: TO_FIRST.to_vec() }.into(), graph.ty(value).shape.clone())];
        let mut base = value;
        while let Some((_, data)) = graph.node_of(base)
            && matches!(data.op, Op::Reshape(_) | Op::Transpose(_))
            && self.held.same_as(base).is_none()
        {
            base = data.inputs[0];
            steps.push((data.op.clone(), graph.ty(base).shape.clone()));
        }
        if base == value || self.order(base) != Order::Last {
            return None;
        }
        let mut places: Vec<usize> = (0..elements).collect();
        for (op, shape) in steps.iter().rev() {
            if let Op::Transpose(turn) = op {
                places = turn.positions(shape).into_iter().map(|at| places[at]).collect();
            }
        }
        places.iter().enumerate().all(|(i, &at)| i == at).then_some(base)
    }

    /// What a value means, as f32.
    pub(super) fn real(&mut self, value: Value, order: Order) -> Step<String> {
        let ty = self.graph.ty(value);
        if !ty.is_quantized() && !ty.dtype.is_half() {
            return self.stored(value, order);
        }
        let form = Form { real: true, order };
        if let Some(name) = self.forms.get(&(value, form)) {
            return Ok(name.clone());
        }
        let stored = self.stored(value, order)?;
        let real = self.free(&format!("{stored}/real"));
        self.dequantized(value, order, &real)?;
        Ok(real)
    }

    /// Writes the reals of a value under a name.
    pub(super) fn dequantized(&mut self, value: Value, order: Order, real: &str) -> Step<()> {
        let stored = self.stored(value, order)?;
        match self.graph.ty(value).quant.as_ref() {
            Some(_) => {
                let (operands, attributes) = self.quantisation(value, order)?;
                let inputs: Vec<&str> =
                    std::iter::once(&stored).chain(&operands).map(String::as_str).collect();
                self.helper("DequantizeLinear", &inputs, real, attributes);
            }
            None => {
                self.helper("Cast", &[&stored], real, vec![int("to", tensor::element(DType::F32).into())])
            }
        }
        self.forms.insert((value, Form { real: true, order }), real.to_owned());
        Ok(())
    }

    /// Scale and zero point of a quantised value, and the axis along which they run.
    fn quantisation(&mut self, value: Value, order: Order) -> Step<(Vec<String>, Vec<AttributeProto>)> {
        let data = &self.graph.values[value];
        let quant = data.ty.quant.as_ref().ok_or_else(|| unsayable("a plain tensor has no scale"))?;
        let axis = quant.axis().map(|axis| int("axis", super::int(order.axis(axis)))).into_iter().collect();
        if let Some(known) = self.scales.get(&value) {
            return Ok((known.clone(), axis));
        }
        check_scales(quant)?;
        let (label, dtype) = (&data.name, data.ty.dtype);
        let shape = if quant.axis().is_some() { vec![quant.scales().len()] } else { vec![] };
        let scales = Tensor::f32(shape.clone(), quant.scales().to_vec());
        let mut operands = vec![self.constant(&format!("{label}/scale"), &scales)];
        let zeros = quant.zero_points();
        if dtype != DType::I32 {
            let zeros = Data::from_ints(file_type(dtype), zeros.iter().map(|&z| i64::from(z)));
            operands.push(self.constant(&format!("{label}/zero_point"), &Tensor::new(shape, zeros)));
        } else if zeros.iter().any(|&z| z != 0) {
            return Err(unsayable("32-bit integers have the zero point 0"));
        }
        self.scales.insert(value, operands.clone());
        Ok((operands, axis))
    }

    /// Writes `value`, whose reals have the name `real`, as it is stored.
    pub(super) fn quantized(&mut self, value: Value, real: &str) -> Step<()> {
        let (graph, order) = (self.graph, self.order(value));
        let ty = graph.ty(value);
        let name = self.name(value).to_owned();
        match &ty.quant {
            Some(quant) => {
                if ty.dtype == DType::I32 {
                    return Err(unsayable("QuantizeLinear does not make 32-bit integers"));
                }
                let mut real = real.to_owned();
                if file_type(ty.dtype) != ty.dtype {
                    real = self.narrow_range(&real, ty.dtype, quant)?;
                }
                let (operands, attributes) = self.quantisation(value, order)?;
                let inputs: Vec<&str> = std::iter::once(&real).chain(&operands).map(String::as_str).collect();
                self.helper("QuantizeLinear", &inputs, &name, attributes);
            }
            None => self.helper("Cast", &[real], &name, vec![int("to", tensor::element(ty.dtype).into())]),
        }
        self.forms.insert((value, Form { real: false, order }), name);
        Ok(())
    }

    /// Reals within what 2 bits hold, before they are stored in 4.
    fn narrow_range(&mut self, real: &str, dtype: DType, quant: &Quant) -> Step<String> {
        let Some((scale, zero)) = quant.tensor_wide() else {
            return Err(unsayable(
                "2-bit integers with a scale for each index of an axis are not computed in ONNX",
            ));
        };
        let (lo, hi) = dtype.int_range().unwrap_or_default();
        let bound = |stored: i128| (stored as i32 - zero) as f32 * scale;
        Ok(self.clamped(real, Activation { lo: bound(lo), hi: bound(hi) }))
    }

    /// The result of `Relu` or `Clip`.
    pub(super) fn clamped(&mut self, x: &str, act: Activation) -> String {
        let y = self.part("clamped");
        self.clamp_node(x, act, &y);
        y
    }

    /// Adds `Relu` or `Clip` with a result of the given name.
    pub(super) fn clamp_node(&mut self, x: &str, act: Activation, y: &str) {
        if act == Activation::RELU {
            return self.node("Relu", &[x], y, vec![]);
        }
        let mut bound = |part: &str, value: f32, open: f32| match value == open {
            true => String::new(),
            false => self.scalar(part, Data::F32(vec![value])),
        };
        let (lo, hi) = (bound("min", act.lo, f32::NEG_INFINITY), bound("max", act.hi, f32::INFINITY));
        let inputs: Vec<&str> = [x, &lo, &hi].into_iter().collect();
        let count = if hi.is_empty() { if lo.is_empty() { 1 } else { 2 } } else { 3 };
        self.node("Clip", &inputs[..count], y, vec![]);
    }

    /// Writes a value that a float operator makes: `write` adds the operator with a result of the name that it is given;
    /// then come the clamp and what stores it.
    pub(super) fn give_real(
        &mut self,
        value: Value,
        act: Activation,
        write: impl FnOnce(&mut Self, &str) -> Step<()>,
    ) -> Step<()> {
        let ty = self.graph.ty(value);
        let narrow = ty.is_quantized() || ty.dtype.is_half();
        let name = self.name(value).to_owned();
        let clamped = if narrow { self.part("float") } else { name.clone() };
        if act.is_none() {
            write(self, &clamped)?;
        } else {
            let raw = self.part("sum");
            write(self, &raw)?;
            self.clamp_node(&raw, act, &clamped);
        }
        if narrow {
            return self.quantized(value, &clamped);
        }
        self.give_plain(value, name)
    }

    /// Writes a value that an operator on stored numbers makes. Those of a quantised one go through their reals, which say
    /// what they mean.
    pub(super) fn give_stored(
        &mut self,
        value: Value,
        write: impl FnOnce(&mut Self, &str) -> Step<()>,
    ) -> Step<()> {
        let name = self.name(value).to_owned();
        if !self.graph.ty(value).is_quantized() {
            write(self, &name)?;
            return self.give_plain(value, name);
        }
        let numbers = self.part("stored");
        write(self, &numbers)?;
        let real = self.part("real");
        let (operands, attributes) = self.quantisation(value, self.order(value))?;
        let inputs: Vec<&str> = std::iter::once(&numbers).chain(&operands).map(String::as_str).collect();
        self.helper("DequantizeLinear", &inputs, &real, attributes);
        self.quantized(value, &real)
    }

    /// Says that a tensor of the file is a value in the order in which it is held.
    pub(super) fn give_plain(&mut self, value: Value, name: String) -> Step<()> {
        self.forms.insert((value, Form { real: false, order: self.order(value) }), name);
        Ok(())
    }
}

/// Products of scales and stored numbers are floats in the file.
fn check_scales(quant: &Quant) -> Step<()> {
    match quant.scales().iter().find(|scale| !(**scale * 65_536.0).is_finite()) {
        Some(scale) => Err(unsayable(format!("stored numbers of the scale {scale:e} are no floats"))),
        None => Ok(()),
    }
}
