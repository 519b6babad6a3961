//! Kernels of the loop IR as private functions: signatures, statements, loops.

use super::expr::{Counter, Printer, WIDTH};
use super::helper::Helpers;
use super::layout::{Position, Variant};
use super::names::Names;
use super::piece::Piece;
use super::scalar::value_type;
use super::window::{self, Window, span};
use crate::text::facts::Facts;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{
    Affine, BinaryOp, Bound, Expr, ExprData, KernelData, Literal, Loop, Param, Program, Scalar, Stmt, Var,
};

/// A function in Rust, but for its name.
#[derive(Debug)]
pub(super) struct Function {
    /// Whether it returns a result: it can end the run.
    pub(super) stops: bool,
    /// The parameters' declarations.
    pub(super) params: Vec<String>,
    /// What stands between the braces, indented once.
    pub(super) body: String,
}

/// A function for one kernel and one arrangement of its memory.
pub(super) fn function(program: &Program, variant: &Variant, helpers: &mut Helpers) -> Function {
    let kernel = &program.kernels[variant.kernel];
    let shape = &variant.shape;
    let facts = Facts::of(kernel);
    let mut names = Names::default();
    let slots: Vec<String> =
        shape.slots.iter().map(|slot| names.fresh(&kernel.params[slot.named].name)).collect();
    let declared = shape.slots.iter().zip(&slots).enumerate().map(|(i, (slot, name))| {
        let used =
            kernel.params.keys().any(|p| shape.views[p.index()].slot == i && facts.accessed.contains(&p));
        let (quiet, mutable) = (if used { "" } else { "_" }, if slot.written { "mut " } else { "" });
        let ty = slot.scalar.map_or("u8", value_type);
        format!("{quiet}{name}: &{mutable}[{ty}; {}]", slot.len)
    });
    let params = declared.collect();
    let mut loops = vec![Counter::default(); kernel.loops.len()];
    ranges(&kernel.body, &mut loops);
    let mut writer = Writer {
        facts: &facts,
        printer: Printer {
            kernel,
            shape,
            slots,
            vars: vec![String::new(); kernel.vars.len()],
            loops,
            windows: Vec::new(),
            names,
            helpers,
            before: Vec::new(),
            indent: 8,
            room: WIDTH,
        },
        out: String::new(),
        stops: facts.fails,
    };
    writer.block(&kernel.body);
    if writer.stops {
        writer.line("Ok(())");
    }
    let (stops, body) = (writer.stops, writer.out);
    Function { stops, params, body }
}

struct Writer<'a> {
    facts: &'a Facts,
    printer: Printer<'a>,
    out: String,
    stops: bool,
}

