//! Progress on stderr, made from the engine's events: a bar on a terminal, lines with `-v`.
//!
//! The bar is drawn only when an event arrives. It has no ticker of its own, since the harness starts no thread.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::Terminal;
use crate::engine::Event;
use crate::record::{BlockMode, BlockState};

/// The bar counts cases; the message names the case and its phase or block.
const TEMPLATE: &str = "[{bar:20}] case {pos}/{len} {wide_msg}";

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Nothing.
    Quiet,
    /// A bar on a terminal; warnings.
    Normal,
    /// Every phase and verdict as a line, too.
    Verbose,
}

/// The view of a run in progress.
#[derive(Debug)]
pub struct Progress<'a> {
    terminal: &'a Terminal,
    verbosity: Verbosity,
    bar: Option<ProgressBar>,
    case: String,
}

impl<'a> Progress<'a> {
    /// A view on the given terminal's stderr; without a terminal there is no bar.
    #[must_use]
    pub fn new(terminal: &'a Terminal, verbosity: Verbosity) -> Self {
        let bar = (terminal.stderr_tty && verbosity != Verbosity::Quiet).then(|| {
            // A few frames a second are plenty, and cost the harness next to nothing.
            let target = ProgressDrawTarget::stderr_with_hz(4);
            let bar = ProgressBar::with_draw_target(Some(0), target);
            let style = ProgressStyle::with_template(TEMPLATE);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { terminal, verbosity, bar, case: String::new() }
    }

    /// Shows one event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { run_id, seed, cases } => {
                if let Some(bar) = &self.bar {
                    bar.set_length(u64::try_from(*cases).unwrap_or(u64::MAX));
                }
                self.line(&format!("run {run_id}: {cases} cases, seed {seed}"));
            }
            Event::GuestStarted { machine, kernel, cgroup, accelerator } => {
                self.case.clone_from(machine);
                self.message("booting");
                let (cgroup, by) = (cgroup.name(), accelerator.name());
                self.line(&format!("guest {machine}: cgroup {cgroup}, by {by}, kernel {kernel}"));
            }
            Event::GuestReady { machine, took_ms } => {
                self.line(&format!("guest {machine}: up after {took_ms:.0} ms"));
            }
            Event::GuestLost { machine, reason } => {
                if self.verbosity != Verbosity::Quiet {
                    let message = format!("guest {machine}: {reason}");
                    self.above_bar(|terminal| terminal.warning(&message));
                }
            }
            Event::ScenarioStarted { scenario, file, cases } => {
                self.line(&format!("scenario {scenario} ({file}): {cases} cases"));
            }
            Event::CaseStarted { scenario, config, attacker } => {
                self.case = format!("{scenario}/{config}");
                self.message("starting");
                self.line(&format!("case {}: {attacker}", self.case));
            }
            Event::PhaseStarted { phase, .. } => {
                self.message(phase.name());
                self.line(&format!("{}: {}", self.case, phase.name()));
            }
            Event::AttackChanged { state, took_ms, .. } => {
                self.line(&format!("{}: attack {} after {took_ms:.0} ms", self.case, word(*state)));
            }
            Event::BlockStarted { state, mode, done, planned, .. } => {
                let mode = match mode {
                    BlockMode::Latency => "latency",
                    BlockMode::Capacity => "capacity",
                };
                let number = done.saturating_add(1);
                let block = format!("block {number}/{planned}, {mode}, attack {}", word(*state));
                self.message(&block);
                self.line(&format!("{}: {block}", self.case));
            }
            Event::BlockFinished { failures, .. } => {
                if *failures > 0 {
                    self.line(&format!("{}: {failures} operations failed", self.case));
                }
            }
            Event::CaseFinished { scenario, config, verdict, reason } => {
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
                self.line(&format!("case {scenario}/{config}: {verdict}: {reason}"));
            }
            Event::Warning { message } => {
                if self.verbosity != Verbosity::Quiet {
                    self.above_bar(|terminal| terminal.warning(message));
                }
            }
            Event::RunFinished { .. } => self.clear(),
        }
    }

    /// Takes the bar away, so that the result stands alone.
    pub fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn message(&self, text: &str) {
        if let Some(bar) = &self.bar {
            let seconds = bar.elapsed().as_secs();
            bar.set_message(format!("{}: {text} ({seconds} s)", self.case));
        }
    }

    fn line(&self, text: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.above_bar(|terminal| terminal.note(text));
        }
    }

    fn above_bar(&self, write: impl FnOnce(&Terminal)) {
        match &self.bar {
            Some(bar) => bar.suspend(|| write(self.terminal)),
            None => write(self.terminal),
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn word(state: BlockState) -> &'static str {
    match state {
        BlockState::Off => "off",
        BlockState::On => "on",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Phase;

    #[test]
    fn the_bar_names_the_case_and_its_phase() {
        let terminal = Terminal {
            stdout_color: false,
            stderr_color: false,
            stdout_tty: false,
            stderr_tty: false,
        };
        let mut progress = Progress::new(&terminal, Verbosity::Normal);
        assert!(progress.bar.is_none(), "no terminal, no bar");
        let bar = ProgressBar::with_draw_target(Some(4), ProgressDrawTarget::hidden());
        bar.set_style(ProgressStyle::with_template(TEMPLATE).unwrap());
        progress.bar = Some(bar.clone());
        progress.event(&Event::CaseStarted {
            scenario: "pids".into(),
            config: "open".into(),
            attacker: "forkbomb".into(),
        });
        progress.event(&Event::PhaseStarted { config: "open".into(), phase: Phase::WarmUp });
        assert!(bar.message().starts_with("pids/open: warm-up"), "{}", bar.message());
        progress.event(&Event::RunFinished { complete: true, exit_code: 0 });
        assert!(bar.is_finished());
    }
}
