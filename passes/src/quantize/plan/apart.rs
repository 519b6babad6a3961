//! What importers put together for floats, taken apart for integers: products with constant matrices become layers, as the steps of an
//! unrolled recurrent layer have them, with one constant for all steps.
//!
//! A sum of tensors and a constant for each column gives the constant to the layer that it is added to; zeros are left out. Not exact:
//! the bias is summed first.

use std::collections::BTreeMap;
use tinyc_ir::entity::Entity;
use tinyc_ir::formula::{Formula, Term};
use tinyc_ir::graph::{Node, Value};
use tinyc_ir::loops::BinaryOp;
use tinyc_ir::op::{Dense, Map, Reshape};
use tinyc_ir::rewriter::Rewriter;
use tinyc_ir::{Activation, DType, Graph, Op, Tensor, TensorType};

/// The graph with layers in the place of products with constants.
pub fn run(graph: &Graph) -> Graph {
    let uses = graph.use_counts();
    let mut parts = Parts::default();
    Rewriter::run(graph, |rewriter, node| match &graph.nodes[node].op {
        Op::Matmul(_) => parts.product(rewriter, node),
        Op::Map(map) => parts.sum(rewriter, node, &map.f, &uses),
        Op::Reshape(_) => parts.reshaped(rewriter, node, &uses),
        _ => None,
    })
}

/// Dimensions and bits of a constant.
type Content = (Vec<usize>, Vec<u32>);

/// A product that has become a layer.
struct Product {
    x: Value,
    weight: Value,
    bias: Vec<f32>,
}

#[derive(Default)]
struct Parts {
    /// Constants by what is in them: equal ones are one.
    known: BTreeMap<Content, Value>,
    /// Layers made here, by the new value of the product's shape.
    products: BTreeMap<Value, Product>,
}

impl Parts {
    /// `[A, M, K]` times a constant `[1, K, N]`: the layer on `[A·M, K]`.
    fn product(&mut self, rewriter: &mut Rewriter<'_>, node: Node) -> Option<Value> {
        let data = &rewriter.old.nodes[node];
        let (a, b) = (data.inputs[0], data.inputs[1]);
        let tensor = rewriter.old.const_of(b)?;
        if rewriter.old.const_of(a).is_some() || rewriter.ty(node).dtype != DType::F32 {
            return None;
        }
        let numbers = tensor.data.as_f32().filter(|numbers| numbers.iter().all(|x| x.is_finite()))?;
        let &[1, depth, columns] = tensor.shape.dims() else { return None };
        if depth == 0 || columns == 0 || rewriter.ty(node).shape.elements() == 0 {
            return None;
        }
        let turned = (0..depth * columns).map(|at| numbers[at % depth * columns + at / depth]).collect();
        let weight_name = format!("{}/turned", rewriter.old.values[b].name);
        let weight = self.constant(rewriter, &weight_name, &[columns, depth], turned);
        let x = rewriter.value(a);
        self.layer(rewriter, node, Product { x, weight, bias: vec![0.0; columns] })
    }

    /// The layer of a product, in the shape of `node`'s result.
    fn layer(&mut self, rewriter: &mut Rewriter<'_>, node: Node, product: Product) -> Option<Value> {
        let (name, origin, shape) =
            (rewriter.name(node), rewriter.origin(node), rewriter.ty(node).shape.clone());
        let columns = product.bias.len();
        let dims = rewriter.new.ty(product.x).shape.to_vec();
        let depth = *dims.last()?;
        let rows = dims.iter().product::<usize>() / depth;
        let bias = self.constant(rewriter, &format!("{name}/bias"), &[columns], product.bias.clone());
        let flat = flat(rewriter, node, product.x, vec![rows, depth])?;
        let dense = Dense { act: Activation::NONE };
        let made = rewriter
            .new
            .node(dense, &[flat, product.weight, bias], format!("{name}/layer"), origin.clone())
            .ok()?;
        let result = rewriter.new.node(Reshape { shape: shape.to_vec() }, &[made], name, origin).ok()?;
        self.products.insert(result, product);
        Some(result)
    }

