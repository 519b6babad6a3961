//! Work on all processors.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` for every number below `count`, in any order.
pub(crate) fn each(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(count);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let run = || {
                loop {
                    match next.fetch_add(1, Ordering::Relaxed) {
                        number if number < count => work(number),
                        _ => break,
                    }
                }
            };
            scope.spawn(run);
        }
    });
}
