//! Attempts to see and to reach what others have planted. Each is harmless: signal 0, an open without a write, a read of memory that was
//! laid out to be read.

use std::fs::{self, OpenOptions};
use std::io::{IoSliceMut, Read};
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::mqueue::{MQ_OFlag, mq_close, mq_open};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::kill;
use nix::sys::stat::Mode;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::planted::{Planted, Side, interfaces, mount_ids, read};
use crate::raw::{self, Fork, Sysv};

/// Devices of the machine as a whole.
const DEVICES: [&str; 4] = ["/dev/kmsg", "/dev/kvm", "/dev/mem", "/dev/port"];

/// As many block devices as are looked for.
const BLOCK_DEVICES: usize = 8;

/// Files through which the whole kernel is steered.
const KNOBS: [&str; 8] = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/panic",
    "/proc/sys/vm/drop_caches",
    "/proc/sysrq-trigger",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/uevent_helper",
    "/sys/power/state",
];

/// For how long a connection may take to tell its secret.
const PATIENCE: Duration = Duration::from_secs(1);

/// What an attacker is to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// In the other sandbox.
    pub neighbour: Planted,
    /// On the machine.
    pub host: Planted,
}

/// What came of the attempts of one probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// `what/whose`.
    pub probe: String,
    /// Each attempt.
    pub attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was tried.
    pub what: String,
    /// Whether success means that something was reached and not only seen.
    pub reach: bool,
    /// Why it failed, an errno's name or `absent`; `None` when it succeeded.
    pub failure: Option<String>,
}

/// What is not there, or holds no secret.
const ABSENT: &str = "absent";

/// The attempts of one probe while they are made.
#[derive(Default)]
struct Attempts(Vec<Attempt>);

impl Attempts {
    fn add(&mut self, what: impl Into<String>, reach: bool, failure: Option<String>) {
        self.0.push(Attempt { what: what.into(), reach, failure });
    }

    /// An attempt to see.
    fn see(&mut self, what: impl Into<String>, seen: bool) {
        self.add(what, false, (!seen).then(|| ABSENT.to_owned()));
    }

    /// An attempt to reach, with what it gave.
    fn reach(&mut self, what: impl Into<String>, result: Result<bool, Errno>) {
        let failure = match result {
            Ok(true) => None,
            Ok(false) => Some(ABSENT.to_owned()),
            Err(errno) => Some(format!("{errno:?}")),
        };
        self.add(what, true, failure);
    }
}

/// Makes all attempts on both sides. A probe with nothing to look for is left out.
#[must_use]
pub fn attempt_all(look: &Look) -> Vec<Sighting> {
    let mut all = Vec::new();
    type Probe = fn(&Planted, &mut Attempts);
    let probes: [(&str, Probe); 10] = [
        ("processes", processes),
        ("ipc", ipc),
        ("hostname", hostname),
        ("network", network),
        ("mounts", mounts),
        ("files", files),
        ("devices", devices),
        ("kernel", kernel),
        ("namespaces", namespaces),
        ("cgroups", cgroups),
    ];
    for (name, probe) in probes {
        for (side, planted) in [(Side::Neighbour, &look.neighbour), (Side::Host, &look.host)] {
            let mut attempts = Attempts::default();
            probe(planted, &mut attempts);
            if !attempts.0.is_empty() {
                let probe = format!("{name}/{}", side.name());
                all.push(Sighting { probe, attempts: attempts.0 });
            }
        }
    }
    all
}

/// Whether a process's entry below `/proc` is that of the one that planted.
fn is_it(planted: &Planted, entry: &Path) -> bool {
    fs::read_to_string(entry.join("comm")).is_ok_and(|name| name.trim_end() == planted.process)
}

/// Its entry below `/proc` by its ID on the host, where that is what `/proc` shows.
fn entry_of(planted: &Planted) -> PathBuf {
    PathBuf::from(format!("/proc/{}", planted.pid))
}

