//! The supervisor: starts, watches, respawns and ends the workers.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid, setpgid};

use super::{AttackOrder, Workload};
use crate::protocol::{Order, Reply};
use crate::raw::{self, Fork};
use crate::stream::{Stream, Waited};
use crate::tally::Tally;
use crate::{clock, sight};

/// How often the supervisor reaps and looks after its workers while the attack holds.
const WATCH_MS: u16 = 20;
/// How often it looks for the hold state while the attack grows.
const GROW_NS: u64 = 2_000_000;
/// Refused, and no growth for this long: the hold state.
const STALLED_NS: u64 = 20_000_000;
/// An attack that neither grows nor is refused has failed after this long.
const GROW_LIMIT_NS: u64 = 5_000_000_000;
/// Ending everything takes milliseconds; after this long it has failed.
const STOP_LIMIT_NS: u64 = 5_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// See the module.
pub struct Supervisor {
    order: AttackOrder,
    workload: Box<dyn Workload>,
    tally: Tally,
    /// Process groups of first workers, for sandboxes without a PID namespace.
    groups: Vec<Pid>,
    attacking: bool,
}

impl Supervisor {
    pub fn new(order: AttackOrder, workload: Box<dyn Workload>, tally: Tally) -> Self {
        Self { order, workload, tally, groups: Vec::new(), attacking: false }
    }

    /// Carries out orders until the stream ends.
    pub fn run(mut self) -> Result<(), String> {
        raw::die_with_parent().map_err(|errno| format!("PR_SET_PDEATHSIG: {errno:?}"))?;
        raw::adopt_orphans().map_err(|errno| format!("PR_SET_CHILD_SUBREAPER: {errno:?}"))?;
        let mut stream = Stream::standard();
        let gone = |error: std::io::Error| format!("the stream broke: {error}");
        stream.send(&Reply::Ready { pid: std::process::id() }).map_err(gone)?;
        loop {
            let order = stream.wait(self.attacking.then_some(WATCH_MS));
            let reply = match order {
                Waited::Order(Order::Start) => self.start(),
                Waited::Order(Order::Stop) => self.stop(),
                Waited::Order(Order::Facts { token }) => sight::look(&token),
                Waited::Order(Order::Quit) | Waited::Ended => {
                    let _ = self.stop();
                    return Ok(());
                }
                Waited::Order(Order::Calibrate { .. } | Order::Measure(_)) => {
                    Reply::Failed { error: "an attacker has no probes".to_owned() }
                }
                Waited::Nothing => {
                    self.look_after();
                    continue;
                }
            };
            stream.send(&reply).map_err(gone)?;
        }
    }

    fn start(&mut self) -> Reply {
        let target = self.workload.target(&self.order);
        let deadline = clock::now() + self.order.dose.seconds * SECOND_NS;
        self.tally.open(target, deadline);
        self.attacking = true;
        self.spawn();
        self.wait_until_holding(target)
    }

    /// Starts the first worker; a refusal counts like any other and is tried again by [`Self::look_after`].
    fn spawn(&mut self) {
        if !self.tally.reserve() {
            return;
        }
        let supervisor = getpid();
        match raw::fork() {
            Ok(Fork::Child) => {
                // A group of its own, so that the whole tree can be signalled at once without its supervisor.
                let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
                // The supervisor may have died before the request took effect: then nobody would end this process.
                if raw::die_with_parent().is_err() || getppid() != supervisor {
                    raw::exit_now(1);
                }
                self.workload.work(self.tally)
            }
            Ok(Fork::Parent(child)) => {
                let _ = setpgid(child, child);
                self.groups.push(child);
                self.tally.succeeded();
            }
            Err(errno) => self.tally.refused(errno),
        }
    }

    fn wait_until_holding(&mut self, target: u64) -> Reply {
        let begun = clock::now();
        let refused_before = self.tally.refusals();
        let (mut most, mut grown_at) = (0, begun);
        loop {
            clock::sleep(GROW_NS);
            self.look_after();
            let (now, held) = (clock::now(), self.tally.held());
            if held > most {
                (most, grown_at) = (held, now);
            }
            let refused = self.tally.refusals() > refused_before;
            if held >= target || (refused && now - grown_at > STALLED_NS) {
                return Reply::Holding(self.tally.counts());
            }
            if now - begun > GROW_LIMIT_NS {
                return Reply::Failed {
                    error: format!("held {held} of {target} after 5 s, and nothing was refused"),
                };
            }
        }
    }

    /// Reaps what died and starts the workload again when something outside killed all of it.
    fn look_after(&mut self) {
        self.reap();
        if self.tally.is_overdue(clock::now()) {
            let _ = self.stop();
        } else if self.attacking && self.tally.held() == 0 && self.tally.target() > 0 {
            if !self.groups.is_empty() {
                self.tally.respawned();
            }
            self.spawn();
        }
    }

    fn reap(&self) {
        while let Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) =
            waitpid(None, Some(WaitPidFlag::WNOHANG))
        {
            self.tally.lost();
        }
    }

    /// Kills every worker and reaps them all: afterwards the sandbox holds nothing but this process.
    fn stop(&mut self) -> Reply {
        self.attacking = false;
        let begun = clock::now();
        loop {
            self.kill_workers();
            loop {
                match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                    Ok(WaitStatus::StillAlive) => break,
                    Ok(_) => self.tally.lost(),
                    Err(Errno::EINTR) => {}
                    Err(_) => {
                        self.groups.clear();
                        return Reply::Stopped(self.tally.counts());
                    }
                }
            }
            if clock::now() - begun > STOP_LIMIT_NS {
                return Reply::Failed {
                    error: format!("{} workers live on after 5 s", self.tally.held()),
                };
            }
            clock::sleep(GROW_NS / 4);
        }
    }

    /// As PID 1 everything else in the PID namespace is signalled at once, wherever it went. Without one, the process
    /// groups of the first workers are: signalling -1 there would reach strangers.
    fn kill_workers(&self) {
        if getpid() == Pid::from_raw(1) {
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
            return;
        }
        for &group in &self.groups {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}
