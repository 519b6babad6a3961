//! `Einsum`: operands joined two at a time, by one product of matrices or, where nothing is summed, element by element.
//!
//! Not here: the equation's text. Sums that concern one operand alone are made first; of the pairs that are left, the one
//! with the smallest result comes first.

use super::equation::{Equation, Label};
use super::matmul;
use crate::onnx::code;
use crate::onnx::context::{Context, Step};
use std::collections::{BTreeMap, BTreeSet};
use tinyc_ir::op::reduce::ReduceKind;
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Diagnostic, Value};

/// Operands up to this number are joined in the best order, more of them in theirs.
const MOST_ORDERED: usize = 16;

/// A value with a label for each of its axes; no two are equal, and none has size 1.
#[derive(Clone)]
struct Term {
    value: Value,
    labels: Vec<Label>,
}

/// `Einsum x, …`
pub(super) fn einsum(cx: &mut Context<'_, '_>) -> Step<()> {
    let text = cx.attributes().string("equation")?;
    let text =
        text.ok_or_else(|| Diagnostic::error(code::ATTRIBUTE, "Einsum needs the attribute equation"))?;
    let operands = cx.plain_all()?;
    let ranks: Vec<usize> = operands.iter().map(|&x| cx.dims(x).len()).collect();
    let equation = Equation::read(&text, &ranks)?;
    let dtype = cx.ty(operands[0]).dtype;
    let same = dtype != DType::Bool && operands.iter().all(|&x| cx.ty(x).dtype == dtype);
    cx.require(same, "the operands of Einsum have one type of numbers")?;
    let sizes = sizes(cx, &operands, &equation)?;
    let mut terms = Vec::new();
    for (&x, labels) in operands.iter().zip(&equation.terms) {
        let x = if dtype.size() < 4 { cx.map("wide", &[x], |x| x[0].wide())? } else { x };
        terms.push(diagonal(cx, x, labels, &sizes)?);
    }
    for i in 0..terms.len() {
        let others = terms.iter().enumerate().filter(|&(j, _)| i != j).map(|(_, t)| t);
        let needed = needed(others, &equation.result);
        terms[i] = summed(cx, terms[i].clone(), &needed)?;
    }
    while terms.len() > 1 {
        let (i, j) = next_pair(&terms, &equation.result, &sizes);
        let (b, a) = (terms.remove(j), terms.remove(i));
        let needed = needed(terms.iter(), &equation.result);
        let joined = join(cx, [a, b], &needed, &equation.result)?;
        terms.insert(0, joined);
    }
    let Term { value, labels } = terms.remove(0);
    let order: Vec<usize> =
        equation.result.iter().filter_map(|label| labels.iter().position(|l| l == label)).collect();
    let y = cx.transpose(value, &order)?;
    let shape: Vec<usize> = equation.result.iter().map(|label| sizes[label]).collect();
    let y = cx.reshape(y, &shape)?;
    let y = cx.map_to(y, dtype)?;
    cx.give(0, y)
}

/// The size that each label stands for. An axis of size 1 goes with any.
fn sizes(cx: &Context<'_, '_>, operands: &[Value], equation: &Equation) -> Step<BTreeMap<Label, usize>> {
    let mut sizes = BTreeMap::new();
    for (&x, labels) in operands.iter().zip(&equation.terms) {
        for (&size, label) in cx.dims(x).iter().zip(labels) {
            let known = sizes.entry(*label).or_insert(size);
            let fits = *known == size || *known == 1 || size == 1;
            cx.require(
                fits,
                format!("one letter of Einsum stands for {known} and for {}", counted(size, "element")),
            )?;
            *known = size.max(*known);
        }
    }
    Ok(sizes)
}

/// The labels that something else still asks for.
fn needed<'t>(others: impl Iterator<Item = &'t Term>, result: &[Label]) -> BTreeSet<Label> {
    others.flat_map(|t| &t.labels).chain(result).copied().collect()
}

/// An operand without axes of size 1, and with the diagonal where labels occur twice.
fn diagonal(
    cx: &mut Context<'_, '_>,
    x: Value,
    labels: &[Label],
    sizes: &BTreeMap<Label, usize>,
) -> Step<Term> {
    let (dims, strides) = (cx.dims(x), cx.ty(x).shape.strides());
    let mut axes: Vec<(Label, i64)> = Vec::new();
    for ((&label, &size), stride) in labels.iter().zip(&dims).zip(strides) {
        if size == 1 {
            continue;
        }
        match axes.iter_mut().find(|(l, _)| *l == label) {
            Some((_, sum)) => *sum += stride as i64,
            None => axes.push((label, stride as i64)),
        }
    }
    let shape: Vec<usize> = axes.iter().map(|(l, _)| sizes[l]).collect();
    let twice = shape.iter().product::<usize>() != dims.iter().product::<usize>();
    let value = match twice {
        true => cx.strided(x, shape, axes.iter().map(|(_, stride)| *stride).collect(), 0)?,
        false => cx.reshape(x, &shape)?,
    };
    Ok(Term { value, labels: axes.into_iter().map(|(label, _)| label).collect() })
}