fn processes(planted: &Planted, attempts: &mut Attempts) {
    let mut entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    attempts.see("its name below /proc", entries.any(|it| is_it(planted, &it.path())));
    let pid = Pid::from_raw(planted.pid);
    if planted.pid > 1 {
        match kill(pid, None) {
            Ok(()) => attempts.reach("signal 0", Ok(true)),
            // It is there, and refuses.
            Err(Errno::EPERM) => {
                attempts.see("signal 0 is refused, not lost", true);
                attempts.reach("signal 0", Err(Errno::EPERM));
            }
            Err(errno) => attempts.reach("signal 0", Err(errno)),
        }
        attempts.reach("/proc/PID/mem", memory_file(planted));
        attempts.reach("process_vm_readv", memory(planted, pid));
    }
}

fn memory_file(planted: &Planted) -> Result<bool, Errno> {
    let file = fs::File::open(entry_of(planted).join("mem")).map_err(errno_of)?;
    let mut found = vec![0; planted.secret.len()];
    file.read_exact_at(&mut found, planted.address).map_err(errno_of)?;
    Ok(found == planted.secret.as_bytes())
}

fn memory(planted: &Planted, pid: Pid) -> Result<bool, Errno> {
    let mut found = vec![0; planted.secret.len()];
    let base = usize::try_from(planted.address).unwrap_or(0);
    let there = [RemoteIoVec { base, len: found.len() }];
    process_vm_readv(pid, &mut [IoSliceMut::new(&mut found)], &there)?;
    Ok(found == planted.secret.as_bytes())
}

fn ipc(planted: &Planted, attempts: &mut Attempts) {
    if !planted.missing.contains_key("sysv") {
        for (kind, get, use_it) in [
            (Sysv::Memory, "shmget", "shmat"),
            (Sysv::Semaphores, "semget", "semctl GETVAL"),
            (Sysv::Messages, "msgget", "msgctl IPC_STAT"),
        ] {
            let id = match raw::sysv_get(kind, planted.key, 0) {
                Ok(id) => id,
                Err(errno) => {
                    attempts.add(get, false, Some(format!("{errno:?}")));
                    continue;
                }
            };
            attempts.see(get, true);
            attempts.reach(
                use_it,
                match kind {
                    Sysv::Memory => raw::shared_memory(id, planted.secret.len(), None)
                        .map(|found| found == planted.secret.as_bytes()),
                    Sysv::Semaphores => raw::semaphore_value(id).map(|_| true),
                    Sysv::Messages => raw::queue_state(id).map(|()| true),
                },
            );
        }
    }
    if !planted.missing.contains_key("queue") {
        let flags = MQ_OFlag::O_RDONLY | MQ_OFlag::O_NONBLOCK;
        let opened = mq_open(planted.queue.as_str(), flags, Mode::empty(), None);
        attempts.reach("mq_open", opened.and_then(mq_close).map(|()| true));
    }
    if !planted.missing.contains_key("shared_memory") {
        file("shm_open", &planted.shared_memory, planted, attempts);
    }
}

fn hostname(planted: &Planted, attempts: &mut Attempts) {
    let own = read("/proc/sys/kernel/hostname");
    attempts.see("its host name", own.trim() == planted.hostname);
}

fn network(planted: &Planted, attempts: &mut Attempts) {
    if !planted.missing.contains_key("socket") {
        let table = read("/proc/net/unix");
        let name = format!("@{}", planted.socket);
        attempts.see("its socket in /proc/net/unix", table.lines().any(|it| it.ends_with(&name)));
        let port = listening(&read("/proc/net/tcp"), planted.port);
        attempts.see("a listener on its port in /proc/net/tcp", port);
        attempts.reach("connect to its abstract socket", abstract_secret(planted));
        attempts.reach("connect to its port", port_secret(planted));
    }
    if !planted.interfaces.is_empty() {
        let own = interfaces(&read("/proc/net/dev"));
        attempts.see("its interfaces", planted.interfaces.iter().any(|it| own.contains(it)));
    }
}

