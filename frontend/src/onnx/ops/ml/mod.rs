//! The domain `ai.onnx.ml`, as scikit-learn, LightGBM and XGBoost are exported.

pub(super) mod classes;
pub(super) mod columns;
mod cuts;
mod forest;
pub(super) mod labels;
pub(super) mod linear;
mod scores;
pub(super) mod svm;
pub(super) mod trees;
mod votes;
