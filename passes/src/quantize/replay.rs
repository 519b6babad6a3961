//! What a calibration has decided, and the same integer graph again from it: without samples, and without deciding anything.

use super::calibrate::{Quantised, layer_name, prepared};
use super::equalize::divided;
use super::integer::build::{Built, build};
use super::integer::parameters::Parameters;
use super::integer::weights::Weights;
use super::plan::{Plan, Precision, Precisions, States};
use super::range::Stored;
use crate::lower::state::Kept;
use std::collections::BTreeMap;
use tinyc_ir::graph::Value;
use tinyc_ir::{DType, Graph};

/// All that was decided, by the names of tensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// Whether states have 16 bits, where their readers allow that.
    pub wide_states: bool,
    /// Exponents of the powers of two by which the channels of what a layer makes are divided.
    pub channels: Vec<(String, Vec<i32>)>,
    /// How tensors are stored, by the first of those that share it.
    pub tensors: Vec<(String, Stored)>,
    /// The layers with weights, in the graph's order.
    pub layers: Vec<Layer>,
}

/// A layer with weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What the user calls it.
    pub name: String,
    /// What it makes: a name that no other layer has.
    pub output: String,
    /// Its precision.
    pub precision: Precision,
    /// Its weights, unless they stay floats.
    pub weights: Option<Weights>,
}

impl Quantised {
    /// What was decided.
    pub fn decided(&self) -> Decided {
        let name = |value: Value| self.float.values[value].name.clone();
        let tensors = self.plan.groups.iter().zip(&self.parameters.groups);
        let layer = |layer: &super::plan::Layer| {
            let own = self.plan.layers.iter().position(|other| other.node == layer.node);
            Layer {
                name: layer_name(&self.float, layer.output).to_owned(),
                output: name(layer.output),
                precision: self.precisions.get(&layer.node).copied().unwrap_or_default(),
                weights: own.map(|at| self.parameters.layers[at].clone()),
            }
        };
        Decided {
            wide_states: self.states.wide,
            channels: self.channels.iter().map(|(value, all)| (name(*value), all.clone())).collect(),
            tensors: tensors.map(|(group, stored)| (name(group.values[0]), *stored)).collect(),
            layers: Plan::of(&self.float, &Precisions::new()).layers.iter().map(layer).collect(),
        }
    }
}

/// The float graph that integers are made of: clamps and pads fused, channels divided. With it, the nearest integers to weights
/// are known.
///
/// # Errors
/// What does not fit the graph, in words.
pub fn divided_float(graph: &Graph, channels: &[(String, Vec<i32>)]) -> Result<Graph, String> {
    let float = prepared(graph);
    let by_name: BTreeMap<&str, Value> = float.values.iter().map(|(v, data)| (&*data.name, v)).collect();
    let known = channels.iter().map(|(name, exponents)| {
        let value = by_name.get(&**name).ok_or_else(|| format!("there is no tensor \"{name}\""))?;
        Ok((*value, exponents.clone()))
    });
    let known = known.collect::<Result<Vec<_>, String>>()?;
    divided(&float, &known).ok_or_else(|| "channels of layers are not those that were divided".into())
}

/// The weights of a layer by the name of what it makes.
pub fn weights_of<'g>(float: &'g Graph, output: &str) -> Option<&'g [f32]> {
    let plan = Plan::of(float, &Precisions::new());
    let layer = plan.layers.iter().find(|layer| float.values[layer.output].name == output)?;
    float.const_of(layer.weight)?.data.as_f32()
}

/// The integer graph of one that keeps some outputs for its next run. Numbers that no calibration makes are refused, whoever wrote them.
///
/// # Errors
/// What does not fit the graph, in words.
pub fn rebuild(graph: &Graph, decided: &Decided, kept: &[Kept], integer_face: bool) -> Result<Built, String> {
    let float = divided_float(graph, &decided.channels)?;
    let name = |value: Value| float.values[value].name.as_str();
    let layers: BTreeMap<&str, &Layer> = decided.layers.iter().map(|l| (&*l.output, l)).collect();
    let all = Plan::of(&float, &Precisions::new()).layers;
    if all.len() != decided.layers.len() {
        return Err(format!("the model has {} layers, not {}", all.len(), decided.layers.len()));
    }
    let own = |output: Value| {
        layers.get(name(output)).ok_or_else(|| format!("nothing is said of layer \"{}\"", name(output)))
    };
    let precisions = all.iter().map(|layer| Ok((layer.node, own(layer.output)?.precision)));
    let states = States { kept: kept.to_vec(), wide: decided.wide_states };
    let plan = Plan::keeping(&float, &precisions.collect::<Result<Precisions, String>>()?, &states);
    let stored: BTreeMap<&str, &Stored> = decided.tensors.iter().map(|(n, s)| (&**n, s)).collect();
    let groups = plan.groups.iter().map(|group| {
        let name = name(group.values[0]);
        let stored = stored.get(name).ok_or_else(|| format!("nothing is said of tensor \"{name}\""))?;
        let (lo, hi) = stored.dtype.int_range().unwrap_or_default();
        let legal = stored.dtype == group.dtype
            && (1e-30..=1e30).contains(&stored.scale)
            && (lo..=hi).contains(&stored.zero_point.into());
        if legal { Ok(**stored) } else { Err(format!("tensor \"{name}\" cannot be stored as it is said")) }
    });
    let groups = groups.collect::<Result<Vec<Stored>, String>>()?;
    let weights = plan.layers.iter().map(|layer| {
        let wrong = || format!("weights of layer \"{}\" are not those of the model", name(layer.output));
        let own = own(layer.output)?;
        let weights = own.weights.as_ref().ok_or_else(wrong)?;
        let wanted = if own.precision == Precision::Int4 { DType::I4 } else { DType::I8 };
        let count = float.ty(layer.weight).shape.elements();
        let channels = float.ty(layer.bias).shape.elements();
        let (least, most) = wanted.int_range().unwrap_or_default();
        let legal = weights.dtype == wanted
            && weights.stored.len() == count
            && weights.stored.iter().all(|&w| (least..=most).contains(&w.into()))
            && weights.scales.len() == channels
            && weights.scales.iter().all(|scale| (1e-37..=1e37).contains(scale))
            && weights.bias.len() == channels
            && weights.bias.iter().all(|b| b.is_finite());
        if legal { Ok(weights.clone()) } else { Err(wrong()) }
    });
    let parameters = Parameters { layers: weights.collect::<Result<_, String>>()?, groups };
    Ok(build(&float, &plan, &parameters, integer_face))
}
