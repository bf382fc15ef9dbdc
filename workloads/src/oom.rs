//! Whom the OOM killer takes.
//!
//! It takes the process with the highest score, which is memory in pages plus `oom_score_adj` thousandths of what the group
//! may have (mm/oom_kill.c, `oom_badness`). Among processes with the same adjustment, memory alone decides, as it does where
//! nobody has any. So everything in a node gets the same, except the attacker's supervisor, which is not part of the
//! experiment: without it nobody could say what the attack did.

use std::fs;

/// Half of all memory: far above what a supervisor has, and below what marks a process as the first to go.
const ADJUSTMENT: &str = "500";

/// Raises the score of this process and of all that it starts. Raising needs no privilege (`proc_oom_score_adj(5)`); where the
/// file cannot be written, the score stays what it was, and the supervisor takes its chance like all others.
pub fn join_the_many() {
    let _ = fs::write("/proc/self/oom_score_adj", ADJUSTMENT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::{self, Fork};
    use nix::sys::wait::{WaitStatus, waitpid};

    #[test]
    fn a_process_can_raise_its_score() {
        let Ok(Fork::Parent(child)) = raw::fork().map(|fork| match fork {
            Fork::Child => {
                join_the_many();
                let score = fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
                raw::exit_now(i32::from(score.trim() != ADJUSTMENT))
            }
            parent @ Fork::Parent(_) => parent,
        }) else {
            panic!("no child");
        };
        assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
    }
}
