//! Tensor data in files beside the model: never outside its folder, never more than the tensor needs.

use super::proto::{GraphProto, TensorProto, tensor_proto::DataLocation};
use super::{captures, code};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};
use tinyc_ir::Diagnostic;
use tinyc_ir::wording::words;

/// The files that tensors of a graph lie in, as the model names them; those of bodies included.
pub(super) fn files(graph: &GraphProto) -> BTreeSet<&str> {
    let values =
        graph.node.iter().flat_map(|node| &node.attribute).flat_map(|a| a.t.iter().chain(&a.tensors));
    let stored = graph.initializer.iter().chain(values);
    let bodies = graph.node.iter().flat_map(captures::bodies);
    stored.filter_map(file).chain(bodies.flat_map(files)).collect()
}

fn file(tensor: &TensorProto) -> Option<&str> {
    let external = tensor.data_location() == DataLocation::External;
    let mut entries = tensor.external_data.iter().filter(|_| external);
    entries.find(|entry| entry.key() == "location").map(|entry| entry.value())
}

/// Where a tensor's bytes lie.
pub(super) struct Location<'m> {
    path: &'m str,
    offset: u64,
    length: Option<u64>,
}

impl<'m> Location<'m> {
    /// Reads the entries of a tensor's `external_data`; unknown keys (checksums) are passed over.
    pub(super) fn read(entries: impl Iterator<Item = (&'m str, &'m str)>) -> Result<Self, Diagnostic> {
        let mut location = Self { path: "", offset: 0, length: None };
        for (key, value) in entries {
            let number = || {
                let wrong = || {
                    Diagnostic::error(
                        code::EXTERNAL_DATA,
                        format!("{key} of external data is {value:?}, not a number"),
                    )
                };
                value.parse::<u64>().map_err(|_| wrong())
            };
            match key {
                "location" => location.path = value,
                "offset" => location.offset = number()?,
                "length" => location.length = Some(number()?),
                _ => {}
            }
        }
        Ok(location)
    }

    /// Loads exactly `bytes` bytes.
    pub(super) fn load(&self, base_dir: Option<&Path>, bytes: usize) -> Result<Vec<u8>, Diagnostic> {
        let help = "put the data file into the model's folder, or save the model as one file";
        let misplaced = |why: &str| {
            Diagnostic::error(code::EXTERNAL_PLACE, format!("external data in {:?} {why}", self.path))
                .help(help)
        };
        let base = base_dir
            .ok_or_else(|| misplaced("cannot be found, because the model is not read from a folder"))?;
        let relative = Path::new(self.path);
        if self.path.is_empty()
            || !relative.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir))
        {
            return Err(misplaced("is not inside the model's folder"));
        }
        let failed = |why: String| {
            Diagnostic::error(code::EXTERNAL_DATA, format!("external data in {:?} {why}", self.path))
                .help(help)
        };
        let base = base.canonicalize().map_err(|e| failed(format!("cannot be read: {}", words(&e))))?;
        let path = base
            .join(relative)
            .canonicalize()
            .map_err(|e| failed(format!("cannot be read: {}", words(&e))))?;
        if !path.starts_with(&base) {
            return Err(misplaced("leads outside the model's folder"));
        }
        if self.length.is_some_and(|length| length != bytes as u64) {
            return Err(failed(format!("has {} bytes for a tensor of {bytes}", self.length.unwrap_or(0))));
        }
        let metadata = path.metadata().map_err(|e| failed(format!("cannot be read: {}", words(&e))))?;
        if !metadata.is_file() {
            return Err(misplaced("is not a regular file"));
        }
        let end = self.offset.checked_add(bytes as u64).filter(|&end| end <= metadata.len());
        if end.is_none() {
            return Err(failed(format!(
                "ends at byte {}, before {bytes} bytes from {}",
                metadata.len(),
                self.offset
            )));
        }
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(self.offset))?;
            let mut data = vec![0; bytes];
            file.read_exact(&mut data)?;
            Ok(data)
        };
        read().map_err(|e| failed(format!("cannot be read: {}", words(&e))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(base: &Path, entries: &[(&str, &str)], bytes: usize) -> Result<Vec<u8>, u16> {
        Location::read(entries.iter().copied()).and_then(|l| l.load(Some(base), bytes)).map_err(|d| d.code)
    }

    #[test]
    fn only_whole_data_inside_the_folder_are_read() {
        let root = std::env::temp_dir().join(format!("tinyc-external-{}", std::process::id()));
        let base = root.join("model");
        std::fs::create_dir_all(&base).unwrap();
        std::fs::write(base.join("w.bin"), [1, 2, 3, 4]).unwrap();
        std::fs::write(root.join("secret"), [9; 4]).unwrap();
        assert_eq!(
            load(&base, &[("location", "w.bin"), ("offset", "1"), ("length", "2")], 2),
            Ok(vec![2, 3])
        );
        assert_eq!(load(&base, &[("location", "./w.bin")], 4), Ok(vec![1, 2, 3, 4]));
        assert_eq!(load(&base, &[("location", "w.bin")], 5), Err(code::EXTERNAL_DATA));
        assert_eq!(
            load(&base, &[("location", "w.bin"), ("offset", "18446744073709551615")], 4),
            Err(code::EXTERNAL_DATA)
        );
        assert_eq!(
            load(&base, &[("location", "w.bin"), ("length", "1000000000000")], 4),
            Err(code::EXTERNAL_DATA)
        );
        assert_eq!(load(&base, &[("location", "w.bin"), ("offset", "-1")], 4), Err(code::EXTERNAL_DATA));
        assert_eq!(load(&base, &[("location", "none")], 4), Err(code::EXTERNAL_DATA));
        for outside in ["../secret", "/etc/passwd", "", ".", "a/../../secret"] {
            assert_eq!(load(&base, &[("location", outside)], 4), Err(code::EXTERNAL_PLACE), "{outside}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root.join("secret"), base.join("link")).unwrap();
            assert_eq!(load(&base, &[("location", "link")], 4), Err(code::EXTERNAL_PLACE));
        }
        std::fs::remove_dir_all(&root).unwrap();
    }
}
