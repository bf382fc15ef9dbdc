//! The supervisor: starts, watches, respawns and ends the workers.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid, setpgid};

use super::burn::Burn;
use super::{AttackOrder, Workload};
use crate::protocol::{Burst, Order, Reply};
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
/// One that grows so slowly has failed too: the harness waits for 15 s. An emulated machine takes several seconds for hundreds of forks.
const SLOWEST_GROWTH_NS: u64 = 12_000_000_000;
/// Ending everything takes milliseconds; after this long it has failed.
const STOP_LIMIT_NS: u64 = 5_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// A workload and what it counted.
struct Act {
    workload: Box<dyn Workload>,
    tally: Tally,
}

/// See the module.
pub struct Supervisor {
    order: AttackOrder,
    attack: Act,
    /// The load that burns as much CPU as the attack and does nothing else, while it is on instead.
    placebo: Option<Act>,
    /// The placebo's counters, kept from one time to the next: shared memory is never given back.
    placebo_tally: Option<Tally>,
    /// Process groups of first workers, for sandboxes without a PID namespace.
    groups: Vec<Pid>,
    attacking: bool,
}

impl Supervisor {
    pub fn new(order: AttackOrder, workload: Box<dyn Workload>, tally: Tally) -> Self {
        let attack = Act { workload, tally };
        Self {
            order,
            attack,
            placebo: None,
            placebo_tally: None,
            groups: Vec::new(),
            attacking: false,
        }
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
                Waited::Order(Order::Placebo { tasks, burst }) => self.start_placebo(tasks, burst),
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

    /// What is on now, or would be.
    fn act(&self) -> &Act {
        self.placebo.as_ref().unwrap_or(&self.attack)
    }

    fn start_placebo(&mut self, tasks: u64, burst: Burst) -> Reply {
        // Counters of its own, so that the attack's say nothing but what the attack did.
        let tally = match self.placebo_tally {
            Some(tally) => tally,
            None => match Tally::new() {
                Ok(tally) => tally,
                Err(errno) => {
                    return Reply::Failed { error: format!("shared counters: {errno:?}") };
                }
            },
        };
        let tasks = tasks.min(self.order.dose.tasks);
        let workload = Box::new(Burn::spread(tasks, burst.busy_us, burst.period_us));
        self.placebo_tally = Some(tally);
        self.placebo = Some(Act { workload, tally });
        self.start()
    }

    fn start(&mut self) -> Reply {
        let target = self.act().workload.target();
        let deadline = clock::now() + self.order.dose.seconds * SECOND_NS;
        self.act().tally.open(target, deadline);
        self.groups.clear();
        self.attacking = true;
        self.spawn_missing();
        self.wait_until_holding(target)
    }

    /// Starts workers until there are as many as the supervisor is to start, or one is refused; a refusal counts like any
    /// other and is tried again by [`Self::look_after`].
    fn spawn_missing(&mut self) {
        let (tally, workers) = (self.act().tally, self.act().workload.workers());
        while tally.held() < workers.min(tally.target()) && tally.reserve() {
            if u64::try_from(self.groups.len()).is_ok_and(|started| started >= workers) {
                tally.respawned();
            }
            if !self.spawn(tally) {
                break;
            }
        }
    }

    /// Starts one worker on a reserved place. False when the kernel refuses.
    fn spawn(&mut self, tally: Tally) -> bool {
        let supervisor = getpid();
        match raw::fork() {
            Ok(Fork::Child) => {
                // A group of its own, so that the whole tree can be signalled at once without its supervisor.
                let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
                // The supervisor may have died before the request took effect: then nobody would end this process.
                if raw::die_with_parent().is_err() || getppid() != supervisor {
                    raw::exit_now(1);
                }
                self.act().workload.work(tally)
            }
            Ok(Fork::Parent(child)) => {
                let _ = setpgid(child, child);
                self.groups.push(child);
                tally.succeeded();
                true
            }
            Err(errno) => {
                tally.refused(errno);
                false
            }
        }
    }

    fn wait_until_holding(&mut self, target: u64) -> Reply {
        let tally = self.act().tally;
        let begun = clock::now();
        let refused_before = tally.refusals();
        let (mut most, mut grown_at) = (0, begun);
        loop {
            clock::sleep(GROW_NS);
            self.look_after();
            let (now, held) = (clock::now(), tally.held());
            if held > most {
                (most, grown_at) = (held, now);
            }
            let refused = tally.refusals() > refused_before;
            if held >= target || (refused && now - grown_at > STALLED_NS) {
                return Reply::Holding(tally.counts());
            }
            if now - grown_at > GROW_LIMIT_NS || now - begun > SLOWEST_GROWTH_NS {
                let seconds = (now - begun) / SECOND_NS;
                return Reply::Failed {
                    error: format!(
                        "held {held} of {target} after {seconds} s, and nothing was refused"
                    ),
                };
            }
        }
    }

    /// Reaps what died and starts workers again that something outside killed.
    fn look_after(&mut self) {
        self.reap();
        if self.act().tally.is_overdue(clock::now()) {
            let _ = self.stop();
        } else if self.attacking {
            self.spawn_missing();
        }
    }

    fn reap(&self) {
        while let Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) =
            waitpid(None, Some(WaitPidFlag::WNOHANG))
        {
            self.act().tally.lost();
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
                    Ok(_) => self.act().tally.lost(),
                    Err(Errno::EINTR) => {}
                    Err(_) => {
                        self.groups.clear();
                        self.placebo = None;
                        return Reply::Stopped(self.attack.tally.counts());
                    }
                }
            }
            if clock::now() - begun > STOP_LIMIT_NS {
                return Reply::Failed {
                    error: format!("{} workers live on after 5 s", self.act().tally.held()),
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
