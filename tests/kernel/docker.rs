//! A Docker daemon of the tests' own: its files are in a folder of its own, it makes no network, and it ends with the value.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::containers::{
    archive_of, in_each_hierarchy, is_installed, must_have, root_of_ours, silent,
};

/// How long the daemon may take to answer, and to end.
const LIMIT: Duration = Duration::from_secs(60);

/// The image that it is given: busybox and nothing else.
const IMAGE: &str = "inspected";

/// The image with this program.
const OURS: &str = "ours";

/// A daemon that answers.
pub struct Docker {
    child: Child,
    folder: tempfile::TempDir,
    /// Groups that were not there before it.
    groups: Vec<PathBuf>,
}

impl Docker {
    /// Starts one, where it and a static busybox are installed.
    pub fn start() -> Option<Self> {
        for program in ["dockerd", "docker", "busybox"] {
            let there = match program {
                "busybox" => Path::new("/bin/busybox").exists(),
                _ => is_installed(program),
            };
            if !there {
                must_have(program);
                return None;
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let log = fs::File::create(at("log")).expect("a file");
        let mut command = Command::new("timeout");
        command.args([
            "--kill-after=10",
            "120",
            "dockerd",
            "--storage-driver=vfs",
            "--bridge=none",
        ]);
        command.args([
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
        ]);
        command.arg(format!("--host=unix://{}", at("socket").display()));
        for (option, name) in [("data-root", "docker"), ("exec-root", "exec"), ("pidfile", "pid")] {
            command.arg(format!("--{option}={}", at(name).display()));
        }
        let groups = groups().into_iter().filter(|it| !it.exists()).collect();
        let child = silent(&mut command).stderr(log).spawn().expect("timeout starts");
        let docker = Self { child, folder, groups };
        let begun = Instant::now();
        while !docker.run(&["version"]).is_ok_and(|(succeeded, _)| succeeded) {
            assert!(begun.elapsed() < LIMIT, "dockerd does not answer: {}", docker.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        docker.import_busybox();
        Some(docker)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A client of it.
    fn client(&self) -> Command {
        let mut command = Command::new("docker");
        command.arg(format!("--host=unix://{}", self.folder.path().join("socket").display()));
        command
    }

    fn run(&self, arguments: &[&str]) -> io::Result<(bool, String)> {
        let answer = self.client().args(arguments).stdin(Stdio::null()).output()?;
        let (out, errors) = (answer.stdout, String::from_utf8_lossy(&answer.stderr));
        Ok((answer.status.success(), format!("{}{errors}", String::from_utf8_lossy(&out))))
    }

    /// Busybox, by which it can sleep.
    fn import_busybox(&self) {
        let root = self.folder.path().join("root");
        fs::create_dir_all(root.join("bin")).expect("a folder");
        fs::copy("/bin/busybox", root.join("bin/busybox")).expect("a copy");
        symlink("busybox", root.join("bin/sleep")).expect("a link");
        self.import(&root, IMAGE);
    }

    fn import(&self, root: &Path, image: &str) {
        let archive = archive_of(root);
        let (succeeded, said) = self.run(&["import", &archive, image]).expect("docker runs");
        assert!(succeeded, "docker import: {said}{}", self.log());
    }

    /// This program in a container, with options of `docker run`: how it ended, and what it said on its two streams.
    pub fn ours(&self, options: &[&str], arguments: &[&str]) -> (Option<i32>, String, String) {
        self.import(&root_of_ours(self.folder.path()), OURS);
        let all = ["run", "--rm", "--network=none"];
        let all = [&all[..], options, &[OURS, "/contain-test"], arguments].concat();
        let answer = self.client().args(all).stdin(Stdio::null()).output().expect("docker runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (answer.status.code(), text(answer.stdout), text(answer.stderr))
    }

    /// The first process of a container that sleeps, with these options.
    pub fn sleeping(&self, options: &[&str]) -> i32 {
        let all = ["run", "--detach", "--network=none"];
        let all = [&all[..], options, &[IMAGE, "/bin/sleep", "300"]].concat();
        let (succeeded, id) = self.run(&all).expect("docker runs");
        assert!(succeeded, "docker run: {id}{}", self.log());
        let asked = ["inspect", "--format={{.State.Pid}}", id.trim()];
        let (_, pid) = self.run(&asked).expect("docker runs");
        pid.trim().parse().unwrap_or_else(|_| panic!("docker inspect: {pid}"))
    }
}

/// Where it makes the groups of its containers, in each hierarchy.
fn groups() -> Vec<PathBuf> {
    in_each_hierarchy("docker")
}

impl Drop for Docker {
    fn drop(&mut self) {
        if let Ok((true, ids)) = self.run(&["ps", "--all", "--quiet"]) {
            let ids: Vec<&str> = ids.split_whitespace().collect();
            let _ = self.run(&[&["rm", "--force"][..], &ids].concat());
        }
        // `timeout` passes it on, and the daemon ends what it has started.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > LIMIT {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        for group in &self.groups {
            let _ = fs::remove_dir(group);
        }
    }
}
