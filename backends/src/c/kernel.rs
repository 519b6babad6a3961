//! Kernels of the loop IR as static C functions: signatures, statements, loops.

use super::doc::Doc;
use super::expr::{Piece, Printer, address, call_doc};
use super::helper::Helpers;
use super::names::Names;
use super::scalar::{memory_type, value_type};
use std::collections::BTreeSet;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{
    Access, Affine, BinaryOp, Bound, Expr, ExprData, Index, Kernel, KernelData, Literal, Loop, Param,
    Program, Scalar, Stmt, Var,
};

/// A kernel in C, but for its name.
#[derive(Debug)]
pub(super) struct Function {
    /// Which kernel.
    pub(super) kernel: Kernel,
    /// Whether it returns an `int`: 0, or the code of a `fail`.
    pub(super) fails: bool,
    /// The parameters' declarations.
    pub(super) params: Vec<Doc>,
    /// What stands between the braces.
    pub(super) body: String,
}

/// All kernels that some layer calls, in the program's order.
pub(super) fn functions(program: &Program, helpers: &mut Helpers) -> Vec<Function> {
    let called: BTreeSet<Kernel> = program.calls.iter().map(|c| c.kernel).collect();
    called.into_iter().map(|kernel| function(kernel, &program.kernels[kernel], helpers)).collect()
}

fn function(id: Kernel, kernel: &KernelData, helpers: &mut Helpers) -> Function {
    let mut names = Names::local(helpers.prefix());
    let params: Vec<String> = kernel.params.values().map(|p| names.fresh(&p.name)).collect();
    let vars: Vec<String> = kernel.vars.values().map(|v| names.fresh(&v.name)).collect();
    let declarations =
        kernel.params.keys().map(|p| declaration(kernel, p, &params[p.index()], helpers)).collect();
    let facts = Facts::of(kernel);
    let mut writer = Writer {
        kernel,
        facts: &facts,
        printer: Printer::new(kernel, params, vars, helpers),
        names,
        out: String::new(),
        indent: 4,
    };
    for param in kernel.params.keys().filter(|p| !facts.accessed.contains(p)) {
        let line = format!("(void){};", writer.printer.params[param.index()]);
        writer.line(&line.into());
    }
    writer.block(&kernel.body);
    if facts.fails {
        writer.line(&"return 0;".into());
    }
    Function { kernel: id, fails: facts.fails, params: declarations, body: writer.out }
}

/// `const int8_t *restrict x`.
fn declaration(kernel: &KernelData, param: Param, name: &str, helpers: &mut Helpers) -> Doc {
    let data = &kernel.params[param];
    let shares = data.may_alias.is_some() || kernel.params.values().any(|p| p.may_alias == Some(param));
    let constant = if data.access == Access::Read { "const " } else { "" };
    let restrict = if shares { "" } else { "restrict " };
    // In place with another type: the compiler must not conclude from the types that the memory differs.
    let other = data.may_alias.map(|read| kernel.params[read].scalar).filter(|&s| s != data.scalar);
    let ty = match other {
        Some(other) if other.size() > 1 && data.scalar.size() > 1 => helpers.any_type(data.scalar),
        _ => memory_type(data.scalar).to_string(),
    };
    format!("{constant}{ty} *{restrict}{name}").into()
}

/// What must be known about a kernel before its first line.
struct Facts {
    fails: bool,
    accessed: BTreeSet<Param>,
    read: BTreeSet<Var>,
    assigned: BTreeSet<Var>,
}

impl Facts {
    fn of(kernel: &KernelData) -> Self {
        let (mut accessed, mut read) = (BTreeSet::new(), BTreeSet::new());
        for expr in kernel.exprs.values() {
            match expr {
                ExprData::Load { param, .. } => _ = accessed.insert(*param),
                ExprData::Var(var) => _ = read.insert(*var),
                _ => {}
            }
        }
        let mut facts = Self { fails: false, accessed, read, assigned: BTreeSet::new() };
        facts.scan(&kernel.body);
        facts
    }

