//! From a plan with its numbers to a graph: `quantize` and `dequantize` around float operators, of which
//! [`recognize_qdq`] makes integer ones, as it does with models that come that way.

use super::parameters::Parameters;
use super::recognize_qdq;
use crate::graph::fold_dequantize;
use crate::quantize::fixed;
use crate::quantize::plan::{Form, Plan, form};
use crate::quantize::range::Stored;
use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::formula::Formula;
use tinyc_ir::graph::{Def, Node, Value};
use tinyc_ir::op::{Dequantize, Map, Quantize};
use tinyc_ir::rewriter::compact;
use tinyc_ir::{DType, Data, Diagnostics, Graph, Op, Origin, Quant, Tensor, TensorType};

/// A quantised graph.
#[derive(Clone)]
pub struct Built {
    /// The graph.
    pub graph: Graph,
    /// What the user should know of it.
    pub diagnostics: Diagnostics,
    /// For each value of the float graph, the value that stands for it, if one does.
    pub stands_for: Vec<Option<Value>>,
}

/// The graph on integers. Its inputs and outputs are integers where the plan stores them so, if `integer_face`; else floats. What the model keeps
/// between runs is what the plan says.
pub fn build(old: &Graph, plan: &Plan, parameters: &Parameters, integer_face: bool) -> Built {
    let mut builder = Builder {
        old,
        plan,
        parameters,
        new: Graph::new(&old.name),
        real: vec![None; old.values.len()],
        stored: vec![None; old.values.len()],
        rounded: vec![None; old.values.len()],
        weights: BTreeMap::new(),
    };
    for (at, &input) in old.inputs.iter().enumerate() {
        builder.input(input, plan.kept_input(at).unwrap_or(integer_face));
    }
    let layers: BTreeMap<Node, usize> = plan.layers.iter().enumerate().map(|(i, l)| (l.node, i)).collect();
    for node in old.nodes.keys() {
        builder.node(node, layers.get(&node).copied());
    }
    let mut outputs = Vec::with_capacity(old.outputs.len());
    for (at, &output) in old.outputs.iter().enumerate() {
        let integers = match plan.kept_output(at) {
            Some(true) => builder.integers(output),
            Some(false) => None,
            None => builder.stored[output.index()].filter(|_| integer_face && plan.is_stored(old, output)),
        };
        outputs.push(integers.unwrap_or_else(|| builder.real(output)));
    }
    // What stands for floats has a name that no pass changes; what stands for integers may become another value, so the passes see it
    // as an output.
    let floats = |v: Value| builder.real[v.index()].map(|new| builder.new.values[new].name.clone());
    let mut names: Vec<Option<String>> = old.values.keys().map(floats).collect();
    let is_stored: Vec<Value> = old.values.keys().filter(|&v| plan.is_stored(old, v)).collect();
    is_stored.iter().for_each(|v| names[v.index()] = None);
    let stored: Vec<(Value, Value)> =
        is_stored.into_iter().filter_map(|v| Some((v, builder.stored[v.index()]?))).collect();
    let mut graph = builder.new;
    let count = outputs.len();
    graph.outputs = outputs.into_iter().chain(stored.iter().map(|pair| pair.1)).collect();
    let (recognised, diagnostics) = recognize_qdq::run(&compact(&graph));
    let mut graph = fold_dequantize::run(&recognised);
    for (&(was, _), is) in stored.iter().zip(graph.outputs.split_off(count)) {
        names[was.index()] = Some(graph.values[is].name.clone());
    }
    let mut graph = compact(&graph);
    let by_name: BTreeMap<String, Value> =
        graph.values.iter().map(|(value, data)| (data.name.clone(), value)).collect();
    let stands_for = names.into_iter().map(|name| by_name.get(&name?).copied()).collect();
    // The user knows outputs by their old names.
    for (&was, &is) in old.outputs.iter().zip(&graph.outputs.clone()) {
        let name = &old.values[was].name;
        if !by_name.contains_key(name) && matches!(graph.values[is].def, Def::Node(..)) {
            graph.values[is].name.clone_from(name);
        }
    }
    Built { graph, diagnostics, stands_for }
}

