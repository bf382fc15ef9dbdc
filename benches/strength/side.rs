//! One side of a contest: a sandbox without limits on the node, in which an attacker is switched on for a stretch of time.

use std::thread;
use std::time::{Duration, Instant};

use contain_test::announce::Unheard;
use contain_test::engine::{RunDirectory, thermal_paths};
use contain_test::node::{Disk, Node};
use contain_test::sandbox::runtime::{Native, Runtime};
use contain_test::sandbox::{IdRange, Received, Sandbox, Spec};
use contain_test::scenario::{Limits, Namespaces, NetLimits, Seccomp};
use contain_test_workloads::AttackOrder;
use contain_test_workloads::protocol::{Order, Reply};

use crate::contest::Ground;
use crate::counter::Counter;

/// An attack that is on goes on for so long before anything is counted.
const WARM_UP: Duration = Duration::from_millis(200);
/// And is counted for so long.
const STRETCH: Duration = Duration::from_secs(1);
/// Between two looks at a level.
const LOOK: Duration = Duration::from_millis(2);
/// An order that was not answered by then never will be.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a program of others needs of the machine.
const SYSTEM: [&str; 5] = ["/usr", "/bin", "/lib", "/lib64", "/etc"];

/// The name of every sandbox: there is one at a time.
pub const NAME: &str = "strength";

/// The host IDs of every sandbox.
pub fn ids() -> IdRange {
    IdRange::of_run("0")[0]
}

/// Where contests take place.
pub struct Place<'a> {
    /// What the run keeps.
    pub directory: &'a RunDirectory,
    /// The node.
    pub node: &'a mut Node,
    /// Its disk.
    pub disk: &'a Disk,
}

/// A sandbox with an attacker that is not on yet.
pub struct Side<'a> {
    sandbox: Sandbox,
    disk: &'a Disk,
}

impl<'a> Side<'a> {
    /// Starts the sandbox.
    ///
    /// # Errors
    /// What failed.
    pub fn new(place: &mut Place<'a>, order: &AttackOrder, ground: Ground) -> Result<Self, String> {
        let (directory, node, disk) = (place.directory, &mut *place.node, place.disk);
        let order = serde_json::to_string(order).map_err(|error| error.to_string())?;
        let existing = SYSTEM.into_iter().filter(|folder| std::path::Path::new(folder).exists());
        let spec = Spec {
            name: NAME.to_owned(),
            hostname: NAME.to_owned(),
            pod: None,
            limits: Limits::default(),
            masked_paths: true,
            seccomp: Seccomp::Default,
            capabilities: contain_test::scenario::Capabilities::Default,
            no_new_privs: true,
            namespaces: Namespaces::default(),
            cpus: node.cpus.attacker.clone(),
            ids: ids(),
            program: directory.program.clone(),
            root: directory.root.clone(),
            arguments: vec!["__attacker".to_owned(), order],
            command: Vec::new(),
            masked: thermal_paths(),
            system: existing.map(str::to_owned).collect(),
            disk: (ground == Ground::Disk).then(|| disk.plan.directory_of(NAME)),
            disk_device: None,
            has_swap: false,
        };
        let group = node.sandbox_group(NAME);
        let plan = Native.prepare(spec, &group).map_err(|error| error.to_string())?;
        let sandbox =
            Native.launch(&plan, &group, None, &mut Unheard).map_err(|error| error.to_string())?;
        if let (Ground::Uplink, Some(uplink)) = (ground, &mut node.uplink) {
            uplink
                .attach(NAME, sandbox.pid, NetLimits::default(), &mut Unheard)
                .map_err(|error| error.to_string())?;
        }
        Ok(Self { sandbox, disk })
    }

    /// Switches the attack on, counts, and ends it all: so much in a second, or the most there ever was beyond what there was before.
    ///
    /// # Errors
    /// What failed.
    pub fn measure(mut self, counter: Counter) -> Result<f64, String> {
        let before = counter.read(&self.sandbox, self.disk)?;
        self.ask(&Order::Start)?;
        let done =
            if counter.is_level() { self.highest(counter, before) } else { self.rate(counter) };
        let done = done?;
        // Killed and not stopped: a series of allocations would be let to its end.
        self.sandbox.end(&mut Unheard).map_err(|error| error.to_string())?;
        Ok(done)
    }

    fn rate(&self, counter: Counter) -> Result<f64, String> {
        thread::sleep(WARM_UP);
        let (begun, first) = (Instant::now(), counter.read(&self.sandbox, self.disk)?);
        thread::sleep(STRETCH);
        let last = counter.read(&self.sandbox, self.disk)?;
        Ok((last - first) / begun.elapsed().as_secs_f64())
    }

    fn highest(&self, counter: Counter, before: f64) -> Result<f64, String> {
        let begun = Instant::now();
        let mut most = before;
        while begun.elapsed() < STRETCH {
            most = most.max(counter.read(&self.sandbox, self.disk)?);
            thread::sleep(LOOK);
        }
        Ok(most - before)
    }

    fn ask(&mut self, order: &Order) -> Result<(), String> {
        let channel = &mut self.sandbox.channel;
        channel.send(order).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        loop {
            match channel.receive::<Reply>() {
                Received::Reply(Reply::Failed { error }) => return Err(error),
                Received::Reply(_) => return Ok(()),
                Received::Nothing if begun.elapsed() < PATIENCE => thread::sleep(LOOK),
                Received::Nothing => return Err("no answer".to_owned()),
                Received::Ended => {
                    return Err(format!("the sandbox ended: {}", self.sandbox.last_words()));
                }
            }
        }
    }
}