    fn scan(&mut self, block: &[Stmt]) {
        for stmt in block {
            match stmt {
                Stmt::Let { .. } | Stmt::Break => {}
                Stmt::Assign { var, .. } => _ = self.assigned.insert(*var),
                Stmt::Store { param, .. } => _ = self.accessed.insert(*param),
                Stmt::For { body, .. } => self.scan(body),
                Stmt::If { then, otherwise, .. } => {
                    self.scan(then);
                    self.scan(otherwise);
                }
                Stmt::Fail { .. } => self.fails = true,
            }
        }
    }
}

struct Writer<'a> {
    kernel: &'a KernelData,
    facts: &'a Facts,
    printer: Printer<'a>,
    names: Names,
    out: String,
    indent: usize,
}

impl Writer<'_> {
    fn line(&mut self, doc: &Doc) {
        self.out.extend(std::iter::repeat_n(' ', self.indent));
        self.out.push_str(&doc.render(self.indent));
        self.out.push('\n');
    }

    fn block(&mut self, block: &[Stmt]) {
        for stmt in block {
            self.stmt(stmt);
        }
    }

    fn inside(&mut self, block: &[Stmt]) {
        self.indent += 4;
        self.block(block);
        self.indent -= 4;
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Let { var, value } => self.let_(*var, *value),
            Stmt::Assign { var, value } => self.assign(*var, *value),
            Stmt::Store { param, index, value } => self.store(*param, index, *value),
            Stmt::For { counter, lo, hi, step, body } => self.for_(*counter, lo, hi, *step, body),
            Stmt::If { condition, then, otherwise } => self.if_("", *condition, then, otherwise),
            Stmt::Break => self.line(&"break;".into()),
            Stmt::Fail { code } => self.line(&format!("return {code};").into()),
        }
    }

    fn let_(&mut self, var: Var, value: Expr) {
        let constant = if self.facts.assigned.contains(&var) { "" } else { "const " };
        let name = self.printer.vars[var.index()].clone();
        let ty = value_type(self.kernel.vars[var].scalar);
        let value = self.printer.expr(value);
        self.line(&statement(format!("{constant}{ty} {name} ="), value));
        if !self.facts.read.contains(&var) {
            self.line(&format!("(void){name};").into());
        }
    }

    fn assign(&mut self, var: Var, value: Expr) {
        let name = self.printer.vars[var.index()].clone();
        // `acc = acc + x` reads better as `acc += x`, and is the same for these types.
        if let ExprData::Binary { op, left, right } = &self.kernel.exprs[value]
            && self.kernel.exprs[*left] == ExprData::Var(var)
            && self.kernel.vars[var].scalar != Scalar::Bool
            && let Some(sign) = match op {
                BinaryOp::Add => Some("+="),
                BinaryOp::Sub => Some("-="),
                _ => None,
            }
            && !self.is_negative(*right)
        {
            let right = self.printer.expr(*right);
            self.line(&statement(format!("{name} {sign}"), right));
            return;
        }
        let value = self.printer.expr(value);
        self.line(&statement(format!("{name} ="), value));
    }

    fn is_negative(&self, expr: Expr) -> bool {
        match self.kernel.exprs[expr] {
            ExprData::Literal(Literal::I32(value)) => value < 0,
            ExprData::Literal(Literal::I64(value)) => value < 0,
            _ => false,
        }
    }

    fn store(&mut self, param: Param, index: &Index, value: Expr) {
        let element = self.kernel.params[param].scalar;
        let from = self.printer.scalar(value);
        let target = self.printer.element(param, index);
        let mut piece = self.printer.expr(value);
        if from != element {
            let name = self.printer.helpers.store(element, from);
            let call = call_doc(&name, vec![address(target), piece]);
            self.line(&Doc::Cat(vec![call, ";".into()]));
            return;
        }
        // C computes narrow numbers as ints; what is not already narrow is cut, visibly.
        let narrow = matches!(self.kernel.exprs[value], ExprData::Load { .. } | ExprData::Convert { .. });
        if element.size() < 4 && (!narrow || element == Scalar::Bool) {
            let ty = self.printer.element_type(param);
            let inner = Doc::Group(vec![piece.doc]);
            piece = Piece::primary(Doc::Cat(vec![format!("({ty})(").into(), inner, ")".into()]));
        }
        self.line(&Doc::Cat(vec![target.doc, " = ".into(), piece.doc, ";".into()]));
    }

    fn for_(&mut self, counter: Loop, lo: &Bound, hi: &Bound, step: u32, body: &[Stmt]) {
        let wanted = self.kernel.loops[counter].name.clone();
        let lo = self.bound(lo, false);
        let mut hi_piece = self.bound(hi, true);
        if hi.0.len() > 1 {
            let name = self.names.fresh(&format!("{wanted}_hi"));
            self.line(&statement(format!("const int32_t {name} ="), hi_piece));
            hi_piece = Piece::primary(name);
        }
        // Loops that are not nested share a name; it is free again behind the loop.
        let outer = self.names.clone();
        let name = self.names.fresh(&wanted);
        self.printer.loops[counter.index()] = name.clone();
        let advance = if step == 1 { format!("{name}++") } else { format!("{name} += {step}") };
        let doc = Doc::Cat(vec![
            "for (".into(),
            Doc::Group(vec![
                format!("int32_t {name} = ").into(),
                lo.doc,
                ";".into(),
                Doc::Line,
                format!("{name} < ").into(),
                hi_piece.doc,
                ";".into(),
                Doc::Line,
                advance.into(),
            ]),
            ") {".into(),
        ]);
        self.line(&doc);
        self.inside(body);
        self.line(&"}".into());
        self.names = outer;
    }

    /// The greatest (or least) of the candidates; the constants among them are one.
    fn bound(&mut self, bound: &Bound, upper: bool) -> Piece {
        let constants = bound.0.iter().filter_map(Affine::as_constant);
        let constant = if upper { constants.min() } else { constants.max() };
        let constant = constant.map(|c| self.printer.affine(&Affine::constant(c)));
        let moving = bound.0.iter().filter(|a| a.as_constant().is_none());
        let pieces: Vec<Piece> = constant.into_iter().chain(moving.map(|a| self.printer.affine(a))).collect();
        let mut pieces = pieces.into_iter();
        let first = pieces.next().expect("a bound has at least one candidate");
        pieces.fold(first, |so_far, next| {
            let name = self.printer.helpers.extreme(upper, Scalar::I32);
            Piece::primary(call_doc(&name, vec![so_far, next]))
        })
    }

    fn if_(&mut self, before: &str, condition: Expr, then: &[Stmt], otherwise: &[Stmt]) {
        let condition = self.printer.expr(condition).doc;
        let doc = if then.is_empty() && !otherwise.is_empty() {
            Doc::Cat(vec![format!("{before}if (!(").into(), Doc::Group(vec![condition]), ")) {".into()])
        } else {
            Doc::Cat(vec![format!("{before}if (").into(), Doc::Group(vec![condition]), ") {".into()])
        };
        self.line(&doc);
        if then.is_empty() {
            self.inside(otherwise);
        } else {
            self.inside(then);
            match otherwise {
                [] => {}
                [Stmt::If { condition, then, otherwise }] => {
                    return self.if_("} else ", *condition, then, otherwise);
                }
                _ => {
                    self.line(&"} else {".into());
                    self.inside(otherwise);
                }
            }
        }
        self.line(&"}".into());
    }
}

/// `head value;`
fn statement(head: String, value: Piece) -> Doc {
    Doc::Cat(vec![format!("{head} ").into(), value.doc, ";".into()])
}
