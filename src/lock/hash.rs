//! Whether files are those that they were.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The hash of files' bytes, one behind the other, as 64 hexadecimal digits. Of a folder, that of the `.npy` files in it, in the
/// order of their names.
pub(super) fn of(paths: &[PathBuf]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for path in paths {
        for file in files(path)? {
            io::copy(&mut File::open(file)?, &mut hash)?;
        }
    }
    Ok(digits(hash))
}

/// The hash of bytes.
pub(super) fn of_bytes(bytes: impl IntoIterator<Item = Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    bytes.into_iter().for_each(|part| hash.update(part));
    digits(hash)
}

fn digits(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let entries = path.read_dir()?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    let mut files: Vec<PathBuf> =
        entries.into_iter().filter(|p| p.extension().is_some_and(|e| e == "npy")).collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_value() {
        let path = std::env::temp_dir().join(format!("tinyc_hash_{}", std::process::id()));
        std::fs::write(&path, "abc").unwrap();
        let found = of(std::slice::from_ref(&path)).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(found, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
