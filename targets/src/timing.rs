//! What instructions cost on a core with zero-wait-state memory. Flash wait states belong to the chip.

use serde::{Deserialize, Serialize};

use crate::figure::{Cycles, Figure, Source};

/// How far the sum of the listed costs can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// One instruction at a time, in order: the figures and the rules on the fields determine the count.
    Exact,
    /// Dual issue, predictors, overlapping beats, or a core whose vendor documents no timing: an estimate for
    /// choosing between schedules, not a promise.
    Estimate,
}

/// Costs per class of instruction, in cycles.
///
/// A class that the core lacks is `None`, so a feature that is `false` never has a cost. Classes named `…_extra` and
/// `…_stall` are added to another class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// How far the sum of these figures can be trusted.
    pub fidelity: Fidelity,
    /// Instructions that can start in one cycle (2 on a dual-issue core).
    pub issue_width: Figure<u32>,
    /// Loads that can start in one cycle.
    pub loads_per_cycle: Figure<u32>,

    /// Move, add, logic, compare, shift, bit field, sign extension.
    pub alu: Cycles,
    /// 32×32 → low 32.
    pub multiply: Option<Cycles>,
    /// 32×32 + 32 → low 32.
    pub multiply_accumulate: Option<Cycles>,
    /// 32×32 → 64.
    pub multiply_long: Option<Cycles>,
    /// 32×32 + 64 → 64.
    pub multiply_long_accumulate: Option<Cycles>,
    /// High half of 32×32, with or without an addend.
    pub multiply_high: Option<Cycles>,
    /// Packed multiplies and adds: SMLAD, SMLALD, SMLABB, SXTB16, PKHBT and the rest of the DSP set.
    pub dsp: Option<Cycles>,
    /// SSAT, USAT.
    pub saturate: Option<Cycles>,
    /// Added when the next instruction uses the result of a multiply or DSP instruction as a factor.
    /// Accumulating into the same register is free.
    pub multiply_use_stall: Option<Cycles>,
    /// Hardware division.
    pub divide: Option<Cycles>,

    /// A load of a byte, halfword or word that does not follow another load.
    pub load: Cycles,
    /// A load right after a load from the same memory, its address not from that load: a run of k takes
    /// `load + (k − 1) · load_next`. Loads with base writeback neither follow nor are followed in this way.
    pub load_next: Cycles,
    /// Added to a load of a byte or halfword.
    pub narrow_load_extra: Option<Cycles>,
    /// Added when the next instruction uses the loaded value.
    pub load_use_stall: Option<Cycles>,
    /// Added to a load or store whose address was made by the instruction right before it.
    pub address_stall: Option<Cycles>,
    /// Added to an unaligned load.
    pub unaligned_extra: Option<Cycles>,
    /// A store with an immediate offset.
    pub store: Cycles,
    /// A store with a register offset.
    pub store_register_offset: Option<Cycles>,
    /// A store with a register offset right after a load of one register (without writeback) that does not make its
    /// address; the same as `store_register_offset` where absent.
    pub store_register_offset_next: Option<Cycles>,
    /// Load or store of several registers, first part: `multiple + registers · multiple_register`.
    pub multiple: Option<Cycles>,
    /// Load or store of several registers, for each register.
    pub multiple_register: Option<Cycles>,

    /// A conditional or unconditional branch that is taken.
    pub branch_taken: Cycles,
    /// A conditional branch that falls through.
    pub branch_not_taken: Cycles,
    /// A direct call.
    pub call: Cycles,
    /// A return or any jump through a register.
    pub jump_register: Cycles,
    /// Added to a load or pop into the program counter: the longest refill of the pipeline there is.
    pub jump_loaded_extra: Option<Cycles>,
    /// Added to a taken branch whose target is a 32-bit instruction across a word boundary, but never so much that the
    /// refill gets longer than `jump_loaded_extra`.
    pub target_straddle_extra: Option<Cycles>,
    /// A branch through a table (TBB, TBH).
    pub table_branch: Option<Cycles>,
    /// The instruction that makes those after it conditional (IT).
    pub conditional_block: Option<Cycles>,
    /// The same right after a 16-bit instruction that is no branch; the same as `conditional_block` where absent.
    pub conditional_block_folded: Option<Cycles>,
    /// Reading or writing the flags as a register (MRS, MSR).
    pub status_register: Option<Cycles>,

    /// Float add, subtract, multiply, compare, convert, absolute value, negate.
    pub float_alu: Option<Cycles>,
    /// Float multiply-accumulate (fused or not).
    pub float_multiply_accumulate: Option<Cycles>,
    /// Float division.
    pub float_divide: Option<Cycles>,
    /// Float square root.
    pub float_sqrt: Option<Cycles>,
    /// Float load of 32 bits.
    pub float_load: Option<Cycles>,
    /// Float store of 32 bits.
    pub float_store: Option<Cycles>,
    /// Move between a general and a float register.
    pub float_move: Option<Cycles>,
    /// Move of two registers at once between general and float registers; the same as `float_move` where absent.
    pub float_move_pair: Option<Cycles>,
    /// Added when the next instruction uses a float result.
    pub float_use_stall: Option<Cycles>,

    /// One 128-bit vector instruction; neighbours of different kinds (load, integer, multiply) overlap.
    pub vector: Option<Cycles>,
}

impl Timing {
    /// Cycles of `count` neighbouring loads from one memory, none of which feeds the address of the next.
    pub fn load_run(&self, count: u32) -> u32 {
        match count {
            0 => 0,
            n => self.load.cycles.saturating_add((n - 1).saturating_mul(self.load_next.cycles)),
        }
    }

    /// Every instruction class that has a cost, by its field name, in the order of the fields.
    pub fn classes(&self) -> Vec<(&'static str, &Cycles)> {
        let mut found = Vec::new();
        macro_rules! list {
            ($($field:ident $(= $always:tt)?),* $(,)?) => {
                $( list!(@one $field $($always)?); )*
            };
            (@one $field:ident always) => { found.push((stringify!($field), &self.$field)) };
            (@one $field:ident) => { found.extend(self.$field.as_ref().map(|cycles| (stringify!($field), cycles))) };
        }
        list!(
            alu = always,
            multiply,
            multiply_accumulate,
            multiply_long,
            multiply_long_accumulate,
            multiply_high,
            dsp,
            saturate,
            multiply_use_stall,
            divide,
            load = always,
            load_next = always,
            narrow_load_extra,
            load_use_stall,
            address_stall,
            unaligned_extra,
            store = always,
            store_register_offset,
            store_register_offset_next,
            multiple,
            multiple_register,
            branch_taken = always,
            branch_not_taken = always,
            call = always,
            jump_register = always,
            jump_loaded_extra,
            target_straddle_extra,
            table_branch,
            conditional_block,
            conditional_block_folded,
            status_register,
            float_alu,
            float_multiply_accumulate,
            float_divide,
            float_sqrt,
            float_load,
            float_store,
            float_move,
            float_move_pair,
            float_use_stall,
            vector,
        );
        found
    }

    /// The sources of all figures, each with the path of its figure inside `[timing]`.
    pub(crate) fn sources(&self) -> Vec<(&'static str, &Source)> {
        let mut found = vec![
            ("issue_width", &self.issue_width.source),
            ("loads_per_cycle", &self.loads_per_cycle.source),
        ];
        found.extend(self.classes().into_iter().map(|(name, cycles)| (name, &cycles.source)));
        found
    }
}
