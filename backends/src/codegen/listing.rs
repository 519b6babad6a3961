//! What listings of all machines have in common: the heads of blocks, constants, numbers.

use super::body::Span;
use super::elf::Assembly;
use std::fmt::Write as _;

/// Where comments begin.
pub(crate) const COLUMN: usize = 44;

/// The line above a block; `mark` begins a comment.
pub(crate) fn head(span: &Span, mark: &str, out: &mut String) {
    if span.range.is_empty() || (span.range.start == 0 && span.comment.is_empty()) {
        return;
    }
    let most = if span.count.varies { "at most " } else { "" };
    let what = if span.comment.is_empty() { String::new() } else { format!("{}: ", span.comment) };
    let _ = writeln!(out, "    {mark} {what}{most}{} times", grouped(span.count.times));
}

/// The section of constants.
pub(crate) fn constants(assembly: &Assembly, out: &mut String) {
    let constants = &assembly.constants;
    let _ = writeln!(out, "\n    .section .rodata.{},\"a\",%progbits", assembly.name);
    let _ = writeln!(out, "    .balign {}\n.Lconstants:", constants.align.max(1));
    let mut ends: Vec<u32> = constants.labels.iter().map(|label| label.offset).skip(1).collect();
    ends.push(constants.bytes.len() as u32);
    for (label, end) in constants.labels.iter().zip(ends) {
        let _ = writeln!(out, "{}:", label.name);
        for row in constants.bytes[label.offset as usize..end as usize].chunks(16) {
            let numbers: Vec<String> = row.iter().map(|byte| byte.to_string()).collect();
            let _ = writeln!(out, "    .byte {}", numbers.join(", "));
        }
    }
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
