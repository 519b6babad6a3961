//! The forms of emitted code as words of the command line.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tinyc::pipeline::Emit;

/// Reads one of `forms`.
pub(super) fn parser(forms: &'static [Emit]) -> impl TypedValueParser<Value = Emit> {
    let values = forms.iter().map(|emit| PossibleValue::new(emit.name()).help(help(*emit)));
    PossibleValuesParser::new(values).map(|word| {
        let emit = Emit::ALL.into_iter().find(|emit| emit.name() == word);
        emit.expect("clap takes only the words that are listed")
    })
}

fn help(emit: Emit) -> &'static str {
    match emit {
        Emit::C => "NAME.c, for any compiler and every target",
        Emit::Obj => "NAME.o, machine code for any linker, made without a compiler; every target",
        Emit::Rust => "NAME.rs, a module without unsafe for include!, no_std; every target",
        Emit::Asm => "NAME.s, the same machine code as commented text; Cortex-M, RV32",
    }
}
