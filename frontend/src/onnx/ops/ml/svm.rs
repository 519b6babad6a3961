//! `SVMClassifier` and `SVMRegressor`: kernels between the features and all support vectors, then products with known
//! matrices.

use super::classes::{Classes, Other, both};
use super::scores::{Transform, single};
use super::trees::features;
use super::votes::{indices, wrong};
use crate::onnx::attribute::unsupported;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use tinyc_ir::op::Dense;
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::{Activation, DType, Diagnostic, Value};

/// The highest whole degree of a polynomial kernel, which is multiplied out.
const MOST_DEGREE: f32 = 16.0;

/// `x · weightᵀ + bias` for a known matrix `[rows, columns]`.
fn dense(cx: &mut Context<'_, '_>, part: &str, x: Value, weight: Vec<f32>, bias: Vec<f32>) -> Step<Value> {
    let (rows, columns) = (bias.len(), cx.dims(x)[1]);
    let weight = cx.floats(&format!("{part}_weights"), &[rows, columns], weight)?;
    let bias = cx.floats(&format!("{part}_bias"), &[rows], bias)?;
    cx.part(part, Dense { act: Activation::NONE }, &[x, weight, bias])
}

/// The kernel of each row of `[N, F]` with each of so many vectors, `[N, count]`. `bias` is added to every product.
fn kernel(cx: &mut Context<'_, '_>, x: Value, vectors: &[f32], count: usize, bias: f32) -> Step<Value> {
    let attributes = cx.attributes();
    let width = cx.dims(x)[1];
    if vectors.len() != count * width {
        let message = format!("{} numbers are given for {count} vectors of {width} features", vectors.len());
        return Err(wrong(message));
    }
    let parameters = attributes.floats("kernel_params")?.unwrap_or_default();
    let parameter = |i: usize, default: f32| parameters.get(i).copied().unwrap_or(default);
    let (gamma, offset, degree) =
        (f64::from(parameter(0, 0.0)), f64::from(parameter(1, 0.0)), parameter(2, 3.0));
    let name = attributes.string("kernel_type")?.unwrap_or_else(|| "LINEAR".into());
    let product = |cx: &mut Context<'_, '_>| dense(cx, "products", x, vectors.to_vec(), vec![bias; count]);
    match name.as_str() {
        "LINEAR" => product(cx),
        "POLY" if degree.fract() == 0.0 && (1.0..=MOST_DEGREE).contains(&degree) => {
            let products = product(cx)?;
            cx.map("kernel", &[products], |x| {
                let base = x[0] * gamma + offset;
                (1..degree as u32).fold(base, |power, _| power * base)
            })
        }
        "POLY" => Err(unsupported("kernel_params", format!("{parameters:?}"), "whole degrees from 1 to 16")),
        "SIGMOID" => {
            let products = product(cx)?;
            cx.map("kernel", &[products], |x| (x[0] * gamma + offset).tanh())
        }
        "RBF" => gaussian(cx, x, vectors, width, gamma),
        _ => Err(unsupported("kernel_type", name, "LINEAR, POLY, RBF, SIGMOID")),
    }
}

/// `exp(−γ |x − v|²)`, the square as `|x|² − 2 x·v + |v|²` around the mean of all vectors, which keeps what cancels small. A
/// tensor of all differences would need as much memory as the vectors.
fn gaussian(cx: &mut Context<'_, '_>, x: Value, vectors: &[f32], width: usize, gamma: f64) -> Step<Value> {
    let rows = || vectors.chunks(width.max(1));
    let count = rows().len();
    let mean = |feature: usize| {
        let sum: f64 = rows().map(|row| f64::from(row[feature])).sum();
        (sum / count.max(1) as f64) as f32
    };
    let means: Vec<f32> = (0..width).map(mean).collect();
    let (mut weights, mut squares) = (Vec::new(), Vec::new());
    for row in rows() {
        let moved = || row.iter().zip(&means).map(|(&v, &mean)| f64::from(v) - f64::from(mean));
        weights.extend(moved().map(|v| (-2.0 * v) as f32));
        squares.push(moved().map(|v| v * v).sum::<f64>() as f32);
    }
    let means = cx.floats("means", &[1, width], means)?;
    let moved = cx.map("moved", &[x, means], |x| x[0] - x[1])?;
    let square = cx.map("squares", &[moved], |x| x[0] * x[0])?;
    let square = cx.reduce(square, ReduceKind::Sum, &[1])?;
    let mixed = dense(cx, "distances", moved, weights, squares)?;
    cx.map("kernel", &[mixed, square], |x| ((x[0] + x[1]).max(x[0].literal(0.0)) * -gamma).exp())
}

