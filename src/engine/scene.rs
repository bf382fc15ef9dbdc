//! Everything that exists while a case runs: node, sandboxes, watcher, and what looks after them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contain_test_workloads::PROBES;
use contain_test_workloads::protocol::{Order, Pace, Reply};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::attack::{Load, Quiet, Switch};
use super::ceilings::Watchdog;
use super::conversation::require;
use super::escape::Lookout;
use super::specs::{Premises, spec_of};
use super::stage::Stage;
use super::surroundings::Surroundings;
use super::sysctl_values::SysctlValues;
use super::trail::{Part, Trail};
use super::watcher::{self, Watcher};
use super::{EngineError, Entry, Event, measure, schedule};
use crate::cgroup::Group;
use crate::guardian::Undo;
use crate::node::{Cpus, Node, node_group, place};
use crate::record::{BlockState, Case};
use crate::sandbox::runtime::{Native, Runtime};
use crate::sandbox::{ID_COUNT, IdRange, Sandbox};
use crate::scenario::{Config, Control, FactName, FactValue, NamespaceKind, Placement, Role};

/// How long each probe is looked at on the quiet node.
const CALIBRATE_MS: u64 = 60;
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Everything that exists while a case runs. Fields are dropped in order: sandboxes before their node.
pub struct Scene {
    /// The process outside the node.
    pub watcher: Watcher,
    /// The attacker's sandbox.
    pub attacker: Sandbox,
    /// The victim's.
    pub victim: Sandbox,
    /// The node of both.
    pub node: Node,
    /// Values of the kernel that the case has changed.
    pub sysctls: SysctlValues,
    /// Looks for processes that left.
    pub lookout: Lookout,
    /// Looks after the limits.
    pub watchdog: Watchdog,
    /// The attack.
    pub switch: Switch,
    /// When the case began.
    pub begun: Instant,
    /// Which control the case is.
    pub control: Option<Control>,
    /// The probe of the own resource.
    pub own: String,
    /// Whether probes read how long they wait for a CPU: where they share it with the attacker.
    pub net: bool,
}

impl Scene {
    /// Makes everything: node, victim, attacker, watcher. What was made before a failure is gone again.
    pub fn set_up(
        config: &Config,
        case: &mut Case,
        around: &mut Surroundings<'_>,
    ) -> Result<Self, EngineError> {
        around.trail.begin(&config.name, Part::SetUp);
        let made = Self::make(config, case, around);
        case.steps = around.trail.steps().to_vec();
        made.map_err(|error| around.trail.located(error))
    }

    fn make(
        config: &Config,
        case: &mut Case,
        around: &mut Surroundings<'_>,
    ) -> Result<Self, EngineError> {
        let begun = Instant::now();
        let cpus = place(config.placement, config.node.width(), around.cpus);
        if cpus.forced_together {
            // There is one CPU: the record must not say that each had its own.
            case.placement = Placement::Together;
        }
        case.shared_cpus = Some(cpus.shared(config));
        sit_on(&cpus.harness)?;
        let group = node_group(around.hierarchies.clone(), &around.directory.name());
        let sysctls =
            SysctlValues::set(&config.sysctls, &mut around.directory.ledger, around.trail)?;
        foretell(config, &group, around)?;
        let node = Node::create(
            group,
            config.node,
            cpus.clone(),
            around.has_swap,
            &named_controllers(config),
            around.trail,
        )?;
        around.signals.check()?;
        let victim = start(config, Role::Victim, &node, &cpus, around)?;
        around.signals.check()?;
        let attacker = start(config, Role::Attacker, &node, &cpus, around)?;
        let own_pid_namespace = config
            .sandbox(Role::Attacker)
            .is_some_and(|sandbox| sandbox.namespaces.is_new(NamespaceKind::Pid));
        let mut watcher = Watcher::start(around.directory, around.trail)?;
        // Its first answer proves that it runs, by the command line that sandboxes will look for.
        watcher.report(around.signals)?;
        Ok(Self {
            lookout: Lookout::new(&attacker, own_pid_namespace),
            watchdog: Watchdog::new(&attacker.group, &node.group, around.online_cpus),
            switch: Switch::new(Quiet::now(&node, &attacker.group)),
            sysctls,
            watcher,
            attacker,
            victim,
            node,
            begun,
            control: config.control,
            own: measure::own_probe(case),
            net: case.placement == Placement::Together,
        })
    }

