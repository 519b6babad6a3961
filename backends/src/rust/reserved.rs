//! Words that printed code must not use as names of its own.

/// Keywords of Rust, strict and reserved, and names of the prelude and of primitive types that printed code relies on.
const WORDS: &str = "
    abstract as async await become bool box break const continue core crate do dyn else enum extern f32 f64 false final fn for
    gen i128 i16 i32 i64 i8 if impl in isize let loop macro match mod move mut override priv pub ref return self static
    str struct super trait true try type typeof u128 u16 u32 u64 u8 unsafe unsized use usize virtual where while yield
";

/// Functions, modules and (in small letters) constants of the emitted module; those that are named after a type begin with one of [`BEGINNINGS`].
const OWN: &str = "
    at put part part_mut carve math packed memory state rest run layers round_clamp kept result sqrt_f64 round_f64 outputs arena
    arena_bytes state_bytes initial_state";

/// How the names of other helper functions begin; they end with a type.
const BEGINNINGS: [&str; 13] = [
    "load_",
    "store_",
    "min_",
    "max_",
    "at_most_",
    "at_least_",
    "div_",
    "rem_",
    "shl_",
    "shr_",
    "f32_to_",
    "f16_to_",
    "bf16_to_",
];

const TYPES: [&str; 11] = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "f32", "f64"];

/// Whether the name is taken everywhere.
pub(super) fn is_word(name: &str) -> bool {
    let among = |words: &str| words.split_ascii_whitespace().any(|word| word == name);
    let typed = || TYPES.iter().any(|ty| name.ends_with(ty));
    among(WORDS) || among(OWN) || BEGINNINGS.iter().any(|b| name.starts_with(b)) && typed()
}
