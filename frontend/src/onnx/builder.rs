//! The graph under construction and what each ONNX tensor name has become in it.

use super::extent::Extent;
use super::minifloat::Minifloat;
use super::proto::FunctionProto;
use super::{code, tensor};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tinyc_ir::entity::Entity;
use tinyc_ir::wording::grouped;
use tinyc_ir::{DType, Def, Diagnostic, Graph, Op, Origin, Quant, Tensor, TensorType, Value};

/// What a tensor name stands for.
#[derive(Clone)]
pub(super) enum Slot {
    /// A value that is computed or supplied at run time, or made of constants by nodes.
    Value(Value),
    /// Known numbers; they become values of the graph when an operator takes them, with the meaning that it gives them.
    Constant(Arc<Tensor>),
    /// The result of something that failed and was reported.
    Unknown,
}

/// Builds the graph. Every value it makes is checked for its size, and has a name of its own.
pub(super) struct Builder {
    pub(super) graph: Graph,
    /// Every ONNX tensor that is known by now.
    pub(super) slots: BTreeMap<String, Slot>,
    /// Names of the model's outputs: each of them gets a value of that very name.
    pub(super) outputs: BTreeSet<String>,
    /// What the node being imported has to say although it is understood; without a place.
    pub(super) warnings: Vec<Diagnostic>,
    /// The values that are meant in part only.
    pub(super) extents: BTreeMap<Value, Extent>,
    /// The folder for external data.
    pub(super) base_dir: Option<std::path::PathBuf>,
    /// The version of each operator set by domain; inside a function, the function's own.
    pub(super) opsets: BTreeMap<String, i64>,
    /// The functions of the model.
    pub(super) functions: Vec<Arc<FunctionProto>>,
    /// How many nodes bodies and functions have come to, and how deep they are nested here.
    pub(super) inlined: usize,
    pub(super) depth: usize,
    names: BTreeSet<String>,
    /// Bytes of the constants that operators made so far, at most [`tensor::MADE_BYTES`].
    made: usize,
    /// Whether each value is known at compile time: made of constants alone, or without elements.
    fixed: Vec<bool>,
    /// The values that stand for a constant tensor, by its name: one for each quantisation it is read with.
    constants: BTreeMap<String, Vec<Value>>,
    /// Narrow values and what stands for them in arithmetic.
    pub(super) widened: BTreeMap<Value, Value>,
    /// Tensors that are stored as integers and mean floats of 8 or 4 bits.
    pub(super) minifloats: BTreeMap<String, Minifloat>,
    /// The numbers of values made of constants, as far as they were needed.
    computed: RefCell<BTreeMap<Value, Arc<Tensor>>>,
}

impl Builder {
    /// A builder that keeps clear of `names`, all tensor names of the model.
    pub(super) fn new(name: String, names: BTreeSet<String>) -> Self {
        Self {
            graph: Graph::new(name),
            slots: BTreeMap::new(),
            outputs: BTreeSet::new(),
            warnings: Vec::new(),
            extents: BTreeMap::new(),
            base_dir: None,
            opsets: BTreeMap::new(),
            functions: Vec::new(),
            inlined: 0,
            depth: 0,
            names,
            made: 0,
            fixed: Vec::new(),
            constants: BTreeMap::new(),
            widened: BTreeMap::new(),
            minifloats: BTreeMap::new(),
            computed: RefCell::default(),
        }
    }

    /// Says what the elements of a tensor mean, if they are floats of 8 or 4 bits.
    pub(super) fn mark(&mut self, name: &str, format: Option<Minifloat>) {
        if let Some(format) = format {
            self.minifloats.insert(name.to_owned(), format);
        }
    }

    /// Adds an input of the model.
    pub(super) fn input(&mut self, name: &str, ty: TensorType) {
        self.fixed.push(ty.shape.elements() == 0);
        let value = self.graph.input(name, ty);
        self.slots.insert(name.to_owned(), Slot::Value(value));
    }

    /// A name that nothing else has: `wish`, or `wish_2` and so on.
    pub(super) fn unique(&mut self, wish: &str) -> String {
        let mut name = wish.to_string();
        let mut number = 2;
        while !self.names.insert(name.clone()) {
            name = format!("{wish}_{number}");
            number += 1;
        }
        name
    }

    /// Whether a value is known at compile time: it is made of constants alone, or has no elements.
    pub(super) fn is_fixed(&self, value: Value) -> bool {
        self.fixed[value.index()]
    }

