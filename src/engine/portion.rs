//! What a run is asked for, and what it hands out.

use super::dangers::Allowed;
use crate::analyze::ExitOptions;
use crate::record::{Case, Machine, Report};
use crate::scenario::{Config, Scenario, with_controls};

/// How to run.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunOptions {
    /// The seed of every random choice; taken from the kernel when absent.
    pub seed: Option<u64>,
    /// Dangers that somebody has allowed.
    pub allowed: Allowed,
    /// What the exit code depends on.
    pub exit: ExitOptions,
}

/// What came of a run.
#[derive(Debug)]
pub struct RunOutcome {
    /// The record.
    pub report: Report,
    /// The exit code that it stands for.
    pub exit_code: u8,
    /// The signal that ended it early.
    pub stopped_by: Option<i32>,
}

/// What a run is to measure of one scenario.
#[derive(Debug)]
pub struct Portion<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// All its configs, controls included: who is measured here is compared with them.
    pub configs: Vec<Config>,
    /// The names of those to measure; the others belong to other machines, or were measured before.
    pub wanted: Vec<String>,
    /// The cases of it that this machine has measured before.
    pub before: Vec<Case>,
}

impl<'a> Portion<'a> {
    /// All of a scenario.
    #[must_use]
    pub fn whole(scenario: &'a Scenario) -> Self {
        let configs = with_controls(scenario);
        let wanted = configs.iter().map(|config| config.name.clone()).collect();
        Self { scenario, configs, wanted, before: Vec::new() }
    }

    /// The configs to measure, in their order.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Config> {
        self.configs.iter().filter(|config| self.wanted.contains(&config.name))
    }
}

/// What a run hands out as soon as it has it, for whoever cannot wait for the record.
#[derive(Debug, Clone, Copy)]
pub enum Finding<'a> {
    /// The machine that it runs on.
    Machine(&'a Machine),
    /// A case of a scenario, measured and judged.
    Case(&'a str, &'a Case),
}
