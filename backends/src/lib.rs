//! Loop IR into code: one folder per backend.
