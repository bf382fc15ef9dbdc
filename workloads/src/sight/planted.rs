//! What is planted in a neighbour's sandbox and on the machine. Everything is open to everybody, so that what hides it is the sandbox
//! and no permission of a file; and everything holds a secret, so that who reaches it can prove it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mqueue::{MQ_OFlag, MqAttr, mq_close, mq_open, mq_unlink};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, umask};
use serde::{Deserialize, Serialize};

use super::sighting::{openable, writable};
use crate::raw::{self, Fork, Sysv};

/// Keys of System V objects begin with these bits, `ct`, so that whoever finds one knows whose it was.
const KEYS: u32 = 0x6374_0000;

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The other sandbox.
    Neighbour,
    /// The machine that both are on.
    Host,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Neighbour, Self::Host];

    /// The operation of its probes: `processes/neighbour`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Neighbour => "neighbour",
            Self::Host => "host",
        }
    }
}

/// What one side has planted, with all that is needed to look for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// The process that planted it, by the name in `/proc/PID/comm`.
    pub process: String,
    /// Its ID as the host sees it; filled in by the harness, 0 where nobody knows.
    pub pid: i32,
    /// What can be read where one gets that far.
    pub secret: String,
    /// The address of the secret in the memory of the process.
    pub address: u64,
    /// The key of the three System V objects.
    pub key: i32,
    /// The name of a POSIX message queue.
    pub queue: String,
    /// The name of a socket in the abstract namespace (unix(7)).
    pub socket: String,
    /// The port of a listening socket on 127.0.0.1; 0 without one.
    pub port: u16,
    /// A file in `/dev/shm`, as shm_open(3) makes it.
    pub shared_memory: PathBuf,
    /// An ordinary file.
    pub file: PathBuf,
    /// The host name.
    pub hostname: String,
    /// Network interfaces besides loopback.
    pub interfaces: Vec<String>,
    /// IDs of mounts, which no other mount of the machine has (proc_pid_mountinfo(5)).
    pub mounts: Vec<u64>,
    /// Devices of the host that its own root can open.
    pub devices: Vec<PathBuf>,
    /// Files of the kernel that the host's own root can open for writing.
    pub knobs: Vec<PathBuf>,
    /// Directories of its cgroup; filled in by the harness.
    pub groups: Vec<PathBuf>,
    /// What could not be planted, and why: nobody looks for that.
    pub missing: BTreeMap<String, String>,
}

/// The names of what this side plants, made from the run's ID.
fn names(token: &str, side: Side) -> Planted {
    let number = u32::from_str_radix(token, 16).unwrap_or(0) & 0x7fff;
    let key = KEYS | (number << 1) | u32::from(side == Side::Host);
    let name = format!("contain-test-{token}-{}", side.name());
    Planted {
        // The kernel keeps fifteen letters.
        process: format!("ct-{token}-{}", &side.name()[..1]),
        secret: format!("secret of {name}"),
        key: key.cast_signed(),
        queue: format!("/{name}"),
        socket: name.clone(),
        shared_memory: Path::new("/dev/shm").join(&name),
        file: Path::new("/tmp").join(&name),
        ..Planted::default()
    }
}

/// Plants everything, and holds it until this process ends; what outlives that is taken away by [`remove`]. What the kernel refuses
/// is in [`Planted::missing`].
///
/// # Errors
/// Nothing could be planted at all, because no helper could be started.
pub fn plant(token: &str, side: Side) -> Result<Planted, String> {
    let mut planted = names(token, side);
    let name = std::ffi::CString::new(planted.process.clone()).unwrap_or_default();
    nix::sys::prctl::set_name(&name).map_err(|errno| format!("PR_SET_NAME: {errno:?}"))?;
    // It stays where it is as long as the process lives.
    let secret: &'static str = Box::leak(planted.secret.clone().into_boxed_str());
    planted.address = u64::try_from(secret.as_ptr().addr()).unwrap_or(0);
    let before = umask(Mode::empty());
    let mut missing = BTreeMap::new();
    let mut note = |what: &str, result: Result<(), String>| {
        if let Err(error) = result {
            missing.insert(what.to_owned(), error);
        }
    };
    note("sysv", sysv(planted.key, secret).map_err(|errno| format!("{errno:?}")));
    note("queue", queue(&planted.queue).map_err(|errno| format!("{errno:?}")));
    note("shared_memory", file(&planted.shared_memory, secret));
    note("file", file(&planted.file, secret));
    let listening = listen(&planted.socket, secret).map(|port| planted.port = port);
    note("socket", listening);
    umask(before);
    planted.missing = missing;
    planted.hostname = read("/proc/sys/kernel/hostname").trim().to_owned();
    planted.interfaces = interfaces(&read("/proc/net/dev"));
    planted.mounts = mount_ids(&read("/proc/self/mountinfo"));
    if side == Side::Host {
        planted.devices = openable();
        planted.knobs = writable();
    }
    Ok(planted)
}

