//! Numbers and names as people read them, the same in every report.

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

/// A long name without its middle: models name nodes by their path, and both ends tell them apart. At most 36 characters.
pub fn shortened(name: &str) -> String {
    const WIDTH: usize = 36;
    let length = name.chars().count();
    if length <= WIDTH {
        return name.to_owned();
    }
    let half = (WIDTH - 1) / 2;
    let (head, tail) = (name.chars().take(half), name.chars().skip(length - half));
    head.chain(['…']).chain(tail).collect()
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
    fn both_ends_of_a_long_name_are_kept() {
        assert_eq!(shortened("conv1"), "conv1");
        let short = shortened("functional_1/average_pooling2d/AvgPool");
        assert_eq!((short.as_str(), short.chars().count()), ("functional_1/aver…pooling2d/AvgPool", 35));
    }
}
