//! Writes a loop-IR program in the text form.

use super::data::{DataPrinter, f32_text};
use super::graph_printer::{PrintOptions, symbol};
use super::literal::literal_text;
use super::operators::{BINARY_CALLS, INFIX, PREFIX, UNARY_CALLS, numbers_mut, packed_name};
use crate::Origin;
use crate::loops::program::Face;
use crate::loops::{
    Access, Affine, Bound, BufferData, Call, Expr, ExprData, Index, KernelData, Place, Program, Stmt, UnaryOp,
};
use std::fmt::{self, Write};

/// The program as text that [`parse_program`](super::parse_program) reads back as an equal program, up to
/// [`normalize`](crate::loops::normalize()), if the program is valid.
pub fn print_program(program: &Program) -> String {
    print_program_with(program, &PrintOptions::default())
}

/// The program as text, perhaps shortened for people.
pub fn print_program_with(program: &Program, options: &PrintOptions) -> String {
    let mut text = format!("program {} {{\n", symbol(&program.name));
    let mut data = DataPrinter::new(options.most_elements);
    if program.arena_bytes != 0 {
        text += &format!("  arena {}\n", program.arena_bytes);
    }
    for buffer in program.buffers.values() {
        text += &format!("  {}\n", buffer_line(buffer, &mut data));
    }
    let names = |buffers: &[crate::loops::Buffer]| {
        buffers.iter().map(|&b| symbol(&program.buffers[b].name)).collect::<Vec<_>>().join(", ")
    };
    for (word, buffers) in [("in", &program.inputs), ("out", &program.outputs)] {
        if !buffers.is_empty() {
            text += &format!("  {word} {}\n", names(buffers));
        }
    }
    for kernel in program.kernels.values() {
        text += &kernel_text(kernel, "  ");
    }
    for Call { kernel, args, origin, macs } in &program.calls {
        text += &format!("  call {}({})", symbol(&program.kernels[*kernel].name), names(args));
        if *macs != 0 {
            text += &format!(" macs {macs}");
        }
        if *origin != Origin::default() {
            text += &format!(" {origin}");
        }
        text.push('\n');
    }
    text.push_str("}\n");
    text
}

/// `buffer @x: i8[490] align 8 input 0 tensor "x:0" face [1,49,10,1] q(0.5, -3)`.
fn buffer_line(buffer: &BufferData, data: &mut DataPrinter) -> String {
    let BufferData { name, scalar, len, align, place, packed, tensor, face } = buffer;
    let mut text = format!("buffer {}: {scalar}[{len}] align {align}", symbol(name));
    text += &match place {
        Place::Input(position) => format!(" input {position}"),
        Place::Output(position) => format!(" output {position}"),
        Place::Arena(offset) => format!(" arena {offset}"),
        Place::State(offset) => format!(" state {offset}"),
        Place::Flash(_) => " flash".to_string(),
    };
    if let Some((dtype, count)) = packed {
        text += &format!(" packed {dtype}[{count}]");
    }
    if let Some(tensor) = tensor {
        text += &format!(" tensor {tensor:?}");
    }
    if let Some(Face { shape, quant }) = face {
        let dims: Vec<String> = shape.iter().map(usize::to_string).collect();
        text += &format!(" face [{}]", dims.join(","));
        if let Some((scale, zero_point)) = quant {
            text += &format!(" q({}, {zero_point})", f32_text(*scale));
        }
    }
    if let Place::Flash(constant) = place {
        text += &format!(" = {}", data.print(constant, "    "));
    }
    text
}

