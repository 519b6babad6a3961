//! One row of the tables of objects: a network as machine code for one core, proven, counted, and measured beside the same
//! network by a C compiler and by others.

use crate::subject::Subject;
use crate::support::models::{Model, shared_folder};
use crate::support::vectors::Vectors;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tinyc::pipeline::{Compiled, Emit, Options, compile};
use tinyc::verify::shared_bench::{self, BenchFigures, Form};
use tinyc::verify::{self, Cycles, Method, Verification};
use tinyc_ir::Tensor;
use tinyc_targets::Target;

/// The cores, with what the shared bench calls its build of the peer on each.
pub(crate) const CORES: [(&str, &str); 6] = [
    ("cortex-m0plus", "TFLM+CMSIS-NN M0+ (m0p model)"),
    ("cortex-m3", ""),
    ("cortex-m4", "TFLM+CMSIS-NN M4 TFLM-default (-Os core, -O2 kernels)"),
    ("cortex-m7", "TFLM+CMSIS-NN M7 (count only)"),
    ("cortex-m33", "CMSIS-NN direct M33 (count only)"),
    ("rv32imc", "CMSIS-NN direct (plain C path) RV32IMC -O3 (rv model)"),
];

/// Stored samples that each object computes.
const SAMPLES: usize = 4;

/// What was measured.
pub(crate) struct ObjectRow {
    pub(crate) title: String,
    pub(crate) core: &'static str,
    /// The built-in simulator's verdict and counts, and QEMU's verdict.
    pub(crate) simulated: Verification,
    pub(crate) qemu: Verification,
    /// What the simulator counted, and what was predicted.
    pub(crate) cycles: Cycles,
    /// Cycles that were predicted, typical where they depend on data.
    pub(crate) predicted: u64,
    /// The object, and GCC's `-O3` of the emitted C, by the shared bench.
    pub(crate) bench: BenchFigures,
    pub(crate) gcc: BenchFigures,
    /// Instructions and cycles of the peer, as the shared bench states them.
    pub(crate) peer: Option<Peer>,
    /// Millions of simulated instructions in a second of a processor's time.
    pub(crate) speed: f64,
    /// Processor time from file to object, and for its verification in the simulator.
    pub(crate) proven: Duration,
}

/// Another's build of the same network.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) instructions: u64,
    /// `None` where the shared bench only counts instructions.
    pub(crate) cycles: Option<u64>,
}

/// An object that is made and proven in the simulator.
struct Proven<'a> {
    subject: &'a Subject,
    target: Target,
    compiled: Compiled,
    samples: Vec<Vec<Tensor>>,
    simulated: Verification,
    time: Duration,
    speed: f64,
}

/// Measures the quantised networks on all cores; none without the shared bench.
pub(crate) fn rows(subjects: &[Subject]) -> Vec<ObjectRow> {
    let Some(shared) = shared_folder() else { return Vec::new() };
    let bench = shared.join("bench");
    let page = std::fs::read_to_string(bench.join("README.md")).expect("the shared bench is described");
    let quantised = || subjects.iter().filter(|subject| subject.form == "int8");
    // Processor time is that of all threads, so these come one after another; the other tools run core beside core.
    let proven = CORES.map(|(core, _)| quantised().map(|subject| prove(subject, core)).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        let (bench, page) = (bench.as_path(), page.as_str());
        let measuring = CORES.into_iter().zip(proven).map(|((core, build), proven)| {
            let row = move |proven: Proven| {
                let peer = peer(page, build, &proven.subject.title);
                compare(proven, core, peer, bench)
            };
            scope.spawn(move || proven.into_iter().map(row).collect::<Vec<_>>())
        });
        let measuring: Vec<_> = measuring.collect();
        measuring.into_iter().flat_map(|core| core.join().expect("every tool is there")).collect()
    })
}

fn say(subject: &Subject, target: &Target, what: &str) {
    eprintln!("{} on {}: {what}", subject.title, target.core.name);
}

fn prove<'a>(subject: &'a Subject, core: &str) -> Proven<'a> {
    let target = tinyc_targets::find(core).expect("the core is known");
    let vectors = Vectors::read(&subject.model.vectors);
    say(subject, &target, "compiling and verifying");
    let start = processor_time();
    let compiled = emitted(&subject.model, &target, &[Emit::Obj]);
    let samples = samples(&vectors, &compiled);
    let simulated = verified(&compiled, &target, &samples, Method::Simulator);
    let time = processor_time() - start;
    let speed = speed(&compiled, &target, &samples[0]);
    Proven { subject, target, compiled, samples, simulated, time, speed }
}

