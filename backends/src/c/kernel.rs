//! Kernels of the loop IR as static C functions: signatures, statements, loops.

use super::anchor::{self, Anchor};
use super::doc::{Doc, WIDTH};
use super::expr::Printer;
use super::helper::Helpers;
use super::names::Names;
use super::piece::{Piece, address, call_doc};
use super::scalar::{memory_type, value_type};
use crate::text::facts::Facts;
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
    /// The names of the parameters and of everything declared inside.
    pub(super) names: BTreeSet<String>,
}

/// All kernels that some layer calls, in the program's order. No local name is one of those taken.
pub(super) fn functions(program: &Program, helpers: &mut Helpers, taken: &BTreeSet<String>) -> Vec<Function> {
    let called: BTreeSet<Kernel> = program.calls.iter().map(|c| c.kernel).collect();
    called.into_iter().map(|kernel| function(kernel, &program.kernels[kernel], helpers, taken)).collect()
}

fn function(id: Kernel, kernel: &KernelData, helpers: &mut Helpers, taken: &BTreeSet<String>) -> Function {
    let mut names = Names::local(helpers.prefix(), taken.clone());
    let params: Vec<String> = kernel.params.values().map(|p| names.fresh(&p.name)).collect();
    let targets: Vec<String> = kernel.params.keys().map(|p| target(kernel, p, helpers)).collect();
    let declarations = kernel
        .params
        .keys()
        .map(|p| format!("{}{}{}", targets[p.index()], restrict(kernel, p), params[p.index()]).into())
        .collect();
    let facts = Facts::of(kernel);
    let mut writer = Writer {
        kernel,
        facts: &facts,
        targets,
        all_names: params.iter().cloned().collect(),
        printer: Printer::new(kernel, params, helpers),
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
    Function {
        kernel: id,
        fails: facts.fails,
        params: declarations,
        body: writer.out,
        names: writer.all_names,
    }
}

/// `restrict ` for memory that no other parameter shares.
fn restrict(kernel: &KernelData, param: Param) -> &'static str {
    let shares = kernel.params[param].may_alias.is_some()
        || kernel.params.values().any(|p| p.may_alias == Some(param));
    if shares { "" } else { "restrict " }
}

/// The beginning of a pointer's declaration: `const int8_t *`.
fn target(kernel: &KernelData, param: Param, helpers: &mut Helpers) -> String {
    let data = &kernel.params[param];
    let constant = if data.access == Access::Read { "const " } else { "" };
    // In place with another type: the compiler must not conclude from the types that the memory differs.
    let other = data.may_alias.map(|read| kernel.params[read].scalar).filter(|&s| s != data.scalar);
    let ty = match other {
        Some(other) if other.size() > 1 && data.scalar.size() > 1 => helpers.any_type(data.scalar),
        _ => memory_type(data.scalar).to_string(),
    };
    format!("{constant}{ty} *")
}

struct Writer<'a> {
    kernel: &'a KernelData,
    facts: &'a Facts,
    printer: Printer<'a>,
    /// How a pointer to each parameter is declared.
    targets: Vec<String>,
    /// The names in scope.
    names: Names,
    /// The names ever given.
    all_names: BTreeSet<String>,
    out: String,
    indent: usize,
}