/// Takes away what a run may have planted in the namespaces of this process and that lives on without whoever planted it. What is not
/// there is no error.
pub fn remove(token: &str) {
    for side in Side::ALL {
        let planted = names(token, side);
        for kind in Sysv::ALL {
            if let Ok(id) = raw::sysv_get(kind, planted.key, 0) {
                let _ = raw::sysv_remove(kind, id);
            }
        }
        let _ = mq_unlink(planted.queue.as_str());
        let _ = fs::remove_file(&planted.shared_memory);
        let _ = fs::remove_file(&planted.file);
    }
}

fn sysv(key: i32, secret: &str) -> Result<(), Errno> {
    let flags = libc::IPC_CREAT | libc::IPC_EXCL | 0o666;
    for kind in Sysv::ALL {
        let id = raw::sysv_get(kind, key, flags)?;
        if kind == Sysv::Memory {
            raw::shared_memory(id, secret.len(), Some(secret.as_bytes()))?;
        }
    }
    Ok(())
}

fn queue(name: &str) -> Result<(), Errno> {
    let flags = MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_RDWR;
    let attributes = MqAttr::new(0, 1, 64, 0);
    mq_close(mq_open(name, flags, Mode::from_bits_truncate(0o666), Some(&attributes))?)
}

fn file(path: &Path, secret: &str) -> Result<(), String> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let open = fs::Permissions::from_mode(0o644);
    file.write_all(secret.as_bytes())
        .and_then(|()| file.set_permissions(open))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Listens on an abstract name and on a port, in a process of its own that tells everybody the secret. Returns the port.
fn listen(name: &str, secret: &'static str) -> Result<u16, String> {
    let at = |error: std::io::Error| error.to_string();
    let address = SocketAddr::from_abstract_name(name.as_bytes()).map_err(at)?;
    let local = UnixListener::bind_addr(&address).map_err(at)?;
    let port = TcpListener::bind(("127.0.0.1", 0)).map_err(at)?;
    let number = port.local_addr().map_err(at)?.port();
    local.set_nonblocking(true).map_err(at)?;
    port.set_nonblocking(true).map_err(at)?;
    match raw::fork().map_err(|errno| format!("fork: {errno:?}"))? {
        Fork::Parent(_) => Ok(number),
        Fork::Child => {
            if raw::die_with_parent().is_ok() {
                tell(&local, &port, secret);
            }
            raw::exit_now(0)
        }
    }
}

/// Tells the secret to everybody who connects, until this process is killed with its parent.
fn tell(local: &UnixListener, port: &TcpListener, secret: &str) {
    loop {
        let mut fds = [
            PollFd::new(local.as_fd(), PollFlags::POLLIN),
            PollFd::new(port.as_fd(), PollFlags::POLLIN),
        ];
        if matches!(poll(&mut fds, PollTimeout::NONE), Err(errno) if errno != Errno::EINTR) {
            return;
        }
        if let Ok((mut stream, _)) = local.accept() {
            let _ = stream.write_all(secret.as_bytes());
        }
        if let Ok((mut stream, _)) = port.accept() {
            let _ = stream.write_all(secret.as_bytes());
        }
    }
}

/// The text of a file, or nothing: what cannot be read is not seen.
pub(super) fn read(path: &str) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// The interfaces of `/proc/net/dev` besides loopback.
pub(super) fn interfaces(text: &str) -> Vec<String> {
    let names = text.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0.trim()));
    names.filter(|name| *name != "lo").map(str::to_owned).collect()
}

/// The first field of each line of `/proc/PID/mountinfo`.
pub(super) fn mount_ids(text: &str) -> Vec<u64> {
    text.lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_side_and_by_run_and_fit() {
        let (one, other) = (names("0badcafe", Side::Neighbour), names("0badcafe", Side::Host));
        assert!(one.process.len() <= 15 && one.process != other.process);
        assert!(one.key != other.key && one.key > 0 && one.queue != other.queue);
        assert_eq!(one.key.cast_unsigned() >> 16, 0x6374);
        assert_ne!(names("0badcafd", Side::Host).key, other.key);
        assert!(one.secret.contains("neighbour") && other.secret.contains("host"));
    }

    #[test]
    fn the_kernels_tables_are_read() {
        let dev = "Inter-|   Receive\n face |bytes\n    lo: 1 2\n  eth0: 3 4\n";
        assert_eq!(interfaces(dev), ["eth0"]);
        assert_eq!(mount_ids("23 1 0:21 / /sys rw - sysfs sysfs rw\n24 x\n"), [23, 24]);
    }
}
