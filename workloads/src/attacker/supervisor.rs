//! The supervisor: starts, watches, respawns and ends the workers.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid, setpgid};

use super::burn::Burn;
use super::children::Children;
use super::{AttackOrder, End, Workload};
use crate::protocol::{Burst, Counts, Order, Reply};
use crate::raw::{self, Fork};
use crate::stream::{Stream, Waited};
use crate::tally::Tally;
use crate::{clock, oom, sight, survey};

/// How often the supervisor looks after its workers while the attack holds, besides as soon as one of them has died.
const WATCH_MS: u16 = 20;
/// Pause between two rounds of starting workers again: a limit that kills each of them at once must not cost a CPU.
const RESPAWN_PAUSE_NS: u64 = 1_000_000;
/// The same as a time to wait in, rounded up.
const RESPAWN_PAUSE_MS: u16 = 1;
/// How often it looks for the hold state while the attack grows.
const GROW_NS: u64 = 2_000_000;
/// Refused, and no growth for this long: the hold state.
const STALLED_NS: u64 = 20_000_000;
/// An attack that neither grows nor is refused has failed after this long.
const GROW_LIMIT_NS: u64 = 5_000_000_000;
/// One that grows so slowly has failed too: the harness waits for 15 s. An emulated machine takes several seconds for hundreds of forks.
const SLOWEST_GROWTH_NS: u64 = 12_000_000_000;
/// An attack that ends by itself is given this long to do so when it is switched off.
const FINISH_LIMIT_NS: u64 = 5_000_000_000;
/// Ending everything takes milliseconds; after this long it has failed.
const STOP_LIMIT_NS: u64 = 5_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// A workload and what it counted.
struct Act {
    workload: Box<dyn Workload>,
    tally: Tally,
}

