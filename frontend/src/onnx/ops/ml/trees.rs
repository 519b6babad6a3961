//! `TreeEnsembleRegressor`, `TreeEnsembleClassifier` and their successor `TreeEnsemble`.

use super::classes::{Classes, Other};
use super::cuts::Test;
use super::forest::{Branch, Child, Forest};
use super::scores::{self, Transform};
use super::votes::{self, indices, reals, wrong};
use crate::onnx::attribute::unsupported;
use crate::onnx::context::{Context, Step};
use crate::onnx::{code, tensor};
use tinyc_ir::op::tree_ensemble::Aggregate;
use tinyc_ir::{DType, Data, Diagnostic, Value};

/// How leaves' weights are combined: the operator's part, and whether the sum is divided by the number of trees.
fn aggregate(name: &str) -> Step<(Aggregate, bool)> {
    Ok(match name {
        "SUM" => (Aggregate::Sum, false),
        "AVERAGE" => (Aggregate::Sum, true),
        "MIN" => (Aggregate::Min, false),
        "MAX" => (Aggregate::Max, false),
        _ => return Err(unsupported("aggregate_function", name, "SUM, AVERAGE, MIN, MAX")),
    })
}

/// The features `[N, F]`, of numbers.
pub(super) fn features(cx: &mut Context<'_, '_>) -> Step<Value> {
    let x = cx.plain(0)?;
    let ty = cx.ty(x);
    if ty.dtype == DType::Bool || ty.dtype.is_half() || ty.dtype.is_packed() {
        let message = format!("features are integers or floats of 32 or 64 bits, not {}", ty.dtype);
        return Err(Diagnostic::error(code::ELEMENT_TYPE, message));
    }
    match *cx.dims(x) {
        [_, _] => Ok(x),
        [features] => cx.reshape(x, &[1, features]),
        _ => Err(Diagnostic::error(code::SHAPE, format!("features are [N, F], not {}", cx.ty(x)))),
    }
}

/// Trees' sums: divided by the number of trees if they are averages, then the base values.
fn finish_sums(
    cx: &mut Context<'_, '_>,
    sums: Value,
    trees: Option<usize>,
    base: Option<&[f64]>,
) -> Step<Value> {
    let base = base.filter(|base| base.iter().any(|&b| b != 0.0));
    let mut inputs = vec![sums];
    if let Some(base) = base {
        inputs.push(scores::floats(cx, "base", cx.ty(sums).dtype, &[1, base.len()], base)?);
    } else if trees.is_none() {
        return Ok(sums);
    }
    cx.map("scores", &inputs, |x| {
        let mean = trees.map_or(x[0], |trees| x[0] / trees as f64);
        base.map_or(mean, |_| mean + x[1])
    })
}

/// Base values for so many results: none, one for each, or one where there is one.
fn base_values(cx: &Context<'_, '_>, count: usize) -> Step<Option<Vec<f64>>> {
    let base = votes::numbers(cx.attributes(), "base_values")?.map(|b| b.0).filter(|b| !b.is_empty());
    match &base {
        Some(base) if base.len() != count => {
            Err(wrong(format!("{} base values are given for {count} results", base.len())))
        }
        _ => Ok(base),
    }
}

/// `TreeEnsembleRegressor x`: `[N, F]` to `[N, n_targets]`, f32.
pub(crate) fn regressor(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let transform = Transform::read(attributes)?;
    let (aggregate, average) =
        aggregate(&attributes.string("aggregate_function")?.unwrap_or_else(|| "SUM".into()))?;
    let count = count(attributes.int("n_targets")?)?;
    let base = base_values(cx, count)?;
    let x = features(cx)?;
    let (forest, dtype) = votes::read(attributes, "target", cx.ty(x).dtype == DType::F64)?;
    require_targets(&forest, count)?;
    let sums = forest.add(cx, x, dtype, count, aggregate)?;
    let sums = finish_sums(cx, sums, average.then_some(forest.roots.len()), base.as_deref())?;
    let sums = scores::single(cx, sums)?;
    let y = transform.apply(cx, sums)?;
    cx.give(0, y)
}

fn count(stated: Option<i64>) -> Step<usize> {
    let stated = stated.unwrap_or(1);
    usize::try_from(stated)
        .ok()
        .filter(|&count| (1..=1 << 20).contains(&count))
        .ok_or_else(|| unsupported("n_targets", stated, "1 to 1048576"))
}

fn require_targets(forest: &Forest, count: usize) -> Step<()> {
    match forest.leaves.iter().flatten().find(|entry| entry.0 >= count) {
        Some((target, _)) => Err(wrong(format!("a weight is for result {target} of {count}"))),
        None => Ok(()),
    }
}

/// `TreeEnsembleClassifier x`: labels `[N]` and scores `[N, classes]`, f32.
///
/// Of two classes, exporters may write weights for the first only, which stand for the second. A sum above 0 then means the
/// second, or above a half if no weight is negative; the scores are those of both.
pub(crate) fn classifier(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let transform = Transform::read(attributes)?;
    let classes = Classes::read(cx)?;
    let count = classes.count;
    let x = features(cx)?;
    let (forest, dtype) = votes::read(attributes, "class", cx.ty(x).dtype == DType::F64)?;
    require_targets(&forest, count)?;
    let weights = || forest.leaves.iter().flatten();
    if count == 2 && weights().all(|entry| entry.0 == 0) {
        let base = base_values(cx, 1)?;
        let share = weights().all(|entry| entry.1 >= 0.0);
        let sums = forest.add(cx, x, dtype, 1, Aggregate::Sum)?;
        let sums = finish_sums(cx, sums, None, base.as_deref())?;
        let sums = scores::single(cx, sums)?;
        let (border, other) = if share { (0.5, Other::Rest) } else { (0.0, Other::Opposite) };
        return classes.give_binary(cx, sums, border, other, transform);
    }
    let base = base_values(cx, count)?;
    let sums = forest.add(cx, x, dtype, count, Aggregate::Sum)?;
    let sums = finish_sums(cx, sums, None, base.as_deref())?;
    let sums = scores::single(cx, sums)?;
    classes.give(cx, sums, transform)
}

