//! The entry function: calls the kernels one after the other with the addresses of their buffers.

use super::kernel::can_fail;
use super::{Builder, Callee, Class, Cond, Count, Edge, End, Function, Machine, Op, Value};
use crate::data::Data;
use tinyc_ir::entity::Entity;
use tinyc_ir::loops::{Buffer, Place, Program};

/// `NAME_run([state,] inputs…, outputs…, arena)`, as the header of the C backend declares it.
pub(super) fn function(program: &Program, data: &Data, machine: &Machine) -> Function {
    let has_state = program.state_bytes() > 0;
    let faces = program.inputs.len() + program.outputs.len();
    let params = vec![Class::Word; faces + usize::from(has_state) + 1];
    let name = format!("{}_run", crate::c::prefix(program));
    let (b, values) = Builder::new(name, "Runs the network once.", &params);
    let mut run = Run { program, data, machine, b, values, has_state, base: None };
    for call in &program.calls {
        let args: Vec<Value> = call.args.iter().map(|&buffer| run.address(buffer)).collect();
        let kernel = &program.kernels[call.kernel];
        let fails = can_fail(&kernel.body);
        let results: &[Class] = if fails { &[Class::Word] } else { &[] };
        let callee = Op::Call(Callee::Kernel(call.kernel.index() as u32));
        if let [code] = run.b.push(callee, &args, results)[..] {
            run.stop_on(code);
        }
    }
    let zero = run.b.number(0);
    run.b.end(End::Return(vec![zero]));
    run.b.finish()
}

struct Run<'a> {
    program: &'a Program,
    data: &'a Data,
    machine: &'a Machine,
    b: Builder,
    /// The parameters.
    values: Vec<Value>,
    has_state: bool,
    /// The address of a byte of the constant data from which its neighbours are reached.
    base: Option<(Value, u32)>,
}

impl Run<'_> {
    fn address(&mut self, buffer: Buffer) -> Value {
        let first = usize::from(self.has_state);
        let inputs = first + self.program.inputs.len();
        let faces = inputs + self.program.outputs.len();
        match &self.program.buffers[buffer].place {
            Place::Input(n) => self.values[first + *n as usize],
            Place::Output(n) => self.values[inputs + *n as usize],
            Place::State(offset) => self.sum(self.values[0], *offset),
            Place::Arena(offset) => self.sum(self.values[faces], *offset),
            Place::Flash(_) => {
                self.constant(self.data.offset(buffer).expect("used constants are in the data"))
            }
        }
    }

    /// From the base, if one instruction does it; else the address is made anew and is the base from now on.
    fn constant(&mut self, offset: u32) -> Value {
        let (least, greatest) = self.machine.add;
        if let Some((base, at)) = self.base
            && let distance = offset.wrapping_sub(at) as i32
            && (least..=greatest).contains(&distance)
        {
            return self.b.add_number(base, distance);
        }
        let value = self.b.push(Op::DataAddress(offset), &[], &[Class::Word])[0];
        self.base = Some((value, offset));
        value
    }

    /// Not shared, as no address here: it is cheaper to make one than to keep it over calls.
    fn sum(&mut self, base: Value, offset: u32) -> Value {
        if offset == 0 {
            return base;
        }
        let offset = self.b.number(offset as i32);
        self.b.push(Op::Add, &[base, offset], &[Class::Word])[0]
    }

    /// Returns with a code that is not zero.
    fn stop_on(&mut self, code: Value) {
        let once = |varies| Count { times: 1, varies };
        let before = self.b.current();
        let (stop, _) = self.b.block(&[], 0, once(true));
        let (on, _) = self.b.block(&[], 0, once(false));
        let zero = self.b.number(0);
        self.b.switch_to(before);
        let edge = |to, varies| Edge { to, args: Vec::new(), count: once(varies) };
        let (then, otherwise) = (edge(stop, true), edge(on, false));
        self.b.end(End::Branch { cond: Cond::Ne, left: code, right: zero, then, otherwise });
        self.b.switch_to(stop);
        self.b.end(End::Return(vec![code]));
        self.b.switch_to(on);
    }
}
