//! What a relocatable object file holds, laid out at addresses: sections, symbols, and where code is data. Relocations and
//! instructions are the backend's.

use std::collections::BTreeMap;

use object::read::elf::{ElfFile32, ElfSection32};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, RelocationFlags, SectionIndex, SectionKind};
use object::{RelocationTarget, SymbolKind};

use super::memory::{Kind, Memory};

/// A named address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    pub(crate) start: u32,
    pub(crate) is_function: bool,
}

/// Code ready to be run.
#[derive(Clone, Debug)]
pub struct Image<P> {
    /// The first address of code, and the one behind the last.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// All instructions by address.
    pub(crate) code: Vec<P>,
    /// Where code should be but is none.
    pub(crate) undefined: Vec<u32>,
    /// Where the core lacks the instruction.
    pub(crate) unsupported: Vec<u32>,
    /// By address.
    pub(crate) symbols: Vec<Symbol>,
}

pub(crate) type Elf<'a> = ElfFile32<'a, Endianness>;

/// A section in memory.
pub(crate) struct Loaded {
    pub(crate) address: u32,
    pub(crate) bytes: Vec<u8>,
    is_code: bool,
    /// Where code begins (true) and where data does, by offset; from symbols such as `$t` and `$d`.
    parts: BTreeMap<u32, bool>,
}

impl<P> Default for Image<P> {
    fn default() -> Self {
        Self {
            start: 0,
            end: 0,
            code: Vec::new(),
            undefined: Vec::new(),
            unsupported: Vec::new(),
            symbols: Vec::new(),
        }
    }
}

/// A place that a relocation fills.
pub(crate) struct Relocation<'a> {
    /// The kind, as ELF numbers them.
    pub(crate) kind: u32,
    /// The address of the place.
    pub(crate) place: u32,
    /// The address of the symbol.
    pub(crate) symbol: u32,
    /// Whether that is a function.
    pub(crate) is_function: bool,
    /// What is added, if the file says it apart from the place.
    pub(crate) addend: Option<u32>,
    /// The symbol's name.
    pub(crate) name: &'a str,
}

type Fill<'r> = dyn Fn(&Relocation<'_>, u32) -> Result<Option<u32>, String> + 'r;
/// An instruction at an address.
pub(crate) struct Decoded<P> {
    /// The instruction.
    pub(crate) placed: P,
    /// Bytes of its encoding.
    pub(crate) bytes: u32,
    /// Whether the core has it.
    pub(crate) supported: bool,
}

/// Decodes what begins at an address, from there to the section's end; `None` if that is no instruction.
pub(crate) type Decoder<'r, P> = Box<dyn FnMut(u32, &[u16]) -> Option<Decoded<P>> + 'r>;

/// How a backend's objects are read.
pub(crate) struct Reader<'r, P> {
    /// The machine that the file must be for.
    pub(crate) architecture: object::Architecture,
    /// The bit of a function's address that is none.
    pub(crate) function_bit: u32,
    /// The word of a place once it is filled in, from the word before; `None` if nothing changes.
    pub(crate) fill: &'r Fill<'r>,
    /// Starts on a section of code.
    pub(crate) decoder: &'r dyn Fn() -> Decoder<'r, P>,
    /// Whether an encoding that begins like this has 32 bits.
    pub(crate) is_long: fn(u16) -> bool,
    /// The address of an instruction.
    pub(crate) address: fn(&P) -> u32,
}

