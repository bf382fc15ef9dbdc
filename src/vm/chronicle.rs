//! What is heard of one boot of a guest, sorted: where the time went, which case is running, what was found.

use std::time::Duration;

use super::link::Said;
use crate::engine::{Event, Phase};
use crate::record::{BlockState, BootTimes, Case, Cleanup, Machine};

/// What a boot has said so far.
#[derive(Debug, Default)]
pub struct Chronicle {
    /// The machine that its harness found.
    pub machine: Option<Machine>,
    /// Clean-up is done, and this is what came of it.
    pub cleanup: Option<Cleanup>,
    /// The case that runs: scenario and config.
    pub running: Option<(String, String)>,
    /// How many cases are over.
    pub finished: usize,
    phase: Option<Phase>,
    attack: bool,
    /// Guest's clock and host's clock at the milestones, in milliseconds.
    hello: Option<(f64, f64)>,
    mounted: Option<f64>,
    up: Option<f64>,
    looked: Option<(f64, f64)>,
    warm_up: Option<f64>,
    first_block: Option<f64>,
}

/// What somebody else must see to.
#[derive(Debug)]
pub enum Matter {
    /// An event of the run, to be passed on.
    Event(Event),
    /// A case of a scenario.
    Case(String, Box<Case>),
    /// A program wrote this.
    Output(String),
}

impl Chronicle {
    /// Takes one word of the guest, heard so long after its start.
    pub fn take(&mut self, said: Said, heard: Duration) -> Option<Matter> {
        let host_ms = heard.as_secs_f64() * 1e3;
        match said {
            Said::Hello { at_ms } => self.hello = Some((at_ms, host_ms)),
            Said::Mounted { at_ms } => self.mounted = Some(at_ms),
            Said::Up { at_ms } => self.up = Some(at_ms),
            Said::Machine { at_ms, machine } => {
                self.looked = Some((at_ms, host_ms));
                self.machine = Some(*machine);
            }
            Said::Done { cleanup } => self.cleanup = Some(cleanup),
            Said::Output(text) => return Some(Matter::Output(text)),
            Said::Case { scenario, case } => {
                self.running = None;
                self.finished += 1;
                return Some(Matter::Case(scenario, case));
            }
            Said::Event(event) => {
                self.note(&event, host_ms);
                return Some(Matter::Event(event));
            }
            // These end the listening, and never get here.
            Said::Over { .. } | Said::Failed { .. } => {}
        }
        None
    }

    fn note(&mut self, event: &Event, host_ms: f64) {
        match event {
            Event::CaseStarted { scenario, config, .. } => {
                self.running = Some((scenario.clone(), config.clone()));
                (self.phase, self.attack) = (None, false);
            }
            Event::PhaseStarted { phase, .. } => {
                if *phase == Phase::WarmUp {
                    self.warm_up.get_or_insert(host_ms);
                }
                self.phase = Some(*phase);
            }
            Event::AttackChanged { state, .. } => self.attack = *state == BlockState::On,
            Event::BlockStarted { .. } => {
                self.first_block.get_or_insert(host_ms);
            }
            _ => {}
        }
    }

    /// True when init has said that everything is ready.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.up.is_some()
    }

    /// When in its case the guest was heard of last.
    #[must_use]
    pub fn moment(&self) -> String {
        let phase = self.phase.map_or("its beginning", Phase::name);
        let attack = if self.attack { ", with the attack on" } else { "" };
        format!("in the phase {phase}{attack}")
    }

    /// Where the time went, up to the first block; `None` when there was none.
    #[must_use]
    pub fn boot_times(&self) -> Option<BootTimes> {
        let (hello, hello_host) = self.hello?;
        let (mounted, up, (looked, looked_host)) = (self.mounted?, self.up?, self.looked?);
        let (warm_up, first_block_ms) = (self.warm_up?, self.first_block?);
        Some(BootTimes {
            qemu_ms: hello_host - hello,
            kernel_ms: hello,
            mounts_ms: mounted - hello,
            modules_ms: up - mounted,
            doctor_ms: looked - up,
            set_up_ms: warm_up - looked_host,
            calibration_ms: first_block_ms - warm_up,
            first_block_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::BlockMode;

    fn event(event: Event) -> Said {
        Said::Event(event)
    }

    #[test]
    fn the_parts_of_a_boot_make_up_its_whole() {
        let mut chronicle = Chronicle::default();
        let config = || "open".to_owned();
        let block = Event::BlockStarted {
            config: config(),
            state: BlockState::Off,
            mode: BlockMode::Latency,
            done: 0,
            planned: 2,
        };
        let machine = crate::host::machine(&crate::host::Roots::default());
        let words = [
            (Said::Hello { at_ms: 900.0 }, 1500),
            (Said::Mounted { at_ms: 1000.0 }, 1601),
            (Said::Up { at_ms: 1010.0 }, 1611),
            (Said::Machine { at_ms: 1050.0, machine: Box::new(machine) }, 1650),
            (event(Event::PhaseStarted { config: config(), phase: Phase::WarmUp }), 1800),
            (event(block.clone()), 2000),
            (event(block), 3000),
        ];
        for (said, ms) in words {
            assert!(chronicle.boot_times().is_none_or(|times| times.first_block_ms > 0.0));
            let _ = chronicle.take(said, Duration::from_millis(ms));
        }
        let times = chronicle.boot_times().unwrap();
        let parts = times.qemu_ms
            + times.kernel_ms
            + times.mounts_ms
            + times.modules_ms
            + times.doctor_ms
            + times.set_up_ms
            + times.calibration_ms;
        assert!((times.first_block_ms - 2000.0).abs() < 1e-6, "{times:?}");
        assert!((parts - times.first_block_ms).abs() < 1.0, "{times:?}");
    }

    #[test]
    fn the_case_that_runs_is_known_until_its_record_is_here() {
        let mut chronicle = Chronicle::default();
        let started = Event::CaseStarted {
            scenario: "pids".into(),
            config: "open".into(),
            attacker: "forkbomb".into(),
        };
        chronicle.take(event(started), Duration::ZERO);
        let on =
            Event::AttackChanged { config: "open".into(), state: BlockState::On, took_ms: 1.0 };
        let phase = Event::PhaseStarted { config: "open".into(), phase: Phase::Blocks };
        chronicle.take(event(phase), Duration::ZERO);
        chronicle.take(event(on), Duration::ZERO);
        assert_eq!(chronicle.running, Some(("pids".to_owned(), "open".to_owned())));
        assert_eq!(chronicle.moment(), "in the phase blocks, with the attack on");
    }
}