/// The greatest size of a stored number of 8 bits less its zero point.
const FACTOR: f64 = 255.0;

struct Builder<'a> {
    old: &'a Graph,
    plan: &'a Plan,
    parameters: &'a Parameters,
    new: Graph,
    /// For each old value, the new one of floats.
    real: Vec<Option<Value>>,
    /// For each old value, the new one of integers.
    stored: Vec<Option<Value>>,
    /// For each old value, the floats that its integers stand for.
    rounded: Vec<Option<Value>>,
    /// Constants of weights that several layers share.
    weights: BTreeMap<Value, (usize, Value)>,
}

impl Builder<'_> {
    fn name(&self, value: Value) -> &str {
        &self.old.values[value].name
    }

    /// The type of a value as integers.
    fn stored_type(&self, value: Value) -> Option<TensorType> {
        let stored = self.parameters.groups[self.plan.group(value)?];
        Some(TensorType::quantized(stored.dtype, self.old.ty(value).shape.clone(), stored.quant()))
    }

    fn input(&mut self, value: Value, integer_face: bool) {
        let (name, ty) = (self.name(value).to_owned(), self.old.ty(value).clone());
        match self.stored_type(value).filter(|_| integer_face) {
            Some(ty) => {
                let stored = self.new.input(name, ty);
                self.stored[value.index()] = Some(stored);
            }
            None => {
                let real = self.new.input(name, ty);
                self.real[value.index()] = Some(real);
            }
        }
    }

    /// The floats of a value.
    fn real(&mut self, value: Value) -> Value {
        if let Some(real) = self.real[value.index()] {
            return real;
        }
        let real = match (self.stored[value.index()], &self.old.values[value].def) {
            (Some(stored), _) => {
                let name = format!("{}/real", self.name(value));
                self.add(Dequantize, &[stored], name, None, Origin::default())
            }
            (None, Def::Const(tensor)) => {
                let (name, ty) = (self.name(value).to_owned(), self.old.ty(value).clone());
                self.new.constant(name, ty, tensor.clone())
            }
            _ => unreachable!("nodes are built in topological order"),
        };
        self.real[value.index()] = Some(real);
        real
    }

    /// The floats that a value's integers stand for: what an operator on integers reads.
    fn rounded(&mut self, value: Value) -> Value {
        if let Some(rounded) = self.rounded[value.index()] {
            return rounded;
        }
        let rounded = match (self.stored[value.index()], self.stored_type(value)) {
            (None, Some(ty)) => {
                // Made as floats, and wanted as both.
                let real = self.real(value);
                let name = self.name(value).to_owned();
                let stored = self.add(Quantize, &[real], format!("{name}/q"), Some(ty), Origin::default());
                self.stored[value.index()] = Some(stored);
                self.add(Dequantize, &[stored], format!("{name}/rounded"), None, Origin::default())
            }
            _ => self.real(value),
        };
        self.rounded[value.index()] = Some(rounded);
        rounded
    }

    /// The integers of a value.
    fn integers(&mut self, value: Value) -> Option<Value> {
        self.rounded(value);
        self.stored[value.index()]
    }

    fn add(
        &mut self,
        op: impl Into<Op>,
        inputs: &[Value],
        name: String,
        ty: Option<TensorType>,
        origin: Origin,
    ) -> Value {
        let result = match ty {
            Some(ty) => self.new.node_typed(op, inputs, name, ty, origin),
            None => self.new.node(op, inputs, name, origin),
        };
        result.expect("the float graph was typed, and quantised types are made legal")
    }

    /// A constant as integers, and the floats that those stand for.
    fn constant(&mut self, name: &str, ty: TensorType, data: Data) -> Value {
        let stored = self.new.constant(format!("{name}/q"), ty.clone(), Tensor::new(ty.shape, data));
        self.add(Dequantize, &[stored], format!("{name}/real"), None, Origin::default())
    }

    fn node(&mut self, node: Node, layer: Option<usize>) {
        let data = self.old.nodes[node].clone();
        let result = data.outputs[0];
        let name = self.name(result).to_owned();
        let ty = self.old.ty(result).clone();
        if !self.plan.is_integer(node) {
            let inputs: Vec<Value> = data.inputs.iter().map(|&v| self.real(v)).collect();
            let real = self.add(data.op, &inputs, name, Some(ty), data.origin);
            self.real[result.index()] = Some(real);
            return;
        }
        let stored = self.stored_type(result).expect("results of integer nodes have a group");
        if form(self.old, node) == Form::Move
            && let Some(x) = self.integers(data.inputs[0])
        {
            let others = data.inputs[1..].iter().map(|&v| self.real(v));
            let inputs: Vec<Value> = [x].into_iter().chain(others).collect();
            let moved = self.add(data.op, &inputs, format!("{name}/q"), Some(stored), data.origin);
            self.stored[result.index()] = Some(moved);
            return;
        }
        if let (Form::Formula, Op::Map(map)) = (form(self.old, node), &data.op)
            && let Some(made) = self.formula(node, &map.f, &stored)
        {
            self.stored[result.index()] = Some(made);
            return;
        }
        if form(self.old, node) == Form::Product
            && let Some(made) = self.product(node, &stored)
        {
            self.stored[result.index()] = Some(made);
            return;
        }
        let inputs: Vec<Value> = match layer {
            Some(layer) => self.layer_inputs(layer),
            None => {
                let whole = (form(self.old, node) == Form::Join).then_some(&stored);
                data.inputs.iter().map(|&v| self.argument(v, whole)).collect()
            }
        };
        let real = self.add(data.op, &inputs, format!("{name}/float"), Some(ty), data.origin.clone());
        let stored = self.add(Quantize, &[real], format!("{name}/q"), Some(stored), data.origin);
        self.stored[result.index()] = Some(stored);
    }

    /// A product of two tensors on their integers, summed in 32 bits; `None` if the sums have no room there.
    fn product(&mut self, node: Node, ty: &TensorType) -> Option<Value> {
        let data = self.old.nodes[node].clone();
        let name = self.name(data.outputs[0]).to_owned();
        let depth = *self.old.ty(data.inputs[0]).shape.last()?;
        let bound = depth as f64 * FACTOR * FACTOR;
        let mut scale = 1.0;
        let mut factors = Vec::new();
        for &input in &data.inputs {
            let numbers = self.old.const_of(input).and_then(|tensor| tensor.data.as_f32());
            let known = numbers.map(|numbers| {
                let range = numbers.iter().fold((0.0f32, 0.0f32), |(lo, hi), &x| (lo.min(x), hi.max(x)));
                let stored = Stored::of(range, DType::I8, true);
                TensorType::quantized(DType::I8, self.old.ty(input).shape.clone(), stored.quant())
            });
            let real = self.argument(input, known.as_ref());
            let factor = self.new.node_of(real)?.1.inputs[0];
            let stored = self.new.ty(factor).clone();
            let (own, zero) = stored.quant.as_ref()?.tensor_wide()?;
            if stored.dtype != DType::I8 {
                return None;
            }
            scale *= f64::from(own);
            let f = Formula::write(&[DType::I8], |x| match x[0].to(DType::I32) {
                wide if zero == 0 => wide,
                wide => wide - f64::from(zero),
            });
            factors.push((f, factor));
        }
        let (own, zero_point) = ty.quant.as_ref()?.tensor_wide()?;
        let f = fixed::rescaled(bound, scale, Stored { dtype: ty.dtype, scale: own, zero_point })?;
        let mut wide = Vec::new();
        for (at, (f, factor)) in factors.into_iter().enumerate() {
            wide.push(self.add(
                Map { f },
                &[factor],
                format!("{name}/factor{at}"),
                None,
                data.origin.clone(),
            ));
        }
        let sums = self.add(data.op, &wide, format!("{name}/sums"), None, data.origin.clone());
        Some(self.add(Map { f }, &[sums], format!("{name}/q"), Some(ty.clone()), data.origin))
    }

    /// A function of elements of several tensors on their integers; `None` if it has no room for its numbers.
    fn formula(&mut self, node: Node, formula: &Formula, ty: &TensorType) -> Option<Value> {
        let data = self.old.nodes[node].clone();
        let mut arguments = Vec::new();
        for (position, &input) in data.inputs.iter().enumerate() {
            let like = self.plan.start(node, position).map(|group| {
                let stored = self.parameters.groups[group];
                TensorType::quantized(stored.dtype, self.old.ty(input).shape.clone(), stored.quant())
            });
            let real = self.argument(input, like.as_ref());
            // What is read is what stands before its `dequantize`.
            arguments.push(self.new.node_of(real)?.1.inputs[0]);
        }
        let stored = |ty: &TensorType| {
            let (scale, zero_point) = ty.quant.as_ref()?.tensor_wide()?;
            Some(Stored { dtype: ty.dtype, scale, zero_point })
        };
        let types: Vec<Stored> = arguments.iter().map(|&v| stored(self.new.ty(v))).collect::<Option<_>>()?;
        let f = fixed::of(formula, &types, stored(ty)?)?;
        let name = format!("{}/q", self.name(data.outputs[0]));
        Some(self.add(Map { f }, &arguments, name, Some(ty.clone()), data.origin))
    }

    /// An argument of arithmetic on integers; a constant part of a joined tensor, or a start of a state, is stored as the `whole` is.
    fn argument(&mut self, value: Value, whole: Option<&TensorType>) -> Value {
        let Some(tensor) = self.old.const_of(value).cloned() else { return self.rounded(value) };
        let values = tensor.data.as_f32().unwrap_or_default();
        let quant = whole.and_then(|ty| Some((ty.dtype, ty.quant.clone()?)));
        let (dtype, quant) = quant.unwrap_or_else(|| {
            // Sixteen bits cost two bytes for each of a few numbers, and lose nothing that counts.
            let range = values.iter().fold((0.0f32, 0.0f32), |(lo, hi), &x| (lo.min(x), hi.max(x)));
            (DType::I16, Stored::of(range, DType::I16, true).quant())
        });
        let ty = TensorType::quantized(dtype, tensor.shape.clone(), quant);
        let name = self.name(value).to_owned();
        let stored = Op::from(Quantize).eval(&[(&TensorType::f32(tensor.shape.clone()), &tensor)], &ty);
        self.constant(&name, ty, stored.data)
    }

    fn layer_inputs(&mut self, index: usize) -> Vec<Value> {
        let layer = &self.plan.layers[index];
        let own = &self.parameters.layers[index];
        let x = self.rounded(layer.input);
        let shared = self.weights.get(&layer.weight).filter(|(first, _)| {
            let first = &self.parameters.layers[*first];
            (first.dtype, &first.scales, &first.stored) == (own.dtype, &own.scales, &own.stored)
        });
        let weight = match shared {
            Some(&(_, weight)) => weight,
            None => {
                let shape = self.old.ty(layer.weight).shape.clone();
                let quant = Quant::per_axis(0, own.scales.clone(), vec![0; own.scales.len()])
                    .expect("scales are made finite and above zero");
                let ty = TensorType::quantized(own.dtype, shape, quant);
                let data = Data::from_ints(own.dtype, own.stored.iter().map(|&q| q.into()));
                let name = self.name(layer.weight).to_owned();
                let weight = self.constant(&name, ty, data);
                self.weights.insert(layer.weight, (index, weight));
                weight
            }
        };
        let name = self.name(layer.bias).to_owned();
        let ty = TensorType::f32([own.bias.len()]);
        let bias = self.new.constant(name, ty, Tensor::f32([own.bias.len()], own.bias.clone()));
        vec![x, weight, bias]
    }
}
