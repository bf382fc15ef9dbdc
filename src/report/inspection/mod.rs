//! Views of an inspection: text for people, and a scenario that repeats a process's limits.

mod as_scenario;
mod kept;
mod matrix;
mod quota;

use super::escape::escaped;
use super::wrap::wrapped;
use crate::record::{IdMapping, Ids, Inspected, Inspection, Membership};
use crate::scenario::NamespaceKind;

pub use as_scenario::{Caller, render_as_scenario};

/// Columns of a label, with the blanks behind it.
const LABEL: usize = 18;

/// Every process by itself, and for several the matrix of what they share. Lines are folded to stay within `width` columns; `None`
/// never folds.
#[must_use]
pub fn render_inspection(inspection: &Inspection, width: Option<usize>) -> String {
    let width = width.unwrap_or(usize::MAX);
    let mut parts: Vec<String> =
        inspection.processes.iter().map(|process| process_text(process, width)).collect();
    if inspection.processes.len() > 1 {
        parts.push(matrix::render(inspection));
    }
    parts.join("\n")
}

fn process_text(process: &Inspected, width: usize) -> String {
    let mut text = wrapped(&escaped(&head(process)), width, 2);
    text.push('\n');
    for (label, value) in rows(process) {
        let line = format!("  {label:<LABEL$}{}", escaped(&value));
        text.push_str(&wrapped(&line, width, LABEL));
        text.push('\n');
    }
    text
}

fn head(process: &Inspected) -> String {
    let kind = if process.kernel_thread { "thread of the kernel, " } else { "" };
    let inside = match process.pids_inside.as_slice() {
        [_, .., last] => format!(", {last} in its PID namespace"),
        _ => String::new(),
    };
    let (pid, name, state, parent) = (process.pid, &process.name, &process.state, process.parent);
    format!("{pid} {name} ({kind}{state}, parent {parent}{inside})")
}

