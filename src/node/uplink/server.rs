//! The servers at the far end of an uplink: a process of the machine, outside the node, in a network namespace of its own.

use std::io::{self, BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use contain_test_workloads::uplink::{ServeOrder, Serving};
use nix::unistd::Pid;

use crate::cgroup::parse_list;
use crate::node::Cpus;
use crate::sys::child::spawn_bound;

/// The hidden role.
pub const ROLE: &str = "__uplink";

const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How long it may take to end by itself once its stream has ended.
const END_LIMIT: Duration = Duration::from_secs(2);

/// The running servers. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Server {
    child: std::process::Child,
    stream: Option<UnixStream>,
}

impl Server {
    /// Starts them, and waits until they listen. The command line holds the run's ID, by which the janitor finds them.
    pub fn start(program: &Path, run_id: &str, cpus: &Cpus) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(ANSWER_LIMIT))?;
        let output = OwnedFd::from(theirs.try_clone()?);
        let mut command = Command::new(program);
        command
            .args([ROLE, run_id, &order(cpus)?])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(output))
            .stderr(Stdio::null());
        let child = spawn_bound(&mut command, &[])?;
        let server = Self { child, stream: Some(ours.try_clone()?) };
        // The command holds a copy of the other end, which must not be left when the servers have died.
        drop(command);
        let mut line = String::new();
        BufReader::new(ours).read_line(&mut line)?;
        if serde_json::from_str::<Serving>(&line).is_err() {
            return Err(io::Error::other("the servers did not say that they listen"));
        }
        Ok(server)
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }

    /// Ends it, with the second server that it has started.
    pub fn end(&mut self) {
        let Some(stream) = self.stream.take() else { return };
        drop(stream);
        let begun = std::time::Instant::now();
        while begun.elapsed() < END_LIMIT {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Each server runs where its side does.
fn order(cpus: &Cpus) -> io::Result<String> {
    let numbers = |list: &str| -> Vec<usize> {
        parse_list(list).into_iter().filter_map(|cpu| usize::try_from(cpu).ok()).collect()
    };
    let order = ServeOrder { victim: numbers(&cpus.victim), attacker: numbers(&cpus.attacker) };
    Ok(serde_json::to_string(&order)?)
}
