//! Any program in a throwaway guest: for tests, which are programs too.

use std::time::Duration;

use super::attend::{Deadlines, Ending, attend};
use super::chronicle::{Chronicle, Matter};
use super::job::Task;
use super::prepare::{Extra, Workshop};
use super::qemu::Qemu;
use super::{VmError, VmOptions};
use crate::engine::{EngineError, Signals};
use crate::scenario::{Resource, VmSpec};

/// A program to run in a guest.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The program, as a path in the guest, and its arguments.
    pub command: Vec<String>,
    /// Its environment.
    pub environment: Vec<(String, String)>,
    /// Files that the guest needs besides this binary.
    pub extras: Vec<Extra>,
    /// The resources that it asks for: the guest has their kernel modules, where its kernel has them.
    pub resources: Vec<Resource>,
    /// How long it may take once the guest is up, output or not.
    pub limit: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Executed {
    /// It ended, with this exit code (or 128 and a signal), and left this in the guest.
    Ended {
        /// The exit code.
        code: i32,
        /// Processes, cgroups, mounts and directories with a run's name.
        left: Vec<String>,
    },
    /// The guest did not see the end of it.
    Lost {
        /// How, and the last lines of its console.
        reason: String,
    },
}

/// Why a program could not be run in a guest at all.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The guest could not be made.
    #[error(transparent)]
    Vm(#[from] VmError),
    /// The harness was stopped, or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Runs a program in a guest and passes on what it writes.
///
/// # Errors
/// The guest could not be made, or a signal asked for the end.
pub fn execute(
    spec: &VmSpec,
    program: &Program,
    options: &VmOptions,
    output: &mut dyn FnMut(&str),
) -> Result<Executed, ExecuteError> {
    let mut signals = Signals::take()?;
    let mut workshop = Workshop::open(options.program.as_deref())?;
    let kernel = options.kernel.as_deref();
    let prepared =
        workshop.prepare(spec, kernel, options.modules.as_deref(), &program.resources)?;
    let task = Task::Execute {
        command: program.command.clone(),
        environment: program.environment.clone(),
    };
    let mut qemu = Qemu::start(&prepared.hardware(task, &program.extras)?)?;
    let deadlines = Deadlines {
        boot: options.limits.boot,
        silence: program.limit,
        whole: options.limits.boot + program.limit,
    };
    let mut chronicle = Chronicle::default();
    let ending = attend(&mut qemu, deadlines, &mut signals, &mut |said, heard| {
        if let Some(Matter::Output(text)) = chronicle.take(said, heard) {
            output(&text);
        }
    })?;
    let lost = |how: String| {
        let console = qemu.console.last_lines().join("\n");
        Executed::Lost { reason: format!("{how}; the last of its console:\n{console}") }
    };
    Ok(match ending {
        Ending::Over { code, left } => Executed::Ended { code, left },
        Ending::Failed(how) | Ending::Lost(how) | Ending::NeverUp(how) => lost(how),
    })
}
