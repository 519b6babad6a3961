//! Which layers get fewer bits, so that all weights fit a budget and the least accuracy is lost.

/// One layer that may get fewer bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// Bytes that it would save.
    pub saved: u64,
    /// What it would cost in accuracy; not negative.
    pub cost: f64,
}

/// Parts of the bytes to save that are told apart; savings are rounded down to them, so the budget is always kept.
const PARTS: u64 = 4096;

/// The choice of the least total cost that saves at least `wanted` bytes; `None` if all together do not.
///
/// Exact up to the rounding of savings to a [`PARTS`]th of what is wanted: dynamic programming over the bytes saved so far.
pub fn choose(items: &[Item], wanted: u64) -> Option<Vec<bool>> {
    if items.iter().map(|item| item.saved).sum::<u64>() < wanted {
        return None;
    }
    let unit = wanted.div_ceil(PARTS).max(1);
    let goal = wanted.div_ceil(unit) as usize;
    let steps = |item: &Item| (item.saved / unit) as usize;
    // All together may fall short by what was rounded off; then all it is.
    if items.iter().map(steps).sum::<usize>() < goal {
        return Some(vec![true; items.len()]);
    }
    // least[s]: the least cost of saving s steps or more with the items so far.
    let mut least = vec![f64::INFINITY; goal + 1];
    least[0] = 0.0;
    let mut taken = vec![vec![false; goal + 1]; items.len()];
    for (at, item) in items.iter().enumerate() {
        for saved in (1..=goal).rev() {
            let before = least[saved.saturating_sub(steps(item))];
            if before + item.cost < least[saved] {
                least[saved] = before + item.cost;
                taken[at][saved] = true;
            }
        }
    }
    let mut chosen = vec![false; items.len()];
    let mut left = goal;
    for at in (0..items.len()).rev() {
        if taken[at][left] {
            chosen[at] = true;
            left = left.saturating_sub(steps(&items[at]));
        }
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinyc_ir::seeded::Seeded;

    #[test]
    fn no_other_choice_is_cheaper() {
        let mut stream = Seeded::new(3);
        for _ in 0..50 {
            let items: Vec<Item> = (0..10)
                .map(|_| Item { saved: stream.range(1, 300) as u64, cost: stream.range(0, 100) as f64 })
                .collect();
            let wanted = stream.range(0, 1600) as u64;
            let worth = |chosen: &dyn Fn(usize) -> bool| {
                let own = items.iter().enumerate().filter(|(i, _)| chosen(*i));
                own.fold((0, 0.0), |(saved, cost), (_, item)| (saved + item.saved, cost + item.cost))
            };
            let best = (0..1usize << 10)
                .map(|bits| worth(&|i| bits >> i & 1 == 1))
                .filter(|(saved, _)| *saved >= wanted)
                .map(|(_, cost)| cost)
                .min_by(f64::total_cmp);
            let found = choose(&items, wanted).map(|chosen| worth(&|i| chosen[i]));
            assert!(found.is_none_or(|(saved, _)| saved >= wanted));
            assert_eq!(found.map(|(_, cost)| cost), best);
        }
    }
}
