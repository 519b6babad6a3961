//! Byte sizes as people write them: `64K`. How they are printed is in [`tinyc::wording`].

/// Reads `65536`, `64K`, `64KiB`, `1M`, `1.5M`; K and M are powers of 1024, as memories are made.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let refuse = || format!("\"{text}\" is not a size; write bytes as 65536, 64K, 64KiB or 1M");
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(refuse()),
    };
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let whole: u64 = whole.parse().map_err(|_| refuse())?;
    let mut bytes = whole.checked_mul(factor).ok_or_else(refuse)?;
    if number.contains('.') {
        // Ten digits of a fraction are more than any unit resolves, and keep the product within 64 bits.
        let digits = fraction.len();
        if factor == 1 || digits == 0 || digits > 9 {
            return Err(refuse());
        }
        let part: u64 = fraction.parse().map_err(|_| refuse())?;
        bytes = bytes.checked_add(part * factor / 10u64.pow(digits as u32)).ok_or_else(refuse)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_every_spelling() {
        for (text, bytes) in [
            ("65536", 65_536),
            ("64K", 65_536),
            ("64k", 65_536),
            ("64KiB", 65_536),
            ("64 KB", 65_536),
            ("1M", 1 << 20),
            ("1.5M", 3 << 19),
            ("65_536", 65_536),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in
            ["", "K", "-1", "64Q", "1.5", "1..5K", "99999999999999G", "0.1234567891K", "1e3", "٣K", "."]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