impl<P> Reader<'_, P> {
    /// Loads an object file into memory.
    pub(crate) fn read(&self, object: &[u8], memory: &mut Memory) -> Result<Image<P>, String> {
        let file = Elf::parse(object).map_err(|error| format!("not an ELF file of 32 bits: {error}"))?;
        if file.architecture() != self.architecture || file.kind() != object::ObjectKind::Relocatable {
            return Err(format!("not a relocatable object file for {:?}", self.architecture));
        }
        let mut loaded = BTreeMap::new();
        for section in file.sections() {
            if let Some(placed) = place(&section, memory)? {
                loaded.insert(section.index().0, placed);
            }
        }
        let symbols = symbols(&file, self.function_bit, &mut loaded);
        let mut image = Image { symbols, ..Image::default() };
        for section in file.sections() {
            if loaded.contains_key(&section.index().0) {
                self.relocate(&file, &section, &mut loaded)?;
            }
        }
        let code = || loaded.values().filter(|section| section.is_code && !section.bytes.is_empty());
        image.start = code().map(|section| section.address).min().unwrap_or(0) & !3;
        image.end = code().map(Loaded::end).max().unwrap_or(0).next_multiple_of(2);
        for section in loaded.values() {
            memory.write(section.address, &section.bytes).map_err(|trap| trap.to_string())?;
        }
        for section in code() {
            let is_code =
                |offset| section.parts.range(..=offset).next_back().is_none_or(|(_, &is_code)| is_code);
            self.decode(&mut image, section, &is_code);
        }
        image.code.sort_by_key(self.address);
        Ok(image)
    }

    /// Decodes a section, where code is.
    fn decode(&self, image: &mut Image<P>, section: &Loaded, is_code: &dyn Fn(u32) -> bool) {
        let pairs = section.bytes.chunks_exact(2);
        let halfwords: Vec<u16> = pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let mut decoder = (self.decoder)();
        let mut at = 0;
        while at < halfwords.len() {
            let offset = 2 * at as u32;
            if !is_code(offset) {
                at += 1;
                continue;
            }
            let address = section.address + offset;
            let Some(decoded) = decoder(address, &halfwords[at..]) else {
                image.undefined.push(address);
                at += if (self.is_long)(halfwords[at]) { 2 } else { 1 };
                continue;
            };
            at += decoded.bytes as usize / 2;
            if !decoded.supported {
                image.unsupported.push(address);
            }
            image.code.push(decoded.placed);
        }
    }

    /// Fills in all addresses of a section.
    fn relocate(
        &self,
        file: &Elf<'_>,
        section: &ElfSection32<'_, '_, Endianness>,
        loaded: &mut BTreeMap<usize, Loaded>,
    ) -> Result<(), String> {
        let key = section.index().0;
        for (offset, relocation) in section.relocations() {
            let RelocationTarget::Symbol(index) = relocation.target() else {
                return Err("a relocation without a symbol".into());
            };
            let symbol = file.symbol_by_index(index).map_err(|error| error.to_string())?;
            let name = symbol.name().unwrap_or_default();
            let of = symbol.section_index().and_then(|SectionIndex(index)| loaded.get(&index));
            let home = of.ok_or_else(|| format!("nothing defines the symbol `{name}`"))?.address;
            let RelocationFlags::Elf { r_type: kind } = relocation.flags() else {
                return Err("a relocation of another format".into());
            };
            let target = loaded.get_mut(&key).ok_or("a relocation outside of memory")?;
            let implicit = relocation.has_implicit_addend();
            let found = Relocation {
                kind,
                place: target.address.wrapping_add(offset as u32),
                symbol: home.wrapping_add(symbol.address() as u32),
                is_function: symbol.kind() == SymbolKind::Text,
                addend: (!implicit).then_some(relocation.addend() as u32),
                name,
            };
            let word = target.word(offset)?;
            if let Some(filled) = (self.fill)(&found, u32::from_le_bytes(*word))? {
                *word = filled.to_le_bytes();
            }
        }
        Ok(())
    }
}

impl Loaded {
    fn end(&self) -> u32 {
        self.address + self.bytes.len() as u32
    }

    fn word(&mut self, offset: u64) -> Result<&mut [u8; 4], String> {
        let start = offset as usize;
        let bytes = start.checked_add(4).and_then(|end| self.bytes.get_mut(start..end));
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| "a relocation behind the end of its section".into())
    }
}

/// Gives a section its place, if it takes part in a running program.
fn place(section: &ElfSection32<'_, '_, Endianness>, memory: &mut Memory) -> Result<Option<Loaded>, String> {
    let name = section.name().unwrap_or("a section");
    let kind = match section.kind() {
        SectionKind::Text | SectionKind::ReadOnlyData | SectionKind::ReadOnlyString => Kind::Flash,
        SectionKind::ReadOnlyDataWithRel => Kind::Flash,
        SectionKind::Data | SectionKind::UninitializedData => Kind::Ram { writable: true },
        _ => return Ok(None),
    };
    let size = u32::try_from(section.size()).map_err(|_| format!("{name} is too large"))?;
    if size == 0 || name.starts_with(".ARM.ex") {
        return Ok(None);
    }
    let align = u32::try_from(section.align()).ok().filter(|align| align.is_power_of_two() && *align <= 4096);
    let align = align.ok_or_else(|| format!("{name} has an odd alignment"))?;
    let address = memory.take(name, size, align, kind).map_err(|trap| format!("{name}: {trap}"))?;
    let mut bytes = section.data().map_err(|error| format!("{name}: {error}"))?.to_vec();
    // What a file does not hold is zero: start-up code clears it.
    bytes.resize(size as usize, 0);
    Ok(Some(Loaded { address, bytes, is_code: section.kind() == SectionKind::Text, parts: BTreeMap::new() }))
}

/// All names by address; on the way, which parts of code are data.
fn symbols(file: &Elf<'_>, function_bit: u32, loaded: &mut BTreeMap<usize, Loaded>) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    for symbol in file.symbols() {
        let Some(section) = symbol.section_index().and_then(|SectionIndex(index)| loaded.get_mut(&index))
        else {
            continue;
        };
        let Ok(name) = symbol.name() else { continue };
        let value = symbol.address() as u32;
        match name {
            _ if ["$t", "$x"].iter().any(|mark| is_mark(name, mark)) => {
                section.parts.insert(value & !function_bit, true);
            }
            _ if is_mark(name, "$d") => _ = section.parts.insert(value, false),
            "" => {}
            _ => {
                let is_function = symbol.kind() == SymbolKind::Text;
                let start =
                    section.address.wrapping_add(if is_function { value & !function_bit } else { value });
                symbols.push(Symbol { name: name.to_owned(), start, is_function });
            }
        }
    }
    symbols.sort_by(|x, y| (x.start, &x.name).cmp(&(y.start, &y.name)));
    symbols
}

/// Whether a symbol is a mark such as `$d` or `$d.7`.
fn is_mark(name: &str, mark: &str) -> bool {
    name.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
