//! Short ways to write kernels and programs by hand, for the tests of this room only.

use super::*;
use crate::{Data, Origin};
use std::sync::Arc;

/// A kernel under construction.
pub(super) struct Draft(pub(super) KernelData);

impl Draft {
    pub(super) fn new(name: &str) -> Self {
        Self(KernelData { name: name.into(), ..KernelData::default() })
    }

    pub(super) fn param(&mut self, name: &str, scalar: Scalar, len: usize, access: Access) -> Param {
        let align = scalar.size() as u32;
        self.0.params.push(ParamData { name: name.into(), scalar, len, align, access, may_alias: None })
    }

    pub(super) fn counter(&mut self, name: &str) -> Loop {
        self.0.loops.push(LoopData { name: name.into() })
    }

    pub(super) fn var(&mut self, name: &str, scalar: Scalar) -> Var {
        self.0.vars.push(VarData { name: name.into(), scalar })
    }

    pub(super) fn expr(&mut self, data: ExprData) -> Expr {
        self.0.exprs.push(data)
    }

    pub(super) fn lit(&mut self, literal: Literal) -> Expr {
        self.expr(ExprData::Literal(literal))
    }

    pub(super) fn i32(&mut self, value: i32) -> Expr {
        self.lit(Literal::I32(value))
    }

    pub(super) fn read(&mut self, var: Var) -> Expr {
        self.expr(ExprData::Var(var))
    }

    pub(super) fn load(&mut self, param: Param, index: impl Into<Index>, scalar: Scalar) -> Expr {
        self.expr(ExprData::Load { param, index: index.into(), scalar })
    }

    /// A load of one element, widened to i32.
    pub(super) fn load_i32(&mut self, param: Param, index: impl Into<Index>) -> Expr {
        let scalar = self.0.params[param].scalar;
        let value = self.load(param, index, scalar);
        self.convert(Scalar::I32, value)
    }

    pub(super) fn unary(&mut self, op: UnaryOp, value: Expr) -> Expr {
        self.expr(ExprData::Unary { op, value })
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: Expr, right: Expr) -> Expr {
        self.expr(ExprData::Binary { op, left, right })
    }

    pub(super) fn convert(&mut self, to: Scalar, value: Expr) -> Expr {
        self.expr(ExprData::Convert { to, value })
    }

    pub(super) fn packed(&mut self, op: PackedOp, args: &[Expr]) -> Expr {
        self.expr(ExprData::Packed { op, args: args.to_vec() })
    }

    pub(super) fn push(&mut self, stmt: Stmt) {
        self.0.body.push(stmt);
    }
}

pub(super) fn for_(
    counter: Loop,
    lo: impl Into<Bound>,
    hi: impl Into<Bound>,
    step: u32,
    body: Vec<Stmt>,
) -> Stmt {
    Stmt::For { counter, lo: lo.into(), hi: hi.into(), step, body }
}

pub(super) fn store(param: Param, index: impl Into<Index>, value: Expr) -> Stmt {
    Stmt::Store { param, index: index.into(), value }
}

/// `Σ coefficient · loop + constant`, with the terms in any order.
pub(super) fn affine(terms: &[(i64, Loop)], constant: i64) -> Affine {
    let sum = |sum: Affine, &(c, l): &(i64, Loop)| sum.plus(&Affine::of(l).times(c));
    terms.iter().fold(Affine::constant(constant), sum)
}

pub(super) fn buffer(name: &str, scalar: Scalar, len: usize, place: Place) -> BufferData {
    BufferData { name: name.into(), scalar, len, align: 8, place, packed: None, tensor: None, face: None }
}

pub(super) fn flash(name: &str, data: Data) -> BufferData {
    buffer(name, data.dtype(), data.len(), Place::Flash(Arc::new(data)))
}

