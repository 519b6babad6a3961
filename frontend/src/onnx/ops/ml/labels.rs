//! `LabelEncoder`, from numbers to numbers: a walk through the sorted keys would need a tree, a few comparisons do.

use super::cuts::Test;
use super::forest::{Branch, Child, Forest};
use super::votes::{reals, wrong};
use crate::onnx::context::{Context, Step};
use crate::onnx::{code, tensor};
use tinyc_ir::op::tree_ensemble::Aggregate;
use tinyc_ir::{DType, Diagnostic, Value};

/// Numbers that an attribute holds.
enum Numbers {
    Ints(Vec<i64>),
    Floats(Vec<f64>),
}

/// Keys or values, by whichever attribute states them.
fn numbers(cx: &Context<'_, '_>, prefix: &str) -> Step<Option<Numbers>> {
    let attributes = cx.attributes();
    if let Some(values) = attributes.ints(&format!("{prefix}_int64s"))? {
        return Ok(Some(Numbers::Ints(values.to_vec())));
    }
    if let Some(values) = attributes.floats(&format!("{prefix}_floats"))? {
        return Ok(Some(Numbers::Floats(values.iter().map(|&v| f64::from(v)).collect())));
    }
    let Some(message) = attributes.tensor(&format!("{prefix}_tensor"))? else { return Ok(None) };
    let data = tensor::read(message, None)?.data;
    Ok(Some(match data.to_ints() {
        Some(ints) => Numbers::Ints(ints),
        None => Numbers::Floats(reals(prefix, &data)?.0),
    }))
}

/// `LabelEncoder x`: for each element, the value whose key it equals, or the default.
pub(crate) fn encoder(cx: &mut Context<'_, '_>) -> Step<()> {
    let text = || {
        Diagnostic::error(code::ELEMENT_TYPE, "LabelEncoder of text is not supported")
            .help("encode labels as integers before training, or leave this node out of the model")
    };
    let keys = numbers(cx, "keys")?.ok_or_else(text)?;
    let values = numbers(cx, "values")?.ok_or_else(text)?;
    let attributes = cx.attributes();
    let (keys, values, default, dtype) = match (keys, values) {
        (keys, Numbers::Ints(values)) => {
            let default = attributes.int("default_int64")?.unwrap_or(-1);
            let exact = |v: i64| v.unsigned_abs() <= 1 << 53;
            if !values.iter().all(|&v| exact(v)) || !exact(default) {
                return Err(wrong("values of LabelEncoder beyond 2^53 are not supported"));
            }
            let values = values.into_iter().map(|v| v as f64).collect::<Vec<f64>>();
            (keys, values, default as f64, DType::I64)
        }
        (keys, Numbers::Floats(values)) => {
            let default = attributes.float("default_float")?.unwrap_or(-0.0);
            (keys, values, f64::from(default), DType::F32)
        }
    };
    let default = match attributes.tensor("default_tensor")? {
        None => default,
        Some(message) => {
            let data = tensor::read(message, None)?.data;
            let ints = data.to_ints().map(|v| v.into_iter().map(|v| v as f64).collect());
            let found = match ints {
                Some(ints) => ints,
                None => reals("default_tensor", &data)?.0,
            };
            *found.first().ok_or_else(|| wrong("default_tensor is empty"))?
        }
    };
    let keys = match keys {
        Numbers::Ints(keys) if keys.iter().all(|k| k.unsigned_abs() <= 1 << 53) => {
            keys.into_iter().map(|k| k as f64).collect()
        }
        Numbers::Ints(_) => return Err(wrong("keys of LabelEncoder beyond 2^53 are not supported")),
        Numbers::Floats(keys) => keys,
    };
    if keys.len() != values.len() {
        return Err(wrong(format!("{} keys are given for {} values", keys.len(), values.len())));
    }
    let x = cx.plain(0)?;
    let y = encode(cx, x, &keys, &values, default, dtype)?;
    cx.give(0, y)
}

/// One tree whose every element is a row: it finds the key in as many steps as the number of keys has bits, twice.
fn encode(
    cx: &mut Context<'_, '_>,
    x: Value,
    keys: &[f64],
    values: &[f64],
    default: f64,
    dtype: DType,
) -> Step<Value> {
    let dtype_of_x = cx.ty(x).dtype;
    if dtype_of_x == DType::Bool || dtype_of_x.is_half() || dtype_of_x.is_packed() {
        return Err(Diagnostic::error(
            code::ELEMENT_TYPE,
            "LabelEncoder encodes integers and floats of 32 or 64 bits",
        ));
    }
    let dims = cx.dims(x);
    let rows = cx.reshape(x, &[dims.iter().product(), 1])?;
    // The last of equal keys counts, as it would in a dictionary.
    let pairs = keys.iter().copied().zip(values.iter().copied());
    let mut sorted: Vec<(f64, f64)> = pairs.filter(|(key, _)| !key.is_nan()).collect();
    sorted.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
    sorted.reverse();
    sorted.dedup_by(|later, kept| later.0 == kept.0);
    sorted.reverse();
    let nan = keys.iter().zip(values).rfind(|(key, _)| key.is_nan()).map(|(_, &value)| value);
    let mut forest = Forest::default();
    let other = leaf(&mut forest, default);
    let inner = grow(&mut forest, &sorted, other);
    forest.roots = vec![match nan {
        // Nothing is a member of nothing, but NaN goes where the test holds.
        Some(value) => {
            let yes = leaf(&mut forest, value);
            branch(&mut forest, Test::Member(Vec::new()), true, yes, inner)
        }
        None => inner,
    }];
    let y = forest.add(cx, rows, DType::F64, 1, Aggregate::Max)?;
    let y = cx.map("value", &[y], |x| x[0].to(dtype))?;
    cx.reshape(y, &dims)
}

fn leaf(forest: &mut Forest, value: f64) -> Child {
    forest.leaves.push(vec![(0, value)]);
    Child::Leaf(forest.leaves.len() - 1)
}

fn branch(forest: &mut Forest, test: Test, missing: bool, yes: Child, no: Child) -> Child {
    forest.nodes.push(Branch { feature: 0, test, missing, yes, no });
    Child::Branch(forest.nodes.len() - 1)
}

/// The tree over sorted keys.
fn grow(forest: &mut Forest, sorted: &[(f64, f64)], other: Child) -> Child {
    match sorted {
        [] => other,
        [(key, value)] => {
            let yes = leaf(forest, *value);
            branch(forest, Test::Equal(*key), false, yes, other)
        }
        _ => {
            let (low, high) = sorted.split_at(sorted.len() / 2);
            let test = Test::AtMost(low[low.len() - 1].0);
            let (yes, no) = (grow(forest, low, other), grow(forest, high, other));
            branch(forest, test, false, yes, no)
        }
    }
}
