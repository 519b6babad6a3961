//! A function on a machine of QEMU: start-up code, an ELF file of our own making, and the bytes that the function left.

use std::path::Path;
use std::process::Command;

use tinyc_backends::thumb::isa::{Inst, Op, Reg, encode};
use tinyc_backends::thumb::sim::STACK_BYTES;
use tinyc_targets::Core;

/// What a machine is to run.
pub(crate) struct Job<'a> {
    pub(crate) core: &'a Core,
    /// The machine; it may have a larger core than the code is for.
    pub(crate) machine: &'a str,
    /// Where flash and RAM begin.
    pub(crate) flash: u32,
    pub(crate) ram: u32,
    /// The code, how far behind the beginning of flash it lies, the function's address, and its arguments, at most four.
    pub(crate) code: &'a [u8],
    pub(crate) offset: u32,
    pub(crate) entry: u32,
    pub(crate) args: &'a [u32],
    /// What is in RAM at first, at which address.
    pub(crate) data: &'a [(u32, Vec<u8>)],
    /// The bytes to bring back: address and number.
    pub(crate) result: (u32, u32),
}

/// The whole number into a register.
pub(crate) fn number(register: u8, value: u32) -> [Inst<Reg>; 2] {
    let d = Some(Reg::r(register));
    let half = |op, imm: u32| Inst { d, imm: imm as i32, ..Inst::new(op) };
    [half(Op::MovImm, value & 0xffff), half(Op::Movt, value >> 16)]
}

/// Instructions as bytes.
pub(crate) fn bytes(code: &[Inst<Reg>]) -> Vec<u8> {
    code.iter().flat_map(|inst| encode(inst).unwrap().bytes().collect::<Vec<_>>()).collect()
}

impl Job<'_> {
    /// Runs it, with more options for QEMU, and returns the bytes that it left.
    pub(crate) fn run(&self, folder: &Path, options: &[&str]) -> Vec<u8> {
        let image = folder.join("image.elf");
        std::fs::write(&image, self.elf()).unwrap();
        let output = Command::new("qemu-system-arm")
            .args(["-M", self.machine, "-nographic", "-monitor", "none", "-serial", "none"])
            .args(["-semihosting-config", "enable=on,target=native", "-kernel", "image.elf"])
            .args(options)
            .current_dir(folder)
            .output()
            .unwrap_or_else(|error| {
                panic!("qemu-system-arm: {error}; install it with: apt-get install -y qemu-system-arm")
            });
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {}: {said}", self.machine, output.status);
        let left = std::fs::read(folder.join("dump.bin")).unwrap();
        assert_eq!(left.len(), self.result.1 as usize, "{said}");
        left
    }

    /// Vectors, start-up code and the function in flash, and the data in RAM.
    fn elf(&self) -> Vec<u8> {
        // Behind the vectors: a name, and two blocks of semihosting arguments, which need RAM.
        let blocks = self.ram + 2 * STACK_BYTES;
        let name = self.flash + 0x40;
        let start = self.flash + 0x60;
        let mut open = words(&[name, 5, 8]);
        open.extend(words(&[0, self.result.0, self.result.1]));
        let bkpt = Inst { imm: 0xab, ..Inst::new(Op::Bkpt) };
        let store = |d, n| Inst { d: Some(Reg::r(d)), n: Some(Reg::r(n)), ..Inst::new(Op::StrImm) };
        let mut code = Vec::new();
        if self.core.features.fpu_f32 {
            // Access to the FPU: CPACR.
            code.extend(number(0, 0xe000_ed88));
            code.extend(number(1, 0x00f0_0000));
            code.extend([store(1, 0), Inst::new(Op::Dsb), Inst::new(Op::Isb)]);
        }
        assert!(self.args.len() <= 4, "further arguments would lie on the stack");
        for (register, &arg) in (0..).zip(self.args) {
            code.extend(number(register, arg));
        }
        code.extend(number(4, self.entry + 1));
        code.push(Inst { m: Some(Reg::r(4)), ..Inst::new(Op::Blx) });
        // SYS_OPEN, SYS_WRITE and SYS_EXIT.
        code.extend(number(0, 1));
        code.extend(number(1, blocks));
        code.push(bkpt);
        code.extend(number(1, blocks + 12));
        code.push(store(0, 1));
        code.extend(number(0, 5));
        code.push(bkpt);
        code.extend(number(0, 0x18));
        code.extend(number(1, 0x2_0026));
        code.push(bkpt);

        let mut vectors = words(&[self.ram + STACK_BYTES, start + 1]);
        // Faults end in an endless loop at the reset vector's neighbour: let them be seen instead.
        vectors.extend(words(&[self.flash + 0x51; 14]));
        vectors.extend(b"dump.bin\0\0\0\0\0\0\0\0");
        vectors.extend(bytes(&fault()));
        vectors.resize(0x60, 0);
        vectors.extend(bytes(&code));
        assert!(vectors.len() <= self.offset as usize, "the start-up code reaches into the function");
        vectors.resize(self.offset as usize, 0);
        vectors.extend(self.code);
        let mut segments = vec![(self.flash, vectors), (blocks, open)];
        segments.extend(self.data.iter().cloned());
        elf(start, &segments)
    }
}

/// SYS_EXIT with a reason that is no success.
fn fault() -> Vec<Inst<Reg>> {
    let small = |register, imm| Inst { d: Some(Reg::r(register)), imm, s: true, ..Inst::new(Op::MovImm) };
    vec![small(0, 0x18), small(1, 0x23), Inst { imm: 0xab, ..Inst::new(Op::Bkpt) }]
}

pub(crate) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// An executable ELF file: its header, one program header per segment, the bytes.
fn elf(entry: u32, segments: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([2, 0, 40, 0]);
    file.extend(words(&[1, entry | 1, 52, 0, 0x0500_0000]));
    for half in [52, 32, segments.len() as u16, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let mut offset = 52 + 32 * segments.len();
    for (address, bytes) in segments {
        let size = bytes.len() as u32;
        file.extend(words(&[1, offset as u32, *address, *address, size, size, 7, 4]));
        offset += bytes.len();
    }
    for (_, bytes) in segments {
        file.extend(bytes);
    }
    file
}
