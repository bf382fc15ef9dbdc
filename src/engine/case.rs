//! One case, phase by phase: set up, warm up, pairs of blocks, recovery, tear down, residue check.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contain_test_workloads::protocol::{Order, Pace, Reply};
use contain_test_workloads::{AttackOrder, Dose, PROBES};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::attack::{Quiet, Switch};
use super::blocks::{self, BlockResult};
use super::ceilings::Watchdog;
use super::conversation::require;
use super::cpu_time::{self, CpuTime};
use super::escape::Lookout;
use super::schedule::{self, BLOCK_MS, Planned, What};
use super::signals::Signals;
use super::watcher::Watcher;
use super::{EngineError, Entry, Event, Phase, RunDirectory};
use crate::cgroup::Hierarchies;
use crate::node::{Cpus, Node, node_group, place};
use crate::record::{Block, BlockMode, BlockState, Case, Outcome};
use crate::sandbox::runtime::{Native, Runtime};
use crate::sandbox::{IdRange, Sandbox, Spec};
use crate::scenario::{
    Config, Control, FactName, FactValue, NamespaceKind, Role, SandboxSpec, Workload,
};

/// How long each probe is looked at on the quiet node.
const CALIBRATE_MS: u64 = 60;
/// The dead-man timer of one stretch of attack, in seconds: far above any stretch, far below anybody's patience.
const DEAD_MAN_SECONDS: u64 = 30;
/// An open case stops once this many latency pairs are all denied.
const PLAIN_PAIRS: u32 = 4;
/// Width of one stretch while the victim's recovery is watched, in milliseconds.
const STRETCH_MS: u64 = 25;
const STRETCHES: u32 = 80;
/// A stretch is clean when its mean is at most this much of the quiet mean.
const RECOVERED: f64 = 1.25;
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What all cases of a run share.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The run's directory, with its ledger.
    pub directory: &'a mut RunDirectory,
    /// The hierarchies for groups.
    pub hierarchies: &'a Hierarchies,
    /// CPUs that may be used.
    pub cpus: &'a [u32],
    /// Whether the machine has swap.
    pub has_swap: bool,
    /// Paths to hide besides the usual ones.
    pub masked: &'a [String],
    /// The signals.
    pub signals: &'a mut Signals,
}

/// Runs one case and fills the measured parts of its record. The record holds what was measured up to the error.
///
/// # Errors
/// [`EngineError::Signal`]; anything that kept the case from being measured. Clean-up has been done in all cases;
/// `Err` in `left` of the residue tells what it could not do.
pub fn run(
    config: &Config,
    case: &mut Case,
    around: &mut Surroundings<'_>,
    emit: &mut dyn FnMut(&Event),
) -> Result<(), EngineError> {
    let harness_before = cpu_time::harness();
    let mut stage = Stage { config, emit };
    let measured = stage.enter(Phase::SetUp).and_then(|()| {
        let mut scene = Scene::set_up(config, case, around)?;
        let measured = scene.experiment(case, around, &mut stage);
        let torn_down = stage.enter(Phase::TearDown).and_then(|()| scene.tear_down(case));
        measured.and(torn_down)
    });
    let checked = stage.enter(Phase::ResidueCheck);
    case.residue.extend(residue(around));
    case.harness_cpu_seconds = (cpu_time::harness() - harness_before).as_secs_f64();
    measured.and(checked)
}

/// Where the events of a case go.
struct Stage<'a> {
    config: &'a Config,
    emit: &'a mut dyn FnMut(&Event),
}

impl Stage<'_> {
    /// Says that a phase begins.
    #[expect(clippy::unnecessary_wraps, reason = "the injected fault of tests is a panic")]
    fn enter(&mut self, phase: Phase) -> Result<(), EngineError> {
        (self.emit)(&Event::PhaseStarted { config: self.config.name.clone(), phase });
        assert!(
            !(cfg!(feature = "inject")
                && std::env::var("CONTAIN_TEST_INJECT_PANIC").is_ok_and(|at| at == phase.name())),
            "injected panic in phase {}",
            phase.name()
        );
        Ok(())
    }

    fn say(&mut self, event: Event) {
        (self.emit)(&event);
    }

    fn name(&self) -> String {
        self.config.name.clone()
    }
}

