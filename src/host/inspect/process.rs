//! One process: its files below `/proc`, read once each. What may not be read, and what a kernel does not have, is a gap with its reason.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use super::super::mount_table::{self, MountEntry};
use super::super::{Roots, capabilities, status};
use super::error::{InspectError, is_gone};
use super::group_limits;
use super::runtime::{Traces, guess};
use super::stat::Stat;
use super::surroundings::Surroundings;
use super::{id_map, membership, mount_paths, namespace_link, rlimits};
use crate::record::{CapabilitySets, GroupLimit, Inspected, Membership, RuntimeGuess, Seccomp};
use crate::scenario::NamespaceKind;

/// As much of the arguments is kept.
const COMMAND_BYTES: u64 = 4096;

/// No file of a process is longer, but for mount tables of a machine that is beyond help.
const FILE_BYTES: u64 = 64 << 20;

/// So many parents are asked for their names: a chain of parents ends at process 1, and may be read while it changes.
const MOST_PARENTS: usize = 64;

/// The files of one process.
struct Files<'a> {
    roots: &'a Roots,
    pid: u32,
}

impl Files<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.roots.proc.join(self.pid.to_string()).join(name)
    }

    /// The text of a file; bytes that are no UTF-8 are replaced.
    fn text(&self, name: &str, most: u64) -> io::Result<String> {
        let mut bytes = Vec::new();
        File::open(self.path(name))?.take(most).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The same for a file that every process has and everybody may read.
    fn needed(&self, name: &str) -> Result<String, InspectError> {
        self.text(name, FILE_BYTES).map_err(|error| self.failed(name, &error))
    }

    fn failed(&self, name: &str, error: &io::Error) -> InspectError {
        let (pid, file) = (self.pid, self.path(name));
        match is_gone(error) {
            true if self.path("").exists() => self.unreadable(name, &error.to_string()),
            true => InspectError::Ended { pid, file },
            false => self.unreadable(name, &error.to_string()),
        }
    }

    fn unreadable(&self, name: &str, why: &str) -> InspectError {
        InspectError::Unreadable { pid: self.pid, file: self.path(name), why: why.to_owned() }
    }

    fn stat(&self) -> Result<Stat, InspectError> {
        let line = self.needed("stat")?;
        Stat::parse(&line).ok_or_else(|| self.unreadable("stat", "not the line that is expected"))
    }
}

/// Looks at a process. `meanwhile` is called when all has been read, before it is asked whether the process is still the same.
pub(super) fn look_at(
    roots: &Roots,
    pid: u32,
    around: &Surroundings,
    meanwhile: &mut dyn FnMut(),
) -> Result<Inspected, InspectError> {
    let files = Files { roots, pid };
    let first = match files.text("stat", FILE_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(InspectError::NoProcess { pid, file: files.path("stat") });
        }
        Err(error) => return Err(files.failed("stat", &error)),
        Ok(_) => files.stat()?,
    };
    let mut look = Look { files: &files, stat: first, unknown: BTreeMap::new() };
    let process = look.at_all(around)?;
    meanwhile();
    // Another process may have got the number in the meantime.
    let last = files.stat().map_err(|_| InspectError::Ended { pid, file: files.path("stat") })?;
    match last.started == first.started && (first.is_zombie() || !last.is_zombie()) {
        true => Ok(process),
        false => Err(InspectError::Ended { pid, file: files.path("stat") }),
    }
}

/// A process that is being looked at, and what could not be seen.
struct Look<'a> {
    files: &'a Files<'a>,
    stat: Stat,
    unknown: BTreeMap<String, String>,
}

