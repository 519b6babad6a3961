//! One run of a firmware under QEMU: starts it, waits, kills it when it takes too long, reads what it left behind.

use super::image::Image;
use super::workshop::{cannot, no_tool};
use crate::verify::code;
use crate::verify::run::Run;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tinyc_ir::{Diagnostic, Diagnostics};
use tinyc_targets::Qemu;

/// Exit codes of the harness, as in `firmware/harness.h`.
const DONE: i32 = 0;
const FAULT: i32 = 110;
const STACK_OVERFLOW: i32 = 111;
const OUTSIDE: i32 = 112;

/// A simulation under way. Dropping it ends it.
pub(super) struct Running {
    child: Child,
    folder: PathBuf,
    stem: &'static str,
    start: Instant,
    patience: Duration,
}

impl Running {
    /// Starts `STEM.elf` in its folder.
    pub(super) fn start(
        qemu: &Qemu,
        path: Option<&OsStr>,
        folder: &Path,
        stem: &'static str,
        patience: Duration,
    ) -> Result<Self, Diagnostics> {
        // A file and no pipe, which nobody would empty while the host evaluates.
        let log = folder.join(format!("{stem}.log"));
        let log = File::create(&log).map_err(|e| cannot("create", &log, &e))?;
        let again = log.try_clone().map_err(|e| cannot("write", folder, &e))?;
        let mut command = Command::new(&qemu.program);
        command
            .current_dir(folder)
            .args(["-M", &qemu.machine])
            .args(&qemu.arguments)
            .args(["-nographic", "-monitor", "none", "-serial", "none"])
            .args(["-semihosting-config", "enable=on,target=native"])
            // The virtual clock advances by a nanosecond with each instruction: time counts instructions.
            .args(["-icount", "shift=0"])
            .args(["-kernel", &format!("{stem}.elf")])
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(again);
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let child = command.spawn().map_err(|error| no_tool(&error, &qemu.program, &qemu.package))?;
        Ok(Self { child, folder: folder.to_path_buf(), stem, start: Instant::now(), patience })
    }

    /// Waits for the end and reads the results.
    pub(super) fn finish(mut self, image: &Image, samples: usize) -> Result<Run, Diagnostics> {
        let status = self.wait()?;
        let report = Report::read(&self.folder.join(format!("{}.report", self.stem)));
        if status.code() != Some(DONE) {
            return Err(self.stopped(status, &report, image).into());
        }
        if let Some(status) = report.get("status") {
            let sample = report.all("ticks").len();
            let message = format!("the network returned {} for sample {sample}", status as i32);
            return Err(Diagnostic::error(code::STOPPED, message)
                .note("the header says what the number means; the input selects data that does not exist")
                .into());
        }
        let path = self.folder.join(format!("{}.outputs", self.stem));
        let outputs = std::fs::read(&path).map_err(|e| cannot("read", &path, &e))?;
        let ticks = report.all("ticks");
        let instructions = match report.get("calibration") {
            Some(calibration) if calibration > 0 && ticks.len() == samples => {
                let overhead = report.get("overhead").unwrap_or(0);
                ticks.iter().map(|&t| instructions(t.saturating_sub(overhead), calibration)).collect()
            }
            _ => Vec::new(),
        };
        Ok(Run { outputs, instructions, stack: report.get("stack").unwrap_or(0), ..Run::default() })
    }

    fn wait(&mut self) -> Result<ExitStatus, Diagnostics> {
        let mut nap = Duration::from_millis(1);
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if self.start.elapsed() < self.patience => {
                    std::thread::sleep(nap);
                    nap = (nap * 2).min(Duration::from_millis(20));
                }
                Ok(None) => {
                    let seconds = self.patience.as_secs();
                    let message = format!("the firmware did not end within {seconds} s on the simulator");
                    return Err(Diagnostic::error(code::TIMEOUT, message)
                        .help("verify fewer samples, or allow more time")
                        .into());
                }
                Err(error) => return Err(cannot("wait for the simulator in", &self.folder, &error).into()),
            }
        }
    }

    fn stopped(&self, status: ExitStatus, report: &Report, image: &Image) -> Diagnostic {
        let problem = |message: &str| Diagnostic::error(code::STOPPED, message);
        match status.code() {
            Some(FAULT) => {
                let fault = Report::read(&self.folder.join("fault.txt"));
                let place = fault.get("where").map(|address| image.place(address as u32));
                let place = place.unwrap_or_else(|| "an unknown place".into());
                problem(&format!("the firmware faulted in {place}"))
                    .note(format!("exception number {}", fault.get("cause").unwrap_or(0)))
            }
            Some(STACK_OVERFLOW) => problem("the firmware used up its stack"),
            Some(OUTSIDE) => {
                let memory = report.lines.iter().find_map(|(key, _)| key.strip_prefix("outside "));
                problem(&format!("the network wrote outside of its {}", memory.unwrap_or("memory")))
            }
            _ => {
                let log = std::fs::read(self.folder.join(format!("{}.log", self.stem))).unwrap_or_default();
                let log = String::from_utf8_lossy(&log);
                let mut problem = problem(&format!("the simulator ended with {status}"));
                for line in log.lines().filter(|line| !line.trim().is_empty()).take(6) {
                    problem = problem.note(line);
                }
                problem
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended already, which is fine.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Instructions from ticks of the clock, when so many ticks pass in the calibration loop.
fn instructions(ticks: u64, calibration: u64) -> u64 {
    /// As `HARNESS_CALIBRATION`.
    const LOOP: u128 = 4_000_000;
    let exact = (u128::from(ticks) * LOOP + u128::from(calibration) / 2) / u128::from(calibration);
    u64::try_from(exact).unwrap_or(u64::MAX)
}

/// Lines `key value` of a firmware, values in hexadecimal.
struct Report {
    lines: Vec<(String, u64)>,
}

impl Report {
    /// What is there; a firmware that stopped early has written less.
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = |line: &str| {
            let (key, value) = line.rsplit_once(' ')?;
            Some((key.to_string(), u64::from_str_radix(value, 16).ok()?))
        };
        Self { lines: text.lines().filter_map(line).collect() }
    }

    fn get(&self, key: &str) -> Option<u64> {
        self.lines.iter().find(|(k, _)| k == key).map(|&(_, v)| v)
    }

    fn all(&self, key: &str) -> Vec<u64> {
        self.lines.iter().filter(|(k, _)| k == key).map(|&(_, v)| v).collect()
    }
}
