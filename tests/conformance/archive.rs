//! ONNX's own node tests on disk: the index, and the archive, unpacked once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

/// The classes of tests that run, in the order of the table. `excluded` ones (strings, sequences, training) are only
/// named in the index.
pub(crate) const CLASSES: [&str; 4] = ["core", "extended", "tree", "exotic"];

/// One row of the index.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The test's name and folder.
    pub(crate) name: String,
    /// Which element types it needs: one of [`CLASSES`] or `excluded`.
    pub(crate) class: String,
    /// The operator that it is about; for an expanded test, the first of its nodes. Other domains stand before `::`.
    pub(crate) operator: String,
    /// Whether its operator is written out as the function that defines it.
    pub(crate) expanded: bool,
    /// `|got - want| <= absolute + relative * |want|`.
    pub(crate) relative: f64,
    pub(crate) absolute: f64,
}

/// The tests: rows of the index, and the folder that holds one folder for each that is not excluded.
pub(crate) struct Archive {
    pub(crate) entries: Vec<Entry>,
    pub(crate) folder: PathBuf,
}

/// Reads the index and unpacks the archive unless that was done.
pub(crate) fn open(shared: &Path) -> Archive {
    let source = shared.join("models/onnx_node_tests");
    let index = std::fs::read_to_string(source.join("index.tsv")).unwrap();
    let mut lines = index.lines();
    let header: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let [name, class, operator, expanded, sets, relative, absolute] =
        ["name", "class", "main_op", "expanded", "n_sets", "rtol", "atol"].map(column);
    let entry = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields[sets], "1", "{}: a test with several data sets", fields[name]);
        Entry {
            name: fields[name].into(),
            class: fields[class].into(),
            operator: fields[operator].into(),
            expanded: fields[expanded] == "y",
            relative: fields[relative].parse().unwrap(),
            absolute: fields[absolute].parse().unwrap(),
        }
    };
    Archive {
        entries: lines.filter(|l| !l.is_empty()).map(entry).collect(),
        folder: unpack(&source.join("node_tests.tar.zst")),
    }
}

/// The folder of unpacked tests; a stamp beside it says which archive it holds.
fn unpack(archive: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance/archive");
    let stamp = folder.join("stamp");
    let facts = std::fs::metadata(archive).unwrap_or_else(|e| panic!("{}: {e}", archive.display()));
    let modified = facts.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    let wanted = format!("{} bytes, modified at {}\n", facts.len(), modified.as_secs());
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return folder.join("node");
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    let status = Command::new("tar").arg("--zstd").arg("-xf").arg(archive).arg("-C").arg(&folder).status();
    assert!(status.is_ok_and(|s| s.success()), "tar and zstd are needed: apt-get install tar zstd");
    std::fs::write(stamp, wanted).unwrap();
    folder.join("node")
}