impl Look<'_> {
    fn at_all(&mut self, around: &Surroundings) -> Result<Inspected, InspectError> {
        let status = self.files.needed("status")?;
        let name = status::field(&status, "Name")
            .ok_or_else(|| self.files.unreadable("status", "it has no line `Name`"))?;
        let namespaces = self.namespaces(around);
        let shared_with_caller: BTreeMap<NamespaceKind, Option<bool>> = namespaces
            .iter()
            .map(|(kind, id)| {
                (*kind, id.zip(around.namespaces.get(kind).copied().flatten()).map(|(a, b)| a == b))
            })
            .collect();
        let groups = self.gap("cgroups", "cgroup", membership::parse);
        let limits = self.limits(groups.as_deref(), around);
        let mounts = self.mounts();
        let parsed = |masked: fn(&[MountEntry]) -> Vec<String>| mounts.as_deref().map(masked);
        let (masked_paths, read_only_paths) =
            (parsed(mount_paths::masked), parsed(mount_paths::read_only));
        let paths: Vec<String> = groups.iter().flatten().map(|it| it.path.clone()).collect();
        let parents = self.parents();
        let all_shared = all_shared(&shared_with_caller, around);
        let runtime = match self.stat.kernel_thread {
            true => RuntimeGuess::default(),
            false => guess(&Traces {
                groups: &paths,
                mounts: mounts.as_deref().unwrap_or_default(),
                parents: &parents,
                masked: masked_paths.as_deref().unwrap_or_default(),
                all_shared,
            }),
        };
        let uid_map = self.gap("uid_map", "uid_map", id_map::parse_map);
        let gid_map = self.gap("gid_map", "gid_map", id_map::parse_map);
        let rlimits = self.gap("rlimits", "limits", rlimits::parse);
        let number = |text: &str| text.parse::<u64>().ok();
        Ok(Inspected {
            pid: self.files.pid,
            name,
            command: self.command(),
            state: self.stat.state_name().to_owned(),
            parent: self.stat.parent,
            kernel_thread: self.stat.kernel_thread,
            pids_inside: pids_inside(&status),
            uids: self.line(&status, "uids", "Uid", id_map::parse_ids),
            gids: self.line(&status, "gids", "Gid", id_map::parse_ids),
            namespaces,
            shared_with_caller,
            cgroups: groups,
            limits,
            uid_map,
            gid_map,
            capabilities: self.capabilities(&status),
            seccomp: self.line(&status, "seccomp", "Seccomp", seccomp),
            seccomp_filters: self.line(&status, "seccomp_filters", "Seccomp_filters", number),
            no_new_privs: self.line(&status, "no_new_privs", "NoNewPrivs", flag),
            masked_paths,
            read_only_paths,
            rlimits,
            runtime,
            unknown: std::mem::take(&mut self.unknown),
        })
    }

    fn note(&mut self, field: &str, why: String) {
        self.unknown.insert(field.to_owned(), why);
    }

    /// A file as a field; a gap where it cannot be read or is of another form.
    fn gap<T>(&mut self, field: &str, file: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
        match self.files.text(file, FILE_BYTES) {
            Ok(text) => {
                let value = parse(&text);
                if value.is_none() {
                    self.note(
                        field,
                        format!("{} is of no known form", self.files.path(file).display()),
                    );
                }
                value
            }
            Err(error) => {
                self.note(field, self.why(file, &error));
                None
            }
        }
    }

    /// A line of `status` as a field.
    fn line<T>(
        &mut self,
        status: &str,
        field: &str,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = status::field(status, name);
        let parsed = value.as_deref().and_then(parse);
        if parsed.is_none() {
            let why = match value {
                None => format!(
                    "this kernel shows no `{name}` in {}",
                    self.files.path("status").display()
                ),
                Some(value) => format!("`{name}` is of no known form: {value}"),
            };
            self.note(field, why);
        }
        parsed
    }

    /// Why a file could not be read.
    fn why(&self, file: &str, error: &io::Error) -> String {
        let path = self.files.path(file).display().to_string();
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                format!(
                    "{path}: permission denied; it takes root with the capability sys_ptrace (`sudo`), or the process's own user"
                )
            }
            _ if self.stat.is_zombie() => format!("{path}: a zombie has it no more"),
            _ => format!("{path}: {error}"),
        }
    }

    fn namespaces(&mut self, around: &Surroundings) -> BTreeMap<NamespaceKind, Option<u64>> {
        let mut found = BTreeMap::new();
        for kind in NamespaceKind::ALL {
            let file = format!("ns/{}", kind.name());
            let id = match fs::read_link(self.files.path(&file)) {
                Ok(link) => {
                    let text = link.to_string_lossy();
                    let id = namespace_link::parse(kind, &text);
                    if id.is_none() {
                        let why = format!(
                            "{} is of no known form: {text}",
                            self.files.path(&file).display()
                        );
                        self.note(&format!("namespaces.{}", kind.name()), why);
                    }
                    id
                }
                Err(error) => {
                    let lacking = error.kind() == io::ErrorKind::NotFound
                        && around.namespaces.get(&kind).copied().flatten().is_none();
                    let why = match lacking {
                        true => format!("this kernel has no {} namespaces", kind.name()),
                        false => self.why(&file, &error),
                    };
                    self.note(&format!("namespaces.{}", kind.name()), why);
                    None
                }
            };
            found.insert(kind, id);
        }
        found
    }

    fn mounts(&mut self) -> Option<Vec<MountEntry>> {
        match self.files.text("mountinfo", FILE_BYTES) {
            Ok(text) => Some(mount_table::parse(&text)),
            Err(error) => {
                let why = self.why("mountinfo", &error);
                self.note("masked_paths", why.clone());
                self.note("read_only_paths", why);
                None
            }
        }
    }

    fn limits(
        &mut self,
        groups: Option<&[Membership]>,
        around: &Surroundings,
    ) -> Option<Vec<GroupLimit>> {
        let Some(groups) = groups else {
            self.note("limits", "its cgroups are not known".to_owned());
            return None;
        };
        match &around.mounts {
            Ok(mounts) => {
                let found = group_limits::read(groups, mounts, &around.online);
                for (place, why) in found.gaps {
                    self.note(&format!("limits of {place}"), why);
                }
                Some(found.limits)
            }
            Err(why) => {
                self.note("limits", why.clone());
                None
            }
        }
    }

    fn capabilities(&mut self, status: &str) -> CapabilitySets {
        let mut set = |field: &str, name: &str| {
            let bits = |text: &str| u64::from_str_radix(text, 16).ok();
            let found = self.line(status, &format!("capabilities.{field}"), name, bits);
            found.map(capabilities::names)
        };
        CapabilitySets {
            effective: set("effective", "CapEff"),
            permitted: set("permitted", "CapPrm"),
            inheritable: set("inheritable", "CapInh"),
            bounding: set("bounding", "CapBnd"),
            ambient: set("ambient", "CapAmb"),
        }
    }

    /// Arguments are parted by zero bytes; a process may have written anything over them.
    fn command(&mut self) -> Vec<String> {
        match self.files.text("cmdline", COMMAND_BYTES) {
            Ok(text) => {
                let text = text.strip_suffix('\0').unwrap_or(&text);
                let words = text.split('\0').map(str::to_owned);
                if text.is_empty() { Vec::new() } else { words.collect() }
            }
            Err(error) => {
                self.note("command", self.why("cmdline", &error));
                Vec::new()
            }
        }
    }

    /// The names of the parents, the nearest first. One that has ended meanwhile ends the chain.
    fn parents(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut parent = self.stat.parent;
        while parent > 0 && names.len() < MOST_PARENTS {
            let files = Files { roots: self.files.roots, pid: parent };
            let (Ok(stat), Ok(status)) = (files.stat(), files.text("status", FILE_BYTES)) else {
                break;
            };
            names.extend(status::field(&status, "Name"));
            parent = stat.parent;
        }
        names
    }
}