/// Whether anybody listens on a port, by the lines of `/proc/net/tcp` (proc_net(5)): state 0A.
fn listening(table: &str, port: u16) -> bool {
    let end = format!(":{port:04X}");
    table.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|local| local.ends_with(&end)) && words.nth(1) == Some("0A")
    })
}

fn abstract_secret(planted: &Planted) -> Result<bool, Errno> {
    let address = SocketAddr::from_abstract_name(planted.socket.as_bytes()).map_err(errno_of)?;
    let stream = UnixStream::connect_addr(&address).map_err(errno_of)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(errno_of)?;
    Ok(tells(stream, planted))
}

fn port_secret(planted: &Planted) -> Result<bool, Errno> {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], planted.port));
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(errno_of)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(errno_of)?;
    Ok(tells(stream, planted))
}

fn tells(mut stream: impl Read, planted: &Planted) -> bool {
    let mut found = vec![0; planted.secret.len()];
    stream.read_exact(&mut found).is_ok() && found == planted.secret.as_bytes()
}

fn mounts(planted: &Planted, attempts: &mut Attempts) {
    if planted.mounts.is_empty() {
        return;
    }
    let own = mount_ids(&read("/proc/self/mountinfo"));
    attempts.see("a mount of its own", planted.mounts.iter().any(|it| own.contains(it)));
}

fn files(planted: &Planted, attempts: &mut Attempts) {
    if planted.missing.contains_key("file") {
        return;
    }
    file("its file", &planted.file, planted, attempts);
    let below = planted.file.strip_prefix("/").unwrap_or(&planted.file);
    file(
        "its file below /proc/PID/root",
        &entry_of(planted).join("root").join(below),
        planted,
        attempts,
    );
}

fn file(what: &str, path: &Path, planted: &Planted, attempts: &mut Attempts) {
    let found = fs::read(path).map_err(errno_of).map(|found| found == planted.secret.as_bytes());
    if matches!(found, Err(_) | Ok(false)) {
        attempts.see(format!("{what}: its name"), fs::symlink_metadata(path).is_ok());
    }
    attempts.reach(what, found);
}

fn devices(planted: &Planted, attempts: &mut Attempts) {
    for path in &planted.devices {
        let is_device = |kind: fs::FileType| kind.is_char_device() || kind.is_block_device();
        let there = fs::metadata(path).is_ok_and(|it| is_device(it.file_type()));
        attempts.see(format!("{}: its name", path.display()), there);
        attempts.reach(path.display().to_string(), open(path, false).map(|()| true));
    }
}

fn kernel(planted: &Planted, attempts: &mut Attempts) {
    for path in &planted.knobs {
        let what = format!("open {} for writing", path.display());
        // What is masked is /dev/null, which everybody may write to.
        let masked = fs::metadata(path).is_ok_and(|it| !it.is_file());
        attempts.reach(what, if masked { Ok(false) } else { open(path, true).map(|()| true) });
    }
}

/// The namespaces of its process, and a way into each. Who gets in is a process of its own, which ends at once.
fn namespaces(planted: &Planted, attempts: &mut Attempts) {
    if planted.pid <= 1 {
        return;
    }
    let folder = entry_of(planted).join("ns");
    let is_it = is_it(planted, &entry_of(planted));
    for kind in ["mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"] {
        let path = folder.join(kind);
        let seen = is_it && fs::read_link(&path).is_ok();
        attempts.see(format!("{kind}: its link"), seen);
        if seen {
            attempts.reach(format!("setns {kind}"), enter(&path));
        }
    }
}

