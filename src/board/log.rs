//! What a board sent: the lines of `bench_main.c` among whatever else its firmware printed, read back and checked for
//! damage. Whether the results are right is not known here.

use super::Identity;
use super::hash::Fnv;
use crate::wording::counted;
use std::collections::BTreeMap;
use tinyc_ir::Diagnostic;

/// What every line begins with.
pub(super) const WORD: &str = "tinyc-bench";

/// The version of the lines' form.
pub(super) const FORMAT: u32 = 1;

/// The code of a log that is missing, cut short or damaged.
const DAMAGED: u16 = 530;

/// One run of all samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// What ran.
    pub identity: Identity,
    /// What counted the cycles: `dwt`, `systick`, `mcycle`, `own` or `none`.
    pub clock: String,
    /// One per sample, in order.
    pub samples: Vec<Sample>,
}

/// What one sample came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What the network returned.
    pub status: i32,
    /// The hash of its outputs.
    pub hash: u32,
    /// Cycles, if a clock could count them.
    pub cycles: Option<u32>,
}

/// Reads the last complete run in a log. Other lines, text before ours on a line, and line ends of any kind are skipped.
///
/// # Errors
/// No run, or none that is whole: where the last one stops making sense.
pub fn read(bytes: &[u8]) -> Result<Log, Diagnostic> {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<(usize, &str)> = text
        .split(['\n', '\r'])
        .enumerate()
        .filter_map(|(number, line)| Some((number, line[line.find(WORD)?..].trim_end())))
        .collect();
    let starts: Vec<usize> =
        (0..lines.len()).filter(|&i| Line::of(lines[i].1).keyword == FORMAT.to_string()).collect();
    let Some(&last) = starts.last() else {
        return Err(Diagnostic::error(DAMAGED, "the log holds no run of tinyc's benchmark")
            .note(format!("a run begins with a line \"{WORD} {FORMAT} model=…\""))
            .help(
                "`tinyc compile … --package bench` writes the firmware's source; log from before its start",
            ));
    };
    let runs = starts.iter().enumerate().rev().map(|(i, &start)| {
        let end = starts.get(i + 1).copied().unwrap_or(lines.len());
        run(&lines[start..end])
    });
    let mut runs = runs.peekable();
    let newest = runs.peek().and_then(|run| run.as_ref().err().cloned());
    match runs.find_map(Result::ok) {
        Some(log) => Ok(log),
        None => Err(newest.unwrap_or_else(|| damaged("it ends", lines[last].1))),
    }
}

/// The lines of one run, from its first.
fn run(lines: &[(usize, &str)]) -> Result<Log, Diagnostic> {
    let (_, head) = lines[0];
    let first = Line::of(head);
    let identity = Identity {
        model: first.text("model")?,
        tinyc: first.text("tinyc")?,
        core: first.text("core")?,
        emit: first.text("emit")?,
        files: first.hexadecimal("files")?,
        inputs: first.hexadecimal("inputs")?,
    };
    let (count, clock) = (first.number::<u32>("samples")?, first.text("clock")?);
    let mut check = Fnv::START.then(head.bytes());
    let mut samples = Vec::new();
    for &(_, text) in &lines[1..] {
        let line = Line::of(text);
        match line.keyword {
            "sample" => {
                let position = line.position.and_then(|word| word.parse::<usize>().ok());
                if position != Some(samples.len()) {
                    let message = format!("the line of sample {} is missing", samples.len());
                    return Err(damaged(&message, text));
                }
                samples.push(Sample {
                    status: line.number::<u32>("status")? as i32,
                    hash: line.hexadecimal("hash")?,
                    cycles: match line.value("cycles")? {
                        "-" => None,
                        _ => Some(line.number("cycles")?),
                    },
                });
                check = check.then(text.bytes());
            }
            "end" => {
                if samples.len() != count as usize {
                    return Err(damaged(&format!("the line of sample {} is missing", samples.len()), text));
                }
                if line.hexadecimal("check")? != check.value() {
                    return Err(damaged("characters of the run were lost or changed on the way", text).help(
                        "log again; check the baud rate, and that nothing else writes into these lines",
                    ));
                }
                return Ok(Log { identity, clock, samples });
            }
            _ => return Err(damaged("a line makes no sense", text)),
        }
    }
    let message = format!("the log ends after {} of {}", samples.len(), counted(count as usize, "sample"));
    let (_, text) = lines[lines.len() - 1];
    Err(damaged(&message, text)
        .help("log until the line \"tinyc-bench end\"; a stop before it may be a crash"))
}

