//! The files of the repository, as tidy sees them: paths relative to the root, texts, and scanning without a parser.

use std::path::{Path, PathBuf};

/// Folders that hold no source: what tools write.
const SKIPPED: [&str; 3] = ["target", ".git", "out"];

/// One file.
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    /// The content; what is not UTF-8 is replaced.
    pub(crate) text: String,
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder (`""` is the root) whose names end so, sorted; none if the folder does not exist.
pub(crate) fn files(folder: &str, ends: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let relative = path.strip_prefix(root()).expect("collected below the root");
            let path = relative.to_string_lossy().replace('\\', "/");
            File { path, text: String::from_utf8_lossy(&bytes).into_owned() }
        })
        .filter(|file| ends.is_empty() || ends.iter().any(|end| file.path.ends_with(end)))
        .collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("the folder is readable").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if SKIPPED.contains(&name.as_ref()) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The number of the line, from 1, that holds the byte at `position`.
pub(crate) fn line(text: &str, position: usize) -> usize {
    text.as_bytes()[..position].iter().filter(|&&b| b == b'\n').count() + 1
}

/// The text without unit tests (from `#[cfg(test)]` before a `mod` with a body to the end) and without comments, which are
/// blanked so that positions stay.
pub(crate) fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let blank = |line: &str| match comment(line) {
        Some(at) => format!("{}{}", &line[..at], " ".repeat(line.len() - at)),
        None => line.to_owned(),
    };
    text[..end].split('\n').map(blank).collect::<Vec<_>>().join("\n")
}

/// Where a line comment begins: the first `//` that is not inside a string.
fn comment(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let (mut quoted, mut i) = (false, 0);
    while i < bytes.len() {
        match bytes[i] {
            b'\\' if quoted => i += 1,
            b'"' if i == 0 || bytes[i - 1] != b'\'' => quoted = !quoted,
            b'/' if !quoted && bytes.get(i + 1) == Some(&b'/') => return Some(i),
            _ => {}
        }
        i += 1;
    }
    None
}

/// Positions behind every occurrence of `word` that is no part of a longer identifier on its left.
pub(crate) fn after<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).filter_map(move |(at, _)| {
        let joined = text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        (!joined).then_some(at + word.len())
    })
}

/// What stands between the bracket that was opened just before `start` and the one that closes it; brackets in strings
/// do not count.
pub(crate) fn bracketed(text: &str, start: usize) -> &str {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (i, c) in text[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => return &text[start..start + i],
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    &text[start..]
}

/// The parts between commas that lie in no bracket and no string.
pub(crate) fn arguments(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, 0, false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(text[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}