impl Writer<'_> {
    fn kernel(&self) -> &KernelData {
        self.printer.kernel
    }

    fn line(&mut self, text: &str) {
        for before in self.printer.take_before() {
            self.push(&before);
        }
        self.push(text);
    }

    fn push(&mut self, text: &str) {
        // The module's own indentation comes later.
        self.out.extend(std::iter::repeat_n(' ', self.printer.indent - 4));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn block(&mut self, block: &[Stmt]) {
        let windows = {
            let printer = &self.printer;
            let served = |at: &Position| printer.through(at).2.is_some();
            window::candidates(printer.kernel, printer.shape, block, &served)
        };
        let outside = self.printer.windows.len();
        for (position, stmt) in block.iter().enumerate() {
            for window in windows.iter().filter(|w| w.first == position) {
                self.declare(window.clone());
            }
            self.stmt(stmt);
            // A window lives no longer than it is needed: what it borrows is needed again.
            let mut index = 0;
            self.printer.windows.retain(|w| {
                index += 1;
                index <= outside || w.last > position
            });
        }
        self.printer.windows.truncate(outside);
    }

    fn declare(&mut self, mut window: Window) {
        let slot = &self.printer.shape.slots[window.slot];
        let borrowed = slot.written && self.printer.windows.iter().any(|w| w.slot == window.slot);
        if borrowed {
            return; // The one there serves these accesses too.
        }
        let (mutable, ty, whole) = (slot.written, slot.scalar.map_or("u8", value_type), slot.len as i64);
        let innermost = window.base.terms.iter().map(|t| t.1).max_by_key(|l| l.index());
        let what = match innermost {
            Some(counter) => self.printer.loops[counter.index()].name.trim_start_matches('_').to_owned(),
            None => "row".into(),
        };
        let source = self.printer.slots[window.slot].clone();
        let at = Position {
            slot: window.slot,
            affine: window.base.clone(),
            ring: window.ring.clone(),
            dynamic: None,
            width: window.len,
        };
        debug_assert!(window.len <= whole);
        // Of an outer window, if it holds all of it.
        let (source, at) = match self.printer.through(&at) {
            (name, inside, Some(_)) => (name, inside),
            _ => (source, at),
        };
        let name = self.printer.names.fresh(&format!("{}_{what}", self.printer.slots[window.slot]));
        self.printer.begin(name.len() + 30);
        let index = self.printer.position(&at);
        let part = self.printer.helpers.part(mutable);
        let call = self.printer.call(&part, vec![Piece::name(source), index]);
        let reference = if mutable { "&mut " } else { "&" };
        self.line(&format!("let {name}: {reference}[{ty}; {}] = {}?;", window.len, call.text));
        self.stops = true;
        window.name = name;
        self.printer.windows.push(window);
    }

    /// A block in braces: what it declares ends with it.
    fn inside(&mut self, block: &[Stmt]) {
        let outside = self.printer.names.clone();
        self.printer.indent += 4;
        self.block(block);
        self.printer.indent -= 4;
        self.printer.names = outside;
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let others = match stmt {
            Stmt::Let { var, .. } => self.kernel().vars[*var].name.len() + 18,
            Stmt::Assign { var, .. } => self.printer.vars[var.index()].len() + 5,
            _ => 10,
        };
        self.printer.begin(others);
        match stmt {
            Stmt::Let { var, value } => self.let_(*var, *value),
            Stmt::Assign { var, value } => self.assign(*var, *value),
            Stmt::Store { param, index, value } => {
                let scalar = self.kernel().scalar(*value);
                let at = Position::new(self.printer.shape, *param, index, scalar);
                self.store(*param, &at, *value);
            }
            Stmt::For { counter, lo, hi, step, body } => self.for_(stmt, *counter, (lo, hi), *step, body),
            Stmt::If { condition, then, otherwise } => self.if_("", *condition, then, otherwise),
            Stmt::Break => self.line("break;"),
            Stmt::Fail { code } => self.line(&format!("return Err(Stop({code}));")),
        }
    }

    fn let_(&mut self, var: Var, value: Expr) {
        let quiet = if self.facts.read.contains(&var) { "" } else { "_" };
        let mutable = if self.facts.assigned.contains(&var) { "mut " } else { "" };
        let scalar = self.kernel().vars[var].scalar;
        let piece = self.printer.expr(value);
        // Numbers alone would leave the type open.
        let ty = match scalar == Scalar::I32 && !piece.text.contains(|c: char| c.is_ascii_alphabetic()) {
            true => format!(": {}", value_type(scalar)),
            false => String::new(),
        };
        let name = format!("{quiet}{}", self.printer.names.fresh(&self.kernel().vars[var].name.clone()));
        self.printer.vars[var.index()].clone_from(&name);
        self.line(&format!("let {mutable}{name}{ty} = {};", piece.text));
    }

    fn assign(&mut self, var: Var, value: Expr) {
        let name = self.printer.vars[var.index()].clone();
        // `acc = acc + x` reads better as `acc += x`, and is the same for these types.
        if let ExprData::Binary { op, left, right } = self.kernel().exprs[value].clone()
            && self.kernel().exprs[left] == ExprData::Var(var)
            && self.kernel().vars[var].scalar != Scalar::Bool
            && let Some(sign) = match op {
                BinaryOp::Add => Some("+="),
                BinaryOp::Sub => Some("-="),
                BinaryOp::Mul => Some("*="),
                BinaryOp::And => Some("&="),
                BinaryOp::Or => Some("|="),
                BinaryOp::Xor => Some("^="),
                BinaryOp::Div if self.kernel().vars[var].scalar.is_float() => Some("/="),
                _ => None,
            }
        {
            let negative = matches!(self.kernel().exprs[right], ExprData::Literal(Literal::I32(v)) if v < 0);
            if !(negative && matches!(op, BinaryOp::Add | BinaryOp::Sub)) {
                let right = self.printer.expr(right);
                return self.line(&format!("{name} {sign} {};", right.text));
            }
        }
        let piece = self.printer.expr(value);
        self.line(&format!("{name} = {};", piece.text));
    }

    fn store(&mut self, param: Param, at: &Position, value: Expr) {
        let text = self.printer.store(param, at, value);
        self.line(&text);
    }

    fn for_(&mut self, stmt: &Stmt, counter: Loop, ends: (&Bound, &Bound), step: u32, body: &[Stmt]) {
        let (lo, hi) = ends;
        let ranges: Vec<Counter> = self.printer.loops.clone();
        let range = |counter: Loop| ranges[counter.index()].range;
        let spans = |bound: &Bound| bound.0.iter().map(|a| span(a, &range)).collect::<Vec<_>>();
        let least = spans(lo).into_iter().flatten().map(|s| s.0).max();
        let most = spans(hi).into_iter().flatten().map(|s| s.1).min();
        // The greatest of several is not negative if one of them is not.
        let signed = least.is_none_or(|least| least < 0);
        let mut first = self.bound(lo, false, signed);
        let mut end = self.bound(hi, true, signed);
        let wanted = self.kernel().loops[counter].name.clone();
        // Ends that would break the loop's head get names.
        let fixed = self.printer.indent + wanted.len() + 30;
        let width = |a: &Piece, b: &Piece| fixed + a.width() + b.width();
        if width(&first, &end) > WIDTH {
            end = self.printer.hoist(&end, &format!("{wanted}_end"));
        }
        if width(&first, &end) > WIDTH {
            first = self.printer.hoist(&first, &format!("{wanted}_first"));
        }
        let lines = self.printer.take_before();
        lines.iter().for_each(|line| self.push(line));
        // Loops that are not nested share a name; it is free again behind the loop.
        let outer = self.printer.names.clone();
        let name = self.printer.names.fresh(&wanted);
        let range = match window::constant_range(stmt) {
            Some((_, lo, hi, _)) => Some((lo, hi)),
            None => least.zip(most).map(|(lo, hi)| (lo, (hi - 1).max(lo))),
        };
        self.printer.loops[counter.index()] = Counter { name: name.clone(), signed, range };
        let head = match step {
            1 => format!("{}..{}", first.text, end.text),
            step => format!("({}..{}).step_by({step})", first.text, end.text),
        };
        let start = self.out.len();
        self.inside(body);
        let text = self.out.split_off(start);
        let shown = if mentions(&text, &name) { name } else { format!("_{name}") };
        self.push(&format!("for {shown} in {head} {{"));
        self.out.push_str(&text);
        self.push("}");
        self.printer.names = outer;
    }

    /// The greatest (or least) of the candidates; the constants among them are one.
    fn bound(&mut self, bound: &Bound, upper: bool, signed: bool) -> Piece {
        let constants = bound.0.iter().filter_map(Affine::as_constant);
        let constant = if upper { constants.min() } else { constants.max() };
        let moving: Vec<&Affine> = bound.0.iter().filter(|a| a.as_constant().is_none()).collect();
        // `usize` numbers are never less than 0.
        let constant = constant.filter(|&c| upper || signed || c > 0 || moving.is_empty());
        let constant = constant.map(|c| self.printer.end(&Affine::constant(c), signed));
        let moving: Vec<_> = moving.into_iter().map(|a| self.printer.end(a, signed)).collect();
        let mut pieces = constant.into_iter().chain(moving);
        let first = pieces.next().expect("a bound has at least one candidate");
        let ty = if signed { "i32" } else { "usize" };
        let name = format!("{ty}::{}", if upper { "min" } else { "max" });
        let rest: Vec<_> = pieces.collect();
        rest.into_iter().fold(first, |so_far, next| self.printer.call(&name, vec![so_far, next]))
    }

    fn if_(&mut self, before: &str, condition: Expr, then: &[Stmt], otherwise: &[Stmt]) {
        let condition = self.printer.expr(condition);
        let head = match then.is_empty() && !otherwise.is_empty() {
            true => format!("if !{} {{", condition.under_unary()),
            false => format!("if {} {{", condition.text),
        };
        // What the condition needs first stands in the `else` that leads to it.
        let lines = self.printer.take_before();
        let nested = !before.is_empty() && !lines.is_empty();
        if nested {
            self.push("} else {");
            self.printer.indent += 4;
        }
        for line in &lines {
            self.push(line);
        }
        self.push(&if nested { head } else { format!("{before}{head}") });
        if then.is_empty() {
            self.inside(otherwise);
            self.push("}");
        } else {
            self.inside(then);
            match otherwise {
                [] => self.push("}"),
                [Stmt::If { condition, then, otherwise }] => {
                    self.if_("} else ", *condition, then, otherwise);
                }
                _ => {
                    self.push("} else {");
                    self.inside(otherwise);
                    self.push("}");
                }
            }
        }
        if nested {
            self.printer.indent -= 4;
            self.push("}");
        }
    }
}

/// The counters' values in loops that run a constant number of times.
fn ranges(block: &[Stmt], loops: &mut [Counter]) {
    for stmt in block {
        if let Some((counter, lo, hi, _)) = window::constant_range(stmt) {
            loops[counter.index()].range = Some((lo, hi));
        }
        match stmt {
            Stmt::For { body, .. } => ranges(body, loops),
            Stmt::If { then, otherwise, .. } => {
                ranges(then, loops);
                ranges(otherwise, loops);
            }
            _ => {}
        }
    }
}

/// Whether a name occurs as a word.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == name)
}
