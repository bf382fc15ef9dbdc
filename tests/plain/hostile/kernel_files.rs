//! Files of the kernel: of machines of every kind, of their processes, of groups of either version.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use contain_test::cgroup::{Group, Hierarchies, Hierarchy, Version};
use contain_test::host;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{Edit, edited, edits, rounds};
use crate::tree::FixtureMachine;

const HOSTS: [&str; 4] = ["hybrid", "systemd-v2", "v1-comounted", "docker-read-only"];
const PROCESSES: [&str; 2] = ["v1", "v2"];
const GROUPS: [&str; 2] = ["v1", "v2"];
const CONTROLLERS: [&str; 5] = ["pids", "memory", "cpu", "cpuacct", "blkio"];

/// A tree of real files that is made once, and in which one file at a time reads otherwise.
struct Tree {
    machine: FixtureMachine,
    files: Vec<PathBuf>,
}

impl Tree {
    fn new(machine: FixtureMachine) -> Self {
        let mut files = Vec::new();
        collect(machine.folder(), &mut files);
        files.sort();
        Self { machine, files }
    }

    /// Asks something while one of the files is changed.
    fn changed<T>(
        &self,
        which: Index,
        edits: &[Edit],
        ask: impl FnOnce(&FixtureMachine) -> T,
    ) -> T {
        let path = which.get(&self.files);
        let before = fs::read(path).unwrap();
        fs::write(path, edited(&before, edits)).unwrap();
        let answer = ask(&self.machine);
        fs::write(path, before).unwrap();
        answer
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
}

thread_local! {
    static TREES: RefCell<BTreeMap<&'static str, Vec<Tree>>> = const { RefCell::new(BTreeMap::new()) };
}

/// The tree of this number among those of a kind, all of which `make` makes the first time that this thread asks.
fn with_tree<T>(
    (kind, number): (&'static str, usize),
    make: impl FnOnce() -> Vec<Tree>,
    ask: impl FnOnce(&Tree) -> T,
) -> T {
    TREES.with_borrow_mut(|trees| ask(&trees.entry(kind).or_insert_with(make)[number]))
}

fn group_of(version: &str, folder: &Path) -> Group {
    let hierarchy = |version, controllers: &[&str], name: &str| Hierarchy {
        version,
        controllers: controllers.iter().map(|&it| it.to_owned()).collect(),
        root: folder.join(name),
        group: String::new(),
    };
    let hierarchies = match version {
        "v1" => CONTROLLERS
            .iter()
            .map(|name| hierarchy(Version::V1, &[name], name))
            .chain([hierarchy(Version::V2, &[], "unified")])
            .collect(),
        _ => vec![hierarchy(Version::V2, &["pids", "memory", "cpu", "io"], "v2")],
    };
    Group::top(Hierarchies(hierarchies), "box")
}

/// Everything that is ever read of a group.
fn read(group: &Group) -> usize {
    let counters = group.counters();
    let numbers = [
        counters.pids(),
        counters.memory(),
        counters.memory_held(),
        counters.cpu_usage_us(),
        counters.swap(),
        counters.cpu_throttled(),
        counters.event("memory", "memory.stat", "total_pgpgin"),
        counters.event("memory", "memory.events", "high"),
    ];
    let refusals = [counters.pids_refusals(), counters.memory_refusals(), counters.oom_kills()];
    let peaks = [counters.pids_peak(), counters.memory_peak(), counters.swap_peak()];
    let pressure = ["cpu", "memory", "io"].map(|it| group.pressure(it));
    numbers.iter().flatten().count()
        + refusals.iter().flatten().count()
        + peaks.iter().flatten().count()
        + pressure.iter().flatten().count()
        + counters.cpu_usage_by_cpu().map_or(0, |it| it.len())
        + counters.io("7:0").into_iter().count()
        + group.processes().len()
}

proptest! {
    #![proptest_config(rounds(1))]

    #[test]
    fn files_of_groups(number in 0..GROUPS.len(), which in any::<Index>(), edits in edits()) {
        let make = || GROUPS.map(|name| Tree::new(FixtureMachine::with_groups(name))).into();
        with_tree(("groups", number), make, |tree| {
            tree.changed(which, &edits, |it| read(&group_of(GROUPS[number], it.folder())))
        });
    }

    #[test]
    fn files_of_the_kernel(number in 0..HOSTS.len(), which in any::<Index>(), edits in edits()) {
        let make = || HOSTS.map(|name| Tree::new(FixtureMachine::new(name))).into();
        let machine = with_tree(("hosts", number), make, |tree| {
            tree.changed(which, &edits, |it| host::machine(&it.roots))
        });
        prop_assert!(!machine.requirements.is_empty());
    }

    #[test]
    fn files_of_processes(
        number in 0..PROCESSES.len(),
        which in any::<Index>(),
        pid in any::<Index>(),
        edits in edits(),
    ) {
        let make =
            || PROCESSES.map(|name| Tree::new(FixtureMachine::with_processes(name))).into();
        let _ = with_tree(("processes", number), make, |tree| {
            let pid = *pid.get(&pids_of(tree.machine.folder()));
            tree.changed(which, &edits, |it| host::inspect(&it.roots, &[pid]))
        });
    }
}

fn pids_of(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir(folder.join("proc")).unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The seeds are what they are meant to be: nearly everything is found.
#[test]
fn unchanged_groups_are_read() {
    for (name, least) in [("v1", 18), ("v2", 19)] {
        let machine = FixtureMachine::with_groups(name);
        let found = read(&group_of(name, machine.folder()));
        assert!(found >= least, "{name}: {found}");
    }
}
