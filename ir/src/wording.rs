//! Numbers and the system's errors as people read them, the same in messages, reports and comments.

/// A number with a comma between thousands: `19,968`.
pub fn grouped(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of what has a plural in `s`: `1 layer`, `2 layers`.
pub fn counted(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// The system's words for an error without its number, which differs between systems: `no such file or directory`.
pub fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0u64, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "layer")), ["0 layers", "1 layer", "2 layers"]);
    }

    #[test]
    fn errors_have_no_numbers() {
        let missing = std::fs::read("there/is/no/such/file").unwrap_err();
        let said = words(&missing);
        assert!(!said.is_empty() && !said.contains("os error"), "{said}");
    }
}
