//! The targets that ship with tinyc: the embedded files, and the way from a name to one of them.

use std::sync::LazyLock;

use crate::chip::{Board, Chip};
use crate::cpu::Core;
use crate::error::UnknownTarget;
use crate::file;
use crate::suggest;
use crate::target::Target;

/// Name and text of each file of a folder, sorted by name; a test compares the list with the folder.
macro_rules! embedded {
    ($folder:literal: $($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../", $folder, "/", $name, ".toml")))),*]
    };
}

#[rustfmt::skip]
const CORE_FILES: &[(&str, &str)] = embedded![
    "cores":
        "cortex-a53",
        "cortex-m0",
        "cortex-m0plus",
        "cortex-m3",
        "cortex-m33",
        "cortex-m4",
        "cortex-m4-nofpu",
        "cortex-m55",
        "cortex-m7",
        "cortex-m7-sp",
        "hazard3",
        "rv32ec",
        "rv32imac",
        "rv32imafc",
        "rv32imc",
        "rv64gc",
];

#[rustfmt::skip]
const CHIP_FILES: &[(&str, &str)] = embedded![
    "chips":
        "apollo3-blue",
        "apollo4-plus",
        "cc2340r5",
        "ch32v003",
        "ch32v203",
        "ch32v307",
        "efr32mg24",
        "esp32-c3",
        "gd32vf103",
        "k210",
        "max78000",
        "mspm0g3507",
        "mspm0l1306",
        "nrf52840",
        "nrf5340",
        "nrf54l15",
        "ra6m4",
        "rp2040",
        "rp2350",
        "rp2350-riscv",
        "stm32f407",
        "stm32f411",
        "stm32f746",
        "stm32g071",
        "stm32g0b1",
        "stm32h743",
        "stm32h7a3",
        "stm32l072",
        "stm32l476",
        "stm32l4r5",
        "stm32l552",
        "stm32u031",
        "stm32u385",
        "stm32u575",
];

static CORES: LazyLock<Vec<Core>> = LazyLock::new(|| {
    let read = |&(_, text)| file::core(text).expect("a test reads every embedded core");
    CORE_FILES.iter().map(read).collect()
});

static CHIPS: LazyLock<Vec<Chip>> = LazyLock::new(|| {
    let read = |&(_, text)| file::chip(text).expect("a test reads every embedded chip");
    CHIP_FILES.iter().map(read).collect()
});

/// All cores, sorted by name.
pub fn cores() -> impl Iterator<Item = &'static Core> {
    CORES.iter()
}

/// All chips, sorted by name.
pub fn chips() -> impl Iterator<Item = &'static Chip> {
    CHIPS.iter()
}

/// All boards with their chips, in the order of the chips.
pub fn boards() -> impl Iterator<Item = (&'static Board, &'static Chip)> {
    chips().flat_map(|chip| chip.boards.iter().map(move |board| (board, chip)))
}

/// The core with this very name.
pub(crate) fn core(name: &str) -> Option<&'static Core> {
    cores().find(|core| core.name == name)
}

/// The names of all cores, without reading their files.
pub(crate) fn core_names() -> impl Iterator<Item = &'static str> {
    CORE_FILES.iter().map(|&(name, _)| name)
}

/// Finds a core, chip or board by name or alias. Case does not matter, and `_` or a blank stands for `-`.
///
/// # Errors
/// [`UnknownTarget`] with the nearest names and with all that exist.
pub fn find(name: &str) -> Result<Target, UnknownTarget> {
    let wanted = suggest::fold(name);
    let named = |own: &str, aliases: &[String]| own == wanted || aliases.contains(&wanted);
    if let Some(core) = cores().find(|core| named(&core.name, &core.aliases)) {
        return Ok(Target { core: core.clone(), chip: None, board: None });
    }
    let on_chip = |chip: &Chip, board: Option<&Board>| {
        let core = core(&chip.core).expect("a chip is read only if its core exists").clone();
        Target { core, chip: Some(chip.clone()), board: board.cloned() }
    };
    if let Some(chip) = chips().find(|chip| named(&chip.name, &chip.aliases)) {
        return Ok(on_chip(chip, None));
    }
    if let Some((board, chip)) = boards().find(|(board, _)| board.name == wanted) {
        return Ok(on_chip(chip, Some(board)));
    }
    let names = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    Err(UnknownTarget {
        name: name.to_owned(),
        suggestions: suggest::nearest(&wanted, all_names()),
        cores: names(cores().map(|core| core.name.as_str()).collect()),
        chips: names(chips().map(|chip| chip.name.as_str()).collect()),
        boards: names(boards().map(|(board, _)| board.name.as_str()).collect()),
    })
}

/// Every name that `find` accepts: cores, then chips, then boards, aliases behind their owner.
fn all_names() -> impl Iterator<Item = &'static str> {
    let with_aliases = |name: &'static String, aliases: &'static Vec<String>| {
        std::iter::once(name.as_str()).chain(aliases.iter().map(String::as_str))
    };
    let of_cores = cores().flat_map(move |core| with_aliases(&core.name, &core.aliases));
    let of_chips = chips().flat_map(move |chip| with_aliases(&chip.name, &chip.aliases));
    of_cores.chain(of_chips).chain(boards().map(|(board, _)| board.name.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Names of the TOML files of a folder of this crate, sorted.
    fn folder(name: &str) -> BTreeSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let entries = std::fs::read_dir(&path).expect("the folder is part of the crate");
        entries
            .map(|entry| entry.expect("a readable entry").file_name().into_string().expect("a plain name"))
            .map(|file| file.strip_suffix(".toml").expect("only TOML files in the folder").to_owned())
            .collect()
    }

    #[test]
    fn every_file_is_embedded_in_order() {
        for (name, files) in [("cores", CORE_FILES), ("chips", CHIP_FILES)] {
            let embedded: Vec<String> = files.iter().map(|&(file, _)| file.to_owned()).collect();
            assert_eq!(embedded, folder(name).into_iter().collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn every_file_parses_and_is_named_after_its_target() {
        for &(name, text) in CORE_FILES {
            let core = file::core(text).unwrap_or_else(|error| panic!("cores/{name}.toml: {error}"));
            assert_eq!(core.name, name);
        }
        for &(name, text) in CHIP_FILES {
            let chip = file::chip(text).unwrap_or_else(|error| panic!("chips/{name}.toml: {error}"));
            assert_eq!(chip.name, name);
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        let mut seen = BTreeSet::new();
        for name in all_names() {
            assert!(seen.insert(name), "two targets are called {name}");
            let target = find(&name.to_ascii_uppercase()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(target.core.name, target.chip.map_or(target.core.name.clone(), |chip| chip.core));
        }
    }

    #[test]
    fn no_citation_is_left_over() {
        for (texts, kind) in [(CORE_FILES, "core"), (CHIP_FILES, "chip")] {
            for &(name, text) in texts {
                let sources = match kind {
                    "core" => &core(name).expect("named after its file").sources,
                    _ => &chips().find(|chip| chip.name == name).expect("named after its file").sources,
                };
                for (key, citation) in sources {
                    assert!(text.contains(&format!("source = \"{key}\"")), "{name}: nothing cites {key}");
                    assert!(citation.len() > 8, "{name}: {key} says too little: {citation}");
                }
            }
        }
    }
}
