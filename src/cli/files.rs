//! Output files that appear whole or not at all, also as a set: written beside their places, then renamed.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use tinyc_ir::Diagnostic;

/// The code of every error of this file.
pub(crate) const CANNOT_WRITE: u16 = 120;

/// Writes files into a folder; it and the folders in the files' names, which are separated by `/`, are created if need be.
///
/// # Errors
/// A file or the folder cannot be written. Then no file of the set has changed, except when the last step, the renaming
/// of a finished file onto an existing one, fails halfway through the set; the message says so.
pub(crate) fn write_all(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Diagnostic> {
    let refuse = |path: &Path, error: io::Error| {
        Diagnostic::error(CANNOT_WRITE, format!("cannot write {}: {}", path.display(), words(&error)))
            .help("name another place with --out")
    };
    let mut staged = Staged::default();
    staged.create_folders(folder).map_err(|error| refuse(folder, error))?;
    for (name, contents) in files {
        let place = folder.join(name);
        let below = place.parent().unwrap_or(folder);
        staged.create_folders(below).map_err(|error| refuse(below, error))?;
        if place.is_dir() {
            return Err(refuse(&place, io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let beside = beside(&place);
        staged.files.push((beside.clone(), place));
        std::fs::write(&beside, contents).map_err(|error| refuse(&beside, error))?;
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
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Err(Diagnostic::error(CANNOT_WRITE, format!("{} does not name a file", path.display())));
    };
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    write_all(folder, &[(name.to_owned(), contents)])
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

/// The system's words for an error without its number, which differs between systems.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
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
            names.map(|name| (name.to_owned(), b"text".to_vec())).to_vec()
        };
        write_all(&folder, &set("there/file")).unwrap_err();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "a folder was left behind");
        assert_eq!(std::fs::read_dir(folder.join("there")).unwrap().count(), 1);
        write_all(&folder, &set("third")).unwrap();
        assert_eq!(std::fs::read(folder.join("new/below/first")).unwrap(), b"text");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_set_appears_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("tinyc-files-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("second")).unwrap();
        let set = |text: &str| {
            vec![("first".to_owned(), text.as_bytes().to_vec()), ("second".to_owned(), Vec::new())]
        };
        let error = write_all(&folder, &set("new")).unwrap_err();
        assert!(error.message.contains("second"), "{error}");
        assert!(!folder.join("first").exists(), "half a set was written");
        std::fs::remove_dir(folder.join("second")).unwrap();
        write_all(&folder, &set("new")).unwrap();
        assert_eq!(std::fs::read(folder.join("first")).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "nothing unfinished stays");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
