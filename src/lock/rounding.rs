//! Which way weights were rounded, as short text: `120+7-31+` is 120 weights as the nearest integers, one above, seven as they are,
//! one below, and so on; what is behind the last sign is as it is.

/// The difference between integers and their nearest ones; `None` if one is off by more than one.
pub(super) fn told(stored: &[i8], nearest: &[i8]) -> Option<String> {
    let mut text = String::new();
    let mut alike = 0;
    for (&stored, &nearest) in stored.iter().zip(nearest) {
        let sign = match i16::from(stored) - i16::from(nearest) {
            0 => {
                alike += 1;
                continue;
            }
            1 => '+',
            -1 => '-',
            _ => return None,
        };
        if alike > 0 {
            text.push_str(&alike.to_string());
        }
        text.push(sign);
        alike = 0;
    }
    Some(text)
}

/// The integers that a text means; `None` if it is none of [`told`]'s.
pub(super) fn heard(text: &str, mut nearest: Vec<i8>) -> Option<Vec<i8>> {
    let mut at = 0usize;
    let mut rest = text;
    while !rest.is_empty() {
        let sign = rest.find(['+', '-'])?;
        let (count, behind) = rest.split_at(sign);
        if !count.is_empty() {
            at = at.checked_add(count.parse().ok()?)?;
        }
        let weight = nearest.get_mut(at)?;
        *weight = if behind.starts_with('+') { weight.checked_add(1)? } else { weight.checked_sub(1)? };
        at += 1;
        rest = &behind[1..];
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard() {
        let nearest = vec![0, 5, -7, 127, 3, 3, -128];
        for change in [[0; 7], [1, 0, 0, -1, 0, 1, 0], [1, 1, 1, -1, -1, -1, 1], [0, 0, 0, 0, 0, 0, 1]] {
            let stored: Vec<i8> = nearest.iter().zip(change).map(|(n, c): (&i8, i8)| n + c).collect();
            let text = told(&stored, &nearest).unwrap();
            assert_eq!(heard(&text, nearest.clone()).unwrap(), stored, "{text}");
        }
        assert_eq!(told(&[0, 1, 2, 3], &[0, 0, 2, 4]).unwrap(), "1+1-");
        assert_eq!(told(&[2], &[0]), None);
        for text in ["7+", "3+", "x", "1", "+9", "99999999999999999999+", "6-"] {
            assert_eq!(heard(text, nearest.clone()), None, "{text}");
        }
    }
}