/// A term without the axes that nothing needs.
fn summed(cx: &mut Context<'_, '_>, term: Term, needed: &BTreeSet<Label>) -> Step<Term> {
    let axes: Vec<usize> = (0..term.labels.len()).filter(|&i| !needed.contains(&term.labels[i])).collect();
    if axes.is_empty() {
        return Ok(term);
    }
    let (dims, value) = (cx.dims(term.value), cx.reduce(term.value, ReduceKind::Sum, &axes)?);
    let kept = || (0..dims.len()).filter(|i| !axes.contains(i));
    let value = cx.reshape(value, &kept().map(|i| dims[i]).collect::<Vec<_>>())?;
    Ok(Term { value, labels: kept().map(|i| term.labels[i]).collect() })
}

/// The two terms that are joined next, in order.
fn next_pair(terms: &[Term], result: &[Label], sizes: &BTreeMap<Label, usize>) -> (usize, usize) {
    let count = terms.len();
    if count > MOST_ORDERED {
        return (0, 1);
    }
    let pairs = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j)));
    let cost = |&(i, j): &(usize, usize)| {
        let others = terms.iter().enumerate().filter(|&(k, _)| k != i && k != j).map(|(_, t)| t);
        let needed = needed(others, result);
        let labels: BTreeSet<Label> = terms[i].labels.iter().chain(&terms[j].labels).copied().collect();
        labels.intersection(&needed).fold(1usize, |n, label| n.saturating_mul(sizes[label]))
    };
    pairs.min_by_key(cost).unwrap_or((0, 1))
}

/// The product of two terms, summed over what both have and nothing needs.
fn join(
    cx: &mut Context<'_, '_>,
    [a, b]: [Term; 2],
    needed: &BTreeSet<Label>,
    result: &[Label],
) -> Step<Term> {
    let common = |label: &&Label| b.labels.contains(label);
    let (batch, sum): (Vec<Label>, Vec<Label>) =
        a.labels.iter().filter(common).partition(|label| needed.contains(label));
    if sum.is_empty() {
        return multiply(cx, &a, &b);
    }
    // The operand with the result's last axis gives the columns.
    let last = result.iter().rev().find(|l| a.labels.contains(l) != b.labels.contains(l));
    let [a, b] = if last.is_some_and(|l| a.labels.contains(l)) { [b, a] } else { [a, b] };
    let own = |term: &Term| -> Vec<Label> {
        term.labels.iter().copied().filter(|l| !batch.contains(l) && !sum.contains(l)).collect()
    };
    let (rows, columns) = (own(&a), own(&b));
    let dims_of = |cx: &Context<'_, '_>, term: &Term, labels: &[Label]| -> Vec<usize> {
        let dims = cx.dims(term.value);
        labels.iter().filter_map(|l| term.labels.iter().position(|t| t == l)).map(|i| dims[i]).collect()
    };
    let size = |dims: &[usize]| dims.iter().product::<usize>();
    let outer = dims_of(cx, &a, &batch);
    let (rows_dims, columns_dims) = (dims_of(cx, &a, &rows), dims_of(cx, &b, &columns));
    let depth = size(&dims_of(cx, &a, &sum));
    let left = ordered(cx, &a, &[&batch[..], &rows, &sum].concat())?;
    let right = ordered(cx, &b, &[&batch[..], &sum, &columns].concat())?;
    let left = cx.reshape(left, &[size(&outer), size(&rows_dims), depth])?;
    let right = cx.reshape(right, &[size(&outer), depth, size(&columns_dims)])?;
    let value = match outer.is_empty() {
        true => matmul::matrices(cx, left, right)?,
        false => cx.product(left, right)?,
    };
    let value = cx.reshape(value, &[outer, rows_dims, columns_dims].concat())?;
    Ok(Term { value, labels: [batch, rows, columns].concat() })
}

/// A term's value with its axes in the order of some labels.
fn ordered(cx: &mut Context<'_, '_>, term: &Term, labels: &[Label]) -> Step<Value> {
    let perm: Vec<usize> = labels.iter().filter_map(|l| term.labels.iter().position(|t| t == l)).collect();
    cx.transpose(term.value, &perm)
}

/// The product element by element: axes of `a`, then those that only `b` has.
fn multiply(cx: &mut Context<'_, '_>, a: &Term, b: &Term) -> Step<Term> {
    let only: Vec<Label> = b.labels.iter().copied().filter(|l| !a.labels.contains(l)).collect();
    let labels = [&a.labels[..], &only].concat();
    let (a_dims, b_dims) = (cx.dims(a.value), cx.dims(b.value));
    let left = cx.reshape(a.value, &[a_dims, vec![1; only.len()]].concat())?;
    let right = ordered(cx, b, &labels)?;
    let size = |label: &Label| b.labels.iter().position(|l| l == label).map_or(1, |i| b_dims[i]);
    let right = cx.reshape(right, &labels.iter().map(size).collect::<Vec<_>>())?;
    let value = cx.map("product", &[left, right], |x| x[0] * x[1])?;
    Ok(Term { value, labels })
}
