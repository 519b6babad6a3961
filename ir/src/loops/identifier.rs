//! Which names can be written into C and Rust sources as they are. Not who chooses them.

/// Reserved words of C (up to C23), C++ (the header may be included there) and Rust, and names of the C headers and
/// helper types that emitted code uses. Sorted.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "INT16_MAX", "INT16_MIN", "INT32_MAX", "INT32_MIN", "INT64_MAX", "INT64_MIN", "INT8_MAX", "INT8_MIN", "NULL",
    "Self", "UINT16_MAX", "UINT32_MAX", "UINT64_MAX", "UINT8_MAX", "abstract", "alignas", "alignof", "and", "and_eq",
    "as", "asm", "async", "auto", "await", "become", "bitand", "bitor", "bool", "box", "break", "case", "catch",
    "char", "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept",
    "const", "const_cast", "consteval", "constexpr", "constinit", "continue", "crate", "decltype", "default",
    "delete", "do", "double", "dyn", "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "final",
    "float", "fn", "for", "friend", "gen", "goto", "if", "impl", "in", "inline", "int", "int16_t", "int32_t",
    "int64_t", "int8_t", "let", "long", "loop", "macro", "main", "match", "mod", "move", "mut", "mutable",
    "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or", "or_eq", "override", "priv",
    "private", "protected", "ptrdiff_t", "pub", "public", "ref", "register", "reinterpret_cast", "requires",
    "restrict", "return", "self", "short", "signed", "size_t", "sizeof", "static", "static_assert", "static_cast",
    "struct", "super", "switch", "template", "this", "thread_local", "throw", "trait", "true", "try", "type",
    "typedef", "typeid", "typename", "typeof", "typeof_unqual", "uint16_t", "uint32_t", "uint64_t", "uint8_t",
    "union", "unsafe", "unsigned", "unsized", "use", "using", "virtual", "void", "volatile", "wchar_t", "where",
    "while", "xor", "xor_eq", "yield",
];

/// Whether a name can stand in C, C++ and Rust for a function, a constant or a variable: ASCII letters, digits and
/// underscores, no digit first, nothing that a language reserves.
pub fn is_identifier(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let reserved_by_c = name.starts_with('_') || name.contains("__");
    !name.is_empty()
        && name.chars().all(word)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !reserved_by_c
        && RESERVED.binary_search(&name).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted_and_refused() {
        assert!(RESERVED.is_sorted());
        for name in ["int", "fn", "class", "int8_t", "", "1x", "a-b", "_", "_X", "a__b", "é", "main"] {
            assert!(!is_identifier(name), "{name:?}");
        }
        for name in ["x", "conv1", "Int", "layer_2", "i8", "acc_2"] {
            assert!(is_identifier(name), "{name:?}");
        }
    }
}