/// Everything that exists while a case runs. Fields are dropped in order: sandboxes before their node.
struct Scene {
    watcher: Watcher,
    attacker: Sandbox,
    victim: Sandbox,
    node: Node,
    lookout: Lookout,
    watchdog: Watchdog,
    switch: Switch,
    begun: Instant,
    control: Option<Control>,
    own: String,
}

impl Scene {
    fn set_up(
        config: &Config,
        case: &mut Case,
        around: &mut Surroundings<'_>,
    ) -> Result<Self, EngineError> {
        let begun = Instant::now();
        let cpus = place(config.placement, config.node.cpus, around.cpus);
        sit_on(&cpus.harness)?;
        let group = node_group(around.hierarchies.clone(), &around.directory.name());
        for path in group.directories() {
            around.directory.ledger.note(Entry::Cgroup(path))?;
        }
        case.steps = Node::steps(&group, &config.node, &cpus);
        let node = Node::create(group, config.node, cpus.clone(), around.has_swap)?;
        around.signals.check()?;
        let victim = start(config, Role::Victim, &node, &cpus, case, around)?;
        around.signals.check()?;
        let attacker = start(config, Role::Attacker, &node, &cpus, case, around)?;
        let own_pid_namespace = config
            .sandbox(Role::Attacker)
            .is_some_and(|sandbox| sandbox.namespaces.is_new(NamespaceKind::Pid));
        case.steps.push("watcher: start a process outside the node".to_owned());
        let watcher = Watcher::start(around.directory)?;
        Ok(Self {
            lookout: Lookout::new(&attacker, own_pid_namespace),
            watchdog: Watchdog::new(&attacker.group),
            switch: Switch::new(Quiet::now(&node, &attacker.group)),
            watcher,
            attacker,
            victim,
            node,
            begun,
            control: config.control,
            own: own_probe(case),
        })
    }

    fn experiment(
        &mut self,
        case: &mut Case,
        around: &mut Surroundings<'_>,
        stage: &mut Stage<'_>,
    ) -> Result<(), EngineError> {
        stage.enter(Phase::WarmUp)?;
        self.look_around(case, around)?;
        let paces = self.warm_up(around)?;
        self.watcher.report(around.signals)?;
        stage.enter(Phase::Blocks)?;
        let plan = schedule::blocks(&capacity_probes(stage.config, case));
        let measured = self.blocks(&plan, &paces, case, around, stage);
        let recovered = measured.and_then(|victim_lives| {
            stage.enter(Phase::Recovery)?;
            if victim_lives && self.control != Some(Control::Sham) {
                self.recovery(&paces, case, around)?;
            }
            self.switch.turn(BlockState::Off, &self.node, &mut self.attacker, around.signals)?;
            Ok(())
        });
        case.attack = self.switch.attack();
        case.ceilings = self.watchdog.ceilings(&self.attacker, &self.node);
        case.ceiling =
            case.ceilings.iter().find(|ceiling| ceiling.resource == case.resource).cloned();
        if !self.watchdog.escaped.is_empty() {
            case.outcome = Some(Outcome::Escaped);
        }
        if !matches!(recovered, Err(EngineError::Signal(_))) {
            case.watch = self.watcher.report(around.signals)?;
        }
        recovered
    }

    /// Asks both sides who sees whom.
    fn look_around(
        &mut self,
        case: &mut Case,
        around: &mut Surroundings<'_>,
    ) -> Result<(), EngineError> {
        case.facts = Native.facts(&self.attacker);
        let order = Order::Facts { token: around.directory.run_id.clone() };
        if let Reply::Facts { pid, sees_token, .. } =
            require(&mut self.attacker, around.signals, &order, ANSWER_LIMIT)?
        {
            case.facts.insert(FactName::InsidePid, FactValue::Number(u64::from(pid)));
            case.facts.insert(FactName::InsideSeesOutside, FactValue::Flag(sees_token));
        }
        Ok(())
    }

    /// Lets the victim measure what its operations cost on the quiet node, and derives every probe's schedule from it.
    fn warm_up(
        &mut self,
        around: &mut Surroundings<'_>,
    ) -> Result<BTreeMap<String, Pace>, EngineError> {
        let order = Order::Calibrate { duration_ms: CALIBRATE_MS };
        match require(&mut self.victim, around.signals, &order, ANSWER_LIMIT)? {
            Reply::Calibrated { cost_ns, failures } => {
                for probe in PROBES {
                    if !cost_ns.contains_key(probe) {
                        return Err(EngineError::Failed(format!(
                            "probe {probe} never succeeded on the quiet node: {:?}",
                            failures.get(probe)
                        )));
                    }
                }
                Ok(schedule::paces(&cost_ns, &PROBES))
            }
            other => Err(EngineError::Failed(format!("the victim answered {other:?}"))),
        }
    }