fn compare(proven: Proven, core: &'static str, peer: Option<Peer>, bench: &Path) -> ObjectRow {
    let Proven { subject, target, compiled, samples, simulated, time, speed } = proven;
    say(subject, &target, "running under QEMU");
    let qemu = verified(&compiled, &target, &samples, Method::QemuObject);
    say(subject, &target, "counting by the shared bench");
    let measured = |compiled: &Compiled, form| {
        shared_bench::measure(compiled, form, &target.core, bench).unwrap_or_else(|e| panic!("{e}"))
    };
    let object = measured(&compiled, Form::Object);
    let gcc = measured(&emitted(&subject.model, &target, &[Emit::C]), Form::C("-O3"));
    let title = subject.title.clone();
    assert_eq!(object.output_hash, gcc.output_hash, "{title} on {core}: the C computes something else");
    ObjectRow {
        title,
        core,
        cycles: simulated.cycles.clone().expect("the simulator counts cycles"),
        predicted: compiled.object.as_ref().expect("it was emitted").total.expect("the core is timed").cycles,
        simulated,
        qemu,
        bench: object,
        gcc,
        peer,
        speed,
        proven: time,
    }
}

/// Millions of simulated instructions a second.
fn speed(compiled: &Compiled, target: &Target, sample: &[Tensor]) -> f64 {
    /// Long beside the hundredths of a second in which processor time is told.
    const ENOUGH: Duration = Duration::from_millis(250);
    let start = processor_time();
    let mut instructions = 0;
    loop {
        let run = verify::simulate(compiled, target, sample.to_vec()).unwrap_or_else(|e| panic!("{e}"));
        instructions += run.instructions;
        let spent = processor_time() - start;
        if spent >= ENOUGH {
            return instructions as f64 / spent.as_secs_f64() / 1e6;
        }
    }
}

/// What this process has used of all processors, so that other work on the machine does not count.
fn processor_time() -> Duration {
    /// Linux tells it to programs in this unit, whatever its own clock.
    const HUNDREDTHS: u64 = 100;
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the tables are made on Linux");
    // The name in the second field may contain anything; numbers follow its last bracket.
    let (_, fields) = stat.rsplit_once(')').expect("the second field is in brackets");
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / HUNDREDTHS)
}

fn emitted(model: &Model, target: &Target, forms: &[Emit]) -> Compiled {
    let emit: BTreeSet<Emit> = forms.iter().copied().collect();
    let options = Options { target: target.clone(), emit, ..model.options() };
    compile(&model.file, &options).unwrap_or_else(|e| panic!("{}:\n{e}", model.name))
}

fn samples(vectors: &Vectors, compiled: &Compiled) -> Vec<Vec<Tensor>> {
    let graph = &compiled.model.reference;
    (0..vectors.count().min(SAMPLES)).map(|i| vectors.inputs(graph, i)).collect()
}

fn verified(compiled: &Compiled, target: &Target, samples: &[Vec<Tensor>], method: Method) -> Verification {
    let options = verify::Options { method, ..verify::Options::default() };
    verify::verify(compiled, target, samples, &options, &mut |_| {}).unwrap_or_else(|e| panic!("{e}"))
}

/// The peer's row in the shared bench's page: `| build | network | instructions | cycles | …`.
fn peer(page: &str, build: &str, title: &str) -> Option<Peer> {
    let start = format!("| {build} | {} | ", title.to_lowercase());
    let mut cells = page.lines().find_map(|line| line.strip_prefix(&start))?.split(" | ");
    let mut number = || cells.next().and_then(|cell| cell.replace(',', "").parse().ok());
    Some(Peer { instructions: number()?, cycles: number() })
}

impl ObjectRow {
    /// By how much the other count of the object's cycles is greater than the predicted one; of instructions, where it counts
    /// no cycles.
    pub(crate) fn difference(&self) -> f64 {
        let (theirs, ours) = match self.bench.cycles {
            Some(cycles) => (cycles, self.predicted),
            None => (self.bench.instructions, self.simulated.instructions.first),
        };
        theirs as f64 / ours as f64 - 1.0
    }

    /// Whether the simulator counted what was predicted, in every sample.
    pub(crate) fn foreseen(&self) -> bool {
        let Cycles { least, most, .. } = self.cycles;
        least == self.predicted && most == self.predicted
    }

    /// Promises that the figures do not keep.
    pub(crate) fn missed(&self) -> Vec<String> {
        let seconds = self.proven.as_secs_f64();
        let gcc = match (self.bench.cycles, self.gcc.cycles) {
            (Some(ours), Some(theirs)) => ours <= theirs,
            _ => self.bench.instructions <= self.gcc.instructions,
        };
        let kept = [
            (self.simulated.is_proof() && self.qemu.is_proof(), "is not verified".to_owned()),
            (self.foreseen() || !self.cycles.exact, "takes other cycles than predicted".into()),
            (self.cycles.most <= self.cycles.predicted, "takes more cycles than the worst case".into()),
            (
                self.difference().abs() <= 0.02,
                format!("is counted otherwise by {:+.1} %", 100.0 * self.difference()),
            ),
            (gcc, "is slower than what GCC makes of the C".into()),
            (seconds < 2.0 || cfg!(debug_assertions), format!("is compiled and verified in {seconds:.1} s")),
        ];
        let missed = kept.into_iter().filter(|(kept, _)| !kept);
        missed.map(|(_, what)| format!("{} on {} {what}", self.title, self.core)).collect()
    }
}