/// One that is known to differ decides, whatever else is not known. Kinds that the kernel does not have count for nothing.
fn all_shared(
    shared: &BTreeMap<NamespaceKind, Option<bool>>,
    around: &Surroundings,
) -> Option<bool> {
    let mut there =
        shared.iter().filter(|(kind, _)| around.namespaces.get(*kind).copied().flatten().is_some());
    match shared.values().any(|it| *it == Some(false)) {
        true => Some(false),
        false => there.all(|(_, it)| *it == Some(true)).then_some(true),
    }
}

fn pids_inside(status: &str) -> Vec<u32> {
    let list = status::field(status, "NSpid").unwrap_or_default();
    list.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn seccomp(text: &str) -> Option<Seccomp> {
    match text {
        "0" => Some(Seccomp::Off),
        "1" => Some(Seccomp::Strict),
        "2" => Some(Seccomp::Filter),
        _ => None,
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(roots: &Roots, file: &str, text: &str) {
        let path = roots.proc.join("7").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn stat(state: char, started: u64) -> String {
        format!("7 (a) {state} 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {started} 0 0\n")
    }

    fn looked_at(meanwhile: &mut dyn FnMut(&Roots)) -> Result<Inspected, InspectError> {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots {
            proc: folder.path().into(),
            sys: "/nonexistent".into(),
            etc: "/nonexistent".into(),
        };
        write(&roots, "stat", &stat('S', 5));
        write(&roots, "status", "Name:\ta\n");
        let around = Surroundings::read(&roots);
        look_at(&roots, 7, &around, &mut || meanwhile(&roots))
    }

    #[test]
    fn a_process_that_ends_meanwhile_is_an_error() {
        assert!(looked_at(&mut |_| {}).is_ok());
        let changes: [&dyn Fn(&Roots); 3] = [
            &|roots| fs::remove_dir_all(roots.proc.join("7")).unwrap(),
            &|roots| write(roots, "stat", &stat('S', 6)),
            &|roots| write(roots, "stat", &stat('Z', 5)),
        ];
        for change in changes {
            let error = looked_at(&mut |roots| change(roots)).unwrap_err();
            assert!(matches!(error, InspectError::Ended { pid: 7, .. }), "{error}");
            assert!(error.to_string().contains("process 7 ended"), "{error}");
        }
    }

    #[test]
    fn every_gap_has_its_reason() {
        let process = looked_at(&mut |_| {}).unwrap();
        let value = serde_json::to_value(&process).unwrap();
        for (field, value) in value.as_object().unwrap() {
            assert!(
                !value.is_null() || process.unknown.keys().any(|it| it.starts_with(field.as_str())),
                "{field}"
            );
        }
        assert!(process.namespaces.values().all(Option::is_none));
        assert!(process.unknown.contains_key("namespaces.mnt"), "{:?}", process.unknown);
    }
}
