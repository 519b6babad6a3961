//! Loop IR into code: one folder per backend. A backend prints or encodes what it is given; it decides no schedule,
//! no precision and no address, and it never sees the graph.

pub mod c;
pub mod codegen;
pub mod native;
pub mod thumb;
