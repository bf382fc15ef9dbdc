//! Events as JSON Lines on stdout, each flushed as it happens.

use super::terminal::{Terminal, TerminalError};
use crate::engine::Event;

/// Writes events to stdout, one JSON object a line.
#[derive(Debug)]
pub struct EventLines<'a> {
    terminal: &'a Terminal,
    failure: Option<TerminalError>,
}

impl<'a> EventLines<'a> {
    /// A writer to the given terminal's stdout.
    #[must_use]
    pub fn new(terminal: &'a Terminal) -> Self {
        Self { terminal, failure: None }
    }

    /// Writes one event. The first failure is kept for [`Self::finish`]: a full disk must not end a run in the middle.
    pub fn event(&mut self, event: &Event) {
        if self.failure.is_some() {
            return;
        }
        // Events hold strings, numbers and words only: they always serialise.
        if let Ok(line) = serde_json::to_string(event) {
            self.failure = self.terminal.result(&line).err();
        }
    }

    /// Says whether every event was written.
    ///
    /// # Errors
    /// The first failure to write.
    pub fn finish(self) -> Result<(), TerminalError> {
        self.failure.map_or(Ok(()), Err)
    }
}
