//! Several emitted sources as one translation unit, which compiles many times faster than each alone.
//!
//! Names at file scope are private to each source and may clash: around each, macros rename them.

use std::fmt::Write as _;

/// The text of one unit of sources; each has the prefix of its public names, its file name and its text.
pub(crate) fn merge(sources: &[(&str, &str, &str)]) -> String {
    // Before any macro can meet their names.
    let mut out = String::from("#include <stddef.h>\n#include <stdint.h>\n");
    for (number, (prefix, file, text)) in sources.iter().enumerate() {
        let names = private_names(prefix, text);
        names.iter().for_each(|name| _ = writeln!(out, "#define {name} u{number}_{name}"));
        let _ = writeln!(out, "#line 1 \"{file}\"\n{text}");
        names.iter().for_each(|name| _ = writeln!(out, "#undef {name}"));
    }
    out
}

/// What a source defines at file scope beside its public function.
fn private_names<'t>(prefix: &str, text: &'t str) -> Vec<&'t str> {
    let upper = prefix.to_uppercase();
    let starts =
        ["static ".to_owned(), "typedef ".to_owned(), format!("{upper}_LAYER "), format!("{upper}_ALIGNED(")];
    let name = |line: &'t str| {
        let start = starts.iter().find(|start| line.starts_with(start.as_str()))?;
        let rest = &line[start.len()..];
        // The alignment is a number in brackets.
        let rest = if start.ends_with('(') { rest.split_once(") ")?.1 } else { rest };
        // Attributes of a type stand before its name.
        let rest = rest.rsplit_once(")) ").map_or(rest, |(_, name)| name);
        let declared = rest.split(['(', '[', '=', ';']).next()?.trim_end();
        // An attribute before a name; the same type is defined without it for other compilers.
        declared.rsplit([' ', '*']).next().filter(|name| !name.starts_with("__"))
    };
    let mut names: Vec<&str> = text.lines().filter_map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}
