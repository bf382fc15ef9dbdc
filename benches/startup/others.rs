//! Other programs that start sandboxes. Each runs `busybox echo`, which is ready when its line arrives. All are started
//! as our own sandboxes are, by clone3 and exec, so that this costs everybody the same.

use std::ffi::CString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contain_test::announce::Unheard;
use contain_test::cgroup::Group;
use contain_test::engine::RunDirectory;
use contain_test::node::Node;
use contain_test::sys::pidfd;
use contain_test::sys::spawn::Spawn;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use serde_json::json;

use crate::contender::{Contender, Sample};

pub const BWRAP: &str = "bwrap --unshare-all";
const WORD: &str = "ready";
const LIMIT: Duration = Duration::from_secs(10);

pub fn all(node: &Node) -> Vec<Box<dyn Contender>> {
    let busybox = find("busybox");
    let other = |name: &'static str, program: &str, options: &str, group: Option<Group>| {
        let program = find(program).ok_or_else(|| format!("no `{program}` on this machine"));
        let command = program.and_then(|program| {
            let busybox = busybox.clone().ok_or("no `busybox` on this machine")?;
            let mut all = vec![program];
            all.extend(options.split_whitespace().map(str::to_owned));
            if all[0] != busybox {
                all.push(busybox);
            }
            all.extend(["echo".to_owned(), WORD.to_owned()]);
            Ok(all)
        });
        let cpus = node.cpus.node.clone();
        Box::new(Other { name, command, group, cpus }) as Box<dyn Contender>
    };
    let bwrap = "--unshare-all --ro-bind / /";
    let fuller = "--unshare-all --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp \
                  --uid 1000 --gid 1000 --hostname startup --cap-drop ALL --new-session";
    let unshare = "--mount --uts --ipc --net --pid --cgroup --time --user --map-root-user --fork \
                   --mount-proc";
    vec![
        other(BWRAP, "bwrap", bwrap, None),
        other(
            "bwrap --unshare-all, in our cgroups",
            "bwrap",
            bwrap,
            Some(node.sandbox_group("bwrap")),
        ),
        other("bwrap, own /dev /proc /tmp and user", "bwrap", fuller, None),
        other("unshare, eight namespaces", "unshare", unshare, None),
        other("busybox alone, no sandbox", "busybox", "", None),
    ]
}

struct Other {
    name: &'static str,
    command: Result<Vec<String>, String>,
    /// Made and joined as part of the start, and removed as part of the end.
    group: Option<Group>,
    cpus: String,
}

impl Contender for Other {
    fn name(&self) -> &str {
        self.name
    }

    fn absent(&self) -> Option<String> {
        self.command.as_ref().err().cloned()
    }

    fn start(&mut self) -> Result<Sample, String> {
        let command = self.command.as_ref().map_err(Clone::clone)?;
        let begun = Instant::now();
        let Some(group) = &self.group else { return start(command, None, begun) };
        let result = group
            .create(&mut Unheard)
            .and_then(|()| group.pin(&self.cpus, &mut Unheard))
            .map_err(|error| error.to_string())
            .and_then(|()| start(command, Some(group), begun));
        let ending = Instant::now();
        let removed = group.kill(LIMIT, &mut Unheard).and_then(|()| group.remove(&mut Unheard));
        removed.map_err(|error| error.to_string())?;
        result.map(|sample| Sample { end: sample.end + ending.elapsed(), ..sample })
    }
}

/// runc with the usual namespaces, mounts and masks; its configuration is written once, before anything is measured.
pub struct Runc {
    command: Result<Vec<String>, String>,
}

impl Runc {
    pub fn new(directory: &RunDirectory, node: &Node) -> Result<Self, String> {
        let (Some(runc), Some(busybox)) = (find("runc"), find("busybox")) else {
            return Ok(Self { command: Err("no `runc` on this machine".to_owned()) });
        };
        let bundle = directory.path.join("bundle");
        make_bundle(&bundle, Path::new(&busybox), node.group.relative())
            .map_err(|error| format!("make the bundle of runc: {error}"))?;
        let text = |path: PathBuf| path.display().to_string();
        let command = [
            runc.as_str(),
            "--root",
            &text(directory.path.join("runc")),
            "run",
            "--bundle",
            &text(bundle),
            &format!("{}-runc", directory.name()),
        ];
        Ok(Self { command: Ok(command.map(str::to_owned).to_vec()) })
    }
}