fn damaged(what: &str, line: &str) -> Diagnostic {
    let shown: String = line.chars().filter(|c| !c.is_control()).take(120).collect();
    Diagnostic::error(DAMAGED, format!("the log is damaged: {what}")).note(format!("at \"{shown}\""))
}

/// `tinyc-bench KEYWORD [POSITION] key=value …`.
struct Line<'a> {
    text: &'a str,
    keyword: &'a str,
    position: Option<&'a str>,
    values: BTreeMap<&'a str, &'a str>,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Self {
        let mut words = text.split(' ').skip(1);
        let keyword = words.next().unwrap_or_default();
        let (values, others): (Vec<&str>, Vec<&str>) = words.partition(|word| word.contains('='));
        Self {
            text,
            keyword,
            position: others.first().copied(),
            values: values.into_iter().filter_map(|word| word.split_once('=')).collect(),
        }
    }

    fn value(&self, key: &str) -> Result<&'a str, Diagnostic> {
        let value = self.values.get(key).copied().filter(|value| !value.is_empty());
        value.ok_or_else(|| damaged(&format!("`{key}=` is missing in a line"), self.text))
    }

    fn text(&self, key: &str) -> Result<String, Diagnostic> {
        self.value(key).map(str::to_owned)
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, Diagnostic> {
        let wrong = |_| damaged(&format!("`{key}=` is no number in a line"), self.text);
        self.value(key)?.parse().map_err(wrong)
    }

    fn hexadecimal(&self, key: &str) -> Result<u32, Diagnostic> {
        let value = self.value(key)?;
        let number = if value.len() == 8 { u32::from_str_radix(value, 16).ok() } else { None };
        number.ok_or_else(|| damaged(&format!("`{key}=` is no hash in a line"), self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Vec<String> {
        let head = "tinyc-bench 1 model=net tinyc=0.1.0 core=cortex-m4 emit=obj files=00c0ffee inputs=12345678 \
                    samples=2 clock=dwt";
        let mut lines = vec![
            head.to_owned(),
            "tinyc-bench sample 0 status=0 hash=0000abcd cycles=1234".into(),
            "tinyc-bench sample 1 status=0 hash=0000abce cycles=-".into(),
        ];
        let check = lines.iter().fold(Fnv::START, |hash, line| hash.then(line.bytes())).value();
        lines.push(format!("tinyc-bench end check={check:08x}"));
        lines
    }

    fn refusal(lines: &[String]) -> String {
        read(lines.join("\r\n").as_bytes()).expect_err("it is damaged").to_string()
    }

    #[test]
    fn noise_and_line_ends_do_not_matter() {
        let plain = read(whole().join("\n").as_bytes()).expect("it is whole");
        assert_eq!(plain.samples[0], Sample { status: 0, hash: 0xabcd, cycles: Some(1234) });
        assert_eq!(plain.samples[1].cycles, None);
        assert_eq!((plain.identity.files, plain.clock.as_str()), (0x00c0_ffee, "dwt"));
        let noise = whole().join("\r\n[00:01] tick\r\n[00:02] ");
        let noisy = [b"\xff\xfeboot\r\n\x1b[0m> ", noise.as_bytes(), b"\r\n> "].concat();
        assert_eq!(read(&noisy).expect("it is whole"), plain);
    }

    #[test]
    fn the_last_whole_run_counts() {
        let (first, mut second) = (whole(), whole());
        let together = |a: &[String], b: &[String]| read([a, b].concat().join("\n").as_bytes());
        assert!(together(&first[..2], &second).is_ok(), "a reset in the midst of a run");
        second.truncate(2);
        assert!(together(&first, &second).is_ok(), "logging stopped in the midst of a run");
    }

    #[test]
    fn damage_is_named() {
        let without = |i: usize| {
            let mut lines = whole();
            lines.remove(i);
            refusal(&lines)
        };
        assert!(without(0).contains("no run"), "{}", without(0));
        assert!(without(1).contains("sample 0 is missing"), "{}", without(1));
        assert!(without(2).contains("sample 1 is missing"), "{}", without(2));
        assert!(without(3).contains("ends after 2 of 2 samples"), "{}", without(3));
        let mut lines = whole();
        lines[1] = lines[1].replace("abcd", "abce");
        assert!(refusal(&lines).contains("lost or changed"), "{}", refusal(&lines));
        lines[1] = lines[1].replace("hash=0000abce", "hash=0000abc");
        assert!(refusal(&lines).contains("`hash=` is no hash"), "{}", refusal(&lines));
        lines[1] = "tinyc-bench sample 0 status=0".into();
        assert!(refusal(&lines).contains("`hash=` is missing"), "{}", refusal(&lines));
        assert!(refusal(&[]).contains("E0530"));
    }
}