/// `SVMRegressor x`: `[N, F]` to `[N, 1]`, f32.
pub(crate) fn regressor(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let transform = Transform::read(attributes)?;
    let one_class = attributes.flag("one_class")?.unwrap_or(false);
    let count = attributes.int("n_supports")?.unwrap_or(0);
    let count = usize::try_from(count).map_err(|_| wrong(format!("there are {count} support vectors")))?;
    let coefficients = attributes.floats("coefficients")?.unwrap_or_default().to_vec();
    let rho = attributes.floats("rho")?.and_then(|rho| rho.first().copied()).unwrap_or(0.0);
    let x = features(cx)?;
    let x = single(cx, x)?;
    let sums = if count == 0 {
        // Coefficients of features.
        cx.require(coefficients.len() == cx.dims(x)[1], "there is a coefficient for each feature")?;
        dense(cx, "sums", x, coefficients, vec![rho])?
    } else {
        if coefficients.len() != count {
            return Err(wrong(format!("{} coefficients are given for {count} vectors", coefficients.len())));
        }
        let vectors = attributes.floats("support_vectors")?.unwrap_or_default();
        let kernel = kernel(cx, x, vectors, count, 0.0)?;
        dense(cx, "sums", kernel, coefficients, vec![rho])?
    };
    let y = match one_class {
        true => cx.map("side", &[sums], |x| {
            let one = x[0].literal(1.0);
            x[0].literal(0.0).lt(x[0]).select(one, -one)
        })?,
        false => transform.apply(cx, sums)?,
    };
    cx.give(0, y)
}

/// `SVMClassifier x`: labels `[N]` by votes of all pairs of classes, and the pairs' sums `[N, pairs]`, f32. Of two classes, both
/// scores, or their probabilities: those of ONNX Runtime stop within 0.003 of these, which are exact.
pub(crate) fn classifier(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let transform = Transform::read(attributes)?;
    let classes = Classes::read(cx)?;
    let sizes = indices("vectors_per_class", attributes.ints("vectors_per_class")?.unwrap_or_default())?;
    let count = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size)).unwrap_or(usize::MAX);
    let coefficients = attributes.floats("coefficients")?.unwrap_or_default();
    let rho = attributes.floats("rho")?.unwrap_or_default();
    let x = features(cx)?;
    let x = single(cx, x)?;
    if count == 0 {
        let rho = rho.first().copied().unwrap_or(0.0);
        cx.require(
            coefficients.len() == classes.count * cx.dims(x)[1],
            "coefficients are for classes and features",
        )?;
        let sums = dense(cx, "sums", x, coefficients.to_vec(), vec![rho; classes.count])?;
        return classes.give(cx, sums, transform);
    }
    let pairs = classes.count * classes.count.saturating_sub(1) / 2;
    let fits = sizes.len() == classes.count && !sizes.contains(&0) && classes.count >= 2;
    if !fits || Some(coefficients.len()) != count.checked_mul(classes.count - 1) || rho.len() != pairs {
        return Err(wrong("vectors_per_class, coefficients, rho and the labels do not go together"));
    }
    let probabilities = [attributes.floats("prob_a")?, attributes.floats("prob_b")?];
    let probabilities = probabilities.map(|p| p.filter(|p| !p.is_empty()));
    if probabilities[0].is_some() && classes.count > 2 {
        return Err(Diagnostic::error(
            code::FORM,
            "probabilities of a support vector machine for more than two classes are not supported",
        )
        .note("they are the limit of up to 100 steps whose number depends on the data")
        .help("train with probability=False and take the label, or calibrate with another model"));
    }
    let vectors = attributes.floats("support_vectors")?.unwrap_or_default();
    let kernel = kernel(cx, x, vectors, count, 0.0)?;
    if classes.count == 2 {
        let sums = dense(cx, "sums", kernel, coefficients.to_vec(), rho.to_vec())?;
        return two_classes(cx, &classes, sums, probabilities, transform);
    }
    let sums = pair_sums(cx, kernel, &sizes, coefficients, rho)?;
    // A pair's vote is 1 for its first class, else for its second.
    let first = cx.map("votes", &[sums], |x| x[0].literal(0.0).lt(x[0]).to(DType::F32))?;
    let mut weights = vec![0.0; classes.count * pairs];
    let mut seconds = vec![0.0; classes.count];
    for (pair, (i, j)) in all_pairs(classes.count).enumerate() {
        weights[i * pairs + pair] = 1.0;
        weights[j * pairs + pair] = -1.0;
        seconds[j] += 1.0;
    }
    let votes = dense(cx, "counts", first, weights, seconds)?;
    let best = cx.reduce(votes, ReduceKind::ArgMax, &[1])?;
    let label = classes.labels(cx, best)?;
    let scores = transform.apply(cx, sums)?;
    cx.give(0, label)?;
    cx.give(1, scores)
}