fn rows(process: &Inspected) -> Vec<(&'static str, String)> {
    let mut rows: Vec<(&'static str, String)> = Vec::new();
    if !process.command.is_empty() {
        rows.push(("command", process.command.join(" ")));
    }
    rows.push(("runtime", runtime(process)));
    rows.extend(namespace_rows(process));
    rows.push(("cgroups", known(process.cgroups.as_deref().map(groups))));
    rows.push((
        "limits",
        known(process.limits.as_deref().map(|limits| {
            let one = |it: &crate::record::GroupLimit| {
                format!("{} {} (of {})", it.file, it.value.replace('\n', " | "), it.group)
            };
            listed(limits.iter().map(one), ", ")
        })),
    ));
    rows.push(("user", known(process.uids.map(ids))));
    rows.push(("group", known(process.gids.map(ids))));
    rows.push(("uid map", known(process.uid_map.as_deref().map(mappings))));
    rows.push(("gid map", known(process.gid_map.as_deref().map(mappings))));
    let sets = &process.capabilities;
    for (label, set) in [
        ("effective caps", &sets.effective),
        ("permitted caps", &sets.permitted),
        ("inheritable caps", &sets.inheritable),
        ("bounding caps", &sets.bounding),
        ("ambient caps", &sets.ambient),
    ] {
        rows.push((label, known(set.as_ref().map(|set| listed(set.iter().cloned(), " ")))));
    }
    let seccomp = process.seccomp.map(|mode| match process.seccomp_filters {
        Some(1) => format!("{}, 1 filter", mode.name()),
        Some(count @ 2..) => format!("{}, {count} filters", mode.name()),
        _ => mode.name().to_owned(),
    });
    rows.push(("seccomp", known(seccomp)));
    let on = process.no_new_privs.map(|on| if on { "on" } else { "off" }.to_owned());
    rows.push(("no_new_privs", known(on)));
    let paths = |paths: &Option<Vec<String>>| {
        known(paths.as_ref().map(|paths| listed(paths.iter().cloned(), ", ")))
    };
    rows.push(("masked paths", paths(&process.masked_paths)));
    rows.push(("read-only paths", paths(&process.read_only_paths)));
    rows.push((
        "rlimits",
        known(process.rlimits.as_ref().map(|rlimits| {
            listed(rlimits.iter().map(|(name, it)| format!("{name} {}:{}", it.soft, it.hard)), ", ")
        })),
    ));
    rows.extend(
        process.unknown.iter().map(|(field, why)| ("not known", format!("{field}: {why}"))),
    );
    rows
}

fn known(text: Option<String>) -> String {
    text.unwrap_or_else(|| "?".to_owned())
}

fn listed(items: impl Iterator<Item = String>, between: &str) -> String {
    let all: Vec<String> = items.collect();
    if all.is_empty() { "none".to_owned() } else { all.join(between) }
}

fn runtime(process: &Inspected) -> String {
    let because = match process.runtime.because.is_empty() {
        true => String::new(),
        false => format!(" ({})", process.runtime.because.join("; ")),
    };
    match &process.runtime.seems {
        _ if process.kernel_thread => "none: it is a thread of the kernel".to_owned(),
        Some(name) => format!("seems {name}{because}"),
        None => "no trace of one that is known here".to_owned(),
    }
}

/// Namespaces of its own, and those that are the caller's.
fn namespace_rows(process: &Inspected) -> Vec<(&'static str, String)> {
    let of = |wanted: Option<bool>| {
        let kinds = NamespaceKind::ALL
            .into_iter()
            .filter(|kind| process.shared_with_caller.get(kind).copied().flatten() == wanted);
        let one = |kind: NamespaceKind| match process.namespaces.get(&kind).copied().flatten() {
            Some(id) => format!("{} {id}", kind.name()),
            None => kind.name().to_owned(),
        };
        kinds.map(one).collect::<Vec<String>>()
    };
    [("own namespaces", Some(false)), ("the caller's", Some(true)), ("unknown whose", None)]
        .into_iter()
        .map(|(label, wanted)| (label, of(wanted)))
        .filter(|(label, list)| !list.is_empty() || *label == "own namespaces")
        .map(|(label, list)| (label, listed(list.into_iter(), ", ")))
        .collect()
}

/// Hierarchies with the same group stand together.
fn groups(groups: &[Membership]) -> String {
    let mut found: Vec<(String, &str)> = Vec::new();
    for group in groups {
        let names = match (group.controllers.is_empty(), &group.name) {
            (false, _) => group.controllers.join(" "),
            (true, Some(name)) => name.clone(),
            (true, None) => group.version.name().to_owned(),
        };
        match found.iter_mut().find(|(_, path)| *path == group.path) {
            Some((all, _)) => {
                all.push(' ');
                all.push_str(&names);
            }
            None => found.push((names, &group.path)),
        }
    }
    listed(found.into_iter().map(|(names, path)| format!("{path} ({names})")), ", ")
}

fn ids(ids: Ids) -> String {
    let Ids { real, effective, saved, filesystem } = ids;
    if [effective, saved, filesystem].iter().all(|id| *id == real) {
        return real.to_string();
    }
    format!("{effective} (real {real}, saved {saved}, of the file system {filesystem})")
}

fn mappings(map: &[IdMapping]) -> String {
    let one = |it: &IdMapping| {
        let last = |first: u32| u64::from(first) + u64::from(it.count.saturating_sub(1));
        match (it.inside == it.outside, it.count) {
            (true, u32::MAX) => "every ID is the same outside".to_owned(),
            (_, 1) => format!("{} is {} outside", it.inside, it.outside),
            _ => format!(
                "{}-{} are {}-{} outside",
                it.inside,
                last(it.inside),
                it.outside,
                last(it.outside)
            ),
        }
    };
    listed(map.iter().map(one), ", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::InterfaceVersion;

    #[test]
    fn maps_and_groups_are_told_in_words() {
        let map = |inside, outside, count| IdMapping { inside, outside, count };
        assert_eq!(mappings(&[map(0, 0, u32::MAX)]), "every ID is the same outside");
        let two = [map(0, 1000, 1), map(1, 100_000, 65_536)];
        assert_eq!(mappings(&two), "0 is 1000 outside, 1-65536 are 100000-165535 outside");
        assert_eq!(mappings(&[]), "none");
        let group = |version, controllers: &[&str], path: &str| Membership {
            version,
            controllers: controllers.iter().map(|&it| it.to_owned()).collect(),
            name: None,
            path: path.to_owned(),
        };
        let all = [
            group(InterfaceVersion::V1, &["cpu", "cpuacct"], "/a"),
            group(InterfaceVersion::V1, &["pids"], "/b"),
            group(InterfaceVersion::V2, &[], "/a"),
        ];
        assert_eq!(groups(&all), "/a (cpu cpuacct v2), /b (pids)");
    }
}