    /// A product in another shape, of as many columns, is one.
    fn reshaped(&mut self, rewriter: &mut Rewriter<'_>, node: Node, uses: &[u32]) -> Option<Value> {
        let of = rewriter.old.nodes[node].inputs[0];
        let product = self.products.get(&rewriter.value(of)).filter(|_| uses[of.index()] == 1)?;
        if rewriter.ty(node).shape.last() != Some(&product.bias.len()) {
            return None;
        }
        let product = Product { x: product.x, weight: product.weight, bias: product.bias.clone() };
        self.layer(rewriter, node, product)
    }

    /// A sum of arguments: constants go to a layer, zeros away.
    fn sum(
        &mut self,
        rewriter: &mut Rewriter<'_>,
        node: Node,
        formula: &Formula,
        uses: &[u32],
    ) -> Option<Value> {
        let ty = rewriter.ty(node).clone();
        if ty.dtype != DType::F32 || !is_sum(formula) {
            return None;
        }
        let old = rewriter.old;
        let arguments = &old.nodes[node].inputs;
        let whole = |v: Value| old.ty(v).shape == ty.shape;
        let (constants, rest): (Vec<Value>, Vec<Value>) =
            arguments.iter().partition(|&&v| old.const_of(v).is_some());
        let new: Vec<Value> = rest.iter().map(|&v| rewriter.value(v)).collect();
        let at = (0..rest.len()).find(|&at| {
            self.products.contains_key(&new[at]) && uses[rest[at].index()] == 1 && whole(rest[at])
        });
        let columns = ty.shape.last().copied().unwrap_or(1);
        let mut bias = vec![0.0f32; columns];
        let mut kept: Vec<Value> = Vec::new();
        for &value in &constants {
            let tensor = old.const_of(value)?;
            let numbers = tensor.data.as_f32()?;
            let row = tensor.shape.last() == Some(&columns) && numbers.len() == columns;
            if numbers.iter().all(|x| *x == 0.0) {
                continue;
            }
            match at.is_some() && row {
                true => bias.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x),
                false => kept.push(rewriter.value(value)),
            }
        }
        let into_layer = bias.iter().any(|x| *x != 0.0);
        if rest.is_empty() || !into_layer && kept.len() == constants.len() {
            return None;
        }
        let mut summands = new;
        if let (true, Some(at)) = (into_layer, at) {
            let product = &self.products[&summands[at]];
            let bias = product.bias.iter().zip(&bias).map(|(a, b)| a + b).collect();
            let product = Product { x: product.x, weight: product.weight, bias };
            summands[at] = self.layer(rewriter, node, product)?;
        }
        summands.extend(kept);
        if let &[only] = summands.as_slice() {
            return (rewriter.new.ty(only).shape == ty.shape).then_some(only);
        }
        let mut covered = summands.iter().map(|&v| &rewriter.new.ty(v).shape);
        if !covered.any(|shape| *shape == ty.shape) {
            return None;
        }
        let dtypes = vec![DType::F32; summands.len()];
        let f = Formula::write(&dtypes, |x| x[1..].iter().fold(x[0], |sum, &x| sum + x));
        rewriter.replace(node, Map { f }, &summands).ok()
    }

    /// The constant with these numbers.
    fn constant(
        &mut self,
        rewriter: &mut Rewriter<'_>,
        name: &str,
        dims: &[usize],
        numbers: Vec<f32>,
    ) -> Value {
        let content = (dims.to_vec(), numbers.iter().map(|x| x.to_bits()).collect());
        let new =
            || rewriter.constant(name, TensorType::f32(dims.to_vec()), Tensor::f32(dims.to_vec(), numbers));
        *self.known.entry(content).or_insert_with(new)
    }
}

/// Whether a formula only adds its arguments, each once.
fn is_sum(formula: &Formula) -> bool {
    let sums = formula
        .terms()
        .iter()
        .all(|term| matches!(term, Term::Argument(_) | Term::Binary(BinaryOp::Add, ..)));
    sums && formula.terms().len() > 1 && formula.uses().iter().rev().skip(1).all(|&uses| uses == 1)
}

fn flat(rewriter: &mut Rewriter<'_>, node: Node, x: Value, shape: Vec<usize>) -> Option<Value> {
    if rewriter.new.ty(x).shape.dims() == shape {
        return Some(x);
    }
    let (name, origin) = (format!("{}/rows", rewriter.name(node)), rewriter.origin(node));
    rewriter.new.node(Reshape { shape }, &[x], name, origin).ok()
}
