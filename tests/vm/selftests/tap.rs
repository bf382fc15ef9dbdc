//! What the selftests say, in lines of the Test Anything Protocol.

use std::collections::BTreeMap;

/// How a selftest came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    Ok,
    NotOk,
    Skipped,
}

/// What one selftest program said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) tests: BTreeMap<String, Came>,
    /// Why it skipped all of them.
    pub(super) skipped: Option<String>,
}

impl Answer {
    /// Reads lines of the Test Anything Protocol, as kselftest.h prints them. A line may come twice: what a forked child had not yet
    /// written, it writes too.
    fn read(&mut self, line: &str) {
        if let Some(reason) = line.strip_prefix("1..0 # SKIP ") {
            self.skipped = Some(reason.to_owned());
            return;
        }
        let (came, rest) = match line.strip_prefix("not ok ") {
            Some(rest) => (Came::NotOk, rest),
            None => match line.strip_prefix("ok ") {
                Some(rest) => (Came::Ok, rest),
                None => return,
            },
        };
        let Some((_, name)) = rest.split_once(' ') else { return };
        match name.strip_prefix("# SKIP ") {
            Some(name) => self.tests.insert(name.trim().to_owned(), Came::Skipped),
            None => self.tests.insert(name.trim().to_owned(), came),
        };
    }
}

/// The answers of all programs, by name: a line with an at sign begins a program's.
pub(super) fn answers_in(said: &str) -> BTreeMap<String, Answer> {
    let mut all: BTreeMap<String, Answer> = BTreeMap::new();
    let mut program = String::new();
    for line in said.lines() {
        match line.strip_prefix("@selftest ") {
            Some(name) => program = name.to_owned(),
            None => all.entry(program.clone()).or_default().read(line),
        }
    }
    all
}