/// One kernel as text, every line behind `indent`.
fn kernel_text(kernel: &KernelData, indent: &str) -> String {
    let params: Vec<String> = kernel
        .params
        .values()
        .map(|p| {
            let access = match p.access {
                Access::Read => "read",
                Access::Write => "write",
                Access::ReadWrite => "read_write",
            };
            let alias =
                p.may_alias.map_or(String::new(), |a| format!(" may_alias {}", kernel.params[a].name));
            format!("{}: {access} {}[{}] align {}{alias}", p.name, p.scalar, p.len, p.align)
        })
        .collect();
    let mut text = format!("{indent}kernel {}({})", symbol(&kernel.name), params.join(", "));
    if !kernel.comment.is_empty() {
        text += &format!(" {:?}", kernel.comment);
    }
    text.push_str(" {\n");
    let mut printer = KernelPrinter { kernel, text };
    printer.block(&kernel.body, &format!("{indent}  "));
    printer.text + indent + "}\n"
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_program(self))
    }
}

impl fmt::Display for KernelData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&kernel_text(self, ""))
    }
}

struct KernelPrinter<'a> {
    kernel: &'a KernelData,
    text: String,
}

impl KernelPrinter<'_> {
    fn block(&mut self, block: &[Stmt], indent: &str) {
        for stmt in block {
            self.text.push_str(indent);
            self.stmt(stmt, indent);
            self.text.push('\n');
        }
    }

    fn braces(&mut self, block: &[Stmt], indent: &str) {
        self.text.push_str(" {\n");
        self.block(block, &format!("{indent}  "));
        self.text.push_str(indent);
        self.text.push('}');
    }

    fn stmt(&mut self, stmt: &Stmt, indent: &str) {
        let kernel = self.kernel;
        match stmt {
            Stmt::Let { var, value } => {
                let var = &kernel.vars[*var];
                self.put(&format!("let {}: {} = ", var.name, var.scalar));
                self.expr(*value, 0);
            }
            Stmt::Assign { var, value } => {
                self.put(&format!("{} = ", kernel.vars[*var].name));
                self.expr(*value, 0);
            }
            Stmt::Store { param, index, value } => {
                self.put(&format!("{}[", kernel.params[*param].name));
                self.index(index);
                self.put("] = ");
                self.expr(*value, 0);
            }
            Stmt::For { counter, lo, hi, step, body } => {
                let (lo, hi) = (self.bound(lo, "max"), self.bound(hi, "min"));
                self.put(&format!("for {} in {lo}..{hi}", kernel.loops[*counter].name));
                if *step != 1 {
                    self.put(&format!(" step {step}"));
                }
                self.braces(body, indent);
            }
            Stmt::If { condition, then, otherwise } => {
                self.put("if ");
                self.expr(*condition, 0);
                self.braces(then, indent);
                if !otherwise.is_empty() {
                    self.put(" else");
                    self.braces(otherwise, indent);
                }
            }
            Stmt::Break => self.put("break"),
            Stmt::Fail { code } => self.put(&format!("fail {code}")),
        }
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Writes an expression, in parentheses if it binds less than `least`.
    fn expr(&mut self, expr: Expr, least: u8) {
        let kernel = self.kernel;
        match &kernel.exprs[expr] {
            // Only a prefix asks for more than a prefix binds: `-5` is a literal, so a negated literal is `-(5)`.
            ExprData::Literal(literal) if least > PREFIX => {
                self.put(&format!("({})", literal_text(*literal)))
            }
            ExprData::Literal(literal) => self.put(&literal_text(*literal)),
            ExprData::Var(var) => self.put(&kernel.vars[*var].name),
            ExprData::Affine(affine) => {
                let affine = self.affine(affine);
                self.put(&format!("affine({affine})"));
            }
            ExprData::Load { param, index, scalar } => {
                let param = &kernel.params[*param];
                self.put(&param.name);
                if *scalar != param.scalar {
                    self.put(&format!(".{scalar}"));
                }
                self.put("[");
                self.index(index);
                self.put("]");
            }
            ExprData::Unary { op: op @ (UnaryOp::Neg | UnaryOp::Not), value } => {
                self.put(if *op == UnaryOp::Neg { "-" } else { "!" });
                let literal = matches!(kernel.exprs[*value], ExprData::Literal(_));
                self.expr(*value, if literal { PREFIX + 1 } else { PREFIX });
            }
            ExprData::Unary { op, value } => {
                let name = UNARY_CALLS.iter().find(|c| c.1 == *op).map(|c| c.0);
                self.call(name.expect("the tables have every operation"), &[*value]);
            }
            ExprData::Binary { op, left, right } => {
                if let Some((name, _)) = BINARY_CALLS.iter().find(|c| c.1 == *op) {
                    return self.call(name, &[*left, *right]);
                }
                let (mark, _, level) =
                    INFIX.iter().find(|i| i.1 == *op).expect("the tables have every operation");
                let open = *level < least;
                self.put(if open { "(" } else { "" });
                self.expr(*left, *level);
                self.put(&format!(" {mark} "));
                self.expr(*right, level + 1);
                self.put(if open { ")" } else { "" });
            }
            ExprData::Convert { to, value } => self.call(to.name(), &[*value]),
            ExprData::Bits { to, value } => self.call(&format!("bits_{to}"), &[*value]),
            ExprData::Select { condition, then, otherwise } => {
                self.call("select", &[*condition, *then, *otherwise]);
            }
            ExprData::Packed { op, args } => {
                self.call(packed_name(*op), args);
                let mut op = *op;
                for (key, number) in numbers_mut(&mut op) {
                    self.text.pop();
                    self.put(&format!(", {key}={number})"));
                }
            }
        }
    }

    fn call(&mut self, name: &str, args: &[Expr]) {
        self.put(name);
        self.put("(");
        for (i, arg) in args.iter().enumerate() {
            self.put(if i == 0 { "" } else { ", " });
            self.expr(*arg, 0);
        }
        self.put(")");
    }

    /// `2*oy + kx - 3 + 16*ring(oy + ky, 3) + dynamic(row, 0, 7)`.
    fn index(&mut self, index: &Index) {
        let mut text = self.affine(&index.affine);
        let mut first =
            index.affine == Affine::default() && (index.ring.is_some() || index.dynamic.is_some());
        if first {
            text.clear();
        }
        if let Some(ring) = &index.ring {
            let part = format!("ring({}, {})", self.affine(&ring.row), ring.rows);
            push_term(&mut text, &mut first, ring.stride, &part);
        }
        if let Some(dynamic) = &index.dynamic {
            push_term(&mut text, &mut first, dynamic.stride, "dynamic(");
            self.put(&text);
            self.expr(dynamic.value, 0);
            text = format!(", {}, {})", dynamic.lo, dynamic.hi);
        }
        self.put(&text);
    }

    fn affine(&self, affine: &Affine) -> String {
        let mut text = String::new();
        let mut first = true;
        for &(coefficient, counter) in &affine.terms {
            push_term(&mut text, &mut first, coefficient, &self.kernel.loops[counter].name);
        }
        if first {
            write!(text, "{}", affine.constant).expect("a string takes everything");
        } else if affine.constant != 0 {
            let sign = if affine.constant < 0 { '-' } else { '+' };
            write!(text, " {sign} {}", affine.constant.unsigned_abs()).expect("a string takes everything");
        }
        text
    }

    /// One candidate as it is, several in `max(…)` or `min(…)`.
    fn bound(&self, bound: &Bound, word: &str) -> String {
        let candidates: Vec<String> = bound.0.iter().map(|a| self.affine(a)).collect();
        match &candidates[..] {
            [one] => one.clone(),
            _ => format!("{word}({})", candidates.join(", ")),
        }
    }
}

/// Adds `coefficient·what` to a sum.
fn push_term(text: &mut String, first: &mut bool, coefficient: i64, what: &str) {
    let sign = match (coefficient < 0, *first) {
        (true, true) => "-",
        (true, false) => " - ",
        (false, true) => "",
        (false, false) => " + ",
    };
    *first = false;
    text.push_str(sign);
    if coefficient.unsigned_abs() != 1 {
        text.push_str(&format!("{}*", coefficient.unsigned_abs()));
    }
    text.push_str(what);
}
