//! `map`: one loop over the elements, the formula inside; in place where memory allows.

use super::layer::Layer;
use super::nest::Nest;
use super::{Lowering, Unsupported};
use tinyc_ir::formula::{Formula, Term};
use tinyc_ir::loops::{Affine, BinaryOp, Expr, Literal, PackedOp, Param, Scalar, Var};
use tinyc_ir::wording::counted;
use tinyc_ir::{DType, Node};

/// A formula longer than this is left out of its kernel's comment.
const LONGEST_COMMENT: usize = 60;

/// Lowers a `map`.
pub fn lower(lowering: &mut Lowering<'_>, node: Node, formula: &Formula) -> Result<(), Unsupported> {
    let (inputs, output) = lowering.node_types(node);
    let values = lowering.graph.nodes[node].inputs.clone();
    let buffers: Vec<_> = values.into_iter().map(|v| lowering.buffer(v)).collect();
    let mut strides: Vec<Vec<usize>> =
        inputs.iter().map(|t| t.shape.broadcast_strides(&output.shape)).collect();
    strides.push(output.shape.strides());
    let strides: Vec<&[usize]> = strides.iter().map(Vec::as_slice).collect();
    let nest = Nest::of(&output.shape, &strides);
    let dtypes: Vec<DType> = inputs.iter().map(|t| t.dtype).collect();
    let types = formula.types(&dtypes).expect("checked by the operator");
    let result = lowering.result(node);
    let elements = output.shape.elements();
    let text = formula.to_string();
    let comment = match text.len() {
        0..=LONGEST_COMMENT => format!("{text}, {}", counted(elements, "element")),
        _ => counted(elements, "element"),
    };
    let mut layer = lowering.layer(node, format!("map_{elements}"), comment);
    // An argument may be there for its shape only.
    let used = |i: usize| formula.terms().contains(&Term::Argument(i));
    let params: Vec<Option<Param>> =
        buffers.iter().enumerate().map(|(i, &b)| used(i).then(|| layer.read(&format!("x{i}"), b))).collect();
    let y = layer.write("y", result);
    let fits = |i: &usize| {
        let Some(x) = params[*i] else { return false };
        nest.same(*i, params.len()) && layer.fits_in_place(x, y) && layer.is_ours(x)
    };
    if let Some(x) = (0..params.len()).find(fits).and_then(|i| params[i]) {
        layer.b.may_alias(y, x);
    }
    let emitter = Emitter::new(formula, types);
    nest.each(&mut layer, "i", &mut |layer, at| {
        let value = emitter.emit(layer, &params, at);
        layer.store(y, at[params.len()].clone(), value);
    });
    layer.finish(0);
    Ok(())
}

/// The type in which a register holds elements of a type: i32 for narrow integers, f32 for half floats.
pub fn register(dtype: DType) -> Scalar {
    match dtype {
        _ if dtype.is_half() => Scalar::F32,
        _ if dtype.is_int() && dtype.size() < 4 => Scalar::I32,
        _ => dtype,
    }
}

/// A constant of a type with arithmetic, or bool, from its bits.
pub fn literal(scalar: Scalar, bits: u64) -> Literal {
    match scalar {
        Scalar::Bool => Literal::Bool(bits != 0),
        Scalar::U32 => Literal::U32(bits as u32),
        Scalar::I64 => Literal::I64(bits as i64),
        Scalar::U64 => Literal::U64(bits),
        Scalar::F32 => Literal::F32(f32::from_bits(bits as u32)),
        Scalar::F64 => Literal::F64(f64::from_bits(bits)),
        _ => Literal::I32(bits as i32),
    }
}

struct Emitter<'f> {
    formula: &'f Formula,
    types: Vec<DType>,
    /// How often each term is used by others that are emitted.
    uses: Vec<usize>,
    /// For each term, the two whose product's high word it is.
    high: Vec<Option<[usize; 2]>>,
}