impl Writer<'_> {
    fn line(&mut self, doc: &Doc) {
        self.out.extend(std::iter::repeat_n(' ', self.indent));
        self.out.push_str(&doc.render(self.indent));
        self.out.push('\n');
    }

    fn fresh(&mut self, wanted: &str) -> String {
        let name = self.names.fresh(wanted);
        self.all_names.insert(name.clone());
        name
    }

    fn block(&mut self, block: &[Stmt]) {
        let mut anchors = anchor::candidates(self.kernel, block);
        anchors.retain(|a| self.pays(a));
        let mut anchors = anchors.into_iter().peekable();
        let outside = self.printer.anchors.len();
        for (position, stmt) in block.iter().enumerate() {
            while let Some(anchor) = anchors.next_if(|a| a.first == position) {
                self.anchor(anchor);
            }
            self.stmt(stmt);
        }
        self.printer.anchors.truncate(outside);
    }

    /// Whether the text is shorter with the anchor.
    fn pays(&mut self, anchor: &Anchor) -> bool {
        let name = anchor_name(anchor, &self.printer).len();
        // The type, `*const`, `= &`, brackets and the end.
        let mut with = self.targets[anchor.param.index()].len() + name + 12;
        with += self.printer.element(anchor.param, &anchor.index).doc.flat().len();
        let mut without = 0;
        for access in &anchor.accesses {
            without += self.printer.element(anchor.param, access).doc.flat().len();
            let rest = access.affine.constant - anchor.index.affine.constant;
            with += name + format!("[{rest}]").len();
        }
        with < without
    }

    fn anchor(&mut self, mut anchor: Anchor) {
        let target = self.targets[anchor.param.index()].clone();
        let name = self.fresh(&anchor_name(&anchor, &self.printer));
        let corner = address(self.printer.element(anchor.param, &anchor.index));
        self.line(&statement(format!("{target}const {name} ="), corner));
        anchor.name = name;
        self.printer.anchors.push(anchor);
    }

    /// A block in braces: what it declares ends with it.
    fn inside(&mut self, block: &[Stmt]) {
        let outside = self.names.clone();
        self.indent += 4;
        self.block(block);
        self.indent -= 4;
        self.names = outside;
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
        let ty = value_type(self.kernel.vars[var].scalar);
        let value = self.printer.expr(value);
        let name = self.fresh(&self.kernel.vars[var].name);
        self.printer.vars[var.index()].clone_from(&name);
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
            let inner = piece.doc.grouped();
            piece = Piece::primary(Doc::Cat(vec![format!("({ty})(").into(), inner, ")".into()]));
        }
        let head = Doc::Cat(vec![target.doc, " =".into()]);
        self.line(&Doc::Cat(vec![Doc::hang(head, piece.doc), ";".into()]));
    }

    fn for_(&mut self, counter: Loop, lo: &Bound, hi: &Bound, step: u32, body: &[Stmt]) {
        let wanted = self.kernel.loops[counter].name.clone();
        let mut first = self.bound(lo, false);
        let mut end = self.bound(hi, true);
        // A lower end that is computed takes its line, lest the loop's head be broken.
        let head = 30 + 3 * wanted.len() + first.doc.flat().len() + wanted.len() + 4;
        if lo.0.len() > 1 && self.indent + head > WIDTH {
            first = self.end(&format!("{wanted}_first"), first);
        }
        if hi.0.len() > 1 {
            end = self.end(&format!("{wanted}_end"), end);
        }
        // Loops that are not nested share a name; it is free again behind the loop.
        let outer = self.names.clone();
        let name = self.fresh(&wanted);
        self.printer.loops[counter.index()] = name.clone();
        let advance = if step == 1 { format!("{name}++") } else { format!("{name} += {step}") };
        let doc = Doc::Cat(vec![
            "for (".into(),
            Doc::Group(vec![
                format!("int32_t {name} = ").into(),
                first.doc,
                ";".into(),
                Doc::Line,
                format!("{name} < ").into(),
                end.doc,
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

    /// A loop's end with a name.
    fn end(&mut self, wanted: &str, value: Piece) -> Piece {
        let name = self.fresh(wanted);
        self.line(&statement(format!("const int32_t {name} ="), value));
        Piece::primary(name)
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
            Doc::Cat(vec![format!("{before}if (!(").into(), condition.grouped(), ")) {".into()])
        } else {
            Doc::Cat(vec![format!("{before}if (").into(), condition.grouped(), ") {".into()])
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
    Doc::Cat(vec![Doc::hang(head, value.doc), ";".into()])
}

/// `x_k`, after the buffer and the innermost counter.
fn anchor_name(anchor: &Anchor, printer: &Printer<'_>) -> String {
    let counter = anchor.innermost().map_or("", |l| &printer.loops[l.index()]);
    // Names in `_t` are the C library's.
    let counter = if counter == "t" { "at" } else { counter };
    format!("{}_{counter}", printer.params[anchor.param.index()])
}