fn enter(path: &Path) -> Result<bool, Errno> {
    let link = fs::File::open(path).map_err(errno_of)?;
    match raw::fork()? {
        Fork::Child => {
            let entered = setns(&link, CloneFlags::empty());
            raw::exit_now(entered.map_or_else(|errno| (errno as i32).clamp(1, 255), |()| 0))
        }
        Fork::Parent(child) => match waitpid(child, None)? {
            WaitStatus::Exited(_, 0) => Ok(true),
            WaitStatus::Exited(_, errno) => Err(Errno::from_raw(errno)),
            _ => Ok(false),
        },
    }
}

fn cgroups(planted: &Planted, attempts: &mut Attempts) {
    let own = read("/proc/self/cgroup");
    for path in &planted.groups {
        attempts.see(format!("{}", path.display()), path.is_dir());
        attempts.reach(
            format!("open {} for writing", path.join("cgroup.procs").display()),
            open(&path.join("cgroup.procs"), true).map(|()| true),
        );
    }
    let name = planted.groups.first().and_then(|path| path.file_name());
    if let Some(name) = name.and_then(|name| name.to_str()) {
        attempts.see("its name in /proc/self/cgroup", own.contains(name));
    }
}

/// Opens something and does nothing with it.
fn open(path: &Path, write: bool) -> Result<(), Errno> {
    let mut options = OpenOptions::new();
    options.read(!write).write(write).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path).map(drop).map_err(errno_of)
}

/// The devices that this process can open: those that are worth looking for.
pub(super) fn openable() -> Vec<PathBuf> {
    let mut block: Vec<PathBuf> = fs::read_dir("/sys/class/block")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| Path::new("/dev").join(entry.file_name()))
        .collect();
    block.sort();
    let all = DEVICES.into_iter().map(PathBuf::from).chain(block.into_iter().take(BLOCK_DEVICES));
    all.filter(|path| open(path, false).is_ok()).collect()
}

/// The files of the kernel that this process can open for writing.
pub(super) fn writable() -> Vec<PathBuf> {
    let all = KNOBS.into_iter().map(PathBuf::from);
    all.filter(|path| path.is_file() && open(path, true).is_ok()).collect()
}

fn errno_of(error: std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_listener_is_a_listener() {
        let table = "  sl  local_address rem_address   st tx_queue\n   \
                     0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n   \
                     1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000\n";
        assert!(listening(table, 0x1f90) && !listening(table, 0x1f91) && !listening(table, 80));
    }

    #[test]
    fn what_nobody_planted_is_not_looked_for() {
        let nothing = Planted {
            missing: ["sysv", "queue", "shared_memory", "file", "socket"]
                .map(|what| (what.to_owned(), "no".to_owned()))
                .into(),
            ..Planted::default()
        };
        let probes: Vec<String> = attempt_all(&Look { neighbour: nothing.clone(), host: nothing })
            .into_iter()
            .map(|it| it.probe)
            .collect();
        let own: Vec<&str> =
            vec!["processes/neighbour", "processes/host", "hostname/neighbour", "hostname/host"];
        assert_eq!(probes, own);
    }

    #[test]
    fn a_secret_is_reached_and_a_name_is_only_seen() {
        let folder =
            std::env::temp_dir().join(format!("contain-test-sight-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("file");
        let planted = Planted { secret: "abc".into(), ..Planted::default() };
        let tried = |planted: &Planted| {
            let mut attempts = Attempts::default();
            file("it", &path, planted, &mut attempts);
            attempts.0.into_iter().map(|it| (it.reach, it.failure)).collect::<Vec<_>>()
        };
        assert_eq!(tried(&planted), [(false, Some(ABSENT.into())), (true, Some("ENOENT".into()))]);
        fs::write(&path, "xyz").expect("a file");
        assert_eq!(tried(&planted), [(false, None), (true, Some(ABSENT.into()))]);
        fs::write(&path, "abc").expect("a file");
        assert_eq!(tried(&planted), [(true, None)]);
        fs::remove_dir_all(&folder).expect("a folder of our own");
    }
}
