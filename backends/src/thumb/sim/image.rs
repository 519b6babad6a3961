//! What a relocatable object file holds, laid out at addresses and relocated. No execution.

use std::collections::BTreeMap;

use object::elf;
use object::read::elf::{ElfFile32, ElfSection32};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, RelocationFlags, SectionIndex, SectionKind};
use object::{RelocationTarget, SymbolKind};
use tinyc_targets::Core;

use super::memory::{Kind, Memory};
use crate::thumb::isa::{Cond, Extensions, Op, decode, encode_for};
use crate::thumb::timing::Placed;

/// A named address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Symbol {
    pub(super) name: String,
    pub(super) start: u32,
    pub(super) is_function: bool,
}

/// Code ready to be run.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    /// The first address of code, and the one behind the last.
    pub(super) start: u32,
    pub(super) end: u32,
    /// All instructions by address.
    pub(super) code: Vec<Placed>,
    /// Where code should be but is none.
    pub(super) undefined: Vec<u32>,
    /// Where the core lacks the instruction.
    pub(super) unsupported: Vec<u32>,
    /// By address.
    pub(super) symbols: Vec<Symbol>,
}

type Elf<'a> = ElfFile32<'a, Endianness>;

/// A section in memory.
struct Loaded {
    address: u32,
    bytes: Vec<u8>,
    is_code: bool,
    /// Where code begins (true) and where data does, by offset; from `$t` and `$d`.
    parts: BTreeMap<u32, bool>,
}

impl Image {
    /// Instructions without a file.
    pub(super) fn of_code(mut code: Vec<Placed>) -> Self {
        code.retain(|placed| placed.address & 1 == 0 && (placed.bytes == 2 || placed.bytes == 4));
        code.sort_by_key(|placed| placed.address);
        code.dedup_by(|next, before| next.address < before.end());
        Self {
            start: code.first().map_or(0, |placed| placed.address),
            end: code.last().map_or(0, Placed::end),
            code,
            ..Self::default()
        }
    }

    /// Loads an object file into memory.
    pub(super) fn read(object: &[u8], core: &Core, memory: &mut Memory) -> Result<Self, String> {
        let extensions = Extensions::of(core).ok_or_else(|| format!("{} is not an Arm core", core.name))?;
        let file = Elf::parse(object).map_err(|error| format!("not an ELF file of 32 bits: {error}"))?;
        if file.architecture() != object::Architecture::Arm || file.kind() != object::ObjectKind::Relocatable
        {
            return Err("not a relocatable object file for Arm".into());
        }
        let mut loaded = BTreeMap::new();
        for section in file.sections() {
            if let Some(placed) = place(&section, memory)? {
                loaded.insert(section.index().0, placed);
            }
        }
        let mut image = Self { symbols: symbols(&file, &mut loaded), ..Self::default() };
        for section in file.sections() {
            if loaded.contains_key(&section.index().0) {
                relocate(&file, &section, &mut loaded)?;
            }
        }
        let code = || loaded.values().filter(|section| section.is_code && !section.bytes.is_empty());
        image.start = code().map(|section| section.address).min().unwrap_or(0) & !3;
        image.end = code().map(Loaded::end).max().unwrap_or(0).next_multiple_of(2);
        for section in loaded.values() {
            memory.write(section.address, &section.bytes).map_err(|trap| trap.to_string())?;
        }
        for section in code() {
            image.decode(section, extensions);
        }
        image.code.sort_by_key(|placed| placed.address);
        Ok(image)
    }