/// A program that calls one kernel on all buffers, in order.
pub(super) fn program(kernel: KernelData, buffers: Vec<BufferData>) -> Program {
    let mut program = Program { name: "test".into(), arena_bytes: 64, ..Program::default() };
    let kernel = program.kernels.push(kernel);
    let mut args = Vec::new();
    for data in buffers {
        let place = data.place.clone();
        let buffer = program.buffers.push(data);
        match place {
            Place::Input(_) => program.inputs.push(buffer),
            Place::Output(_) => program.outputs.push(buffer),
            _ => {}
        }
        args.push(buffer);
    }
    program.calls.push(Call { kernel, args, origin: Origin::default(), macs: 0 });
    program
}

/// `y[i] = x[i] + weight` on `len` i32 with the index of the load shifted: the smallest whole program.
pub(super) fn copy_program(len: usize, shift: i64) -> Program {
    let mut k = Draft::new("copy");
    let x = k.param("x", Scalar::I32, len, Access::Read);
    let y = k.param("y", Scalar::I32, len, Access::Write);
    let i = k.counter("i");
    let value = k.load(x, Affine::of(i).offset(shift), Scalar::I32);
    k.push(for_(i, 0, len as i64, 1, vec![store(y, i, value)]));
    let (input, output) = (Place::Input(0), Place::Output(0));
    program(k.0, vec![buffer("x", Scalar::I32, len, input), buffer("y", Scalar::I32, len, output)])
}

/// A convolution of one channel over `h` × `w` with a `kernel`² filter, `pad` and `stride`, whose borders are loop
/// bounds; int8 in, int32 out.
pub(super) fn conv_program(h: i64, w: i64, kernel: i64, pad: i64, stride: i64, weight: Vec<i8>) -> Program {
    let (oh, ow) = ((h + 2 * pad - kernel) / stride + 1, (w + 2 * pad - kernel) / stride + 1);
    let mut k = Draft::new("conv");
    let x = k.param("x", Scalar::I8, (h * w) as usize, Access::Read);
    let wt = k.param("weight", Scalar::I8, (kernel * kernel) as usize, Access::Read);
    let y = k.param("y", Scalar::I32, (oh * ow) as usize, Access::Write);
    let [oy, ox, ky, kx] = ["oy", "ox", "ky", "kx"].map(|n| k.counter(n));
    let acc = k.var("acc", Scalar::I32);
    let zero = k.i32(0);
    let old = k.read(acc);
    let at = affine(&[(stride * w, oy), (w, ky), (stride, ox), (1, kx)], -pad * w - pad);
    let a = k.load_i32(x, at);
    let b = k.load_i32(wt, affine(&[(kernel, ky), (1, kx)], 0));
    let product = k.binary(BinaryOp::Mul, a, b);
    let sum = k.binary(BinaryOp::Add, old, product);
    let result = k.read(acc);
    let border = |outer, size| {
        let lo = Bound(vec![Affine::constant(0), affine(&[(-stride, outer)], pad)]);
        let hi = Bound(vec![Affine::constant(kernel), affine(&[(-stride, outer)], size + pad)]);
        (lo, hi)
    };
    let ((ylo, yhi), (xlo, xhi)) = (border(oy, h), border(ox, w));
    let inner = for_(kx, xlo, xhi, 1, vec![Stmt::Assign { var: acc, value: sum }]);
    let pixel = vec![
        Stmt::Let { var: acc, value: zero },
        for_(ky, ylo, yhi, 1, vec![inner]),
        store(y, affine(&[(ow, oy), (1, ox)], 0), result),
    ];
    k.push(for_(oy, 0, oh, 1, vec![for_(ox, 0, ow, 1, pixel)]));
    let input = buffer("x", Scalar::I8, (h * w) as usize, Place::Input(0));
    let output = buffer("y", Scalar::I32, (oh * ow) as usize, Place::Output(0));
    program(k.0, vec![input, flash("weight", Data::I8(weight)), output])
}
