//! The attacker's role: a supervisor that is the sandbox's init, and the workers of one workload.
//!
//! The supervisor does nothing of the attack itself. It starts the first worker, reaps what dies, starts the workload
//! again when something outside killed it, and ends everything when it is told to, when its stream ends, or when the
//! dead-man timer runs out.

mod burn;
mod children;
mod churn;
mod command;
mod eater;
mod fd_exhaust;
mod forkbomb;
mod holdings;
mod inode_eater;
mod io_drain;
mod ledger;
mod logspam;
mod net_flood;
mod pantry;
mod random_drain;
mod sleep;
mod supervisor;
mod threadbomb;

use nix::errno::Errno;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

pub use eater::MemoryOrder;
pub use io_drain::DiskOrder;

use crate::bounds::{self, Dose};
use crate::protocol::{Burst, Counts, RandomSource};
use crate::tally::Tally;

/// What an attacker is told when it is started, as JSON in its first argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackOrder {
    /// The workload's name.
    pub workload: String,
    /// Which kind of it, for workloads that have several; its usual one when absent.
    #[serde(default)]
    pub kind: Option<String>,
    /// Effort in percent, 0 to 100.
    pub intensity: u8,
    /// Workers that burn at the same time, for workloads that have several.
    pub threads: u64,
    /// Bursts instead of a steady load, for workloads that have them.
    pub burst: Option<Burst>,
    /// The program and its arguments, for the workload that runs one.
    #[serde(default)]
    pub command: Vec<String>,
    /// Where random numbers are taken from, for the workload that does.
    #[serde(default)]
    pub source: RandomSource,
    /// How many processes open files, for the workload that does.
    #[serde(default)]
    pub processes: u64,
    /// How memory is eaten, for the workload that does so; its defaults when absent.
    #[serde(default)]
    pub memory: Option<MemoryOrder>,
    /// The node's disk, for workloads that drain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskOrder>,
    /// The hard caps.
    pub dose: Dose,
}

impl AttackOrder {
    /// Full effort within a dose, with nothing that only some workloads have.
    #[must_use]
    pub fn full(workload: &str, dose: Dose) -> Self {
        Self {
            workload: workload.to_owned(),
            kind: None,
            intensity: 100,
            threads: 1,
            burst: None,
            command: Vec::new(),
            source: RandomSource::default(),
            processes: 1,
            memory: None,
            disk: None,
            dose,
        }
    }
}

/// How a process ended that the supervisor reaped.
#[derive(Debug, Clone, Copy)]
struct End {
    /// Whether it is one that the supervisor had started.
    is_worker: bool,
    /// Whether it did all of its work or others killed it, and it was not cut short by its supervisor, nor could not begin.
    is_over: bool,
}

/// One workload, as its supervisor sees it.
trait Workload {
    /// Tasks or other units that it wants to hold.
    fn target(&self) -> u64;
    /// Workers that its supervisor starts; one that starts the others by itself needs no more.
    fn workers(&self) -> u64 {
        1
    }
    /// How long it must hold all that it wants before it counts as on, in nanoseconds.
    fn settle_ns(&self) -> u64 {
        0
    }
    /// Whether its workers are what it holds, as tasks are to one that drains them; else they hold something by themselves.
    fn holds_workers(&self) -> bool {
        true
    }
    /// Whether the start of a worker by its supervisor is an operation of the attack, or only holds a place.
    fn start_is_operation(&self) -> bool {
        true
    }
    /// What it holds and what it wants to hold, in its own unit.
    fn progress(&self, tally: Tally) -> (u64, u64) {
        (tally.held(), tally.target())
    }
    /// Whether the attack ends by itself and has not yet: then each new worker is the next step, and none is a replacement.
    fn is_unfinished(&self) -> bool {
        false
    }
    /// The supervisor's counts, which are of workers, in the workload's own unit.
    fn counted(&self, counts: Counts) -> Counts {
        counts
    }
    /// Books the end of a process that the supervisor reaped, with everything that it held.
    fn ended(&self, _child: Pid, _end: End, tally: Tally) {
        tally.lost();
    }
    /// Takes back what outlives the workers. Called when all of them are reaped, each time that the attack was switched off.
    ///
    /// # Errors
    /// What would not go.
    fn clean(&self) -> Result<(), String> {
        Ok(())
    }
    /// What a worker does until it is killed or overdue; it must end by itself when the tally says overdue.
    fn work(&self, tally: Tally) -> !;
}

/// Runs the attacker's role until its stream ends. `order` is the JSON of an [`AttackOrder`].
///
/// # Errors
/// A sentence for people when the order is not one or the process cannot be prepared.
pub fn run(order: &str) -> Result<(), String> {
    let order: AttackOrder =
        serde_json::from_str(order).map_err(|error| format!("not an attack order: {error}"))?;
    let order = AttackOrder { dose: order.dose.bounded(), ..order };
    let workload: Box<dyn Workload> = match order.workload.as_str() {
        "command" => Box::new(command::Command::new(&order)?),
        "cpu-burn" => Box::new(burn::Burn::new(&order)),
        "fd-exhaust" => {
            let table = bounds::table_of_open_files()?;
            Box::new(fd_exhaust::FdExhaust::new(&order, table)?)
        }
        "forkbomb" => forkbomb::of_kind(&order)?,
        "memory-eater" => Box::new(eater::Eater::new(&order)?),
        "inode-eater" => Box::new(inode_eater::InodeEater::new(&order)?),
        "io-drain" => Box::new(io_drain::IoDrain::new(&order)?),
        "log-spam" => Box::new(logspam::LogSpam::new(&order)),
        "net-flood" => Box::new(net_flood::NetFlood::new(&order)?),
        "random-drain" => Box::new(random_drain::RandomDrain::new(&order)),
        // What it does it does once, when it is told to; until then and after that it sleeps.
        "sleep" | "look" => Box::new(sleep::Sleep::new(&order)),
        other => return Err(format!("unknown workload `{other}`")),
    };
    let tally = Tally::new().map_err(|errno: Errno| format!("shared counters: {errno:?}"))?;
    supervisor::Supervisor::new(order, workload, tally).run()
}