    /// The value of a model's constant, read with a quantisation or without.
    pub(super) fn constant(
        &mut self,
        name: &str,
        tensor: &Arc<Tensor>,
        quant: Option<Quant>,
    ) -> Result<Value, Diagnostic> {
        let known = self.constants.get(name).map_or(&[][..], Vec::as_slice);
        if let Some(&value) = known.iter().find(|&&v| self.graph.ty(v).quant == quant) {
            return Ok(value);
        }
        let spelling = if known.is_empty() { name.to_string() } else { self.unique(name) };
        let value = self.new_constant(spelling, Arc::clone(tensor), quant)?;
        self.constants.entry(name.to_string()).or_default().push(value);
        Ok(value)
    }

    /// Takes note of a constant that an operator is about to make, and returns its number of elements.
    pub(super) fn make(&mut self, dims: &[usize], dtype: DType) -> Result<usize, Diagnostic> {
        let elements = tensor::checked_elements(dims, dtype)?;
        let bytes = dtype.bytes_of(elements).unwrap_or(usize::MAX);
        let all = self.made.saturating_add(bytes);
        if all > tensor::MADE_BYTES {
            let message =
                format!("a constant {dtype}{dims:?} of {} bytes is too large", grouped(bytes as u64));
            let before = match self.made {
                0 => String::new(),
                made => format!(", {} of which others have", grouped(made as u64)),
            };
            let most = grouped(tensor::MADE_BYTES as u64);
            return Err(Diagnostic::error(code::TENSOR_SIZE, message)
                .note(format!("constants that operators make may have {most} bytes together{before}; a microcontroller has less"))
                .help("compute it in smaller pieces, or make the tensor an input"));
        }
        self.made = all;
        Ok(elements)
    }

    /// A new constant of the given name, which must be free.
    pub(super) fn new_constant(
        &mut self,
        name: String,
        tensor: Arc<Tensor>,
        quant: Option<Quant>,
    ) -> Result<Value, Diagnostic> {
        let ty = TensorType { dtype: tensor.dtype(), shape: tensor.shape.clone(), quant };
        check_size(&ty)?;
        let value = self.graph.constant(name, ty, tensor);
        self.fixed.push(true);
        Ok(value)
    }

    /// Adds a node. Without a type, the operator infers it.
    pub(super) fn node(
        &mut self,
        op: Op,
        inputs: &[Value],
        name: String,
        ty: Option<TensorType>,
        origin: Origin,
    ) -> Result<Value, Diagnostic> {
        let refused = |e: tinyc_ir::op::TypeError| Diagnostic::error(code::SHAPE, e.message);
        let ty = match ty {
            Some(ty) => ty,
            None => op.infer(&self.graph.types(inputs)).map_err(refused)?,
        };
        check_size(&ty)?;
        let fixed = ty.shape.elements() == 0 || inputs.iter().all(|&v| self.is_fixed(v));
        let value = self.graph.node_typed(op, inputs, name, ty, origin).map_err(refused)?;
        self.fixed.push(fixed);
        Ok(value)
    }

    /// The numbers behind a value that is known at compile time; computed when first asked for.
    pub(super) fn numbers(&self, value: Value) -> Option<Arc<Tensor>> {
        if !self.is_fixed(value) {
            return None;
        }
        let mut computed = self.computed.borrow_mut();
        let mut needed = BTreeSet::new();
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            if !computed.contains_key(&value)
                && needed.insert(value)
                && self.graph.ty(value).shape.elements() > 0
                && let Some((_, node)) = self.graph.node_of(value)
            {
                open.extend(&node.inputs);
            }
        }
        // Values are in topological order.
        for value in needed {
            let tensor = match (&self.graph.values[value].def, self.graph.node_of(value)) {
                (Def::Const(tensor), _) => Arc::clone(tensor),
                _ if self.graph.ty(value).shape.elements() == 0 => {
                    Arc::new(Tensor::without_elements(self.graph.ty(value)))
                }
                (_, Some((_, node))) => {
                    let arguments: Vec<_> =
                        node.inputs.iter().map(|v| (self.graph.ty(*v), &*computed[v])).collect();
                    if node.op.failure(&arguments).is_some() {
                        return None;
                    }
                    Arc::new(node.op.eval(&arguments, self.graph.ty(value)))
                }
                (Def::Input | Def::Node(..), None) => return None,
            };
            computed.insert(value, tensor);
        }
        computed.get(&value).cloned()
    }
}

/// A value has at most [`tensor::MAX_BYTES`], in at most [`tensor::MAX_RANK`] dimensions.
fn check_size(ty: &TensorType) -> Result<(), Diagnostic> {
    tensor::checked_elements(&ty.shape, ty.dtype).map(|_| ())
}
