//! Random functions of words through a whole code generator: what the machine code computes, stores and costs, against the
//! interpreter of functions.
//!
//! A failure names the seed and shows the functions. `TINYC_SEED=1234` starts there, `TINYC_FUNCTIONS=1000` takes that many.

use crate::random::{self, Case};
use tinyc_backends::codegen::sim::{Machine, Processor};
use tinyc_backends::native::interpret::Interpreter;
use tinyc_backends::native::{Callee, routines, verify};
use tinyc_backends::{compile_functions, machine};
use tinyc_ir::seeded::Seeded;
use tinyc_targets::Core;

/// What a run left behind: the result and the two buffers.
type Left = (u32, Vec<u8>, Vec<u8>);

pub(crate) fn prove<P: Processor>(seed: u64, size: usize, core: &Core) {
    let machine = machine(core).unwrap();
    let case = Case::new(seed, size, &machine);
    let module = &case.module;
    let show = || module.functions.iter().map(|f| format!("{f}\n")).collect::<String>();
    for function in &module.functions {
        verify(function).unwrap_or_else(|e| panic!("seed {seed}, size {size}: {e}\n{function}"));
    }
    let object = compile_functions("random", module, core).unwrap();
    let listing = object.listing.as_deref().unwrap();
    let context = || format!("seed {seed}, size {size} on {}\n{}", core.name, show());
    let mut simulator = Machine::<P>::load(&object.elf, core).unwrap();
    let mut numbers = Seeded::new(!seed);
    let mut bytes = |count: usize| (0..count).map(|_| numbers.bits() as u8).collect::<Vec<u8>>();
    let (input, output) = (bytes(2 * random::HALF as usize), bytes(random::OUTPUT as usize));
    let mut place = |name, bytes: &[u8]| simulator.alloc(name, bytes.len(), 8, Some(bytes), true).unwrap();
    let (input_at, output_at) = (place("input", &input), place("output", &output));
    let table_at = simulator.symbol("table").expect("the object names its constants");
    let routines = routines::closure(module.routines.iter().copied(), &machine);
    let functions =
        module.functions.iter().enumerate().map(|(at, function)| (Callee::Kernel(at as u32), function));
    let routines = routines.iter().map(|(name, function)| (Callee::Routine(name), function));
    let mut interpreter = Interpreter::new(functions.chain(routines));
    interpreter.data = table_at;
    interpreter.memory.add(table_at, module.data.bytes.clone());
    for _ in 0..2 {
        let mut args = vec![input_at + random::HALF, output_at];
        args.extend((0..case.args).map(|_| random::word(&mut numbers) as u32));
        interpreter.memory.add(input_at, input.clone());
        interpreter.memory.add(output_at, output.clone());
        let results = interpreter.call(&Callee::Kernel(module.functions.len() as u32 - 1), &args);
        let result = results.unwrap_or_else(|fault| panic!("{fault}: {}", context()))[0];
        let piece = |at| interpreter.memory.piece(at).unwrap().to_vec();
        let want: Left = (result, piece(input_at), piece(output_at));

        simulator.write(input_at, &input).unwrap();
        simulator.write(output_at, &output).unwrap();
        let outcome = simulator
            .call(&object.entry, &args, &mut |_, _| {})
            .unwrap_or_else(|fault| panic!("{fault}\n{}\n{}", context(), listing));
        let read = |at, len: usize| simulator.read(at, len).unwrap();
        let got: Left = (outcome.result, read(input_at, input.len()), read(output_at, output.len()));
        if got != want {
            let differs = |a: &[u8], b: &[u8]| a.iter().zip(b).position(|(a, b)| a != b);
            panic!(
                "result {:#x} instead of {:#x}, input differs at {:?}, output at {:?}: {}\n{}",
                got.0,
                want.0,
                differs(&got.1, &want.1),
                differs(&got.2, &want.2),
                context(),
                listing,
            );
        }
        let total = object.total.unwrap();
        let counted = (total.instructions, total.cycles);
        let ran = (outcome.instructions, outcome.cycles);
        if total.exact {
            // Armv6-M branches over an instruction in the time that it takes.
            let skips = core.architecture.starts_with("armv6");
            let counted = (if skips { ran.0 } else { counted.0 }, counted.1);
            assert_eq!(ran, counted, "{}\n{}", context(), listing);
        }
        assert!(ran.0 <= counted.0, "{ran:?} of {counted:?}: {}\n{}", context(), listing);
        assert!(ran.1 <= total.worst, "{ran:?} of {total:?}: {}\n{}", context(), listing);
        let stack = (outcome.stack_bytes, object.stack_bytes);
        assert!(stack.0 <= stack.1, "{stack:?} bytes of stack: {}\n{}", context(), listing);
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The seeds of a test that takes `count` of them unless told otherwise.
pub(crate) fn seeds(count: u64) -> std::ops::Range<u64> {
    let first = number("TINYC_SEED", 0);
    first..first + number("TINYC_FUNCTIONS", count)
}
