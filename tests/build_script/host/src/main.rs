//! Prints how much memory the model works on.

include!(concat!(env!("OUT_DIR"), "/model.rs"));

fn main() {
    println!("{} bytes", model::ARENA_BYTES);
}
