//! What a lock file looks like: TOML that a person can read, and a program can check.

use super::{hash, rounding};
use serde::{Deserialize, Serialize};
use tinyc_ir::{DType, Graph};
use tinyc_passes::quantize::integer::weights::Weights;
use tinyc_passes::quantize::range::Stored;
use tinyc_passes::quantize::replay::{self, Decided};

/// The whole file. Floats are written with all digits of a double, so they come back as the same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Of the format: [`FORMAT`].
    pub(super) format: u32,
    /// Who wrote it.
    pub(super) tinyc: String,
    /// What was asked for, as on the command line.
    pub(super) options: Vec<String>,
    /// For which core, chip or board precisions were chosen, if anything was limited.
    pub(super) target: Option<String>,
    /// Whether inputs and outputs stay floats.
    pub(super) float_io: bool,
    /// If the model keeps states: 16 if those that are computed have as many bits where their readers allow that, else 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state_bits: Option<u8>,
    pub(super) model: Model,
    pub(super) data: Vec<Data>,
    pub(super) measured: Measured,
    /// Of all that follows, and of the weights that come of it.
    pub(super) sha256: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) channels: Vec<Channels>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tensors: Vec<Tensor>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) layers: Vec<Layer>,
}

/// Bits of wide states, and of others.
const WIDE: u8 = 16;
const NARROW: u8 = 8;

/// How states are stored, if the model keeps any.
pub(super) fn state_bits(model: &Model, decided: &Decided) -> Option<u8> {
    (!model.states.is_empty()).then_some(if decided.wide_states { WIDE } else { NARROW })
}

/// The format that this compiler writes and reads.
pub(super) const FORMAT: u32 = 1;

/// The float model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) file: String,
    /// Of the file and of those with its tensors' data.
    pub(super) sha256: String,
    /// Types of its inputs, `image f32[1,8,8,1]`.
    pub(super) inputs: Vec<String>,
    /// What it keeps between runs, `past=past_next`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) states: Vec<String>,
}

/// A file of samples or labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    /// `calibrate`, `evaluate` or `labels`.
    pub(super) used: String,
    pub(super) file: String,
    pub(super) sha256: String,
}

/// How good the model was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measured {
    pub(super) metric: String,
    pub(super) float: Option<f64>,
    pub(super) integer: f64,
    pub(super) samples: u64,
}

/// Channels that were divided by powers of two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Channels {
    tensor: String,
    exponents: Vec<i32>,
}

/// Tensors that share scale and zero point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tensor {
    name: String,
    /// `i8` or `i16`.
    stored: String,
    scale: f64,
    zero_point: i32,
}

/// A layer with weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layer {
    name: String,
    output: String,
    /// As on the command line.
    precision: String,
    /// Of weights; nothing for a layer on floats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scales: Vec<f64>,
    /// In real numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bias: Vec<f64>,
    /// Where weights are not the nearest integers, see [`rounding`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rounded: Option<String>,
    /// All weights, where that does not do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights: Option<Vec<i8>>,
}

/// The hash of all that was decided, weights as they are stored.
pub(super) fn hash(decided: &Decided) -> String {
    let mut bytes = Vec::new();
    let mut text = |text: &str| bytes.push([text.as_bytes(), &[0]].concat());
    if decided.wide_states {
        text("wide states");
    }
    for (name, exponents) in &decided.channels {
        text(&format!("{name} {exponents:?}"));
    }
    for (name, stored) in &decided.tensors {
        text(&format!("{name} {} {:08x} {}", stored.dtype, stored.scale.to_bits(), stored.zero_point));
    }
    for layer in &decided.layers {
        text(&format!("{} {}", layer.output, layer.precision));
        let Some(weights) = &layer.weights else { continue };
        for number in weights.scales.iter().chain(&weights.bias) {
            text(&format!("{:08x}", number.to_bits()));
        }
        for weight in &weights.stored {
            text(&weight.to_string());
        }
    }
    hash::of_bytes(bytes)
}

/// Layers, tensors and channels of a file.
pub(super) type Parts = (Vec<Channels>, Vec<Tensor>, Vec<Layer>);

