//! Podman with files of the tests' own: no daemon, no network, and nothing of it stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::containers::{
    archive_of, in_each_hierarchy, is_installed, must_have, root_of_ours, silent,
};

/// The image with this program.
const OURS: &str = "ours";

/// Its files, and the groups that were not there before it.
pub struct Podman {
    folder: tempfile::TempDir,
    groups: Vec<PathBuf>,
}

impl Podman {
    /// With this program as an image, where podman and runc are installed.
    pub fn new() -> Option<Self> {
        for program in ["podman", "runc"] {
            if !is_installed(program) {
                must_have(program);
                return None;
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        // By itself it asks for more open files than whoever has no CAP_SYS_RESOURCE may give.
        let settings = "[containers]\ndefault_ulimits = []\n";
        fs::write(folder.path().join("containers.conf"), settings).expect("a file");
        let groups =
            in_each_hierarchy("libpod_parent").into_iter().filter(|it| !it.exists()).collect();
        let podman = Self { folder, groups };
        let archive = archive_of(&root_of_ours(podman.folder.path()));
        let answer = podman.client().args(["import", &archive, OURS]).output().expect("podman");
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        Some(podman)
    }

    fn client(&self) -> Command {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let mut command = Command::new("podman");
        command.env("CONTAINERS_CONF", at("containers.conf")).stdin(Stdio::null());
        command.args(["--root", &at("storage"), "--runroot", &at("run"), "--tmpdir", &at("tmp")]);
        command.args(["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--runtime=runc"]);
        command
    }

    /// This program in a container, with options of `podman run`: how it ended, and what it said on its two streams.
    pub fn ours(&self, options: &[&str], arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = self.client();
        command.args(["run", "--rm", "--network=none", "--ulimit=host"]).args(options);
        command.args([OURS, "/contain-test"]).args(arguments);
        let answer = command.output().expect("podman runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (answer.status.code(), text(answer.stdout), text(answer.stderr))
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        for arguments in [["rm", "--all", "--force"], ["rmi", "--all", "--force"]] {
            let _ = silent(self.client().args(arguments)).status();
        }
        for group in &self.groups {
            remove(group);
        }
    }
}

/// Groups that are empty by now, the inner ones first.
fn remove(group: &Path) {
    let inner = fs::read_dir(group).into_iter().flatten().flatten();
    for entry in inner.filter(|entry| entry.path().is_dir()) {
        remove(&entry.path());
    }
    let _ = fs::remove_dir(group);
}