impl Contender for Runc {
    fn name(&self) -> &'static str {
        "runc run"
    }

    fn absent(&self) -> Option<String> {
        self.command.as_ref().err().cloned()
    }

    fn start(&mut self) -> Result<Sample, String> {
        start(self.command.as_ref().map_err(Clone::clone)?, None, Instant::now())
    }
}

fn make_bundle(bundle: &Path, busybox: &Path, node: &Path) -> std::io::Result<()> {
    let bin = bundle.join("rootfs/bin");
    fs::create_dir_all(&bin)?;
    fs::copy(busybox, bin.join("busybox"))?;
    for name in ["proc", "dev", "sys", "tmp"] {
        fs::create_dir(bundle.join("rootfs").join(name))?;
    }
    let mount = |at: &str, kind: &str, options: &[&str]| json!({"destination": at, "type": kind, "source": kind, "options": options});
    let namespaces = ["pid", "network", "ipc", "uts", "mount", "cgroup"];
    let config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "terminal": false, "user": {"uid": 1000, "gid": 1000},
            "args": ["/bin/busybox", "echo", WORD], "cwd": "/", "noNewPrivileges": true,
        },
        "root": {"path": "rootfs", "readonly": true},
        "hostname": "startup",
        "mounts": [
            mount("/proc", "proc", &[]),
            mount("/dev", "tmpfs", &["nosuid", "mode=755", "size=64k"]),
            mount("/dev/pts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666"]),
            mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=64m"]),
            mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
            mount("/tmp", "tmpfs", &["nosuid", "nodev", "mode=1777", "size=64m"]),
        ],
        "linux": {
            "cgroupsPath": Path::new("/").join(node).join("runc"),
            "resources": {"pids": {"limit": 64}, "memory": {"limit": 64 << 20}},
            "namespaces": namespaces.map(|kind| json!({"type": kind})),
            "maskedPaths": [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/timer_list",
                "/proc/scsi", "/sys/firmware",
            ],
            "readonlyPaths": [
                "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
            ],
        },
    });
    fs::write(bundle.join("config.json"), config.to_string())
}

/// Starts a command, waits for its word, then for its end.
fn start(command: &[String], group: Option<&Group>, begun: Instant) -> Result<Sample, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", command[0]);
    let (ours, theirs) = UnixStream::pair().map_err(|error| failed(&error))?;
    ours.set_read_timeout(Some(LIMIT)).map_err(|error| failed(&error))?;
    let errors =
        fs::OpenOptions::new().write(true).open("/dev/null").map_err(|error| failed(&error))?;
    let joined = group.map_or(Ok(Vec::new()), Group::open_v1_tasks).map_err(|it| failed(&it))?;
    let unified = group.map_or(Ok(None), Group::open_unified).map_err(|it| failed(&it))?;
    let text = |text: &String| CString::new(text.as_str()).unwrap_or_default();
    let (_, pidfd) = Spawn {
        enter: Vec::new(),
        namespaces: 0,
        into_cgroup: unified.as_ref().map(AsFd::as_fd),
        join: joined.iter().map(AsFd::as_fd).collect(),
        unshare_cgroup: false,
        become_root: false,
        stream: theirs.as_fd(),
        errors: errors.as_fd(),
        program: text(&command[0]),
        arguments: command.iter().map(text).collect(),
    }
    .start()
    .map_err(|error| failed(&error))?
    .release()
    .map_err(|(_, error)| failed(&error))?;
    drop(theirs);
    let mut line = String::new();
    let read = BufReader::new(ours).read_line(&mut line);
    let ready = begun.elapsed();
    let ending = Instant::now();
    if read.is_err() {
        let _ = pidfd::send(pidfd.as_fd(), Signal::SIGKILL);
    }
    let _ = pidfd::wait_for_end(pidfd.as_fd(), LIMIT);
    let status = pidfd::reap(&pidfd).map_err(|error| failed(&error))?;
    let end = ending.elapsed();
    if line.trim_end() == WORD && matches!(status, Some(WaitStatus::Exited(_, 0))) {
        return Ok(Sample { ready, end, parts: Vec::new() });
    }
    Err(failed(&format!("it said {line:?} and ended with {status:?}")))
}

fn find(program: &str) -> Option<String> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
        .map(|path| path.display().to_string())
}
