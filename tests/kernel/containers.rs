//! Sandboxes of others, which sleep: those of `unshare`, bubblewrap and runc.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a sandbox may take to start.
const START: Duration = Duration::from_secs(20);

/// What all of them do.
const SLEEP: [&str; 2] = ["sleep", "300"];

/// A process in a sandbox; it ends with the value.
pub struct Running {
    /// Its ID outside.
    pub pid: i32,
    /// What `inspect` is to take it for, where there is a trace of that.
    pub seems: Option<&'static str>,
    child: Child,
    /// A container of runc, which its state directory keeps.
    container: Option<(String, tempfile::TempDir)>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some((id, folder)) = &self.container {
            let _ = runc_in(folder.path()).args(["delete", "--force", id]).output();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// A child that shares everything.
    pub fn plain() -> Self {
        Self::of(Command::new(SLEEP[0]).arg(SLEEP[1]), Some("none"))
    }

    /// A child of `unshare` with these options, or that itself where it does not fork.
    pub fn unshare(options: &[&str]) -> Self {
        // Where it forks, the program stays as the parent; else it has become the child, and nothing tells who made its namespaces.
        let seems = options.contains(&"--fork").then_some("unshare");
        Self::of(Command::new("unshare").args(options).args(SLEEP), seems)
    }

    fn of(command: &mut Command, seems: Option<&'static str>) -> Self {
        let child = silent(command).spawn().expect("it starts");
        let pid = i32::try_from(child.id()).expect("a process ID");
        let mut running = Self { pid, seems, child, container: None };
        running.pid = wait_for("a sleeping process", || sleeping_below(pid));
        running
    }
}

/// Without streams.
pub fn silent(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < START, "{what} did not come within {START:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The process itself or one of its descendants, once that has executed what is to sleep.
fn sleeping_below(pid: i32) -> Option<i32> {
    if fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n") {
        return Some(pid);
    }
    children_of(pid).into_iter().find_map(sleeping_below)
}

fn children_of(parent: i32) -> Vec<i32> {
    let line = format!("PPid:\t{parent}\n");
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|text| text.contains(&line))
        })
        .collect()
}

/// Whether a program can be run.
pub fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|answer| answer.status.success())
}

/// Without a program that these tests want, they fail where nothing may be skipped, and say so elsewhere.
#[expect(clippy::print_stderr, reason = "beside the lines of the test runner")]
pub fn must_have(program: &str) {
    let must = std::env::var("CONTAIN_TEST_MUST_RUN").is_ok_and(|value| value == "1");
    assert!(!must, "{program} is not installed");
    eprintln!("skipped in part: {program} is not installed");
}

/// A sandbox of bubblewrap, where that is installed.
pub fn bubblewrap() -> Option<Running> {
    if !is_installed("bwrap") {
        must_have("bwrap");
        return None;
    }
    let mut command = Command::new("bwrap");
    command.args([
        "--unshare-all",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--die-with-parent",
    ]);
    Some(Running::of(command.args(SLEEP), Some("bubblewrap")))
}

/// A container of runc with limits (48 tasks, 96 MiB without swap, a quarter of a CPU), where that is installed.
pub fn runc(name: &str) -> Option<Running> {
    if !is_installed("runc") {
        must_have("runc");
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    bundle(folder.path());
    let id = format!("inspected-{name}-{}", std::process::id());
    let mut command = runc_in(folder.path());
    command.args(["run", "--bundle"]).arg(folder.path()).arg(&id);
    let child = silent(&mut command).spawn().expect("runc starts");
    let pid = i32::try_from(child.id()).expect("a process ID");
    let mut running = Running { pid, seems: Some("runc"), child, container: Some((id, folder)) };
    running.pid = wait_for("a container", || sleeping_below(pid));
    Some(running)
}

/// Its state stays in the folder, and goes with it.
fn runc_in(folder: &Path) -> Command {
    let mut command = Command::new("runc");
    command.arg("--root").arg(folder.join("state"));
    command
}

/// The bundle that `runc spec` makes, with the programs of this machine as root and with limits.
fn bundle(folder: &Path) {
    let made = Command::new("runc").args(["spec", "--bundle"]).arg(folder).status();
    assert!(made.is_ok_and(|status| status.success()), "runc spec");
    let root = folder.join("rootfs");
    for name in ["usr", "proc", "dev", "sys"] {
        fs::create_dir_all(root.join(name)).expect("a folder");
    }
    let mut binds = vec!["/usr".to_owned()];
    // Links to /usr, or on older systems folders.
    for name in ["bin", "lib", "lib64"] {
        let path = Path::new("/").join(name);
        match fs::read_link(&path) {
            Ok(target) => symlink(target, root.join(name)).expect("a link"),
            Err(_) if path.is_dir() => {
                fs::create_dir(root.join(name)).expect("a folder");
                binds.push(path.display().to_string());
            }
            Err(_) => {}
        }
    }
    let path = folder.join("config.json");
    let mut config: Value =
        serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    config["process"]["terminal"] = json!(false);
    config["process"]["args"] = json!(SLEEP);
    let mounts = config["mounts"].as_array_mut().expect("mounts");
    mounts.extend(binds.iter().map(|path| {
        json!({"destination": path, "source": path, "type": "bind", "options": ["rbind", "ro"]})
    }));
    config["linux"]["resources"]["pids"] = json!({"limit": 48});
    config["linux"]["resources"]["memory"] = json!({"limit": 96 << 20, "swap": 96 << 20});
    config["linux"]["resources"]["cpu"] = json!({"quota": 25_000, "period": 100_000});
    fs::write(&path, config.to_string()).expect("a file");
}

/// A root with this program and nothing else, as its container image has it.
pub fn root_of_ours(folder: &Path) -> PathBuf {
    let root = folder.join("ours");
    for name in ["run", "tmp"] {
        fs::create_dir_all(root.join(name)).expect("a folder");
    }
    fs::copy(env!("CARGO_BIN_EXE_contain-test"), root.join("contain-test")).expect("a copy");
    root
}

/// A root as an archive that engines import, beside it.
pub fn archive_of(root: &Path) -> String {
    let archive = root.with_extension("tar");
    let made = Command::new("tar").arg("-C").arg(root).arg("-cf").arg(&archive).arg(".").status();
    assert!(made.is_ok_and(|status| status.success()), "tar");
    archive.display().to_string()
}

/// The group of this name at the top of each hierarchy.
pub fn in_each_hierarchy(name: &str) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    let is_cgroup = |line: &&str| line.contains(" - cgroup");
    let at = |line: &str| Some(Path::new(line.split(' ').nth(4)?).join(name));
    table.lines().filter(is_cgroup).filter_map(at).collect()
}
