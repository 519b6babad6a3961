//! The memory that the user allows: gates that refuse what does not fit and say what is short and why.

use crate::pipeline::{Compiled, Options};
use crate::wording::memory;
use tinyc_ir::loops::Program;
use tinyc_ir::{Diagnostic, Diagnostics};
use tinyc_targets::Target;

/// Limits in bytes; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// For the arena, the inputs, the outputs and the state.
    pub ram: Option<u64>,
    /// For weights, tables and code.
    pub flash: Option<u64>,
}

impl Budget {
    /// What the target has: its largest stretch of RAM and its flash; nothing is known of a bare core.
    pub fn of(target: &Target) -> Self {
        Self { ram: target.largest_ram_bytes(), flash: target.flash_bytes() }
    }
}

/// Bytes of the user's buffers: inputs and outputs.
pub fn face_bytes(program: &Program) -> u64 {
    program.inputs.iter().chain(&program.outputs).map(|&b| program.buffers[b].bytes() as u64).sum()
}

/// An estimate of the code's size: what GCC makes of a kernel is nearly proportional to its expressions.
///
/// Fitted to the five MLPerf Tiny int8 networks on a Cortex-M4 at `-O2`, which take 3.1 to 4.3 bytes each.
pub fn code_estimate(program: &Program) -> u64 {
    const BYTES_PER_EXPRESSION: u64 = 4;
    program.kernels.values().map(|k| k.exprs.len() as u64).sum::<u64>() * BYTES_PER_EXPRESSION
}

/// Refuses what exceeds the budget.
///
/// # Errors
/// One diagnostic per kind of memory that is short.
pub fn check(compiled: &Compiled, options: &Options) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::default();
    let own = Budget::of(&options.target);
    let has = |limit: u64, of_target: Option<u64>| match of_target {
        Some(own) if own == limit => format!("{} has {}", options.target.name(), memory(limit)),
        _ => format!("the limit is {}", memory(limit)),
    };
    let face = face_bytes(&compiled.program);
    let state = compiled.program.state_bytes() as u64;
    let ram = u64::from(compiled.memory.arena_bytes) + face + state;
    if let Some(limit) = options.budget.ram.filter(|&limit| ram > limit) {
        let plan = &compiled.memory;
        let alive: Vec<String> =
            plan.alive.iter().map(|(n, b)| format!("{n} {}", memory((*b).into()))).collect();
        let place = plan.peak.as_ref().map(|origin| format!(" at \"{}\"", origin.name)).unwrap_or_default();
        let mut problem =
            Diagnostic::error(510, format!("ram: needs {}, {}", memory(ram), has(limit, own.ram))).note(
                format!(
                    "arena {}, inputs and outputs {}; the stack comes on top",
                    memory(plan.arena_bytes.into()),
                    memory(face)
                ),
            );
        if state > 0 {
            problem = problem.note(format!("the state that is kept between runs takes {}", memory(state)));
        }
        if !alive.is_empty() {
            problem = problem.note(format!("the largest live set is{place}: {}", alive.join(" + ")));
        }
        problems.push(problem.help(format!(
            "{} less is needed; the arena cannot be below {} in this order of layers",
            memory(ram - limit),
            memory(plan.lower_bound.into())
        )));
    }
    let flash = compiled.constant_bytes + compiled.code_bytes();
    if let Some(limit) = options.budget.flash.filter(|&limit| flash > limit) {
        problems.push(
            Diagnostic::error(
                511,
                format!("flash: needs about {}, {}", memory(flash), has(limit, own.flash)),
            )
            .note(format!(
                "weights and tables {}, code about {}",
                memory(compiled.constant_bytes),
                memory(compiled.code_bytes())
            ))
            .help("quantise float weights to int8, or choose a chip with more flash (`tinyc targets`)"),
        );
    }
    if problems.has_errors() { Err(problems) } else { Ok(()) }
}
