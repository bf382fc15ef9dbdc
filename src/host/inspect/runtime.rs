//! What a process seems to run under, from traces that runtimes leave: the names of cgroups, mounts, parents. Every trace is one that a
//! process could make itself, so this is a guess and says what it rests on.

use std::path::Path;

use super::super::mount_table::MountEntry;
use crate::record::RuntimeGuess;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Traces<'a> {
    /// The groups of the process.
    pub groups: &'a [String],
    /// Its mounts; empty where they are not known.
    pub mounts: &'a [MountEntry],
    /// The names of its parents, the nearest first.
    pub parents: &'a [String],
    /// The paths that are hidden from it.
    pub masked: &'a [String],
    /// Whether all its namespaces are the caller's; `None` where that is not known.
    pub all_shared: Option<bool>,
}

/// How the names of groups begin that runtimes make for a container.
const GROUP_PREFIXES: [(&str, &str); 10] = [
    ("docker-", "docker"),
    ("libpod-", "podman"),
    ("cri-containerd-", "containerd"),
    ("nerdctl-", "containerd"),
    ("crio-", "cri-o"),
    ("lxc.payload.", "lxc"),
    ("systemd-nspawn@", "systemd-nspawn"),
    ("runsc-", "gvisor"),
    ("flatpak-", "bubblewrap"),
    ("contain-test-", "contain-test"),
];

/// Groups below which runtimes make one for each container.
const GROUP_PARENTS: [(&str, &str); 4] =
    [("docker", "docker"), ("libpod_parent", "podman"), ("lxc", "lxc"), ("buildkit", "buildkit")];

/// Folders of the host in which engines keep what they mount: the layers of a root, and files such as `/etc/hosts`.
const MOUNTED_FROM: [(&str, &str); 6] = [
    ("/docker/overlay2/", "docker"),
    ("/docker/containers/", "docker"),
    ("/containers/storage/", "podman"),
    ("io.containerd.snapshotter", "containerd"),
    ("/lib/lxc/", "lxc"),
    ("/lib/machines/", "systemd-nspawn"),
];

/// Programs that stay as the parent of what they start, by their names as the kernel cuts them off (15 bytes).
const PARENTS: [(&str, &str); 16] = [
    ("bwrap", "bubblewrap"),
    ("unshare", "unshare"),
    ("runc", "runc"),
    ("crun", "crun"),
    ("youki", "youki"),
    ("containerd-shim", "containerd"),
    ("conmon", "podman or cri-o"),
    ("dockerd", "docker"),
    ("lxc-start", "lxc"),
    ("systemd-nspawn", "systemd-nspawn"),
    ("firejail", "firejail"),
    ("nsjail", "nsjail"),
    ("minijail0", "minijail"),
    ("runsc", "gvisor"),
    ("runsc-sandbox", "gvisor"),
    ("contain-test", "contain-test"),
];

/// Paths that the OCI runtimes hide by default in what engines hand them; three of them are no accident.
const OCI_MASKS: [&str; 6] =
    ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"];

/// Guesses. The order of the traces is the order of their weight: a group is made by the runtime and cannot be left by the process.
#[must_use]
pub fn guess(traces: &Traces<'_>) -> RuntimeGuess {
    let mut found: Vec<(&str, String)> = Vec::new();
    for group in traces.groups {
        found.extend(by_group(group));
    }
    for mount in traces.mounts {
        found.extend(by_mount(mount));
    }
    // What shares all namespaces with the caller was not put into any by its parents.
    if traces.all_shared != Some(true) {
        found.extend(traces.parents.iter().filter_map(|name| by_parent(name)));
    }
    let pod = traces.groups.iter().find(|group| group.contains("/kubepods"));
    let mut because: Vec<String> = Vec::new();
    for (_, text) in &found {
        if !because.contains(text) {
            because.push(text.clone());
        }
    }
    because.extend(pod.map(|group| format!("cgroup {group} is that of a Kubernetes pod")));
    let seems = found.first().map(|(name, _)| (*name).to_owned());
    let seems = seems.or_else(|| pod.map(|_| "kubernetes".to_owned()));
    let masks = traces.masked.iter().filter(|path| OCI_MASKS.contains(&path.as_str())).count();
    match seems {
        Some(name) => RuntimeGuess { seems: Some(name), because },
        None if traces.all_shared == Some(true) => RuntimeGuess {
            seems: Some("none".to_owned()),
            because: vec!["all its namespaces are those of the process that looks".to_owned()],
        },
        None if masks >= 3 => RuntimeGuess {
            seems: Some("an OCI runtime".to_owned()),
            because: vec![format!("{masks} of the paths that such runtimes hide are hidden")],
        },
        None => service(traces.groups),
    }
}

