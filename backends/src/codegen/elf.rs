//! Machine code and constants as one relocatable ELF file, the kind that a compiler writes. Which bytes the
//! code has is decided elsewhere; here they get sections, symbols and relocations.
//!
//! All code lies in `.text.NAME`, all constants in `.rodata.NAME`, so that a linker script can place each; calls within the
//! code are resolved already, and nothing is left undefined. Relocations are for addresses of constants only.

use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{BinaryFormat, Endianness, FileFlags, RelocationFlags, SectionFlags, SectionKind, SymbolFlags};
use object::{SymbolKind, SymbolScope, elf};
use std::collections::BTreeMap;
use std::ops::Range;

/// Everything that goes into an object file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembly {
    /// What the names of the sections end with: the model's name, an identifier.
    pub name: String,
    /// The code, in the order in which it is laid out.
    pub functions: Vec<Function>,
    /// Weights and tables.
    pub constants: Constants,
}

/// The code of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its symbol, unique in the file.
    pub name: String,
    /// Whether other files can call it.
    pub global: bool,
    /// Alignment of its first byte: a power of two, at least 2.
    pub align: u32,
    /// Instructions and literal pools; the length is even. Calls to other functions of the file are resolved, with the
    /// positions that [`Assembly::positions`] tells; fields that a relocation fills are 0.
    pub bytes: Vec<u8>,
    /// Which bytes are literal pools: ascending, apart from each other, not empty.
    pub data: Vec<Range<u32>>,
    /// What the linker fills in.
    pub references: Vec<Reference>,
}

/// A place in a function that the linker fills, with the address of a constant as a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference {
    /// Where: bytes from the function's beginning.
    pub offset: u32,
    /// What stands there.
    pub field: Field,
    /// Whose address is meant.
    pub to: Target,
}

/// What a reference leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// This byte of the constants.
    Constant(u32),
    /// This byte of the function itself: on RISC-V, the instruction with the upper part of a relative address.
    Code(u32),
}

/// What the linker fills: the number of a relocation. Backends name theirs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Field(pub u32);

/// How object files of a machine say what they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format {
    /// The machine.
    pub architecture: object::Architecture,
    /// Flags of the file's header.
    pub flags: u32,
    /// An instruction that does nothing, to fill gaps between functions.
    pub filler: Vec<u8>,
    /// What the code needs, for linkers of machines that have such a section.
    pub attributes: Option<Attributes>,
    /// What is added to the address of a function's symbol.
    pub function_bit: u32,
    /// Symbols that tell code and data apart.
    pub marks: Marks,
}

/// The section of build attributes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: u32,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Names of symbols that stand where code or data begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Marks {
    /// Before code.
    pub code: &'static str,
    /// Before data.
    pub data: &'static str,
}

/// Weights and tables, one behind another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constants {
    /// All bytes.
    pub bytes: Vec<u8>,
    /// Alignment of the first: a power of two, at least 1.
    pub align: u32,
    /// What lies where, for a reader of the linked firmware: ascending.
    pub labels: Vec<Label>,
}

/// One constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its symbol; it need not be unique, because it is local.
    pub name: String,
    /// Its first byte.
    pub offset: u32,
    /// Its bytes.
    pub bytes: u32,
}

impl Assembly {
    /// The position of each function, in bytes from the beginning of the section of code.
    pub fn positions(&self) -> Vec<u32> {
        let mut end = 0u32;
        let position = |function: &Function| {
            let start = end.next_multiple_of(function.align);
            end = start + function.bytes.len() as u32;
            start
        };
        self.functions.iter().map(position).collect()
    }

    /// All code, with gaps between functions filled by instructions that do nothing.
    pub fn code(&self, filler: &[u8]) -> Vec<u8> {
        let mut code = Vec::new();
        for (function, position) in self.functions.iter().zip(self.positions()) {
            while code.len() < position as usize {
                code.extend(filler);
            }
            code.extend(&function.bytes);
        }
        code
    }

    /// Writes the object file: the same bytes for the same assembly.
    pub fn object(&self, format: &Format) -> Vec<u8> {
        let mut file = Object::new(BinaryFormat::Elf, format.architecture, Endianness::Little);
        file.flags = FileFlags::Elf { os_abi: elf::ELFOSABI_NONE, abi_version: 0, e_flags: format.flags };
        file.add_file_symbol(self.name.clone().into_bytes());
        let mut writer = Writer::new(file, self, format);
        writer.constants(&self.constants);
        writer.code(self);
        writer.attributes();
        // No `.note.GNU-stack`: compilers for bare metal write none, and linkers warn of files that differ.
        writer.file.write().expect("sections are far below 4 GiB, and all relocations are known to ELF")
    }
}

struct Writer<'a> {
    file: Object<'a>,
    text: SectionId,
    rodata: SectionId,
    /// Symbols in the constants by their offset.
    constants: BTreeMap<u32, SymbolId>,
    name: String,
    format: &'a Format,
}

