//! The attacker's role: a supervisor that is the sandbox's init, and the workers of one workload.
//!
//! The supervisor does nothing of the attack itself. It starts the first worker, reaps what dies, starts the workload
//! again when something outside killed it, and ends everything when it is told to, when its stream ends, or when the
//! dead-man timer runs out.

mod burn;
mod forkbomb;
mod sleep;
mod supervisor;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use crate::bounds::Dose;
use crate::protocol::Burst;
use crate::tally::Tally;

/// What an attacker is told when it is started, as JSON in its first argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackOrder {
    /// The workload's name.
    pub workload: String,
    /// Effort in percent, 0 to 100.
    pub intensity: u8,
    /// Workers that burn at the same time, for workloads that have several.
    pub threads: u64,
    /// Bursts instead of a steady load, for workloads that have them.
    pub burst: Option<Burst>,
    /// The hard caps.
    pub dose: Dose,
}

/// One workload, as its supervisor sees it.
trait Workload {
    /// Tasks or other units that it wants to hold.
    fn target(&self) -> u64;
    /// Workers that its supervisor starts; one that starts the others by itself needs no more.
    fn workers(&self) -> u64 {
        1
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
        "cpu-burn" => Box::new(burn::Burn::new(&order)),
        "forkbomb" => Box::new(forkbomb::Forkbomb::new(&order)),
        "sleep" => Box::new(sleep::Sleep::new(&order)),
        other => return Err(format!("unknown workload `{other}`")),
    };
    let tally = Tally::new().map_err(|errno: Errno| format!("shared counters: {errno:?}"))?;
    supervisor::Supervisor::new(order, workload, tally).run()
}