    /// Runs the planned blocks. False when the victim did not live to see the end of them.
    fn blocks(
        &mut self,
        plan: &[Planned],
        paces: &BTreeMap<String, Pace>,
        case: &mut Case,
        around: &mut Surroundings<'_>,
        stage: &mut Stage<'_>,
    ) -> Result<bool, EngineError> {
        let planned = u32::try_from(plan.len()).unwrap_or(u32::MAX);
        let mut unaccounted = Unaccounted::default();
        for (done, next) in (0..).zip(plan) {
            if self.control == Some(Control::Open) && is_plain(case, &self.own) {
                break;
            }
            self.turn(next.state, around, stage)?;
            let (state, mode) = (next.state, next.mode());
            let config = stage.name();
            stage.say(Event::BlockStarted { config, state, mode, done, planned });
            let cpu_before = CpuTime::now(&self.node.group);
            let used_before = self.attacker.group.counters().cpu_usage_us();
            let result = blocks::measure(
                &mut self.victim,
                around.signals,
                BLOCK_MS,
                &schedule::orders(next, paces),
            )?;
            let elapsed = result.span.1 - result.span.0;
            unaccounted.add(
                state,
                CpuTime::now(&self.node.group).unaccounted_since(&cpu_before),
                elapsed,
            );
            let used_after = self.attacker.group.counters().cpu_usage_us();
            if let (BlockState::On, Some(before), Some(after)) = (state, used_before, used_after) {
                self.watchdog.used_cpu(after.saturating_sub(before), elapsed);
            }
            self.watchdog.look(&self.attacker, &self.node);
            self.watchdog.escaped.extend(self.lookout.escaped());
            let gone = result.victim_is_gone;
            let block = self.recorded(next, result);
            let failures = block.probes.iter().flat_map(|probe| probe.failures.values()).sum();
            case.blocks.push(block);
            let config = stage.name();
            stage.say(Event::BlockFinished { config, state, mode, failures });
            if gone {
                return Ok(false);
            }
        }
        case.out_of_band_cpu_seconds = unaccounted.beyond_quiet();
        Ok(true)
    }

    fn recorded(&self, planned: &Planned, result: BlockResult) -> Block {
        let since = |at: Instant| (at - self.begun).as_secs_f64() * 1e3;
        Block {
            pair: planned.pair,
            state: planned.state,
            mode: planned.mode(),
            start_ms: since(result.span.0),
            end_ms: since(result.span.1),
            probes: result.probes,
        }
    }

    fn turn(
        &mut self,
        to: BlockState,
        around: &mut Surroundings<'_>,
        stage: &mut Stage<'_>,
    ) -> Result<(), EngineError> {
        let took = self.switch.turn(to, &self.node, &mut self.attacker, around.signals)?;
        if let Some(took) = took {
            let took_ms = took.as_secs_f64() * 1e3;
            let config = stage.name();
            stage.say(Event::AttackChanged { config, state: to, took_ms });
        }
        Ok(())
    }

    /// Ends the attack once more, and measures the victim until a stretch is as good as a quiet one.
    fn recovery(
        &mut self,
        paces: &BTreeMap<String, Pace>,
        case: &mut Case,
        around: &mut Surroundings<'_>,
    ) -> Result<(), EngineError> {
        let Some(quiet_mean) = quiet_mean(&case.blocks, &self.own) else { return Ok(()) };
        self.switch.turn(BlockState::On, &self.node, &mut self.attacker, around.signals)?;
        let ended = Instant::now();
        self.switch.turn(BlockState::Off, &self.node, &mut self.attacker, around.signals)?;
        let planned = Planned { pair: 0, state: BlockState::Off, what: What::Latency };
        let mut probes = schedule::orders(&planned, paces);
        probes.retain(|order| order.probe == self.own);
        for _ in 0..STRETCHES {
            let result = blocks::measure(&mut self.victim, around.signals, STRETCH_MS, &probes)?;
            if result.victim_is_gone {
                return Ok(());
            }
            let clean = result.probes.iter().all(|probe| {
                probe.failures.is_empty()
                    && mean(probe.latency_sum_ns, probe.done)
                        .is_some_and(|mean| mean <= quiet_mean * RECOVERED)
            });
            if clean {
                case.recovery_ms = Some(ended.elapsed().as_secs_f64() * 1e3);
                return Ok(());
            }
        }
        case.residue.push(format!("{} has not recovered within 2 s of the attack's end", self.own));
        Ok(())
    }