/// What was decided of a float graph, as parts of the file.
pub(super) fn parts(graph: &Graph, decided: &Decided) -> Result<Parts, String> {
    let float = replay::divided_float(graph, &decided.channels)?;
    let wide = |all: &[f32]| all.iter().map(|&x| f64::from(x)).collect();
    let channels = decided
        .channels
        .iter()
        .map(|(tensor, exponents)| Channels { tensor: tensor.clone(), exponents: exponents.clone() });
    let tensors = decided.tensors.iter().map(|(name, stored)| Tensor {
        name: name.clone(),
        stored: stored.dtype.to_string(),
        scale: stored.scale.into(),
        zero_point: stored.zero_point,
    });
    let layer = |layer: &replay::Layer| {
        let mut part = Layer {
            name: layer.name.clone(),
            output: layer.output.clone(),
            precision: layer.precision.to_string(),
            scales: Vec::new(),
            bias: Vec::new(),
            rounded: None,
            weights: None,
        };
        let Some(weights) = &layer.weights else { return part };
        (part.scales, part.bias) = (wide(&weights.scales), wide(&weights.bias));
        let nearest = replay::weights_of(&float, &layer.output)
            .map(|real| Weights::nearest(real, &weights.scales, weights.dtype))
            .filter(|nearest| nearest.len() == weights.stored.len());
        match nearest.and_then(|nearest| rounding::told(&weights.stored, &nearest)) {
            Some(text) => part.rounded = (!text.is_empty()).then_some(text),
            None => part.weights = Some(weights.stored.clone()),
        }
        part
    };
    Ok((channels.collect(), tensors.collect(), decided.layers.iter().map(layer).collect()))
}

/// What the parts of a file say of a float graph.
pub(super) fn decided(graph: &Graph, file: &File) -> Result<Decided, String> {
    let channels: Vec<(String, Vec<i32>)> =
        file.channels.iter().map(|part| (part.tensor.clone(), part.exponents.clone())).collect();
    let float = replay::divided_float(graph, &channels)?;
    let narrow = |all: &[f64]| -> Vec<f32> { all.iter().map(|&x| x as f32).collect() };
    let tensors = file.tensors.iter().map(|part| {
        let dtype = [DType::I8, DType::I16].into_iter().find(|d| d.name() == part.stored);
        let dtype = dtype.ok_or_else(|| format!("tensor \"{}\" is neither i8 nor i16", part.name))?;
        let stored = Stored { dtype, scale: part.scale as f32, zero_point: part.zero_point };
        Ok((part.name.clone(), stored))
    });
    let layers = file.layers.iter().map(|part| {
        let precision = part.precision.parse().map_err(|e| format!("layer \"{}\": {e}", part.name))?;
        let mut layer =
            replay::Layer { name: part.name.clone(), output: part.output.clone(), precision, weights: None };
        if part.scales.is_empty() {
            return Ok(layer);
        }
        let (scales, bias) = (narrow(&part.scales), narrow(&part.bias));
        let dtype = match precision {
            tinyc_passes::quantize::plan::Precision::Int4 => DType::I4,
            _ => DType::I8,
        };
        let wrong = || format!("weights of layer \"{}\" are not those of the model", part.name);
        let stored = match &part.weights {
            Some(weights) => weights.clone(),
            None => {
                let real = replay::weights_of(&float, &part.output).ok_or_else(wrong)?;
                if real.len() % scales.len() != 0 {
                    return Err(wrong());
                }
                let nearest = Weights::nearest(real, &scales, dtype);
                rounding::heard(part.rounded.as_deref().unwrap_or_default(), nearest).ok_or_else(wrong)?
            }
        };
        layer.weights = Some(Weights { dtype, scales, stored, bias });
        Ok(layer)
    });
    let wide_states = match file.state_bits {
        None | Some(NARROW) => false,
        Some(WIDE) => true,
        Some(other) => return Err(format!("states have {NARROW} or {WIDE} bits, not {other}")),
    };
    let decided = Decided {
        wide_states,
        channels,
        tensors: tensors.collect::<Result<_, String>>()?,
        layers: layers.collect::<Result<_, String>>()?,
    };
    match hash(&decided) == file.sha256 {
        true => Ok(decided),
        false => Err("what is said of tensors and layers is not what was decided".into()),
    }
}