/// `TreeEnsemble x`: `[N, F]` to `[N, n_targets]`, both of one float type.
pub(crate) fn ensemble(cx: &mut Context<'_, '_>) -> Step<()> {
    let attributes = cx.attributes();
    let transform = Transform::numbered(attributes.int("post_transform")?.unwrap_or(0))?;
    let number = attributes.int("aggregate_function")?.unwrap_or(1);
    let name = usize::try_from(number).ok().and_then(|n| ["AVERAGE", "SUM", "MIN", "MAX"].get(n));
    let name = name.ok_or_else(|| unsupported("aggregate_function", number, "0 to 3"))?;
    let (aggregate, average) = aggregate(name)?;
    let count = count(attributes.int("n_targets")?)?;
    let forest = read_ensemble(cx)?;
    require_targets(&forest, count)?;
    let x = features(cx)?;
    let dtype = if cx.ty(x).dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let sums = forest.add(cx, x, dtype, count, aggregate)?;
    let sums = finish_sums(cx, sums, average.then_some(forest.roots.len()), None)?;
    let y = transform.apply(cx, sums)?;
    cx.give(0, y)
}

/// The trees in the attributes of operator set 5.
fn read_ensemble(cx: &Context<'_, '_>) -> Step<Forest> {
    let attributes = cx.attributes();
    let required = |name: &str| {
        let values = attributes.ints(name)?.ok_or_else(|| wrong(format!("attribute {name} is missing")))?;
        indices(name, values)
    };
    let stored = |name: &str| match attributes.tensor(name)? {
        Some(message) => Ok(Some(tensor::read(message, None)?.data)),
        None => Ok::<Option<Data>, Diagnostic>(None),
    };
    let lacks = |name: &str| wrong(format!("attribute {name} is missing"));
    let features = required("nodes_featureids")?;
    let (yes, no) = (required("nodes_truenodeids")?, required("nodes_falsenodeids")?);
    let (yes_leaf, no_leaf) = (required("nodes_trueleafs")?, required("nodes_falseleafs")?);
    let missing = attributes.ints("nodes_missing_value_tracks_true")?.filter(|m| !m.is_empty());
    let modes = stored("nodes_modes")?.ok_or_else(|| lacks("nodes_modes"))?;
    let modes = modes.to_ints().ok_or_else(|| wrong("attribute nodes_modes holds no integers"))?;
    let splits = stored("nodes_splits")?.ok_or_else(|| lacks("nodes_splits"))?;
    let splits = reals("nodes_splits", &splits)?.0;
    let members = match stored("membership_values")? {
        Some(data) => reals("membership_values", &data)?.0,
        None => Vec::new(),
    };
    let targets = required("leaf_targetids")?;
    let weights = stored("leaf_weights")?.ok_or_else(|| lacks("leaf_weights"))?;
    let weights = reals("leaf_weights", &weights)?.0;
    let count = features.len();
    let equal = [&yes, &no, &yes_leaf, &no_leaf].iter().all(|list| list.len() == count)
        && [modes.len(), splits.len()] == [count; 2]
        && missing.is_none_or(|m| m.len() == count);
    if !equal || targets.len() != weights.len() {
        return Err(wrong("the attributes nodes_… or leaf_… have different lengths"));
    }
    let child = |leaf: usize, at: usize| match leaf {
        0 if at < count => Ok(Child::Branch(at)),
        1 if at < targets.len() => Ok(Child::Leaf(at)),
        _ => Err(wrong(format!("a node of the trees leads to {at}, which is not there"))),
    };
    let mut sets = members.split(|v| v.is_nan());
    let mut nodes = Vec::with_capacity(count);
    for i in 0..count {
        let v = splits[i];
        let test = match modes[i] {
            0 => Test::AtMost(v),
            1 => Test::Below(v),
            2 => Test::AtLeast(v),
            3 => Test::Above(v),
            4 => Test::Equal(v),
            5 => Test::Differs(v),
            6 => {
                Test::Member(sets.next().ok_or_else(|| wrong("membership_values has too few sets"))?.to_vec())
            }
            mode => return Err(unsupported("nodes_modes", mode, "0 to 6")),
        };
        nodes.push(Branch {
            feature: features[i],
            test,
            missing: missing.is_some_and(|m| m[i] != 0),
            yes: child(yes_leaf[i], yes[i])?,
            no: child(no_leaf[i], no[i])?,
        });
    }
    let roots = required("tree_roots")?;
    let roots: Step<Vec<Child>> = roots.into_iter().map(|root| child(0, root)).collect();
    let leaves = targets.into_iter().zip(weights).map(|entry| vec![entry]).collect();
    let forest = Forest { nodes, leaves, roots: roots? };
    if forest.roots.is_empty() { Err(wrong("there is no tree")) } else { Ok(forest) }
}