    fn tear_down(mut self, case: &mut Case) -> Result<(), EngineError> {
        drop(self.watcher);
        // The attacker first: while it lives it may hold what the others need to end.
        let attacker = Native.stop(&mut self.attacker);
        let victim = Native.stop(&mut self.victim);
        let node = self.node.remove();
        for error in [attacker.err().map(|e| e.to_string()), victim.err().map(|e| e.to_string())]
            .into_iter()
            .flatten()
            .chain(node.err().map(|error| error.to_string()))
        {
            case.residue.push(error);
        }
        Ok(())
    }
}

/// Starts the sandbox of this role.
fn start(
    config: &Config,
    role: Role,
    node: &Node,
    cpus: &Cpus,
    case: &mut Case,
    around: &Surroundings<'_>,
) -> Result<Sandbox, EngineError> {
    let (index, wanted) =
        config.sandboxes.iter().enumerate().find(|(_, sandbox)| sandbox.role == role).ok_or_else(
            || EngineError::Failed(format!("config {} has no {role:?}", config.name)),
        )?;
    let own_cpus = if role == Role::Attacker { &cpus.attacker } else { &cpus.victim };
    let spec = Spec {
        name: wanted.name.clone(),
        role,
        limits: wanted.limits.clone(),
        namespaces: wanted.namespaces.clone(),
        cpus: wanted.limits.cpuset.clone().unwrap_or_else(|| own_cpus.clone()),
        ids: IdRange::nth(index),
        program: around.directory.program.clone(),
        root: around.directory.root.clone(),
        arguments: arguments(wanted, config)?,
        masked: around.masked.to_vec(),
        has_swap: around.has_swap,
    };
    let group = node.sandbox_group(&wanted.name);
    Native.available().map_err(EngineError::Unable)?;
    let plan = Native.prepare(spec, &group)?;
    case.steps.extend(plan.printable());
    Ok(Native.launch(&plan, &group)?)
}

/// The hidden role of a sandbox. The dose cap of an attacker is the node's capacity: more would be of no use in it, and
/// without it the machine is still safe.
fn arguments(sandbox: &SandboxSpec, config: &Config) -> Result<Vec<String>, EngineError> {
    let Some(workload) = &sandbox.workload else { return Ok(vec!["__victim".to_owned()]) };
    let order = AttackOrder {
        workload: workload.name.name().to_owned(),
        intensity: workload.intensity,
        dose: Dose { tasks: config.node.pids, seconds: DEAD_MAN_SECONDS },
    };
    let order = serde_json::to_string(&order)
        .map_err(|error| EngineError::Failed(format!("cannot write the attack order: {error}")))?;
    Ok(vec!["__attacker".to_owned(), order])
}

/// The probes that get capacity blocks: those of the own resource, of resources that `expect` names, and of cpu when
/// attacker and victim share CPUs.
fn capacity_probes(config: &Config, case: &Case) -> Vec<String> {
    let named = |resource: &str| {
        resource == case.resource.name()
            || config.expect.iter().any(|expectation| match &expectation.target {
                crate::scenario::Target::Own => false,
                crate::scenario::Target::Named(named, _) => named.name() == resource,
            })
            || (resource == "cpu" && config.placement == crate::scenario::Placement::Together)
    };
    PROBES
        .into_iter()
        .filter(|probe| probe.split('/').next().is_some_and(named))
        .map(str::to_owned)
        .collect()
}

fn own_probe(case: &Case) -> String {
    let prefix = format!("{}/", case.resource.name());
    PROBES.into_iter().find(|probe| probe.starts_with(&prefix)).unwrap_or(PROBES[0]).to_owned()
}

/// True when every operation of the own probe failed in the first on-blocks, and none in the off-blocks beside them.
fn is_plain(case: &Case, own: &str) -> bool {
    let samples = |wanted: BlockState| {
        case.blocks
            .iter()
            .filter(move |block| block.mode == BlockMode::Latency && block.state == wanted)
            .filter_map(|block| block.probes.iter().find(|probe| probe.probe == own))
    };
    let pairs = u32::try_from(samples(BlockState::On).count()).unwrap_or(0);
    pairs >= PLAIN_PAIRS
        && samples(BlockState::Off).count() == samples(BlockState::On).count()
        && samples(BlockState::On).all(|sample| sample.attempts > 0 && sample.done == 0)
        && samples(BlockState::Off).all(|sample| sample.failures.is_empty() && !sample.missing)
}

