//! Where the events of a case go, and where tests let a case fail.

use super::{Event, Phase, inject};
use crate::record::BlockState;
use crate::scenario::Config;

/// The events of one case.
pub struct Stage<'a> {
    /// The case's config.
    pub config: &'a Config,
    /// Who is told.
    pub emit: &'a mut dyn FnMut(&Event),
}

impl Stage<'_> {
    /// Says that a phase begins.
    pub fn enter(&mut self, phase: Phase) {
        self.say(Event::PhaseStarted { config: self.name(), phase });
        inject::panic_at(&self.config.name, phase.name());
    }

    /// Says something.
    pub fn say(&mut self, event: Event) {
        (self.emit)(&event);
        if let Event::AttackChanged { state: BlockState::On, .. } = event {
            inject::panic_at(&self.config.name, "attack-on");
        }
    }

    /// The config's name.
    pub fn name(&self) -> String {
        self.config.name.clone()
    }
}
