//! Everything that exists while a case runs: node, sandboxes, watcher, and what looks after them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contain_test_workloads::protocol::{Order, Pace, Planted, Reply};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::attack::{Load, Switch};
use super::ceilings::Watchdog;
use super::conversation::require;
use super::disk;
use super::escape::Lookout;
use super::logs::LogReader;
use super::pod_limits::PodWatch;
use super::sidecars::Sidecars;
use super::specs::{Premises, pod_plans, probes_of, sidecar_plans, spec_of};
use super::stage::Stage;
use super::surroundings::Surroundings;
use super::sysctl_values::SysctlValues;
use super::trail::{Part, Trail};
use super::watcher::{self, Watcher};
use super::{EngineError, Entry, Event, measure, schedule};
use crate::cgroup::Group;
use crate::guardian::Undo;
use crate::node::{Cpus, Disk, DiskPlan, Node, node_group, place, uplink};
use crate::record::{BlockState, Case, Ceiling, NodeDisk};
use crate::sandbox::runtime::{Native, Runtime};
use crate::sandbox::{IdRange, Pod, Sandbox};
use crate::scenario::{Config, Control, FactName, FactValue, NamespaceKind, Placement, Role};

/// How long each probe is looked at on the quiet node, at most. It decides how often the probe runs and nothing else, so a rough figure will do,
/// and a quarter of a short block is enough.
const CALIBRATE_MS: u64 = 20;
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Everything that exists while a case runs. Fields are dropped in order: sandboxes before their node.
pub struct Scene {
    /// The process outside the node.
    pub watcher: Watcher,
    /// What the watcher has planted on the machine, where the attacker looks around.
    pub planted: Option<Planted>,
    /// The attacker's sandbox.
    pub attacker: Sandbox,
    /// The victim's.
    pub victim: Sandbox,
    /// Programs beside them.
    pub sidecars: Sidecars,
    /// Their pods.
    pub pods: Vec<Pod>,
    /// The node of both.
    pub node: Node,
    /// Its disk, where it has one.
    pub disk: Option<Disk>,
    /// Values of the kernel that the case has changed.
    pub sysctls: SysctlValues,
    /// Looks for processes that left.
    pub lookout: Lookout,
    /// Looks after the limits.
    pub watchdog: Watchdog,
    /// Looks after the limits of each pod.
    pub pod_watches: Vec<PodWatch>,
    /// The attack.
    pub switch: Switch,
    /// Reads what the attacker writes, where it does.
    pub logs: Option<LogReader>,
    /// When the case began.
    pub begun: Instant,
    /// Which control the case is.
    pub control: Option<Control>,
    /// The probe of the own resource.
    pub own: String,
    /// All probes of the victim.
    pub probes: Vec<String>,
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
        let disk = disk::plan_of(config, &around.directory.run_id, &around.directory.path)?;
        foretell(config, &group, disk.as_ref(), around)?;
        let mut node = Node::create(
            group,
            config.node,
            cpus.clone(),
            around.has_swap,
            &named_controllers(config),
            around.trail,
        )?;
        let disk = disk.map(|plan| Disk::create(plan, around.trail)).transpose()?;
        case.disk = disk.as_ref().map(|disk| NodeDisk {
            device: disk.device.clone(),
            direct_io: disk.direct_io,
            image: disk.plan.image.clone(),
        });
        around.signals.check()?;
        let device = disk.as_ref().map(|disk| disk.device.as_str());
        let directory = &*around.directory;
        node.connect(&directory.run_id, &directory.program, around.trail)?;
        let pods = start_pods(config, (&mut node, device), &cpus, around)?;
        let plans = sidecar_plans(config, &cpus, &node.group, premises(around, device))?;
        let sidecars = Sidecars::start(plans, &pods, around.trail)?;
        let mut ground = (&mut node, pods.as_slice(), device);
        let victim = start(config, Role::Victim, &mut ground, &cpus, around)?;
        around.signals.check()?;
        let attacker = start(config, Role::Attacker, &mut ground, &cpus, around)?;
        let own_pid_namespace = config
            .sandbox(Role::Attacker)
            .is_some_and(|sandbox| sandbox.namespaces.is_new(NamespaceKind::Pid));
        let nofile = config.sandbox(Role::Attacker).and_then(|sandbox| sandbox.limits.nofile);
        let mut watcher = Watcher::start(around.directory, around.trail)?;
        // Its first answer proves that it runs, by the command line that sandboxes will look for.
        watcher.report(around.signals)?;
        let planted = match config.looks() {
            true => Some(watcher.plant(around.signals, around.trail)?),
            false => None,
        };
        Ok(Self {
            planted,
            lookout: Lookout::new(&attacker, own_pid_namespace, !config.shares_user()),
            pod_watches: pods
                .iter()
                .map(|pod| PodWatch::new(pod, &attacker.group, around.online_cpus))
                .collect(),
            watchdog: Watchdog::new(&attacker.group, &node.group, around.online_cpus, nofile)
                .with_disk(disk.as_ref()),
            switch: Switch::new(&node, &attacker.group, sidecars.groups().cloned().collect()),
            logs: LogReader::of(config),
            sysctls,
            watcher,
            attacker,
            victim,
            sidecars,
            pods,
            node,
            disk,
            begun,
            control: config.control,
            own: measure::own_probe(case),
            probes: probes_of(config),
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
        block_ms: u64,
        around: &mut Surroundings<'_>,
    ) -> Result<BTreeMap<String, Pace>, EngineError> {
        let duration_ms = CALIBRATE_MS.min(block_ms / 4).max(1);
        let order = Order::Calibrate { duration_ms };
        match require(&mut self.victim, around.signals, &order, ANSWER_LIMIT)? {
            Reply::Calibrated { cost_ns, failures } => {
                for probe in &self.probes {
                    if !cost_ns.contains_key(probe) {
                        return Err(EngineError::Failed(format!(
                            "probe {probe} never succeeded on the quiet node: {:?}",
                            failures.get(probe)
                        )));
                    }
                }
                Ok(schedule::paces(&cost_ns, &self.probes))
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
        if self.switch.would_end(to) {
            // What left its group may end with the attack.
            self.look_for_escaped();
        }
        let state = if to == Load::Attack { BlockState::On } else { BlockState::Off };
        self.watchdog.turning(state, &self.attacker, &self.node);
        let took = self.switch.turn(to, &self.node, &mut self.attacker, around.signals)?;
        if let Some(took) = took {
            let took_ms = took.as_secs_f64() * 1e3;
            let config = stage.name();
            stage.say(Event::AttackChanged { config, state, took_ms });
        }
        Ok(())
    }

    /// Looks for processes that left the attacker's groups, however short ago somebody did.
    pub fn look_for_escaped(&mut self) {
        self.watchdog.escaped.extend(self.lookout.escaped());
    }

    /// Looks at all limits at the end of a block, and now and then for processes that left.
    pub fn look_at_limits(&mut self) {
        self.watchdog.look(&self.attacker, &self.node);
        self.watchdog.escaped.extend(self.lookout.escaped_by_now());
        for (watch, pod) in self.pod_watches.iter_mut().zip(&self.pods) {
            watch.look(pod);
        }
    }

    /// The ceilings of the limits of pods, that of the attacker first.
    #[must_use]
    pub fn pod_ceilings(&self) -> Vec<Ceiling> {
        let mut pods: Vec<_> = self.pod_watches.iter().zip(&self.pods).collect();
        pods.sort_by_key(|(_, pod)| self.attacker.pod.as_ref() != Some(&pod.spec.name));
        let of = |(watch, pod): &(&PodWatch, &Pod)| {
            watch.ceilings(pod, &self.attacker.group, &self.node)
        };
        pods.iter().flat_map(of).collect()
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
        self.sidecars.end(trail, &mut done);
        for pod in self.pods.iter_mut().rev() {
            let ended = pod.end(trail).map_err(EngineError::from);
            done(ended, trail);
        }
        if let Some(uplink) = self.node.uplink.take() {
            let ended = uplink.remove(trail).map_err(EngineError::from);
            done(ended, trail);
        }
        let removed = self.node.remove(trail).map_err(EngineError::from);
        done(removed, trail);
        if let Some(disk) = &mut self.disk {
            let removed = disk.remove(trail).map_err(EngineError::from);
            done(removed, trail);
        }
        let back = self.sysctls.put_back(trail);
        done(back, trail);
        case.tear_down = trail.steps().to_vec();
        // Here the owners are dropped, and try once more what did not work.
        errors
    }
}

/// Makes the pods, each with its link where the node has an uplink.
fn start_pods(
    config: &Config,
    (node, device): (&mut Node, Option<&str>),
    cpus: &Cpus,
    around: &mut Surroundings<'_>,
) -> Result<Vec<Pod>, EngineError> {
    let mut pods = Vec::new();
    for plan in pod_plans(config, cpus, &node.group, premises(around, device))? {
        let pod = Pod::create(&plan, &Native, around.trail)?;
        if let Some(uplink) = &mut node.uplink {
            let net = pod.spec.limits.net();
            uplink.attach(&pod.pause.name, pod.pause.pid, net, around.trail)?;
        }
        pods.push(pod);
        around.signals.check()?;
    }
    Ok(pods)
}

/// Starts the sandbox of this role.
fn start(
    config: &Config,
    role: Role,
    (node, pods, device): &mut (&mut Node, &[Pod], Option<&str>),
    cpus: &Cpus,
    around: &mut Surroundings<'_>,
) -> Result<Sandbox, EngineError> {
    let spec = spec_of(config, role, cpus, premises(around, *device))?;
    let net = spec.limits.net();
    let own_link = spec.namespaces.is_new(NamespaceKind::Net);
    let group = spec.group(&node.group);
    let pod = pods.iter().find(|pod| spec.pod.as_ref() == Some(&pod.spec.name));
    Native.available().map_err(EngineError::Unable)?;
    let plan = Native.prepare(spec, &group)?;
    let sandbox = Native.launch(&plan, &group, pod, around.trail)?;
    // Its processes wait for orders, and none has used the network yet.
    if let Some(uplink) = node.uplink.as_mut().filter(|_| own_link) {
        uplink.attach(&sandbox.name, sandbox.pid, net, around.trail)?;
    }
    Ok(sandbox)
}

fn premises<'a>(around: &'a Surroundings<'_>, disk_device: Option<&'a str>) -> Premises<'a> {
    Premises {
        run_id: &around.directory.run_id,
        program: &around.directory.program,
        root: &around.directory.root,
        masked: around.masked,
        system: around.system,
        disk_device,
        has_swap: around.has_swap,
    }
}

/// Tells the ledger and the guardian of everything that the case will make, before any of it is made.
fn foretell(
    config: &Config,
    node: &Group,
    disk: Option<&DiskPlan>,
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
    for pod in &config.pods {
        let group = node.child(&pod.group_name());
        cgroups(&group);
        cgroups(&group.child(&pod.pause_name()));
        let kinds = NamespaceKind::ALL.to_vec();
        ledger.note(Entry::Namespaces { sandbox: pod.pause_name(), kinds })?;
    }
    for (sandbox, range) in config.sandboxes.iter().zip(ranges) {
        let pod = sandbox.pod.as_deref().and_then(|pod| config.pod(pod));
        let parent = pod.map_or_else(|| node.clone(), |pod| node.child(&pod.group_name()));
        cgroups(&parent.child(&sandbox.name));
        ledger.note(Entry::Users { first: range.base, count: range.count })?;
        let kinds = NamespaceKind::ALL.into_iter().filter(|&kind| sandbox.namespaces.is_new(kind));
        ledger.note(Entry::Namespaces { sandbox: sandbox.name.clone(), kinds: kinds.collect() })?;
    }
    if let Some(disk) = disk {
        undo.extend(disk::foretell(disk, ledger)?);
    }
    ledger.note(Entry::Process(watcher::ROLE.to_owned()))?;
    if config.looks() {
        undo.push(Undo::Planted { run_id: around.directory.run_id.clone() });
    }
    if config.node.uplink_bits_per_second.is_some() {
        ledger.note(Entry::Process(uplink::ROLE.to_owned()))?;
        // That of the links, and that of the servers: both end with the processes and sockets that hold them.
        for holder in ["node", "server"] {
            let kinds = vec![NamespaceKind::Net];
            ledger.note(Entry::Namespaces { sandbox: holder.to_owned(), kinds })?;
        }
    }
    match around.trail.guardian() {
        Some(guardian) => guardian.expect(undo).map_err(|error| {
            EngineError::Failed(format!(
                "the guardian cannot be told of what will be made: {error}"
            ))
        }),
        None => Ok(()),
    }
}

/// Controllers of the kernel files that the config names itself, and of the node's disk.
pub fn named_controllers(config: &Config) -> Vec<&str> {
    let files = config.sandboxes.iter().flat_map(|sandbox| sandbox.limits.unified.keys());
    let named = files.filter_map(|file| Some(file.split_once('.')?.0));
    // What is read and written is counted wherever there is a disk.
    named.chain(config.node.disk_bytes.map(|_| "io")).collect()
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
