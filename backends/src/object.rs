//! A program as machine code, with what it costs: what every native backend makes. It is there without any of them.

/// A compiled program.
#[derive(Clone, Debug)]
pub struct Object {
    /// The ELF file.
    pub elf: Vec<u8>,
    /// The same as assembly text, each instruction with its cycles, if the backend counts them.
    pub listing: Option<String>,
    /// The symbol of the entry function.
    pub entry: String,
    /// One row per call of the program, in order.
    pub layers: Vec<Layer>,
    /// One run of the network, the calls and the entry function included; `None` where no timing is known.
    pub total: Option<Cost>,
    /// Bytes of instructions and of the words among them.
    pub code_bytes: u32,
    /// Bytes of weights and tables.
    pub constant_bytes: u32,
    /// The most stack that a run takes, in bytes.
    pub stack_bytes: u32,
}

/// One layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What its kernel takes; `None` where no timing is known.
    pub cost: Option<Cost>,
    /// Bytes of its kernel's code; layers that share a kernel share them.
    pub code_bytes: u32,
}

/// What something takes with memory that never waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Instructions executed; the most, on a core that branches over an instruction to choose between two values.
    pub instructions: u64,
    /// Cycles; where they depend on data, typical ones for each instruction and the longest way.
    pub cycles: u64,
    /// The most cycles that data can make of it.
    pub worst: u64,
    /// Whether every run takes just these cycles.
    pub exact: bool,
}
