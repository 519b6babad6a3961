//! The ONNX reader: [`import`] turns the bytes of a model into a [`Graph`], or says everything that is wrong with it.
//!
//! The way through is [`importer`]: messages → order → constants → quantisation of inputs → one importer per node
//! ([`ops`]). Images become channels-last by wrapping operators in `transpose`, which later passes cancel.

mod attribute;
mod builder;
mod captures;
pub mod code;
mod compose;
mod context;
mod dynamic;
mod export;
mod extent;
mod external;
mod extract;
mod functions;
mod importer;
mod inline;
mod layout;
mod message;
mod minifloat;
mod model;
pub mod ops;
mod order;
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
pub mod proto;
mod quantization;
mod sampling;
mod signature;
mod spatial;
mod storage;
mod stored;
mod tensor;

pub use export::{Exported, export};
pub use extract::{Extracted, Selection};
pub use ops::OpInfo;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tinyc_ir::wording::words;
use tinyc_ir::{Diagnostic, Diagnostics, Graph, Tensor};

/// What the user says beside the file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The file's name for messages; its stem names the graph. Empty: the name that the model gives itself.
    pub name: String,
    /// Shapes of inputs, by name, for dimensions that the model leaves open (`--shape input=1,49,10,1`).
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// The folder that external tensor data must lie in; `None` refuses external data.
    pub base_dir: Option<PathBuf>,
    /// Take layers that measure the range of their input in each run (`DynamicQuantizeLinear`) for float ones, with the weights that
    /// their integers mean.
    pub fixed_ranges: bool,
}

/// A model that was understood.
#[derive(Clone)]
pub struct Imported {
    /// The network. Its values have the names of the ONNX tensors; helper values carry a suffix (`conv1/nhwc`).
    pub graph: Graph,
    /// What the user should know although the import succeeded.
    pub warnings: Diagnostics,
    /// The version of the standard operator set that the model uses.
    pub opset: i64,
    /// How many ONNX nodes were read.
    pub nodes: usize,
    /// How many layers measure the range of their input in each run, or did before [`Options::fixed_ranges`].
    pub dynamic_layers: usize,
    /// Files beside the model that hold data of its tensors, as paths from [`Options::base_dir`].
    pub data_files: Vec<PathBuf>,
}

/// Imports a model from the bytes of an ONNX file.
///
/// # Errors
/// Every problem of the model found in one run, in the order of the file's parts and then of the nodes. A node that
/// only suffers from an earlier failure is not reported.
pub fn import(model: &[u8], options: &Options) -> Result<Imported, Diagnostics> {
    importer::import(model, options)
}

/// Imports a model file. An empty `options.name` becomes the file's name, and a missing `options.base_dir` its folder.
///
/// # Errors
/// The file cannot be read or is larger than [`MAX_FILE_BYTES`], and all errors of [`import`].
pub fn import_file(path: &Path, options: &Options) -> Result<Imported, Diagnostics> {
    let options = beside(path, options);
    import(&read_file(path, &options)?, &options)
}

/// Cuts a small model out of another, to be sent in a report. It works on models that cannot be imported, too.
///
/// Kept are the chosen nodes, what they read of the constants, the operator sets, and the functions that are called. Other tensors
/// that they read become inputs, whose shapes `options` may state; what is known at compile time (shapes) becomes a constant.
///
/// # Errors
/// The file cannot be read or is not an ONNX model, a name is unknown, external data cannot be read, or the type of a tensor that
/// becomes an input is known from nowhere.
pub fn extract_file(path: &Path, options: &Options, selection: &Selection) -> Result<Extracted, Diagnostics> {
    let options = beside(path, options);
    extract::extract(&read_file(path, &options)?, &options, selection)
}

/// Options with the name and the folder of a file, where they say none.
fn beside(path: &Path, options: &Options) -> Options {
    let mut options = options.clone();
    if options.name.is_empty() {
        options.name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    }
    if options.base_dir.is_none() {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        options.base_dir = Some(parent.to_path_buf());
    }
    options
}

fn read_file(path: &Path, options: &Options) -> Result<Vec<u8>, Diagnostics> {
    let refuse =
        |message: String| Diagnostics::from(Diagnostic::error(code::CANNOT_READ, message).at(&*options.name));
    let unreadable = |error: std::io::Error| {
        let message = format!("the file cannot be read: {}", words(&error));
        Diagnostics::from(Diagnostic::error(code::CANNOT_READ, message).at(path.display().to_string()))
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(refuse("this is not a regular file".into()));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(refuse(format!("the file has {} bytes, more than ONNX allows", metadata.len())));
    }
    std::fs::read(path).map_err(unreadable)
}

/// The largest file that [`import_file`] reads: protobuf messages end at 2 GiB.
pub const MAX_FILE_BYTES: u64 = (1 << 31) - 1;

/// Reads a tensor that stands alone, as ONNX's test vectors do; its numbers lie in the message. Floats of 8 and 4 bits come as u8 and
/// u4.
///
/// # Errors
/// An element type that has no tensor here, numbers that do not fit it, and data in other files.
pub fn read_tensor(message: &proto::TensorProto) -> Result<Tensor, Diagnostic> {
    tensor::read_stored(message, None).map(|(tensor, _)| tensor)
}

/// Every ONNX operator that can be imported, sorted by domain and name.
pub fn supported_ops() -> &'static [OpInfo] {
    ops::TABLE
}
