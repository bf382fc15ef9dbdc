//! The watcher: a process of the machine, outside the node, that keeps doing what every program does.
//!
//! Ten times a second it forks, opens, writes and allocates, in quiet and attacked blocks alike, and keeps what failed
//! and how long it took. It is how a run knows that the machine itself did not notice the attack.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::wait::waitpid;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::protocol::Reply;
use crate::raw::{self, Fork};
use crate::sight::{self, Side};
use crate::stream::{Stream, Waited};
use crate::survey::{self, SurveyOrder};

const PERIOD_NS: u64 = 100_000_000;
const WRITTEN: [u8; 4096] = [b'w'; 4096];
const ALLOCATED: usize = 256 << 10;

/// What the watcher saw since it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchReport {
    /// Rounds of the four operations.
    pub rounds: u64,
    /// Failures by `operation:ERRNO`.
    pub failures: BTreeMap<String, u64>,
    /// The longest time between the starts of two rounds, in nanoseconds.
    pub longest_pause_ns: u64,
    /// The slowest round, in nanoseconds.
    pub slowest_round_ns: u64,
}

/// What has the watcher plant things on the machine, for a sandbox to look for ([`Reply::Planted`]).
pub const PLANT: &str = "plant";

/// What has the watcher read `/proc` and `/sys` ([`Reply::Surveyed`]), before the JSON of a [`SurveyOrder`].
pub const SURVEY: &str = "survey ";

/// Runs the watcher's role until its stream ends: any line but [`PLANT`] asks for a [`WatchReport`] and starts a new one.
/// `folder` is where it writes its file.
///
/// # Errors
/// A sentence for people when the stream breaks.
pub fn run(folder: &Path) -> Result<(), String> {
    raw::die_with_parent().map_err(|errno| format!("PR_SET_PDEATHSIG: {errno:?}"))?;
    let mut stream = Stream::standard();
    let mut report = WatchReport::default();
    let file = folder.join("watched");
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let token = name.strip_prefix("contain-test-").unwrap_or(&name).to_owned();
    let mut due = clock::now();
    let mut last = due;
    loop {
        let rest = due.saturating_sub(clock::now()).div_ceil(1_000_000);
        match stream.wait::<String>(Some(u16::try_from(rest).unwrap_or(u16::MAX))) {
            Waited::Order(order) if order == PLANT => {
                let reply = sight::plant(&token, Side::Host).map_or_else(
                    |error| Reply::Failed { error },
                    |it| Reply::Planted(Box::new(it)),
                );
                stream.send(&reply).map_err(|error| format!("the stream broke: {error}"))?;
            }
            Waited::Order(order) if order.starts_with(SURVEY) => {
                let order = serde_json::from_str(&order[SURVEY.len()..]);
                let order: SurveyOrder = order.map_err(|error| format!("no survey: {error}"))?;
                // The process that reads as somebody else answers by itself.
                survey::survey_as(&order, |files| {
                    let _ = Stream::standard().send(&Reply::Surveyed { files: files.clone() });
                })?;
            }
            Waited::Order(_) => {
                stream.send(&report).map_err(|error| format!("the stream broke: {error}"))?;
                report = WatchReport::default();
            }
            Waited::Ended => return Ok(()),
            Waited::Nothing => {
                let begun = clock::now();
                report.longest_pause_ns = report.longest_pause_ns.max(begun - last);
                last = begun;
                round(&mut report, &file);
                report.slowest_round_ns = report.slowest_round_ns.max(clock::now() - begun);
                due = (due + PERIOD_NS).max(clock::now());
            }
        }
    }
}

fn round(report: &mut WatchReport, file: &Path) {
    report.rounds += 1;
    let outcomes: [(&str, Result<(), Errno>); 4] = [
        ("fork", fork()),
        ("open", fs::File::open("/dev/null").map(drop).map_err(|error| errno_of(&error))),
        ("write", write(file).map_err(|error| errno_of(&error))),
        ("allocate", raw::allocate_and_touch(ALLOCATED)),
    ];
    for (operation, outcome) in outcomes {
        if let Err(errno) = outcome {
            *report.failures.entry(format!("{operation}:{errno:?}")).or_insert(0) += 1;
        }
    }
}

fn fork() -> Result<(), Errno> {
    match raw::fork()? {
        Fork::Child => raw::exit_now(0),
        Fork::Parent(child) => waitpid(child, None).map(drop),
    }
}

fn write(file: &Path) -> std::io::Result<()> {
    fs::File::create(file)?.write_all(&WRITTEN)
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}
