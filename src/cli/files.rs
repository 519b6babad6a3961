//! Output files that appear whole or not at all, also as a set: written beside their places, then renamed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use tinyc_ir::Diagnostic;
use tinyc_ir::wording::words;

/// The code of every error of this file.
pub(crate) const CANNOT_WRITE: u16 = 120;

/// Writes files; the folders that they are for are created if need be.
///
/// # Errors
/// Two files are for one place, or one cannot be written. Then no file of the set has changed, except when the last step, the renaming
/// of a finished file onto an existing one, fails halfway through the set; the message says so.
pub(crate) fn write_all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), Diagnostic> {
    let refuse = |path: &Path, error: io::Error| {
        Diagnostic::error(CANNOT_WRITE, format!("cannot write {}: {}", path.display(), words(&error)))
            .help("name another place with --out")
    };
    let mut staged = Staged::default();
    let mut places = BTreeSet::new();
    for (place, contents) in files {
        let below = place.parent().unwrap_or(Path::new(""));
        staged.create_folders(below).map_err(|error| refuse(below, error))?;
        if place.is_dir() {
            return Err(refuse(place, io::Error::from(io::ErrorKind::IsADirectory)));
        }
        if !places.insert(resolved(place)) {
            let message = format!("two files would be written to {}", place.display());
            return Err(Diagnostic::error(CANNOT_WRITE, message).help("name another place for one of them"));
        }
        if is_device(place) {
            std::fs::write(place, contents).map_err(|error| refuse(place, error))?;
            continue;
        }
        let beside = beside(place);
        staged.files.push((beside.clone(), place.clone()));
        std::fs::write(&beside, contents).map_err(|error| refuse(place, error))?;
    }
    for (renamed, (beside, place)) in staged.files.iter().enumerate() {
        std::fs::rename(beside, place).map_err(|error| match renamed {
            0 => refuse(place, error),
            n => refuse(place, error).note(format!("{n} of {} files were replaced before that", files.len())),
        })?;
    }
    staged.files.clear();
    staged.folders.clear();
    Ok(())
}

/// Writes one file.
///
/// # Errors
/// See [`write_all`].
pub(crate) fn write(path: &Path, contents: Vec<u8>) -> Result<(), Diagnostic> {
    if path.file_name().is_none() {
        return Err(Diagnostic::error(CANNOT_WRITE, format!("{} does not name a file", path.display())));
    }
    write_all(&[(path.to_owned(), contents)])
}

/// Refuses a place that something is read from.
///
/// # Errors
/// It would be overwritten.
pub(crate) fn not_read(output: &Path, inputs: &[&Path]) -> Result<(), Diagnostic> {
    let place = resolved(output);
    match inputs.iter().any(|input| resolved(input) == place) {
        false => Ok(()),
        true => {
            let message = format!("{} is read, and would be overwritten", output.display());
            Err(Diagnostic::error(CANNOT_WRITE, message).help("name another place"))
        }
    }
}

/// Whether something is there that only takes bytes, as a terminal or `/dev/null` does: it is never replaced by a file.
fn is_device(place: &Path) -> bool {
    place.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// A path by which a place is known, whether something is there or not.
fn resolved(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let there = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(there).unwrap_or_else(|| path.to_owned())
}

/// What has been begun. If it is dropped before the end, what is left of it is removed.
#[derive(Default)]
struct Staged {
    /// Unfinished files and the places they are for.
    files: Vec<(PathBuf, PathBuf)>,
    /// Folders that were not there before, outer ones first.
    folders: Vec<PathBuf>,
}

impl Staged {
    /// Creates a folder and those around it, as far as they are missing.
    fn create_folders(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|path| !path.exists()).collect();
        let missing = missing.into_iter().filter(|path| !path.as_os_str().is_empty()).map(Path::to_path_buf);
        let missing: Vec<PathBuf> = missing.collect();
        self.folders.extend(missing.into_iter().rev());
        std::fs::create_dir_all(folder)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for (beside, _) in &self.files {
            // Renamed ones are gone already, and a file that cannot be removed must not hide the first error.
            std::fs::remove_file(beside).ok();
        }
        // Only empty ones go.
        for folder in self.folders.iter().rev() {
            std::fs::remove_dir(folder).ok();
        }
    }
}

/// The unfinished file's name; the process id keeps two runs at once apart.
fn beside(place: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    place.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_a_set_that_fails_go_again() {
        let folder = std::env::temp_dir().join(format!("tinyc-folders-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("there/file")).unwrap();
        let set = |last: &str| {
            let names = ["new/below/first", "there/second", last];
            names.map(|name| (folder.join(name), b"text".to_vec())).to_vec()
        };
        write_all(&set("there/file")).unwrap_err();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "a folder was left behind");
        assert_eq!(std::fs::read_dir(folder.join("there")).unwrap().count(), 1);
        write_all(&set("third")).unwrap();
        assert_eq!(std::fs::read(folder.join("new/below/first")).unwrap(), b"text");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_set_appears_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("tinyc-files-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("second")).unwrap();
        let set = |text: &str| {
            vec![(folder.join("first"), text.as_bytes().to_vec()), (folder.join("second"), Vec::new())]
        };
        let error = write_all(&set("new")).unwrap_err();
        assert!(error.message.contains("second"), "{error}");
        assert!(!folder.join("first").exists(), "half a set was written");
        std::fs::remove_dir(folder.join("second")).unwrap();
        write_all(&set("new")).unwrap();
        assert_eq!(std::fs::read(folder.join("first")).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "nothing unfinished stays");
        let twice = [(folder.join("first"), Vec::new()), (folder.join("./first"), Vec::new())];
        assert!(write_all(&twice).unwrap_err().message.contains("two files"));
        assert_eq!(std::fs::read(folder.join("first")).unwrap(), b"new");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_written_to_and_stays() {
        use std::io::Read as _;
        use std::os::unix::net::UnixListener;
        // A socket can be found by its path, and cannot be written to as a file; it must still be there afterwards.
        let folder = std::env::temp_dir().join(format!("tinyc-device-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert!(write(&socket, b"text".to_vec()).is_err());
        assert!(is_device(&socket));
        std::fs::remove_dir_all(&folder).unwrap();
        // And this one takes all.
        let null = Path::new("/dev/null");
        if is_device(null) {
            write(null, b"text".to_vec()).unwrap();
            assert!(is_device(null), "it was replaced");
            assert_eq!(std::fs::File::open(null).unwrap().read(&mut [0]).unwrap(), 0);
        }
    }

    #[test]
    fn what_is_read_is_known_by_any_path() {
        let folder = std::env::temp_dir().join(format!("tinyc-read-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("below")).unwrap();
        let (model, samples) = (folder.join("model.onnx"), folder.join("below/x.npz"));
        std::fs::write(&model, b"model").unwrap();
        let inputs = [model.as_path(), samples.as_path()];
        assert!(not_read(&folder.join("below/../model.onnx"), &inputs).is_err());
        assert!(not_read(&folder.join("below/./x.npz"), &inputs).is_err());
        assert!(not_read(&folder.join("below/model.onnx"), &inputs).is_ok());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
