//! What a quantisation has come to, as a page for a browser or a printer: [`Quantization::html`].
//!
//! Plain data and their picture. Who measures fills it in; nothing is computed here but where lines are drawn. The page is one file
//! of HTML with SVG: no script, no reference to another file, light and dark as the reader's system has it.

mod chart;
mod front;
mod histogram;
#[cfg(feature = "cli")]
mod measured;
mod page;

use serde::Serialize;

/// A quantised model, its layers and tensors, and what else could have been chosen.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Quantization {
    /// The model's file, without its folder.
    pub model: String,
    /// What `float` and `integer` are, as a person calls it: `top-1 accuracy`.
    pub metric: String,
    /// Of the float model, as text with its unit; empty for a metric that compares with it.
    pub float: String,
    /// Of the integer model.
    pub integer: String,
    /// On how many samples both were measured.
    pub samples: usize,
    /// Whether none of them was used to choose anything.
    pub unseen: bool,
    /// What else belongs into the summary, in order: a name and a value.
    pub facts: Vec<(String, String)>,
    /// What was done, in order, and how much noise the outputs had after it, in decibels below the signal.
    pub stages: Vec<(String, Option<f64>)>,
    /// The layers with weights, in the order of execution.
    pub layers: Vec<Layer>,
    /// The tensors that are stored as integers.
    pub tensors: Vec<Range>,
    /// Choices of precision, if there was something to choose from.
    pub front: Option<Front>,
}

/// A layer with weights.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Layer {
    /// The ONNX node's name, or its result's.
    pub name: String,
    /// Types of input and weights, such as `i8 × i8`.
    pub precision: String,
    /// How the range of its result was chosen; empty where the operator says it, or nothing was chosen.
    pub method: String,
    /// Signal over noise of its result, in decibels; `None` without noise.
    pub sqnr_db: Option<f64>,
    /// Bytes of its weights.
    pub weight_bytes: u64,
    /// Cycles, if they are known.
    pub cycles: Option<u64>,
}

/// How a tensor is stored.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Range {
    /// The tensor's name.
    pub name: String,
    /// The element's type.
    pub dtype: String,
    /// How the range was chosen; empty where the operator says it.
    pub method: String,
    /// `real = scale · (stored − zero_point)`
    pub scale: f32,
    /// See `scale`.
    pub zero_point: i32,
    /// The least and the greatest number on the calibration samples.
    pub seen: (f32, f32),
    /// The least and the greatest number that can be stored.
    pub range: (f32, f32),
    /// How many numbers fell into each of as many equal parts of `seen`.
    pub histogram: Vec<f64>,
}

/// Choices of which none is better than another in both respects.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Front {
    /// What a choice costs, with its unit: `flash, bytes`.
    pub cost: String,
    /// What it is worth, with its unit: `top-1 accuracy, %`. More is better.
    pub worth: String,
    /// The choices, cheapest first.
    pub points: Vec<Point>,
}

/// One choice.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Point {
    /// What it is called: `int8`, `3 layers int4`.
    pub name: String,
    /// How much it costs.
    pub cost: f64,
    /// How much it is worth.
    pub worth: f64,
    /// Whether it was taken.
    pub chosen: bool,
}

impl Quantization {
    /// The page. The same numbers give the same bytes.
    pub fn html(&self) -> String {
        page::write(self)
    }

    /// The layers with the least signal over noise, the worst first.
    fn worst(&self, count: usize) -> Vec<&Layer> {
        let mut noisy: Vec<(&Layer, f64)> =
            self.layers.iter().filter_map(|layer| Some((layer, layer.sqnr_db?))).collect();
        noisy.sort_by(|a, b| a.1.total_cmp(&b.1));
        noisy.into_iter().take(count).map(|(layer, _)| layer).collect()
    }
}

#[cfg(test)]
mod tests;
