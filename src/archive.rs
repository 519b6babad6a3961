//! A static library with one member, as `ar rcs` writes it: linkers find the member by the index of its symbols.
//!
//! The format is that of System V and GNU: a magic line, then members behind headers of 60 characters, each at an even
//! position. The index is a member named `/`: a count and the positions of members as big-endian words, then names.

/// A file in the library.
pub(crate) struct Member<'a> {
    /// At most 15 characters are kept.
    pub(crate) name: String,
    pub(crate) bytes: &'a [u8],
}

const MAGIC: &[u8] = b"!<arch>\n";

/// The whole library; `symbols` are what the member defines.
pub(crate) fn write(member: &Member<'_>, symbols: &[&str]) -> Vec<u8> {
    let names: usize = symbols.iter().map(|s| s.len() + 1).sum();
    let index = 4 + 4 * symbols.len() + names;
    let position = MAGIC.len() + HEADER + index.next_multiple_of(2);
    let mut out = MAGIC.to_vec();
    header(&mut out, "/", index);
    out.extend((symbols.len() as u32).to_be_bytes());
    symbols.iter().for_each(|_| out.extend((position as u32).to_be_bytes()));
    for symbol in symbols {
        out.extend(symbol.as_bytes());
        out.push(0);
    }
    pad(&mut out);
    let short: String = member.name.chars().take(15).collect();
    header(&mut out, &format!("{short}/"), member.bytes.len());
    out.extend(member.bytes);
    pad(&mut out);
    out
}

/// Bytes of a header.
const HEADER: usize = 60;

/// Name, time, owner, group, mode, size: no clock and no user, so that the same model gives the same bytes.
fn header(out: &mut Vec<u8>, name: &str, size: usize) {
    let text = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, "644");
    debug_assert_eq!(text.len(), HEADER);
    out.extend(text.as_bytes());
}

fn pad(out: &mut Vec<u8>) {
    if !out.len().is_multiple_of(2) {
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_lie_where_the_index_says() {
        let library = write(&Member { name: "net.o".into(), bytes: b"ELF!!" }, &["net_run", "x"]);
        let at = u32::from_be_bytes(library[72..76].try_into().unwrap()) as usize;
        assert_eq!(&library[at..at + 6], b"net.o/");
        assert_eq!(&library[at + 60..at + 65], b"ELF!!");
        assert!(library.len().is_multiple_of(2));
    }
}