/// systemd gives services namespaces of their own (`PrivateTmp=` and others), and every service a group.
fn service(groups: &[String]) -> RuntimeGuess {
    let found = groups.iter().find(|group| group.ends_with(".service"));
    let name = found.map(|_| "a systemd service".to_owned());
    let because = found.map(|group| format!("cgroup {group} is that of a service"));
    RuntimeGuess { seems: name, because: because.into_iter().collect() }
}

fn by_group(group: &str) -> Option<(&'static str, String)> {
    let parts: Vec<&str> = group.split('/').filter(|part| !part.is_empty()).collect();
    let prefixed = parts.iter().find_map(|part| {
        let (_, name) = GROUP_PREFIXES.iter().find(|(prefix, _)| part.starts_with(prefix))?;
        Some(*name)
    });
    let below = || {
        parts
            .windows(2)
            .find_map(|pair| Some(GROUP_PARENTS.iter().find(|(parent, _)| *parent == pair[0])?.1))
    };
    let name = prefixed.or_else(below)?;
    Some((name, format!("cgroup {group}")))
}

fn by_mount(mount: &MountEntry) -> Option<(&'static str, String)> {
    let at = mount.path.display();
    // bubblewrap makes a root in a folder of this name before it turns to it.
    if mount.path == Path::new("/") && mount.fs_type == "tmpfs" && mount.root == "/newroot" {
        return Some(("bubblewrap", format!("{at} is the folder /newroot of a tmpfs")));
    }
    let upper = mount.super_options.iter().find_map(|option| option.strip_prefix("upperdir="));
    let from = upper.filter(|_| mount.path == Path::new("/")).unwrap_or(&mount.root);
    let (_, name) = MOUNTED_FROM.iter().find(|(folder, _)| from.contains(folder))?;
    Some((*name, format!("{at} is mounted from {from}")))
}

fn by_parent(name: &str) -> Option<(&'static str, String)> {
    // `runc:[2:INIT]` is what a container's process is called before its exec.
    let bare = name.split(':').next().unwrap_or(name);
    let (_, runtime) = PARENTS.iter().find(|(parent, _)| *parent == bare)?;
    Some((*runtime, format!("a parent is named {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::mount_table;

    fn seems(groups: &[&str], mounts: &str, parents: &[&str], all_shared: Option<bool>) -> String {
        let owned = |list: &[&str]| list.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let (groups, parents) = (owned(groups), owned(parents));
        let mounts = mount_table::parse(mounts);
        let traces =
            Traces { groups: &groups, mounts: &mounts, parents: &parents, masked: &[], all_shared };
        let guess = guess(&traces);
        assert_eq!(guess.seems.is_some(), !guess.because.is_empty(), "{guess:?}");
        guess.seems.unwrap_or_default()
    }

    #[test]
    fn groups_tell_engines() {
        let id = "0123456789abcdef";
        for (group, name) in [
            (format!("/docker/{id}"), "docker"),
            (format!("/system.slice/docker-{id}.scope"), "docker"),
            (format!("/machine.slice/libpod-{id}.scope/container"), "podman"),
            (
                format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
                "containerd",
            ),
            (format!("/kubepods/burstable/pod1/{id}"), "kubernetes"),
            ("/lxc.payload.web/init.scope".to_owned(), "lxc"),
            ("/contain-test-0badcafe/attacker".to_owned(), "contain-test"),
            ("/user.slice/user-1000.slice".to_owned(), ""),
            ("/docker".to_owned(), ""),
        ] {
            assert_eq!(seems(&["/", &group], "", &[], None), name, "{group}");
        }
    }

    #[test]
    fn mounts_and_parents_tell_the_rest() {
        let bubblewrap = "1 0 0:50 /newroot / rw - tmpfs tmpfs rw\n";
        assert_eq!(seems(&["/"], bubblewrap, &[], Some(false)), "bubblewrap");
        let overlay = "1 0 0:50 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/var/lib/docker/overlay2/a/diff\n";
        assert_eq!(seems(&["/"], overlay, &["containerd-shim"], Some(false)), "docker");
        assert_eq!(seems(&["/"], "", &["sh", "runc"], Some(false)), "runc");
        assert_eq!(seems(&["/"], "", &["runc"], Some(true)), "none");
        assert_eq!(seems(&["/"], "", &["systemd"], Some(false)), "");
        let group = "/system.slice/a.service";
        assert_eq!(seems(&[group], "", &[], Some(false)), "a systemd service");
    }
}
