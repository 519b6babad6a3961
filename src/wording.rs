//! Numbers and names as people read them, the same in every report.

pub use tinyc_ir::wording::{counted, grouped};

/// A size of a memory in the largest unit that is exact: `640 KiB`, `2 MiB`, `1,000 B`.
pub fn memory(bytes: u64) -> String {
    match bytes {
        0 => "0 B".into(),
        b if b.is_multiple_of(1 << 20) => format!("{} MiB", grouped(b >> 20)),
        b if b.is_multiple_of(1 << 10) => format!("{} KiB", grouped(b >> 10)),
        b => format!("{} B", grouped(b)),
    }
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
    fn memories_take_the_largest_exact_unit() {
        assert_eq!(memory(655_360), "640 KiB");
        assert_eq!(memory(2 << 20), "2 MiB");
        assert_eq!(memory(1_000), "1,000 B");
    }

    #[test]
    fn both_ends_of_a_long_name_are_kept() {
        assert_eq!(shortened("conv1"), "conv1");
        let short = shortened("functional_1/average_pooling2d/AvgPool");
        assert_eq!((short.as_str(), short.chars().count()), ("functional_1/aver…pooling2d/AvgPool", 35));
    }
}
