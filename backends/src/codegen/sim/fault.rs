//! What can go wrong while code runs, and where it did.

use std::fmt;

/// Why the machine stopped.
#[allow(missing_docs, reason = "addresses, sizes in bytes, and words")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trap {
    /// A load where there is no memory, or from a gap between two buffers, or below the stack pointer.
    LoadOutside { address: u32, bytes: u32 },
    /// A store where there is no memory, in a gap, or below the stack pointer.
    StoreOutside { address: u32, bytes: u32 },
    /// A store into memory that the code may only read.
    StoreReadOnly { address: u32, bytes: u32 },
    /// A load of bytes that nothing has written.
    Uninitialised { address: u32, bytes: u32 },
    /// An access whose address is no multiple of its size.
    Unaligned { address: u32, bytes: u32 },
    /// A jump to where no instruction begins.
    NoInstruction { address: u32 },
    /// A jump through a register or a loaded word whose lowest bits ask for a state that the core lacks.
    WrongState { address: u32 },
    /// Bytes that are no instruction of the architecture, or none that this simulator knows.
    Undefined,
    /// An instruction that this core lacks.
    Unsupported,
    /// A trap or a call of a system: nothing handles them.
    Stopped,
    /// The stack pointer left the stack's memory.
    StackOverflow { stack_pointer: u32 },
    /// The stack pointer is no multiple of 4.
    StackUnaligned { stack_pointer: u32 },
    /// A function returned without restoring a register that belongs to its caller.
    NotPreserved { register: &'static str, expected: u32, found: u32 },
    /// A function left with another stack pointer than it came with.
    StackNotRestored { expected: u32, found: u32 },
    /// The instructions that the call may take are used up.
    Budget,
    /// There is no function of this name, or more arguments than fit the stack, or no room for a buffer.
    Host(&'static str),
}

impl Trap {
    /// The address that it is about, where there is one.
    pub fn address(&self) -> Option<u32> {
        match *self {
            Self::LoadOutside { address, .. }
            | Self::StoreOutside { address, .. }
            | Self::StoreReadOnly { address, .. }
            | Self::Uninitialised { address, .. }
            | Self::Unaligned { address, .. }
            | Self::NoInstruction { address }
            | Self::WrongState { address } => Some(address),
            Self::StackOverflow { stack_pointer } | Self::StackUnaligned { stack_pointer } => {
                Some(stack_pointer)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoadOutside { address, bytes } => {
                write!(f, "load of {bytes} bytes from {address:#010x}, outside of all buffers")
            }
            Self::StoreOutside { address, bytes } => {
                write!(f, "store of {bytes} bytes to {address:#010x}, outside of all buffers")
            }
            Self::StoreReadOnly { address, bytes } => {
                write!(f, "store of {bytes} bytes to {address:#010x}, which is read-only")
            }
            Self::Uninitialised { address, bytes } => {
                write!(f, "load of {bytes} bytes from {address:#010x}, where nothing was written")
            }
            Self::Unaligned { address, bytes } => {
                write!(f, "access of {bytes} bytes at {address:#010x}, which is not aligned")
            }
            Self::NoInstruction { address } => {
                write!(f, "jump to {address:#010x}, where no instruction begins")
            }
            Self::WrongState { address } => {
                write!(f, "jump to {address:#010x}, whose lowest bits ask for another state")
            }
            Self::Undefined => f.write_str("not an instruction"),
            Self::Unsupported => f.write_str("an instruction that the core lacks"),
            Self::Stopped => f.write_str("an instruction that stops the core"),
            Self::StackOverflow { stack_pointer } => {
                write!(f, "the stack pointer {stack_pointer:#010x} left the stack")
            }
            Self::StackUnaligned { stack_pointer } => {
                write!(f, "the stack pointer {stack_pointer:#010x} is no multiple of 4")
            }
            Self::NotPreserved { register, expected, found } => {
                write!(f, "returned with {register} = {found:#x}, which the caller left as {expected:#x}")
            }
            Self::StackNotRestored { expected, found } => {
                write!(f, "returned with sp = {found:#x}, which the caller left as {expected:#x}")
            }
            Self::Budget => f.write_str("more instructions than allowed: an endless loop?"),
            Self::Host(text) => f.write_str(text),
        }
    }
}

/// A trap with everything that helps to find its cause.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What happened.
    pub trap: Trap,
    /// The address of the instruction; `None` where none ran.
    pub pc: Option<u32>,
    /// The function and the offset in it, such as `net_conv1+0x1e`.
    pub place: Option<String>,
    /// The instruction's assembly text.
    pub instruction: Option<String>,
    /// The buffer next to the address, and how the address lies to it.
    pub near: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.trap)?;
        if let Some(near) = &self.near {
            write!(f, " ({near})")?;
        }
        if let Some(pc) = self.pc {
            write!(f, "\n  at {pc:#010x}")?;
        }
        if let Some(place) = &self.place {
            write!(f, " {place}")?;
        }
        if let Some(instruction) = &self.instruction {
            write!(f, ": {instruction}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

impl From<Trap> for Fault {
    fn from(trap: Trap) -> Self {
        Self { trap, pc: None, place: None, instruction: None, near: None }
    }
}
