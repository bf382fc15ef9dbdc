//! The trail of a run: every change that is made to the machine, in its order, and the guardian who could take it back.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use nix::errno::Errno;

use super::guard::Guardian;
use super::{EngineError, inject, remedies};
use crate::announce::Announce;

/// Whose trail the changes of the run itself are in, and not of a case.
pub const RUN: &str = "run";

/// Making or taking back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Things are made.
    SetUp,
    /// They are taken back.
    TearDown,
}

impl Part {
    /// The word in errors and faults: that of the phase.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::TearDown => "tear-down",
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Trail {
    guardian: Option<Guardian>,
    scope: String,
    part: Part,
    steps: Vec<String>,
}

impl Trail {
    /// A trail with this guardian; without one only in tests, which make nothing.
    #[must_use]
    pub fn new(guardian: Option<Guardian>) -> Self {
        Self { guardian, scope: RUN.to_owned(), part: Part::SetUp, steps: Vec::new() }
    }

    /// From here on changes belong to this part of this case, or of the run itself (`RUN`).
    pub fn begin(&mut self, scope: &str, part: Part) {
        (self.scope, self.part) = (scope.to_owned(), part);
        self.steps.clear();
    }

    /// The changes since the part began, printable.
    #[must_use]
    pub fn steps(&self) -> &[String] {
        &self.steps
    }

    /// From here on this guardian is told.
    pub fn set_guardian(&mut self, guardian: Guardian) {
        self.guardian = Some(guardian);
    }

    /// The guardian.
    pub fn guardian(&mut self) -> Option<&mut Guardian> {
        self.guardian.as_mut()
    }

    /// Lets the guardian go: everything has been taken back.
    pub fn dismiss_guardian(&mut self) {
        if let Some(guardian) = self.guardian.take() {
            guardian.dismiss();
        }
    }

    /// An error with the step that it happened in, and a remedy. What is no failure of a step stays what it is.
    #[must_use]
    pub fn located(&self, error: EngineError) -> EngineError {
        if error.is_skip() || matches!(error, EngineError::Unguarded | EngineError::Step { .. }) {
            return error;
        }
        // Steps inside are announced before the first of them is done, and a tear-down goes on after a step that failed: so the
        // last one announced need not be it.
        let of_subject = error.subject().and_then(|subject| {
            let is_it = |step: &String| match subject.starts_with('/') {
                // Paths inside are none of the host's.
                true => {
                    !step.contains(": inside: ")
                        && step.split_whitespace().any(|word| word == subject)
                }
                false => step.ends_with(&subject),
            };
            self.steps.iter().rposition(is_it)
        });
        let index = of_subject.or(self.steps.len().checked_sub(1));
        let Some((number, step)) =
            index.and_then(|index| Some((index + 1, self.steps.get(index)?)))
        else {
            return error;
        };
        let remedy = remedies::of(&error);
        let (part, step) = (self.part.name(), step.clone());
        EngineError::Step { part, number, step, source: Box::new(error), remedy }
    }
}

impl Announce for Trail {
    fn before(&mut self, step: &dyn Display) -> io::Result<()> {
        self.steps.push(step.to_string());
        match inject::fails(&self.scope, self.part.name(), self.steps.len()) {
            true => Err(Errno::EIO.into()),
            false => Ok(()),
        }
    }

    fn before_occupied(&mut self, directories: &[PathBuf]) -> io::Result<()> {
        self.guardian.as_mut().map_or(Ok(()), |guardian| guardian.arm(directories))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::SandboxError;

    #[test]
    fn an_error_names_the_step_that_it_happened_in() {
        let mut trail = Trail::new(None);
        trail.begin("open", Part::SetUp);
        for step in
            ["node: create cgroup /x", "attacker: inside: set host name a", "attacker: inside: b"]
        {
            trail.before(&step).unwrap();
        }
        let text = trail.located(EngineError::Failed("it broke".to_owned())).to_string();
        assert!(text.starts_with("set-up step 3 (attacker: inside: b): it broke"), "{text}");
        let (sandbox, step) = ("attacker".to_owned(), "set host name a".to_owned());
        let inside = SandboxError::Inside { sandbox, step, error: "EIO".to_owned() };
        let text = trail.located(inside.into()).to_string();
        assert!(text.starts_with("set-up step 2 (attacker: inside: set host name a)"), "{text}");
        assert!(matches!(trail.located(EngineError::Signal(2)), EngineError::Signal(2)));
    }
}
