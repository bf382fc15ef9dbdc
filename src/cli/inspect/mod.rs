//! `inspect`: what processes have, what the sandboxes of a scenario would have, and a scenario from a process.

mod channels;
mod planned;

use std::collections::BTreeMap;
use std::fs;

use super::args::{FactsFormat, InspectArgs};
use super::terminal::Terminal;
use super::{CommandError, exit_code};
use crate::host::{self, InspectError, Memory, Roots};
use crate::report::{Caller, render_as_scenario, render_inspection};
use crate::scenario;

/// What is to be looked at.
enum Targets {
    Processes(Vec<u32>),
    Scenarios(Vec<String>),
}

/// Looks at processes or plans sandboxes, and prints what was found. 0 when all could be looked at.
///
/// # Errors
/// [`CommandError`]: a process that is not there or ends meanwhile, scenario errors, targets of both kinds.
pub fn run(args: &InspectArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    if args.channels {
        return channels::run(args.format, terminal);
    }
    let width = terminal.stdout_tty.then(|| usize::from(terminal.width()));
    let text = match Targets::of(&args.targets)? {
        Targets::Processes(pids) if args.as_scenario => as_scenario(&pids)?,
        Targets::Processes(pids) => {
            let inspection = host::inspect(&Roots::default(), &pids)?;
            match args.format {
                FactsFormat::Table => render_inspection(&inspection, width),
                FactsFormat::Json => super::to_json(&inspection)?,
            }
        }
        Targets::Scenarios(_) if args.as_scenario => {
            return Err(CommandError::Usage {
                message: "--as-scenario makes a scenario from a process".to_owned(),
                help: "name a process: `contain-test inspect PID --as-scenario`".to_owned(),
            });
        }
        Targets::Scenarios(paths) => {
            let scenarios = scenario::load_all(&scenario::resolve(&paths)?)?;
            planned::text(&scenarios, args.format, width)?
        }
    };
    terminal.result(&text)?;
    Ok(exit_code::OK)
}

impl Targets {
    /// Numbers are processes, all else scenarios; nothing is the tool itself. A file whose name is a number has a path: `./7`.
    fn of(words: &[String]) -> Result<Self, CommandError> {
        let is_number = |word: &&String| word.bytes().all(|byte| byte.is_ascii_digit());
        if words.is_empty() {
            return Ok(Self::Processes(vec![own_pid()]));
        }
        let numbers = words.iter().filter(is_number).count();
        if numbers == 0 {
            return Ok(Self::Scenarios(words.to_vec()));
        }
        if numbers < words.len() {
            return Err(CommandError::Usage {
                message: "process IDs and scenarios cannot be inspected together".to_owned(),
                help: "inspect one after the other; a file whose name is a number is `./NUMBER`"
                    .to_owned(),
            });
        }
        let pid = |word: &String| {
            word.parse::<u32>().ok().filter(|&pid| pid > 0).ok_or_else(|| CommandError::Usage {
                message: format!("`{word}` is no process ID"),
                help: "process IDs are numbers from 1 on, as `ps -e` prints them".to_owned(),
            })
        };
        words.iter().map(pid).collect::<Result<_, _>>().map(Self::Processes)
    }
}

/// The number that the tool has in the `/proc` that it reads, which may be that of another PID namespace.
fn own_pid() -> u32 {
    let seen = fs::read_link("/proc/self").ok();
    let seen = seen.and_then(|link| link.to_str().and_then(|text| text.parse().ok()));
    seen.unwrap_or_else(std::process::id)
}

fn as_scenario(pids: &[u32]) -> Result<String, CommandError> {
    let &[pid] = pids else {
        return Err(CommandError::Usage {
            message: "--as-scenario makes one scenario from one process".to_owned(),
            help: "name one process ID, or none for the sandbox that this command runs in"
                .to_owned(),
        });
    };
    let roots = Roots::default();
    // One look for both, so that they are compared as they are at the same time.
    let inspection = host::inspect(&roots, &[pid, own_pid()])?;
    let (first, last) = (inspection.processes.first(), inspection.processes.last());
    let process = first.ok_or_else(|| InspectError::NoProcess { pid, file: roots.proc.clone() })?;
    let caller = Caller {
        rlimits: last.and_then(|own| own.rlimits.clone()).unwrap_or_else(BTreeMap::new),
        // What cannot be read is not there to be written down.
        swap_bytes: Memory::read(&roots).map_or(0, |memory| memory.swap_bytes),
    };
    Ok(render_as_scenario(process, &caller))
}
