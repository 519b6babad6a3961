//! Pointers to the corner of what a block works on: `x_k = &x[64 * row + 2 * k]`, so that its accesses are short,
//! `x_k[1]`. An anchor is itself the position of an access, which the verifier has proven to lie in the buffer in every
//! iteration of the loops around it; so no pointer is ever formed outside.

use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Expr, ExprData, Index, KernelData, Loop, Param, Stmt};

/// A position of a parameter with a name.
#[derive(Clone, Debug)]
pub(super) struct Anchor {
    /// The pointer's name; empty until it is declared.
    pub(super) name: String,
    /// The buffer.
    pub(super) param: Param,
    /// Where it points: the least position among the block's accesses that differ only in a constant.
    pub(super) index: Index,
    /// The accesses of the block that it serves.
    pub(super) accesses: Vec<Index>,
    /// The first statement of the block that needs it.
    pub(super) first: usize,
}

impl Anchor {
    /// The anchor's name and the distance to an access, if the access is a constant number of elements ahead.
    pub(super) fn reach(&self, param: Param, index: &Index) -> Option<(&str, i64)> {
        let rest = index.affine.constant - self.index.affine.constant;
        (self.param == param && alike(&self.index, index) && rest >= 0).then_some((&*self.name, rest))
    }

    /// The innermost counter that moves it.
    pub(super) fn innermost(&self) -> Option<Loop> {
        let ring = self.index.ring.iter().flat_map(|ring| &ring.row.terms);
        self.index.affine.terms.iter().chain(ring).map(|t| t.1).max_by_key(|l| l.index())
    }
}

/// Whether two positions differ only in a constant.
fn alike(a: &Index, b: &Index) -> bool {
    a.affine.terms == b.affine.terms && a.ring == b.ring && a.dynamic.is_none() && b.dynamic.is_none()
}

/// The candidates of one block, in the order of their first use: what moves and is accessed more than once by its own
/// statements, those of inner blocks aside.
pub(super) fn candidates(kernel: &KernelData, block: &[Stmt]) -> Vec<Anchor> {
    let mut anchors: Vec<Anchor> = Vec::new();
    for (position, stmt) in block.iter().enumerate() {
        let mut found = Vec::new();
        match stmt {
            Stmt::Let { value, .. } | Stmt::Assign { value, .. } => loads(kernel, *value, &mut found),
            Stmt::Store { param, index, value } => {
                loads(kernel, *value, &mut found);
                found.push((*param, index));
            }
            Stmt::If { condition, .. } => loads(kernel, *condition, &mut found),
            Stmt::For { .. } | Stmt::Break | Stmt::Fail { .. } => {}
        }
        for (param, index) in found {
            match anchors.iter_mut().find(|a| a.param == param && alike(&a.index, index)) {
                Some(anchor) => {
                    anchor.accesses.push(index.clone());
                    if index.affine.constant < anchor.index.affine.constant {
                        anchor.index = index.clone();
                    }
                }
                None => anchors.push(Anchor {
                    name: String::new(),
                    param,
                    index: index.clone(),
                    accesses: vec![index.clone()],
                    first: position,
                }),
            }
        }
    }
    anchors.retain(|a| a.accesses.len() > 1 && a.innermost().is_some());
    anchors
}

fn loads<'a>(kernel: &'a KernelData, expr: Expr, found: &mut Vec<(Param, &'a Index)>) {
    match &kernel.exprs[expr] {
        ExprData::Literal(_) | ExprData::Var(_) | ExprData::Affine(_) => {}
        ExprData::Load { param, index, .. } => {
            if let Some(dynamic) = &index.dynamic {
                loads(kernel, dynamic.value, found);
            }
            found.push((*param, index));
        }
        ExprData::Unary { value, .. } | ExprData::Convert { value, .. } | ExprData::Bits { value, .. } => {
            loads(kernel, *value, found);
        }
        ExprData::Binary { left, right, .. } => {
            [left, right].into_iter().for_each(|&e| loads(kernel, e, found))
        }
        ExprData::Select { condition, then, otherwise } => {
            [condition, then, otherwise].into_iter().for_each(|&e| loads(kernel, e, found));
        }
        ExprData::Packed { args, .. } => args.iter().for_each(|&e| loads(kernel, e, found)),
    }
}
