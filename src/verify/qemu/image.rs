//! What a linked firmware holds: sizes of its sections, and which function lies where.

use super::workshop::cannot;
use crate::verify::code;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use std::path::Path;
use tinyc_ir::{Diagnostic, Diagnostics};

/// The facts of one ELF file.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    /// Bytes of code.
    pub(super) code: u64,
    /// Bytes of constants, with the initial values of data.
    pub(super) constants: u64,
    /// Bytes of data in RAM.
    pub(super) ram: u64,
    /// Functions by address: start, end, name.
    functions: Vec<(u32, u32, String)>,
}

impl Image {
    /// Reads an ELF file.
    pub(super) fn read(path: &Path) -> Result<Self, Diagnostics> {
        let bytes = std::fs::read(path).map_err(|e| cannot("read", path, &e))?;
        Self::parse(&bytes).map_err(|error| {
            let message = format!("`{}` is not the ELF file that was expected: {error}", path.display());
            Diagnostic::error(code::FILES, message).into()
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, object::Error> {
        let file = object::File::parse(bytes)?;
        let size = |name: &str| file.section_by_name(name).map_or(0, |section| section.size());
        let mut functions: Vec<(u32, u32, String)> = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
            .filter_map(|symbol| {
                // The lowest bit of a Thumb function's address only says that it is Thumb.
                let start = (symbol.address() as u32) & !1;
                Some((start, start.checked_add(symbol.size() as u32)?, symbol.name().ok()?.to_string()))
            })
            .collect();
        functions.sort();
        Ok(Self {
            code: size(".vectors") + size(".text"),
            constants: size(".rodata") + size(".data"),
            ram: size(".data") + size(".bss"),
            functions,
        })
    }

    /// The function around an address, `kws_conv2d + 0x12`.
    pub(super) fn place(&self, address: u32) -> String {
        let address = address & !1;
        match self.functions.iter().find(|(start, end, _)| (*start..*end).contains(&address)) {
            Some((start, _, name)) => format!("{name} + {:#x}", address - start),
            None => format!("{address:#x}, which is no code of it"),
        }
    }
}