    fn decode(&mut self, section: &Loaded, extensions: Extensions) {
        let halfwords: Vec<u16> =
            section.bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let mut in_it: Vec<Cond> = Vec::new();
        let mut at = 0;
        while at < halfwords.len() {
            let offset = 2 * at as u32;
            let is_code = section.parts.range(..=offset).next_back().is_none_or(|(_, &is_code)| is_code);
            if !is_code {
                at += 1;
                continue;
            }
            let address = section.address + offset;
            let cond = in_it.pop();
            let Some((inst, bytes)) = decode(&halfwords[at..], cond.filter(|&cond| cond != Cond::Al)) else {
                self.undefined.push(address);
                at += if halfwords[at] >= 0xe800 { 2 } else { 1 };
                continue;
            };
            at += bytes as usize / 2;
            if inst.op == Op::It {
                in_it = inst.cond.of_block(inst.imm as u8).collect();
                in_it.reverse();
            }
            if encode_for(&inst, extensions).is_err() {
                self.unsupported.push(address);
            }
            self.code.push(Placed { address, bytes, inst });
        }
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
fn symbols(file: &Elf<'_>, loaded: &mut BTreeMap<usize, Loaded>) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    for symbol in file.symbols() {
        let Some(section) = symbol.section_index().and_then(|SectionIndex(index)| loaded.get_mut(&index))
        else {
            continue;
        };
        let Ok(name) = symbol.name() else { continue };
        let value = symbol.address() as u32;
        match name {
            _ if name == "$t" || name.starts_with("$t.") => _ = section.parts.insert(value & !1, true),
            _ if name == "$d" || name.starts_with("$d.") => _ = section.parts.insert(value, false),
            "" => {}
            _ => {
                let is_function = symbol.kind() == SymbolKind::Text;
                let start = section.address.wrapping_add(if is_function { value & !1 } else { value });
                symbols.push(Symbol { name: name.to_owned(), start, is_function });
            }
        }
    }
    symbols.sort_by(|x, y| (x.start, &x.name).cmp(&(y.start, &y.name)));
    symbols
}

/// Fills in all addresses of a section.
fn relocate(
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
        let value = home.wrapping_add(symbol.address() as u32);
        let thumb = if symbol.kind() == SymbolKind::Text { 1 } else { 0 };
        let explicit = if relocation.has_implicit_addend() { None } else { Some(relocation.addend() as u32) };
        let RelocationFlags::Elf { r_type } = relocation.flags() else {
            return Err("a relocation of another format".into());
        };
        let target = loaded.get_mut(&key).ok_or("a relocation outside of memory")?;
        let place = target.address.wrapping_add(offset as u32);
        let word = target.word(offset)?;
        let old = u32::from_le_bytes(*word);
        *word = match r_type {
            elf::R_ARM_NONE | elf::R_ARM_V4BX => continue,
            elf::R_ARM_ABS32 | elf::R_ARM_TARGET1 => (value | thumb).wrapping_add(explicit.unwrap_or(old)),
            elf::R_ARM_REL32 => (value | thumb).wrapping_add(explicit.unwrap_or(old)).wrapping_sub(place),
            elf::R_ARM_THM_PC22 | elf::R_ARM_THM_JUMP24 => {
                let addend = explicit.unwrap_or_else(|| branch_offset(old));
                with_branch_offset(old, (value & !1).wrapping_add(addend).wrapping_sub(place))
            }
            elf::R_ARM_THM_MOVW_ABS_NC | elf::R_ARM_THM_MOVT_ABS => {
                let addend = explicit.unwrap_or_else(|| (half(old) as u16 as i16) as u32);
                let address = value.wrapping_add(addend);
                match r_type {
                    elf::R_ARM_THM_MOVT_ABS => with_half(old, address >> 16),
                    _ => with_half(old, (address | thumb) & 0xffff),
                }
            }
            other => return Err(format!("a relocation of type {other} against `{name}`")),
        }
        .to_le_bytes();
    }
    Ok(())
}

/// The number in MOVW and MOVT; the first halfword of an instruction is the lower one of the word.
fn half(word: u32) -> u32 {
    let (first, second) = (word & 0xffff, word >> 16);
    (first & 15) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xff
}

fn with_half(word: u32, number: u32) -> u32 {
    let first = word & 0xfbf0 | number >> 12 & 15 | (number >> 11 & 1) << 10;
    let second = word >> 16 & 0x8f00 | (number >> 8 & 7) << 12 | number & 0xff;
    second << 16 | first
}

/// The offset in BL and the widest B.
fn branch_offset(word: u32) -> u32 {
    let (first, second) = (word & 0xffff, word >> 16);
    let sign = first >> 10 & 1;
    let bit = |at: u32| 1 ^ (second >> at & 1) ^ sign;
    let offset = sign << 24 | bit(13) << 23 | bit(11) << 22 | (first & 0x3ff) << 12 | (second & 0x7ff) << 1;
    (((offset << 7) as i32) >> 7) as u32
}

fn with_branch_offset(word: u32, offset: u32) -> u32 {
    let sign = offset >> 24 & 1;
    let bit = |at: u32| 1 ^ (offset >> at & 1) ^ sign;
    let first = word & 0xf800 | sign << 10 | offset >> 12 & 0x3ff;
    let second = word >> 16 & 0xd000 | bit(23) << 13 | bit(22) << 11 | offset >> 1 & 0x7ff;
    second << 16 | first
}
