//! One side of a contest: a sandbox without limits on the node, in which an attacker is switched on for a stretch of time.

use std::thread;
use std::time::{Duration, Instant};

use contain_test::announce::Unheard;
use contain_test::engine::{RunDirectory, thermal_paths};
use contain_test::node::Node;
use contain_test::sandbox::runtime::{Native, Runtime};
use contain_test::sandbox::{IdRange, Received, Sandbox, Spec};
use contain_test::scenario::{Limits, Namespaces, Seccomp};
use contain_test_workloads::AttackOrder;
use contain_test_workloads::protocol::{Order, Reply};

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

/// A sandbox with an attacker that is not on yet.
pub struct Side {
    sandbox: Sandbox,
}

impl Side {
    /// Starts the sandbox.
    ///
    /// # Errors
    /// What failed.
    pub fn new(directory: &RunDirectory, node: &Node, order: &AttackOrder) -> Result<Self, String> {
        let order = serde_json::to_string(order).map_err(|error| error.to_string())?;
        let existing = SYSTEM.into_iter().filter(|folder| std::path::Path::new(folder).exists());
        let spec = Spec {
            name: "strength".to_owned(),
            hostname: "strength".to_owned(),
            pod: None,
            limits: Limits::default(),
            masked_paths: true,
            seccomp: Seccomp::Default,
            capabilities: contain_test::scenario::Capabilities::Default,
            no_new_privs: true,
            namespaces: Namespaces::default(),
            cpus: node.cpus.attacker.clone(),
            ids: IdRange::of_run("0")[0],
            program: directory.program.clone(),
            root: directory.root.clone(),
            arguments: vec!["__attacker".to_owned(), order],
            command: Vec::new(),
            masked: thermal_paths(),
            system: existing.map(str::to_owned).collect(),
            disk: None,
            disk_device: None,
            has_swap: false,
        };
        let group = node.sandbox_group("strength");
        let plan = Native.prepare(spec, &group).map_err(|error| error.to_string())?;
        let sandbox =
            Native.launch(&plan, &group, None, &mut Unheard).map_err(|error| error.to_string())?;
        Ok(Self { sandbox })
    }

    /// Switches the attack on, counts, and ends it all: so much in a second, or the most there ever was beyond what there was before.
    ///
    /// # Errors
    /// What failed.
    pub fn measure(mut self, counter: Counter) -> Result<f64, String> {
        let before = counter.read(&self.sandbox.group)?;
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
        let (begun, first) = (Instant::now(), counter.read(&self.sandbox.group)?);
        thread::sleep(STRETCH);
        let last = counter.read(&self.sandbox.group)?;
        Ok((last - first) / begun.elapsed().as_secs_f64())
    }

    fn highest(&self, counter: Counter, before: f64) -> Result<f64, String> {
        let begun = Instant::now();
        let mut most = before;
        while begun.elapsed() < STRETCH {
            most = most.max(counter.read(&self.sandbox.group)?);
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