impl Act {
    /// What it counted, in the workload's own unit.
    fn counts(&self) -> Counts {
        self.workload.counted(self.tally.counts())
    }
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
    /// Workers started since the attack was switched on, and those of them that have not been reaped.
    started: u64,
    living: u64,
    /// No worker is started again before this.
    not_before: u64,
    attacking: bool,
    /// How the last worker that ended by itself did.
    last_exit: Option<i32>,
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
            started: 0,
            living: 0,
            not_before: 0,
            attacking: false,
            last_exit: None,
        }
    }

    /// Carries out orders until the stream ends.
    pub fn run(mut self) -> Result<(), String> {
        raw::die_with_parent().map_err(|errno| format!("PR_SET_PDEATHSIG: {errno:?}"))?;
        raw::adopt_orphans().map_err(|errno| format!("PR_SET_CHILD_SUBREAPER: {errno:?}"))?;
        let children = Children::watch().map_err(|errno| format!("signalfd: {errno:?}"))?;
        let mut stream = Stream::standard();
        let gone = |error: std::io::Error| format!("the stream broke: {error}");
        stream.send(&Reply::Ready { pid: std::process::id() }).map_err(gone)?;
        loop {
            let order = if self.attacking {
                stream.wait_beside(Some(self.patience_ms()), Some(children.fd()))
            } else {
                stream.wait(None)
            };
            let reply = match order {
                Waited::Order(Order::Start) => self.start(),
                Waited::Order(Order::Placebo { tasks, burst }) => self.start_placebo(tasks, burst),
                Waited::Order(Order::Stop) => {
                    self.finish();
                    self.stop()
                }
                Waited::Order(Order::Facts { token }) => sight::look(&token),
                Waited::Order(Order::Survey { texts }) => {
                    Reply::Surveyed { files: survey::survey(&texts) }
                }
                Waited::Order(Order::Look(look)) => {
                    Reply::Looked { sightings: sight::attempt_all(&look) }
                }
                Waited::Order(Order::Quit) | Waited::Ended => {
                    let _ = self.stop();
                    return Ok(());
                }
                Waited::Order(
                    Order::Calibrate { .. }
                    | Order::Measure(_)
                    | Order::Plant { .. }
                    | Order::Hold { .. },
                ) => Reply::Failed { error: "an attacker has no probes".to_owned() },
                Waited::Nothing => {
                    children.forget();
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
        (self.started, self.living, self.not_before) = (0, 0, 0);
        self.attacking = true;
        self.spawn_missing();
        self.wait_until_holding()
    }

    /// Starts workers until there are as many as the supervisor is to start, or one is refused; a refusal counts like any
    /// other and is tried again by [`Self::look_after`].
    fn spawn_missing(&mut self) {
        if clock::now() < self.not_before {
            return;
        }
        let (tally, workers) = (self.act().tally, self.act().workload.workers());
        let held = self.act().workload.holds_workers();
        let enough = workers.min(tally.target());
        let started_before = self.started;
        while (if held { tally.held() } else { self.living }) < enough {
            if held && !tally.reserve() {
                break;
            }
            if self.started >= workers && !self.act().workload.is_unfinished() {
                tally.respawned();
            }
            if !self.spawn(tally) {
                break;
            }
        }
        if self.started > started_before {
            self.not_before = clock::now() + RESPAWN_PAUSE_NS;
        }
    }

    /// How long to wait for an order before the workers are looked after.
    fn patience_ms(&self) -> u16 {
        if clock::now() < self.not_before { RESPAWN_PAUSE_MS } else { WATCH_MS }
    }

    /// Starts one worker, on a reserved place where workers are what is held. False when the kernel refuses.
    fn spawn(&mut self, tally: Tally) -> bool {
        let supervisor = getpid();
        let held = self.act().workload.holds_workers();
        match raw::fork() {
            Ok(Fork::Child) => {
                // A group of its own, so that the whole tree can be signalled at once without its supervisor.
                let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
                // The supervisor may have died before the request took effect: then nobody would end this process.
                if raw::die_with_parent().is_err() || getppid() != supervisor {
                    raw::exit_now(1);
                }
                oom::join_the_many();
                self.act().workload.work(tally)
            }
            Ok(Fork::Parent(child)) => {
                let _ = setpgid(child, child);
                self.groups.push(child);
                self.started += 1;
                self.living += 1;
                match (held, self.act().workload.start_is_operation()) {
                    (true, true) => tally.succeeded(),
                    (true, false) => tally.joined(),
                    (false, _) => {}
                }
                true
            }
            Err(errno) => {
                if held {
                    tally.refused(errno);
                } else {
                    tally.denied(errno);
                }
                false
            }
        }
    }

    fn wait_until_holding(&mut self) -> Reply {
        let tally = self.act().tally;
        let begun = clock::now();
        let (refused_before, killed_before) = (tally.refusals(), tally.kills());
        let (mut most, mut grown_at) = (0, begun);
        let settle_ns = self.act().workload.settle_ns();
        // Since when it holds all it wants, and how many workers had been started again by then.
        let mut full: Option<(u64, u64)> = None;
        loop {
            clock::sleep(GROW_NS);
            self.look_after();
            let now = clock::now();
            let (held, target) = self.act().workload.progress(tally);
            // Where memory is what runs out, workers are killed instead of refused. What grows again after that is no growth.
            let killed = tally.kills() > killed_before;
            if held > most && !killed {
                (most, grown_at) = (held, now);
            }
            let resisted = killed || tally.refusals() > refused_before;
            let respawns = tally.respawns();
            full = full.filter(|&(_, seen)| held >= target && seen == respawns);
            if held >= target && full.is_none() {
                full = Some((now, respawns));
            }
            let settled = full.is_some_and(|(since, _)| now - since >= settle_ns);
            // With a whole machine to fill it is, after a while, as much on as it will be before anybody loses patience.
            let late = self.order.dose.unguarded && now - begun > SLOWEST_GROWTH_NS;
            if settled || late || (resisted && now - grown_at > STALLED_NS) {
                return Reply::Holding(self.counts(self.act()));
            }
            if now - grown_at > GROW_LIMIT_NS || now - begun > SLOWEST_GROWTH_NS {
                let seconds = (now - begun) / SECOND_NS;
                let error = match settle_ns {
                    0 => format!(
                        "held {held} of {target} after {seconds} s, and nothing was refused"
                    ),
                    _ => self.ends_too_soon(respawns, seconds),
                };
                return Reply::Failed { error };
            }
        }
    }

    /// Why a workload that does not stay is none.
    fn ends_too_soon(&self, respawns: u64, seconds: u64) -> String {
        let why = match self.last_exit {
            Some(127) => " with status 127: there is no such program in the sandbox".to_owned(),
            Some(126) => " with status 126: it cannot be executed".to_owned(),
            Some(status) => format!(" with status {status}"),
            None => String::new(),
        };
        format!("it ended by itself {respawns} times within {seconds} s{why}")
    }

    /// Reaps what died and starts workers again that something outside killed.
    fn look_after(&mut self) {
        self.reap();
        let act = self.act();
        // A workload that holds something else than workers sees its peak here, when no dead worker counts.
        let _ = act.workload.progress(act.tally);
        if self.act().tally.is_overdue(clock::now()) {
            let _ = self.stop();
        } else if self.attacking {
            self.spawn_missing();
        }
    }

    fn reap(&mut self) {
        while let Ok(status @ (WaitStatus::Exited(..) | WaitStatus::Signaled(..))) =
            waitpid(None, Some(WaitPidFlag::WNOHANG))
        {
            // A worker that could not even begin has another status than 0.
            let is_over = !matches!(status, WaitStatus::Exited(_, 1..));
            if matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)) {
                self.act().tally.killed();
            }
            self.ended(status, is_over);
        }
    }

    /// A worker, or a child of one, was reaped.
    fn ended(&mut self, status: WaitStatus, is_over: bool) {
        let Some(child) = status.pid() else { return };
        let is_worker = self.groups.contains(&child);
        if is_worker {
            self.living = self.living.saturating_sub(1);
            if let WaitStatus::Exited(_, code) = status {
                self.last_exit = Some(code);
            }
        }
        let act = self.act();
        act.workload.ended(child, End { is_worker, is_over }, act.tally);
        // A group that is empty may not be signalled later: its number may be a stranger's by then.
        if killpg(child, None::<Signal>) == Err(Errno::ESRCH) {
            self.groups.retain(|&group| group != child);
        }
    }

    /// What an act counted, with the workers that live now.
    fn counts(&self, act: &Act) -> Counts {
        let counts = act.counts();
        match act.workload.holds_workers() {
            true => counts,
            false => Counts { workers: self.living, ..counts },
        }
    }

    /// Lets an attack that ends by itself do so, while it is given time.
    fn finish(&mut self) {
        let begun = clock::now();
        while self.attacking
            && self.act().workload.is_unfinished()
            && clock::now() - begun < FINISH_LIMIT_NS
        {
            clock::sleep(GROW_NS / 4);
            self.look_after();
        }
    }

    /// Kills every worker and reaps them all: afterwards the sandbox holds nothing but this process.
    fn stop(&mut self) -> Reply {
        self.attacking = false;
        let begun = clock::now();
        self.thin_out(begun);
        loop {
            self.kill_workers();
            if !self.reap_dying() {
                self.groups.clear();
                self.placebo = None;
                return match self.attack.workload.clean() {
                    Ok(()) => Reply::Stopped(self.counts(&self.attack)),
                    Err(error) => Reply::Failed { error },
                };
            }
            if clock::now() - begun > STOP_LIMIT_NS {
                return Reply::Failed {
                    error: format!("{} workers live on after 5 s", self.act().tally.held()),
                };
            }
            clock::sleep(GROW_NS / 4);
        }
    }

    /// Ends all workers but one. What a dying process held is charged for a moment longer than the OOM killer can see who held it
    /// (exit_mm of kernel/exit.c comes before exit_mmap of mm/mmap.c). With nobody else left in a full group, a page that this process touches would
    /// cost its own life. So one worker stays, stopped, until the others have given everything back.
    fn thin_out(&mut self, begun: u64) {
        if self.act().workload.holds_workers() || self.living < 2 {
            return;
        }
        let Some((&last, others)) = self.groups.split_last() else { return };
        let _ = killpg(last, Signal::SIGSTOP);
        for &group in others {
            let _ = killpg(group, Signal::SIGKILL);
        }
        while self.living > 1 && self.reap_dying() && clock::now() - begun < STOP_LIMIT_NS {
            clock::sleep(GROW_NS / 4);
        }
    }

    /// Reaps whoever is dead. False when there is no child any more.
    fn reap_dying(&mut self) -> bool {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => return true,
                Ok(status) => self.ended(status, false),
                Err(Errno::EINTR) => {}
                Err(_) => return false,
            }
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
