//! Sound programs pass; each broken invariant gives exactly its error, with its place.

use super::*;
use crate::Data;
use crate::loops::testing::*;
use crate::loops::*;

/// The errors of a program, a line each.
fn errors(program: &Program) -> Vec<String> {
    verify(program).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// The errors of a copy kernel (`x` to `y`, 4 of i32, loop `i`) after a change to the program.
fn changed(change: impl FnOnce(&mut Program)) -> Vec<String> {
    let mut program = copy_program(4, 0);
    change(&mut program);
    errors(&program)
}

/// The errors of a kernel with parameters `x` (read) and `y` (written), 8 of i8 each, without the call that names it.
fn kernel(write: impl FnOnce(&mut Draft, Param, Param)) -> Vec<String> {
    let mut k = Draft::new("k");
    let x = k.param("x", Scalar::I8, 8, Access::Read);
    let y = k.param("y", Scalar::I8, 8, Access::Write);
    write(&mut k, x, y);
    let (input, output) = (Place::Input(0), Place::Output(0));
    errors(&program(k.0, vec![buffer("x", Scalar::I8, 8, input), buffer("y", Scalar::I8, 8, output)]))
}

/// The error of one expression that is stored as its low byte.
fn expression(write: impl FnOnce(&mut Draft) -> Expr) -> Vec<String> {
    kernel(|k, _, y| {
        let value = write(k);
        let value = k.convert(Scalar::I8, value);
        k.push(store(y, Affine::constant(0), value));
    })
}

#[test]
fn sound_programs_pass() {
    assert_eq!(verify(&copy_program(4, 0)), Ok(()));
    for (h, w, size, pad, stride) in [(5, 4, 3, 1, 1), (6, 7, 3, 1, 2), (4, 4, 3, 2, 1), (3, 3, 2, 0, 1)] {
        let weight = vec![1; (size * size) as usize];
        assert_eq!(verify(&conv_program(h, w, size, pad, stride, weight)), Ok(()));
    }
}

#[test]
fn what_passes_runs_and_what_would_trap_does_not_pass() {
    for shift in [-1, 0, 1] {
        let program = copy_program(4, shift);
        let runs = interpret::run(&program, &[Data::I32(vec![1, 2, 3, 4])]).is_ok();
        assert_eq!(runs, verify(&program).is_ok());
    }
    let expected = "kernel copy, 0.i.0: load x[1..=4] of 4 elements";
    assert_eq!(errors(&copy_program(4, 1)), [expected]);
    assert_eq!(errors(&copy_program(4, -1)), ["kernel copy, 0.i.0: load x[-1..=2] of 4 elements"]);
}

#[test]
fn accesses_in_loops_that_never_run_are_not_judged() {
    let errors = kernel(|k, x, y| {
        let (i, value) = (k.counter("i"), k.load(x, Affine::constant(99), Scalar::I8));
        k.push(for_(i, 3, 3, 1, vec![store(y, i, value)]));
    });
    assert_eq!(errors, [""; 0]);
}

#[test]
fn wide_accesses_are_aligned() {
    let wide = |align: u32, at: i64, step: u32| {
        kernel(|k, x, y| {
            k.0.params[x].align = align;
            k.0.params[y].align = align;
            let i = k.counter("i");
            let word = k.load(x, Affine::of(i).offset(at), Scalar::I32);
            k.push(for_(i, 0, 4, step, vec![store(y, i, word)]));
        })
    };
    assert_eq!(wide(4, 0, 4), [""; 0]);
    assert_eq!(wide(4, 4, 4), [""; 0]);
    assert_eq!(
        wide(1, 0, 4),
        ["kernel k, 0.i.0: load i32: x is aligned to 1", "kernel k, 0.i.0: store i32: y is aligned to 1"]
    );
    assert_eq!(wide(4, 2, 4), ["kernel k, 0.i.0: load i32: the index into x is not a multiple of 4"]);
    assert_eq!(wide(4, 0, 2).len(), 2);
    assert_eq!(
        wide(4, 8, 4),
        ["kernel k, 0.i.0: load x[8..=11] of 8 elements"],
        "the last word starts behind the buffer"
    );
}

#[test]
fn access_modes_are_kept() {
    let errors = kernel(|k, x, y| {
        let value = k.load(y, Affine::constant(0), Scalar::I8);
        k.push(store(x, Affine::constant(0), value));
    });
    assert_eq!(
        errors,
        [
            "kernel k, 0: load from y, which is only written",
            "kernel k, 0: store to x, which may only be read"
        ]
    );
}

#[test]
fn expressions_are_used_once_after_their_operands() {
    let twice = kernel(|k, x, y| {
        let value = k.load(x, Affine::constant(0), Scalar::I8);
        k.push(store(y, Affine::constant(0), value));
        k.push(store(y, Affine::constant(1), value));
    });
    assert_eq!(twice, ["kernel k, 1: e0 is used twice"]);
    let never = kernel(|k, _, _| {
        let _ = k.i32(1);
    });
    assert_eq!(never, ["kernel k: e0 is never used"]);
    let late = kernel(|k, _, _| {
        let _ = k.unary(UnaryOp::Neg, crate::entity::Entity::new(0));
    });
    assert_eq!(late, ["kernel k: e0 comes before its operand e0"]);
    let deep = expression(|k| {
        let one = k.i32(1);
        (0..600).fold(one, |e, _| k.unary(UnaryOp::Neg, e))
    });
    assert_eq!(deep, ["kernel k: e500 nests more than 500 operands"]);
    let missing = kernel(|k, _, y| k.push(store(y, Affine::constant(0), crate::entity::Entity::new(7))));
    assert_eq!(missing, ["kernel k, 0: expression e7 does not exist"]);
}

#[test]
fn operand_types_are_checked() {
    let mixed = expression(|k| {
        let (a, b) = (k.i32(1), k.lit(Literal::U32(1)));
        k.binary(BinaryOp::Add, a, b)
    });
    assert_eq!(mixed, ["kernel k: e2: the operands of Add are i32 and u32"]);
    let unary = |op, literal| {
        expression(|k| {
            let x = k.lit(literal);
            k.unary(op, x)
        })
    };
    assert_eq!(unary(UnaryOp::Neg, Literal::U32(1)), ["kernel k: e1: Neg is not defined on u32"]);
    assert_eq!(unary(UnaryOp::Sqrt, Literal::I32(1)), ["kernel k: e1: Sqrt is not defined on i32"]);
    assert_eq!(unary(UnaryOp::Not, Literal::F32(1.0)), ["kernel k: e1: Not is not defined on f32"]);
    assert_eq!(unary(UnaryOp::Tanh, Literal::F64(1.0)), ["kernel k: e1: Tanh is not defined on f64"]);
    assert_eq!(unary(UnaryOp::Not, Literal::Bool(true)), [""; 0]);
    let binary = |op, literal| {
        expression(|k| {
            let (a, b) = (k.lit(literal), k.lit(literal));
            k.binary(op, a, b)
        })
    };
    for (op, literal) in [
        (BinaryOp::Shl, Literal::F32(1.0)),
        (BinaryOp::Rem, Literal::F64(1.0)),
        (BinaryOp::WrappingAdd, Literal::F32(1.0)),
        (BinaryOp::And, Literal::F32(1.0)),
        (BinaryOp::Add, Literal::Bool(true)),
        (BinaryOp::Lt, Literal::Bool(true)),
    ] {
        let expected = format!("kernel k: e2: {op:?} is not defined on {}", literal.scalar());
        assert_eq!(binary(op, literal), [expected]);
    }
    assert_eq!(binary(BinaryOp::Xor, Literal::Bool(true)), [""; 0]);
    let narrow = kernel(|k, x, y| {
        let [a, b] = [0, 1].map(|at| k.load(x, Affine::constant(at), Scalar::I8));
        let sum = k.binary(BinaryOp::Add, a, b);
        k.push(store(y, Affine::constant(0), sum));
    });
    assert_eq!(narrow, ["kernel k: e2: Add is not defined on i8"]);
    let load = kernel(|k, x, y| {
        let value = k.load(x, Affine::constant(0), Scalar::U8);
        k.push(store(y, Affine::constant(0), value));
    });
    assert_eq!(load, ["kernel k: e0: u8 is not made of elements of type i8"]);
    let select = expression(|k| {
        let [condition, then, otherwise] = [1, 2, 3].map(|v| k.i32(v));
        k.expr(ExprData::Select { condition, then, otherwise })
    });
    assert_eq!(select, ["kernel k: e3: the condition is i32, not bool"]);
}

#[test]
fn packed_operands_and_fields_are_checked() {
    let packed = |op| {
        expression(|k| {
            let x = k.i32(1);
            k.packed(op, &[x])
        })
    };
    assert_eq!(packed(PackedOp::MulHigh), ["kernel k: e1: MulHigh takes [I32, I32], not [I32]"]);
    for op in [
        PackedOp::UnpackSigned { rotate: 4 },
        PackedOp::SaturateSigned { bits: 0, shift: 0 },
        PackedOp::SaturateSigned { bits: 33, shift: 0 },
        PackedOp::SaturateUnsigned { bits: 32, shift: 0 },
        PackedOp::SaturateUnsigned { bits: 8, shift: 32 },
    ] {
        assert_eq!(packed(op), [format!("kernel k: e1: {op:?} is out of range")]);
    }
    assert_eq!(packed(PackedOp::SaturateSigned { bits: 32, shift: 31 }), [""; 0]);
}

#[test]
fn statements_take_values_of_their_types() {
    let errors = kernel(|k, _, y| {
        let r = k.var("r", Scalar::I32);
        let float = k.lit(Literal::F32(1.0));
        k.push(Stmt::Let { var: r, value: float });
        let float = k.lit(Literal::F64(1.0));
        k.push(Stmt::Assign { var: r, value: float });
        let condition = k.i32(1);
        k.push(Stmt::If { condition, then: vec![Stmt::Break], otherwise: vec![Stmt::Fail { code: 0 }] });
        let float = k.lit(Literal::F32(1.0));
        k.push(store(y, Affine::constant(0), float));
    });
    assert_eq!(
        errors,
        [
            "kernel k, 0: r is i32, its value is f32",
            "kernel k, 1: r is i32, its value is f64",
            "kernel k, 2: the condition is i32, not bool",
            "kernel k, 2.then.0: break outside a for",
            "kernel k, 2.otherwise.0: the code of a fail is above zero",
            "kernel k, 3: f32 is not made of elements of type i8",
        ]
    );
}

#[test]
fn registers_are_declared_once_and_used_in_scope() {
    let errors = kernel(|k, _, y| {
        let [r, s, never] = ["r", "s", "never"].map(|n| k.var(n, Scalar::I32));
        let _ = never;
        let condition = k.lit(Literal::Bool(true));
        let one = k.i32(1);
        let then = vec![Stmt::Let { var: r, value: one }];
        k.push(Stmt::If { condition, then, otherwise: vec![] });
        let old = k.read(r);
        k.push(Stmt::Let { var: s, value: old });
        let again = k.i32(2);
        k.push(Stmt::Let { var: s, value: again });
        let one = k.i32(1);
        k.push(Stmt::Assign { var: r, value: one });
        let value = k.read(s);
        let value = k.convert(Scalar::I8, value);
        k.push(store(y, Affine::constant(0), value));
    });
    assert_eq!(
        errors,
        [
            "kernel k, 1: register r0 is not in scope",
            "kernel k, 2: register s is declared twice",
            "kernel k, 2: the name s is taken",
            "kernel k, 3: register r0 is not in scope",
            "kernel k: no let declares register r2 never",
        ]
    );
    let narrow = kernel(|k, _, _| {
        let _ = k.var("r", Scalar::I8);
    });
    assert_eq!(narrow, ["kernel k: register r is i8"]);
}

#[test]
fn loops_are_used_once_with_sound_ends() {
    let errors = kernel(|k, _, y| {
        let [i, j, l] = ["i", "j", "l"].map(|n| k.counter(n));
        k.push(for_(i, 0, 2, 1, vec![]));
        k.push(for_(i, 0, 2, 1, vec![]));
        k.push(for_(j, Affine::of(j), Bound(vec![]), 0, vec![]));
        let value = k.i32(1);
        let value = k.convert(Scalar::I8, value);
        k.push(store(y, i, value));
        k.push(for_(l, 0, i64::from(i32::MAX), 2, vec![]));
    });
    assert_eq!(
        errors,
        [
            "kernel k, 1: loop i has two fors",
            "kernel k, 2: the step of loop j is zero",
            "kernel k, 2: loop i1 is not in scope",
            "kernel k, 2: loop j has no upper end",
            "kernel k, 3: loop i0 is not in scope",
            "kernel k, 4: an affine value in 2147483647..=2147483648 does not fit i32",
        ]
    );
    let unused = kernel(|k, _, _| {
        let _ = k.counter("i");
    });
    assert_eq!(unused, ["kernel k: no for has loop i0 i"]);
    let malformed =
        expression(|k| k.expr(ExprData::Affine(Affine { terms: vec![(0, Loop::new(0))], constant: 0 })));
    assert!(malformed[0].contains("not ordered by loop without zeros"), "{malformed:?}");
}

#[test]
fn rings_and_dynamic_indices_are_checked() {
    let indexed = |row: i64, rows, lo, hi, literal| {
        kernel(|k, x, y| {
            let value = k.lit(literal);
            let index = Index {
                affine: Affine::constant(0),
                ring: Some(Ring { stride: 2, row: Affine::constant(row), rows }),
                dynamic: Some(Dynamic { stride: 1, value, lo, hi }),
            };
            let value = k.load(x, index, Scalar::I8);
            k.push(store(y, Affine::constant(0), value));
        })
    };
    let one = Literal::I32(1);
    assert_eq!(indexed(4, 3, 0, 5, one), [""; 0]);
    assert_eq!(indexed(4, 3, 0, 6, one), ["kernel k, 0: load x[2..=8] of 8 elements"]);
    assert_eq!(indexed(-1, 3, 0, 1, one), ["kernel k, 0: load x: row -1 in a ring of 3"]);
    assert_eq!(indexed(0, 0, 0, 1, one), ["kernel k, 0: load x: row 0 in a ring of 0"]);
    let message = "kernel k, 0: load x: a dynamic index is an i32 with lo ≤ hi";
    assert_eq!(indexed(0, 1, 1, 0, one), [message]);
    assert_eq!(indexed(0, 1, 0, 1, Literal::I64(1)), [message]);
}

#[test]
fn names_are_identifiers_and_unique_where_they_meet() {
    let errors = kernel(|k, x, _| {
        k.0.params[x].name = "int".into();
        let [outer, inner, beside] = ["i", "i", "y"].map(|n| k.counter(n));
        k.push(for_(outer, 0, 1, 1, vec![for_(inner, 0, 1, 1, vec![])]));
        k.push(for_(beside, 0, 1, 1, vec![]));
    });
    assert_eq!(errors, ["kernel k: \"int\" is not an identifier"]);
    let errors = kernel(|k, _, _| {
        let [outer, inner, beside, shared] = ["i", "i", "y", "i"].map(|n| k.counter(n));
        k.push(for_(outer, 0, 1, 1, vec![for_(inner, 0, 1, 1, vec![])]));
        k.push(for_(beside, 0, 1, 1, vec![]));
        k.push(for_(shared, 0, 1, 1, vec![]));
    });
    assert_eq!(errors, ["kernel k, 0.i.0: the name i is taken", "kernel k, 1: the name y is taken"]);
    assert_eq!(changed(|p| p.name = "a b".into()), ["program: \"a b\" is not an identifier"]);
    let clash = changed(|p| p.buffers[p.inputs[0]].name = "copy".into());
    assert_eq!(clash, ["buffer b0: the name copy is taken"]);
    let clash = changed(|p| p.buffers[p.inputs[0]].name = "1".into());
    assert_eq!(clash, ["buffer b0: \"1\" is not an identifier"]);
}

#[test]
fn buffers_lie_where_they_say() {
    let place = |place| {
        changed(|p| {
            let _ = p.buffers.push(buffer("t", Scalar::I32, 4, place));
        })
    };
    assert_eq!(place(Place::Arena(48)), [""; 0]);
    assert_eq!(place(Place::Arena(56)), ["buffer b2 t: it ends at 72 in an arena of 64"]);
    assert_eq!(place(Place::Arena(4)), ["buffer b2 t: offset 4 is not aligned to 8"]);
    assert_eq!(place(Place::State(4)), ["buffer b2 t: offset 4 is not aligned to 8"]);
    assert_eq!(place(Place::Input(0)), ["buffer b2 t: input 0 of the program is not this buffer"]);
    assert_eq!(place(Place::Output(1)), ["buffer b2 t: output 1 of the program is not this buffer"]);
    let constant = |data| {
        changed(|p| {
            let _ = p.buffers.push(BufferData { len: 2, ..flash("t", data) });
        })
    };
    assert_eq!(constant(Data::I8(vec![1; 2])), [""; 0]);
    assert_eq!(constant(Data::I8(vec![1; 3])), ["buffer b2 t: its constant has 3 of i8, not 2 of i8"]);
    let unlisted = changed(|p| p.buffers[p.inputs[0]].place = Place::Arena(0));
    assert_eq!(unlisted, ["buffer b0 x: it is not placed at Input(0)"]);
    assert_eq!(
        changed(|p| p.buffers[p.inputs[0]].align = 2),
        [
            "buffer b0 x: alignment 2 does not suit i32",
            "call 0 of copy: argument x for x: aligned to 2, not 4"
        ]
    );
    let huge = BufferData { len: usize::MAX, ..buffer("t", Scalar::I32, 0, Place::State(0)) };
    assert_eq!(
        changed(|p| {
            let _ = p.buffers.push(huge);
        }),
        [format!("buffer b2 t: {} elements are too many", usize::MAX)]
    );
    assert_eq!(changed(|p| p.inputs.push(Buffer::new(9))), ["program: input b9 does not exist"]);
}

#[test]
fn arguments_fit_their_parameters() {
    assert_eq!(
        changed(|p| {
            let _ = p.calls[0].args.pop();
        }),
        ["call 0 of copy: 1 arguments for 2 parameters"]
    );
    assert_eq!(
        changed(|p| p.calls[0].args[0] = Buffer::new(9)),
        ["call 0 of copy: buffer b9 does not exist"]
    );
    assert_eq!(changed(|p| p.calls[0].kernel = Kernel::new(3)), ["call 0: kernel k3 does not exist"]);
    let other = |data| {
        changed(|p| {
            let data = p.buffers.push(data);
            p.calls[0].args[0] = data;
        })
    };
    let message = "call 0 of copy: argument t for x";
    let float = buffer("t", Scalar::F32, 4, Place::State(0));
    assert_eq!(other(float), [format!("{message}: 4 of f32, not 4 of i32")]);
    let long = buffer("t", Scalar::I32, 5, Place::State(0));
    assert_eq!(other(long), [format!("{message}: 5 of i32, not 4 of i32")]);
    let written = changed(|p| p.calls[0].args.swap(0, 1));
    assert_eq!(written, ["call 0 of copy: argument x for y: an input or a constant cannot be written"]);
}

#[test]
fn memory_is_shared_only_as_declared() {
    let shared = |at: [u32; 2], alias: bool| {
        changed(|p| {
            let [a, b] = [("a", at[0]), ("b", at[1])]
                .map(|(n, at)| p.buffers.push(buffer(n, Scalar::I32, 4, Place::Arena(at))));
            p.calls[0].args = vec![a, b];
            let copy = p.calls[0].kernel;
            if alias {
                p.kernels[copy].params[Param::new(1)].may_alias = Some(Param::new(0));
            }
        })
    };
    assert_eq!(shared([0, 16], false), [""; 0]);
    assert_eq!(shared([0, 0], true), [""; 0]);
    assert_eq!(shared([0, 0], false), ["call 0 of copy: y and x overlap in memory, which they may not"]);
    assert_eq!(shared([0, 8], true), ["call 0 of copy: y and x share memory, but start at 8 and 0"]);
    let same = changed(|p| p.calls[0].args[0] = p.calls[0].args[1]);
    assert_eq!(same, ["call 0 of copy: y and x overlap in memory, which they may not"]);
    let declared = changed(|p| {
        let copy = p.calls[0].kernel;
        p.kernels[copy].params[Param::new(0)].may_alias = Some(Param::new(1));
    });
    assert_eq!(declared, ["kernel copy: x may alias p1: only a written parameter, a read one"]);
    let both = kernel(|k, _, y| {
        k.0.params[y].align = 3;
    });
    assert_eq!(both[0], "kernel k: alignment 3 of y does not suit i8");
}