impl<'a> Writer<'a> {
    fn new(mut file: Object<'a>, assembly: &Assembly, format: &'a Format) -> Self {
        let mut add = |prefix: &str, kind| {
            file.add_section(Vec::new(), format!("{prefix}.{}", assembly.name).into_bytes(), kind)
        };
        let text = add(".text", SectionKind::Text);
        let rodata = add(".rodata", SectionKind::ReadOnlyData);
        Self { file, text, rodata, constants: BTreeMap::new(), name: assembly.name.clone(), format }
    }

    fn attributes(&mut self) {
        let Some(Attributes { name, kind, bytes }) = &self.format.attributes else { return };
        let section = self.file.add_section(Vec::new(), (*name).into(), SectionKind::Elf(*kind));
        *self.file.section_flags_mut(section) = SectionFlags::Elf { sh_flags: 0 };
        self.file.append_section_data(section, bytes, 1);
    }

    fn constants(&mut self, constants: &Constants) {
        self.file.append_section_data(self.rodata, &constants.bytes, constants.align.max(1).into());
        if !constants.bytes.is_empty() {
            self.mapping(self.format.marks.data, self.rodata, 0);
        }
        for label in &constants.labels {
            let symbol = self.symbol(
                &label.name,
                self.rodata,
                label.offset,
                label.bytes,
                elf::STT_OBJECT,
                SymbolScope::Compilation,
            );
            self.constants.entry(label.offset).or_insert(symbol);
        }
    }

    fn code(&mut self, assembly: &Assembly) {
        let Marks { code: code_mark, data: data_mark } = self.format.marks;
        let align = assembly.functions.iter().map(|f| f.align).max().unwrap_or(2);
        self.file.append_section_data(self.text, &assembly.code(&self.format.filler), align.max(2).into());
        let positions = assembly.positions();
        for (i, (function, &position)) in assembly.functions.iter().zip(&positions).enumerate() {
            let length = function.bytes.len() as u32;
            // With the gap behind it, which holds instructions.
            let end = positions.get(i + 1).map_or(length, |next| next - position);
            let mut here = 0;
            for data in &function.data {
                if data.start > here {
                    self.mapping(code_mark, self.text, position + here);
                }
                self.mapping(data_mark, self.text, position + data.start);
                here = data.end;
            }
            if here < end {
                self.mapping(code_mark, self.text, position + here);
            }
            let scope = match function.global {
                true => SymbolScope::Dynamic,
                false => SymbolScope::Compilation,
            };
            let address = position | self.format.function_bit;
            self.symbol(&function.name, self.text, address, length, elf::STT_FUNC, scope);
            for reference in &function.references {
                self.reference(position, reference);
            }
        }
    }

    fn reference(&mut self, position: u32, reference: &Reference) {
        let symbol = match reference.to {
            Target::Constant(at) => self.constant(at),
            Target::Code(at) => {
                let at = position + at;
                self.symbol(&format!(".L{at:x}"), self.text, at, 0, elf::STT_NOTYPE, SymbolScope::Compilation)
            }
        };
        let r_type = reference.field.0;
        let offset = u64::from(position + reference.offset);
        let relocation = Relocation { offset, symbol, addend: 0, flags: RelocationFlags::Elf { r_type } };
        self.file.add_relocation(self.text, relocation).expect("ELF takes every relocation of its own");
    }

    /// Some machines keep an addend of 16 bits in the instruction; a symbol right at the constant needs none.
    fn constant(&mut self, at: u32) -> SymbolId {
        if let Some(&symbol) = self.constants.get(&at) {
            return symbol;
        }
        let name = format!("{}_constants_{at:x}", self.name);
        let symbol = self.symbol(&name, self.rodata, at, 0, elf::STT_OBJECT, SymbolScope::Compilation);
        self.constants.insert(at, symbol);
        symbol
    }

    /// Says whether what follows is code or data, for disassemblers and byte order.
    fn mapping(&mut self, name: &str, section: SectionId, offset: u32) {
        self.symbol(name, section, offset, 0, elf::STT_NOTYPE, SymbolScope::Compilation);
    }

    fn symbol(
        &mut self,
        name: &str,
        section: SectionId,
        value: u32,
        size: u32,
        kind: u8,
        scope: SymbolScope,
    ) -> SymbolId {
        let binding = match scope {
            SymbolScope::Compilation => elf::STB_LOCAL,
            _ => elf::STB_GLOBAL,
        };
        self.file.add_symbol(Symbol {
            name: name.into(),
            value: value.into(),
            size: size.into(),
            kind: if kind == elf::STT_FUNC { SymbolKind::Text } else { SymbolKind::Data },
            scope,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::Elf { st_info: (binding << 4) | kind, st_other: elf::STV_DEFAULT },
        })
    }
}
