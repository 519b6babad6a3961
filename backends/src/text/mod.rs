//! What the backends that print text share: files, comments, what is said about a program. It knows no language.

pub(crate) mod comment;
pub(crate) mod describe;
pub(crate) mod facts;

/// One emitted file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// File name without a folder.
    pub name: String,
    /// The whole text.
    pub text: String,
}