    /// Asks both sides who sees whom.
    pub fn look_around(
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
    pub fn warm_up(
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

    /// Switches the attack or its placebo, if needed.
    pub fn turn(
        &mut self,
        to: Load,
        around: &mut Surroundings<'_>,
        stage: &mut Stage<'_>,
    ) -> Result<(), EngineError> {
        let state = if to == Load::Attack { BlockState::On } else { BlockState::Off };
        self.watchdog.turning(state, &self.attacker.group);
        let took = self.switch.turn(to, &self.node, &mut self.attacker, around.signals)?;
        if let Some(took) = took {
            let took_ms = took.as_secs_f64() * 1e3;
            let config = stage.name();
            stage.say(Event::AttackChanged { config, state, took_ms });
        }
        Ok(())
    }

    /// Ends and removes everything. Returns what went wrong on the way; what is still there after all is for the residue check.
    pub fn tear_down(mut self, case: &mut Case, around: &mut Surroundings<'_>) -> Vec<EngineError> {
        let trail = &mut *around.trail;
        trail.begin(&case.config, Part::TearDown);
        let mut errors = Vec::new();
        let mut done = |result: Result<(), EngineError>, trail: &Trail| {
            errors.extend(result.err().map(|error| trail.located(error)));
        };
        let ended = self.watcher.end(trail);
        done(ended, trail);
        // The attacker first: while it lives it may hold what the others need to end.
        for sandbox in [&mut self.attacker, &mut self.victim] {
            let stopped = Native.stop(sandbox, trail).map_err(EngineError::from);
            done(stopped, trail);
        }
        let removed = self.node.remove(trail).map_err(EngineError::from);
        done(removed, trail);
        let back = self.sysctls.put_back(trail);
        done(back, trail);
        case.tear_down = trail.steps().to_vec();
        // Here the owners are dropped, and try once more what did not work.
        errors
    }
}

/// Starts the sandbox of this role.
fn start(
    config: &Config,
    role: Role,
    node: &Node,
    cpus: &Cpus,
    around: &mut Surroundings<'_>,
) -> Result<Sandbox, EngineError> {
    let spec = spec_of(config, role, cpus, premises(around))?;
    let group = node.sandbox_group(&spec.name);
    Native.available().map_err(EngineError::Unable)?;
    let plan = Native.prepare(spec, &group)?;
    Ok(Native.launch(&plan, &group, around.trail)?)
}

fn premises<'a>(around: &'a Surroundings<'_>) -> Premises<'a> {
    Premises {
        run_id: &around.directory.run_id,
        program: &around.directory.program,
        root: &around.directory.root,
        masked: around.masked,
        has_swap: around.has_swap,
    }
}

/// Tells the ledger and the guardian of everything that the case will make, before any of it is made.
fn foretell(
    config: &Config,
    node: &Group,
    around: &mut Surroundings<'_>,
) -> Result<(), EngineError> {
    let ranges = IdRange::of_run(&around.directory.run_id);
    let ledger = &mut around.directory.ledger;
    let mut undo = Vec::new();
    let mut cgroups = |group: &Group| {
        undo.extend(group.directories().map(|path| Undo::Cgroup { path }));
    };
    for path in node.directories() {
        ledger.note(Entry::Cgroup(path))?;
    }
    cgroups(node);
    for (sandbox, range) in config.sandboxes.iter().zip(ranges) {
        cgroups(&node.child(&sandbox.name));
        ledger.note(Entry::Users { first: range.base, count: ID_COUNT })?;
        let kinds = NamespaceKind::ALL.into_iter().filter(|&kind| sandbox.namespaces.is_new(kind));
        ledger.note(Entry::Namespaces { sandbox: sandbox.name.clone(), kinds: kinds.collect() })?;
    }
    ledger.note(Entry::Process(watcher::ROLE.to_owned()))?;
    match around.trail.guardian() {
        Some(guardian) => guardian.expect(undo).map_err(|error| {
            EngineError::Failed(format!(
                "the guardian cannot be told of what will be made: {error}"
            ))
        }),
        None => Ok(()),
    }
}

/// Controllers of the kernel files that the config names itself.
pub fn named_controllers(config: &Config) -> Vec<&str> {
    let files = config.sandboxes.iter().flat_map(|sandbox| sandbox.limits.unified.keys());
    files.filter_map(|file| Some(file.split_once('.')?.0)).collect()
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