fn quiet_mean(blocks: &[Block], probe: &str) -> Option<f64> {
    let mut means: Vec<f64> = blocks
        .iter()
        .filter(|block| block.mode == BlockMode::Latency && block.state == BlockState::Off)
        .filter_map(|block| block.probes.iter().find(|sample| sample.probe == probe))
        .filter_map(|sample| mean(sample.latency_sum_ns, sample.done))
        .collect();
    means.sort_by(f64::total_cmp);
    means.get(means.len() / 2).copied()
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
fn mean(sum: u64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

/// CPU time that belongs to nobody, on-blocks and off-blocks apart.
#[derive(Default)]
struct Unaccounted {
    on: (f64, f64),
    off: (f64, f64),
}

impl Unaccounted {
    fn add(&mut self, state: BlockState, unaccounted: f64, elapsed: Duration) {
        let sum = if state == BlockState::On { &mut self.on } else { &mut self.off };
        sum.0 += unaccounted;
        sum.1 += elapsed.as_secs_f64();
    }

    /// What on-blocks show beyond what as much quiet time shows, in seconds. Not below 0: the machine's counter has a
    /// resolution of 10 ms a CPU.
    fn beyond_quiet(&self) -> Option<f64> {
        let usable = self.on.1 > 0.0 && self.off.1 > 0.0;
        usable.then(|| (self.on.0 - self.off.0 * self.on.1 / self.off.1).max(0.0))
    }
}

/// The harness and what it starts outside sandboxes run on these CPUs.
fn sit_on(cpus: &[u32]) -> Result<(), EngineError> {
    let failed =
        |errno| EngineError::Failed(format!("cannot choose CPUs for the harness: {errno}"));
    let mut set = CpuSet::new();
    for &cpu in cpus {
        set.set(usize::try_from(cpu).unwrap_or(usize::MAX)).map_err(failed)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).map_err(failed)
}

/// What is still there after a case: processes with the sandboxes' user IDs, and directories of the node.
fn residue(around: &Surroundings<'_>) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let ranges = [IdRange::nth(0), IdRange::nth(1)];
    let mut left: Vec<String> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())
                && entry
                    .metadata()
                    .is_ok_and(|metadata| ranges.iter().any(|range| range.contains(metadata.uid())))
        })
        .map(|entry| format!("process {}", entry.file_name().to_string_lossy()))
        .collect();
    let group = node_group(around.hierarchies.clone(), &around.directory.name());
    left.extend(
        group
            .directories()
            .filter(|path| path.exists())
            .map(|path| format!("cgroup {}", path.display())),
    );
    left
}

/// The record of a case before anything was measured.
#[must_use]
pub fn blank(config: &Config, machine: &str) -> Case {
    let attacker = config.sandbox(Role::Attacker);
    let victim = config.sandbox(Role::Victim);
    let workload = attacker.and_then(|sandbox| sandbox.workload.as_ref());
    Case {
        attacker: workload.map_or(Workload::Sleep, |workload| workload.name).name().to_owned(),
        intensity: workload.map_or(0, |workload| workload.intensity),
        resource: config.own_resource(),
        config: config.name.clone(),
        machine: machine.to_owned(),
        runtime: attacker.map_or_else(|| "native".to_owned(), |sandbox| sandbox.runtime.clone()),
        control: config.control,
        placement: config.placement,
        node: config.node,
        limits: attacker.map(|sandbox| sandbox.limits.clone()).unwrap_or_default(),
        victim_limits: victim.map(|sandbox| sandbox.limits.clone()).unwrap_or_default(),
        verdict: crate::record::Verdict::Inconclusive,
        reason: String::new(),
        outcome: None,
        expectations: Vec::new(),
        ceiling: None,
        ceilings: Vec::new(),
        cells: Vec::new(),
        blocks: Vec::new(),
        attack: crate::record::Attack::default(),
        watch: crate::record::Watch::default(),
        facts: BTreeMap::new(),
        steps: Vec::new(),
        out_of_band_cpu_seconds: None,
        harness_cpu_seconds: 0.0,
        recovery_ms: None,
        residue: Vec::new(),
    }
}
