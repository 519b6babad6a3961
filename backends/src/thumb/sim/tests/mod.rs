//! The simulator against its own promises: every check provoked, calls and profiles, cycles.

mod build;
mod checks;
mod flash;
mod speed;