fn all_pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |i| (i + 1..count).map(move |j| (i, j)))
}

/// For each pair of classes i < j: what the vectors of i add by row j − 1 of the coefficients, and those of j by row i.
fn pair_sums(
    cx: &mut Context<'_, '_>,
    kernel: Value,
    sizes: &[usize],
    coefficients: &[f32],
    rho: &[f32],
) -> Step<Value> {
    let (classes, count) = (sizes.len(), sizes.iter().sum::<usize>());
    let (mut start, mut parts) = (0, Vec::new());
    for &size in sizes {
        let own = cx.slice(kernel, 1, start, size, 1)?;
        let weights = (0..classes - 1).flat_map(|row| &coefficients[row * count + start..][..size]).copied();
        parts.push(dense(cx, "part", own, weights.collect(), vec![0.0; classes - 1])?);
        start += size;
    }
    let parts = cx.concat(&parts, 1)?;
    let at = |class: usize, row: usize| (class * (classes - 1) + row) as i64;
    let first = cx.pick(parts, 1, all_pairs(classes).map(|(i, j)| at(i, j - 1)).collect())?;
    let second = cx.pick(parts, 1, all_pairs(classes).map(|(i, j)| at(j, i)).collect())?;
    let rho = cx.floats("rho", &[1, rho.len()], rho.to_vec())?;
    cx.map("sums", &[first, second, rho], |x| x[0] + x[1] + x[2])
}

/// A sum above zero means the first class.
fn two_classes(
    cx: &mut Context<'_, '_>,
    classes: &Classes,
    sums: Value,
    probabilities: [Option<&[f32]>; 2],
    transform: Transform,
) -> Step<()> {
    let best = cx.map("best", &[sums], |x| x[0].le(x[0].literal(0.0)).to(DType::I64))?;
    let label = classes.labels(cx, best)?;
    let scores = match probabilities {
        [Some(&[a]), Some(&[b])] => {
            let second = cx.map("probability", &[sums], |x| {
                let second = (x[0] * f64::from(a) + f64::from(b)).sigmoid();
                second.max(second.literal(1e-7)).min(second.literal(1.0 - 1e-7))
            })?;
            let scores = both(cx, second, Other::Rest, Transform::None)?;
            transform.apply(cx, scores)?
        }
        [None, None] => {
            let other = match transform {
                Transform::None | Transform::Logistic => Other::Opposite,
                _ => Other::Rest,
            };
            both(cx, sums, other, transform)?
        }
        _ => return Err(wrong("prob_a and prob_b have one element for two classes")),
    };
    cx.give(0, label)?;
    cx.give(1, scores)
}
