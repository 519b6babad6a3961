//! An object from functions that are encoded and counted.

use super::elf::{Assembly, Constants, Function, Label};
use super::total::{Functions, Total};
use crate::data::Data;
use crate::native::Module;
use crate::{Cost, Layer, Object};

impl Cost {
    /// What was counted; `known` if the core's timing is documented.
    fn new(total: Total, known: bool) -> Self {
        let Total { instructions, cycles, worst, exact } = total;
        Self { instructions, cycles, worst, exact: exact && known }
    }
}

impl Object {
    /// An object without its file and listing: `entry` is the position of the function that others call, `code_bytes` what all
    /// functions take, `bytes` what one takes.
    pub(crate) fn new<L>(
        functions: &Functions<L>,
        entry: usize,
        module: &Module,
        known: bool,
        bytes: impl Fn(&L) -> u32,
    ) -> Self {
        let layers = functions.kernels_called(entry).map(|(at, total)| Layer {
            cost: Some(Cost::new(total, known)),
            code_bytes: bytes(&functions.all[at].layout),
        });
        Self {
            elf: Vec::new(),
            listing: None,
            entry: functions.all[entry].name.clone(),
            layers: layers.collect(),
            total: Some(Cost::new(functions.total(entry), known)),
            code_bytes: 0,
            constant_bytes: module.data.bytes.len() as u32,
            stack_bytes: functions.stack(entry),
        }
    }
}

impl Assembly {
    /// Functions, encoded, with their constants.
    pub(crate) fn new(name: &str, functions: Vec<Function>, data: &Data) -> Self {
        let labels = data.labels.iter();
        let constants = Constants {
            bytes: data.bytes.clone(),
            align: data.align,
            labels: labels
                .map(|label| Label { name: label.name.clone(), offset: label.offset, bytes: label.len })
                .collect(),
        };
        Self { name: name.to_owned(), functions, constants }
    }
}
