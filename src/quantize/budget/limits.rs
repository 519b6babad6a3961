//! What a user allows a model to cost, as it is written on the command line and in messages.

use crate::quantize::code;
use crate::wording::grouped;
use std::fmt;
use std::str::FromStr;
use tinyc_ir::Diagnostic;
use tinyc_targets::Target;

/// Limits on a model; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Time of one run.
    pub latency: Option<Latency>,
    /// Energy of one run, in joules.
    pub energy: Option<Joules>,
    /// Bytes of RAM, as [`crate::budget`] counts them.
    pub ram: Option<u64>,
    /// Bytes of flash, as [`crate::budget`] counts them.
    pub flash: Option<u64>,
    /// Bytes of all weights.
    pub weights: Option<WeightBytes>,
    /// How much accuracy may be lost, see [`Scores::drop`](crate::quantize::Scores::drop).
    pub drop: Option<f64>,
}

/// The time of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    /// At the chip's highest clock.
    Seconds(f64),
    /// Of the core.
    Cycles(f64),
}

/// An energy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joules(pub f64);

/// A limit on all weights together.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum WeightBytes {
    /// So many bytes.
    Bytes(u64),
    /// So much of what they take with eight bits.
    Percent(f64),
}

impl Limits {
    /// Whether anything is limited.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds}s"),
            Self::Cycles(cycles) => write!(f, "{cycles}cycles"),
        }
    }
}

impl fmt::Display for Joules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}J", self.0)
    }
}

impl fmt::Display for WeightBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{bytes}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// A number above zero with its unit, of which `units` has the factors.
fn with_unit(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    let number: f64 = number.parse().ok()?;
    Some(number * factor).filter(|x| x.is_finite() && *x > 0.0)
}

impl FromStr for Latency {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = [("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6)];
        let cycles = [("cycles", 1.0), ("kcycles", 1e3), ("Mcycles", 1e6), ("Gcycles", 1e9)];
        with_unit(text, &seconds)
            .map(Self::Seconds)
            .or_else(|| with_unit(text, &cycles).map(Self::Cycles))
            .ok_or_else(|| "write a time or cycles: 20ms, 350us, 1.5s, 5.2Mcycles, 80kcycles".into())
    }
}

impl FromStr for Joules {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        with_unit(text, &[("J", 1.0), ("mJ", 1e-3), ("uJ", 1e-6), ("µJ", 1e-6)])
            .map(Self)
            .ok_or_else(|| "write an energy: 3mJ, 250uJ".into())
    }
}

/// What is limited.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Time of one run.
    Latency,
    /// Energy of one run.
    Energy,
    /// Weights, tables and code.
    Flash,
    /// All weights.
    Weights,
    /// Arena, inputs, outputs and state.
    Ram,
    /// Accuracy lost.
    Drop,
}

impl Kind {
    /// All, in the order in which they are told.
    pub(super) const ALL: [Self; 6] =
        [Self::Latency, Self::Energy, Self::Flash, Self::Weights, Self::Ram, Self::Drop];

    /// What a person calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Energy => "energy",
            Self::Flash => "flash",
            Self::Weights => "weights",
            Self::Ram => "ram",
            Self::Drop => "accuracy drop",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A limit as a number: cycles for time and energy, bytes, or the share that is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bound {
    pub(super) kind: Kind,
    pub(super) most: f64,
}

/// How cycles become what the user spoke of.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    /// Of the chip; `None` where the user spoke of cycles, or nothing is known.
    pub(super) hertz: Option<f64>,
    /// Of the chip.
    pub(super) joules_per_cycle: Option<f64>,
}

/// The limits as numbers. `weights` are the bytes of all weights with eight bits.
pub(super) fn bounds(
    limits: &Limits,
    target: Option<&Target>,
    weights: u64,
) -> Result<(Vec<Bound>, Rates), Diagnostic> {
    let missing = |what: &str| {
        Diagnostic::error(code::UNKNOWN_COST, format!("{what} of the model is not known without a target"))
            .help("name what it will run on: --target nucleo-l4r5zi, say; `tinyc targets` lists them")
    };
    let clock = target.and_then(Target::clock_hz).map(|hz| hz as f64);
    let joules = target.and_then(Target::energy).map(|energy| energy.picojoules_per_cycle * 1e-12);
    let cycles_known = target.is_some_and(|target| target.core.timing.is_some());
    let mut rates = Rates { hertz: clock, joules_per_cycle: joules };
    let mut bounds = Vec::new();
    let mut add = |kind, most| bounds.push(Bound { kind, most });
    if limits.latency.is_some() || limits.energy.is_some() {
        let target = target.ok_or_else(|| missing("the time of a run"))?;
        if !cycles_known {
            return Err(Diagnostic::error(
                code::UNKNOWN_COST,
                format!("cycles are not known for {}", target.core.name),
            )
            .note("no timing of this core is documented")
            .help("limit --ram, --flash or --max-accuracy-drop, or choose another core (`tinyc targets`)"));
        }
        match limits.latency {
            Some(Latency::Cycles(cycles)) => {
                rates.hertz = None;
                add(Kind::Latency, cycles);
            }
            Some(Latency::Seconds(seconds)) => {
                let hz = clock.ok_or_else(|| {
                    Diagnostic::error(
                        code::UNKNOWN_COST,
                        format!("{} has no clock: it is a core, no chip", target.name()),
                    )
                    .help("write cycles, as --latency 5.2Mcycles, or name a chip or board: `tinyc targets` lists them")
                })?;
                add(Kind::Latency, (seconds * hz).floor());
            }
            None => {}
        }
        if let Some(Joules(most)) = limits.energy {
            let per_cycle = joules.ok_or_else(|| {
                Diagnostic::error(
                    code::UNKNOWN_COST,
                    format!("nothing is known of the energy that {} takes", target.name()),
                )
                .note("energy is cycles times the energy of a cycle, and that is a figure of a chip")
                .help("name a chip whose energy is known, as nucleo-l4r5zi, or limit the time: --latency 20ms; targets/README.md says how a chip's file states it")
            })?;
            add(Kind::Energy, (most / per_cycle).floor());
        }
    }
    if let Some(bytes) = limits.flash {
        target.ok_or_else(|| missing("the flash"))?;
        add(Kind::Flash, bytes as f64);
    }
    match limits.weights {
        Some(WeightBytes::Bytes(bytes)) => add(Kind::Weights, bytes as f64),
        Some(WeightBytes::Percent(percent)) => add(Kind::Weights, (weights as f64 * percent / 100.0).floor()),
        None => {}
    }
    if let Some(bytes) = limits.ram {
        target.ok_or_else(|| missing("the RAM"))?;
        add(Kind::Ram, bytes as f64);
    }
    if let Some(drop) = limits.drop {
        add(Kind::Drop, drop);
    }
    Ok((bounds, rates))
}