impl<'f> Emitter<'f> {
    fn new(formula: &'f Formula, types: Vec<DType>) -> Self {
        let terms = formula.terms();
        let high: Vec<_> = (0..terms.len()).map(|term| high_word(terms, &types, term)).collect();
        let mut uses = vec![0; terms.len()];
        for at in (0..terms.len()).rev() {
            if uses[at] == 0 && at + 1 < terms.len() {
                continue;
            }
            let operands = high[at].map_or_else(|| terms[at].operands(), |pair| pair.to_vec());
            operands.into_iter().for_each(|x| uses[x] += 1);
        }
        Self { formula, types, uses, high }
    }
}

/// The operands `a` and `b` of `i32(i64(a)·i64(b) >> 32)`, which has an operation of its own.
fn high_word(terms: &[Term], types: &[DType], term: usize) -> Option<[usize; 2]> {
    let Term::Convert(DType::I32, shifted) = terms[term] else { return None };
    let Term::Binary(BinaryOp::Shr, product, amount) = terms[shifted] else { return None };
    let Term::Binary(BinaryOp::WrappingMul, a, b) = terms[product] else { return None };
    let word = |x: usize| match terms[x] {
        Term::Convert(DType::I64, word) => (types[word] == DType::I32).then_some(word),
        _ => None,
    };
    let by_a_word = terms[amount] == Term::Literal(Literal::I64(32));
    by_a_word.then(|| Some([word(a)?, word(b)?]))?
}

impl Emitter<'_> {
    /// The formula's value at one position of each argument. What is used twice comes to a register first.
    fn emit(&self, layer: &mut Layer<'_>, params: &[Option<Param>], at: &[Affine]) -> Expr {
        let terms = self.formula.terms();
        let mut registers: Vec<Option<Var>> = vec![None; terms.len()];
        for term in 0..terms.len() {
            if self.uses[term] > 1 && !matches!(terms[term], Term::Literal(_)) {
                let value = self.term(layer, &registers, params, at, term);
                let value = layer.b.convert(register(self.types[term]), value);
                let name = if matches!(terms[term], Term::Argument(_)) { "v" } else { "t" };
                registers[term] = Some(layer.b.let_(name, value));
            }
        }
        self.value(layer, &registers, params, at, terms.len() - 1)
    }

    fn value(
        &self,
        layer: &mut Layer<'_>,
        registers: &[Option<Var>],
        params: &[Option<Param>],
        at: &[Affine],
        term: usize,
    ) -> Expr {
        match registers[term] {
            Some(var) => {
                let value = layer.b.var(var);
                if self.types[term].is_packed() { value } else { layer.b.convert(self.types[term], value) }
            }
            None => self.term(layer, registers, params, at, term),
        }
    }

    fn term(
        &self,
        layer: &mut Layer<'_>,
        registers: &[Option<Var>],
        params: &[Option<Param>],
        at: &[Affine],
        term: usize,
    ) -> Expr {
        let value = |layer: &mut Layer<'_>, x: usize| self.value(layer, registers, params, at, x);
        if let Some([a, b]) = self.high[term] {
            let words = [value(layer, a), value(layer, b)];
            return layer.b.packed(PackedOp::MulHigh, &words);
        }
        match self.formula.terms()[term] {
            Term::Argument(i) => {
                let x = params[i].expect("used arguments are parameters");
                layer.load(x, at[i].clone())
            }
            Term::Literal(literal) => layer.b.literal(literal),
            Term::Unary(op, x) => {
                let x = value(layer, x);
                layer.b.unary(op, x)
            }
            Term::Binary(op, x, y) => {
                let (x, y) = (value(layer, x), value(layer, y));
                layer.b.binary(op, x, y)
            }
            Term::Bits(to, x) => {
                let x = value(layer, x);
                layer.b.bits(to, x)
            }
            Term::Convert(to, x) => {
                let x = value(layer, x);
                match to.is_packed() {
                    // Where it is stored, the rest of the bits is cut off.
                    true if term + 1 == self.types.len() => x,
                    true if to.is_signed() => layer.extended(x, to),
                    true => layer.masked(x, to),
                    false => layer.b.convert(to, x),
                }
            }
            Term::Select([condition, then, otherwise]) => {
                let condition = value(layer, condition);
                let (then, otherwise) = (value(layer, then), value(layer, otherwise));
                layer.b.select(condition, then, otherwise)
            }
        }
    }
}