impl Rates {
    /// A number of a kind as a person reads it.
    pub(super) fn spelled(&self, kind: Kind, value: f64) -> String {
        match (kind, self.hertz, self.joules_per_cycle) {
            (Kind::Latency, Some(hz), _) => format!("{} ms", digits(value / hz * 1e3)),
            (Kind::Energy, _, Some(joules)) => format!("{} uJ", digits(value * joules * 1e6)),
            (Kind::Latency | Kind::Energy, ..) => format!("{} cycles", grouped(value as u64)),
            (Kind::Drop, ..) => format!("{} %", digits(value * 100.0)),
            (Kind::Flash | Kind::Weights | Kind::Ram, ..) => format!("{} B", grouped(value as u64)),
        }
    }

    /// The option with which a value would be allowed, and the limit that it stands for; rounded up, where it is rounded.
    pub(super) fn option(&self, kind: Kind, value: f64) -> (String, f64) {
        let up = |value: f64, unit: f64| (value / unit * 100.0).ceil() / 100.0 * unit;
        match (kind, self.hertz, self.joules_per_cycle) {
            (Kind::Latency, Some(hz), _) => {
                let unit = hz * 1e-6;
                let most = up(value + 1.0, unit);
                (format!("--latency {}us", digits_exact(most / unit)), most)
            }
            (Kind::Energy, _, Some(joules)) => {
                let unit = 1e-6 / joules;
                let most = up(value + 1.0, unit);
                (format!("--energy {}uJ", digits_exact(most / unit)), most)
            }
            (Kind::Latency | Kind::Energy, ..) => (format!("--latency {value:.0}cycles"), value),
            (Kind::Drop, ..) => {
                let most = up(value, 0.01);
                (format!("--max-accuracy-drop {}%", digits_exact(most * 100.0)), most + 1e-9)
            }
            (Kind::Flash, ..) => (format!("--flash {value:.0}"), value),
            (Kind::Weights, ..) => (format!("--weight-budget {value:.0}"), value),
            (Kind::Ram, ..) => (format!("--ram {value:.0}"), value),
        }
    }
}

/// Two digits behind the point, if they say something.
fn digits_exact(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three digits that count.
fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let places = (2.0 - value.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_energies_are_read() {
        assert_eq!("20ms".parse(), Ok(Latency::Seconds(0.02)));
        assert_eq!("1.5 s".parse(), Ok(Latency::Seconds(1.5)));
        assert_eq!("5.5Mcycles".parse(), Ok(Latency::Cycles(5.5e6)));
        assert_eq!("3mJ".parse(), Ok(Joules(0.003)));
        for text in ["", "20", "ms", "-1ms", "0ms", "1e3ms", "20 m", "..ms"] {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_suggested_allows_the_value() {
        let rates = Rates { hertz: Some(120e6), joules_per_cycle: Some(342e-12) };
        for value in [1.0, 74_502.0, 5_175_630.0] {
            let (option, most) = rates.option(Kind::Latency, value);
            let Ok(Latency::Seconds(seconds)) = option.split_once(' ').unwrap().1.parse() else { panic!() };
            assert!((seconds * 120e6).floor() >= value && most >= value, "{option}");
            let (option, most) = rates.option(Kind::Energy, value);
            let joules: Joules = option.split_once(' ').unwrap().1.parse().unwrap();
            assert!((joules.0 / 342e-12).floor() >= value && most >= value, "{option}");
        }
        assert_eq!(rates.option(Kind::Drop, 0.0211).0, "--max-accuracy-drop 2.11%");
        assert_eq!(rates.spelled(Kind::Latency, 178_000.0), "1.48 ms");
    }
}
