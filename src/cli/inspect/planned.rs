//! The sandboxes of scenarios as they would be. Cases that differ in nothing but their limits stand together.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::super::args::FactsFormat;
use super::super::{CommandError, table, to_json};
use crate::engine::{PlannedSandbox, RUN_ID, planned_sandboxes};
use crate::record::{INSPECTION_SCHEMA, INSPECTION_VERSION, Tool};
use crate::report::escaped;
use crate::scenario::{NamespaceKind, Role, Scenario, Sharing};

/// The JSON form of the answer.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    schema_version: u32,
    tool: Tool,
    /// Stands for the run's ID in paths.
    run_id: &'static str,
    sandboxes: Vec<PlannedSandbox>,
}

/// Plans the sandboxes of these scenarios, in the format that is asked for.
///
/// # Errors
/// [`CommandError`] where this machine's cgroups cannot be read.
pub fn text(
    scenarios: &[Scenario],
    format: FactsFormat,
    width: Option<usize>,
) -> Result<String, CommandError> {
    let sandboxes = planned_sandboxes(scenarios)?;
    match format {
        FactsFormat::Json => Ok(to_json(&Document {
            schema: INSPECTION_SCHEMA,
            schema_version: INSPECTION_VERSION,
            tool: Tool { name: "contain-test".into(), version: env!("CARGO_PKG_VERSION").into() },
            run_id: RUN_ID,
            sandboxes,
        })?),
        FactsFormat::Table => Ok(view(&sandboxes, width)),
    }
}

fn view(sandboxes: &[PlannedSandbox], width: Option<usize>) -> String {
    let width = width.and_then(|width| u16::try_from(width).ok());
    let mut text =
        format!("As planned, nothing was started. {RUN_ID} stands for the ID of a run.\n\n");
    let kinds = NamespaceKind::ALL.map(NamespaceKind::name);
    let header: Vec<&str> = ["SANDBOX"].into_iter().chain(kinds).chain(["LIMITS"]).collect();
    let rows: Vec<Vec<String>> = sandboxes.iter().map(row).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", table::render(&header, &rows, width));
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for sandbox in sandboxes {
        seen.entry(posture(sandbox)).or_default().push(place(sandbox));
    }
    for (posture, places) in seen {
        let _ = writeln!(text, "\n{}\n{posture}", places.join(", "));
    }
    text
}

fn place(sandbox: &PlannedSandbox) -> String {
    let place = format!("{}/{}/{}", sandbox.scenario, sandbox.config, sandbox.sandbox);
    let guest = if sandbox.guest.is_some() { " (in a guest)" } else { "" };
    format!("{}{guest}", escaped(&place))
}

fn row(sandbox: &PlannedSandbox) -> Vec<String> {
    let role = match sandbox.role {
        Role::Attacker => "attacker",
        Role::Victim => "victim",
        Role::Sidecar => "sidecar",
    };
    let role = if sandbox.sandbox == role { String::new() } else { format!(" ({role})") };
    let mut row = vec![format!("{}{role}", place(sandbox))];
    row.extend(NamespaceKind::ALL.map(|kind| {
        let host = sandbox.namespaces.get(&kind) == Some(&Sharing::Host);
        if host { "host" } else { "new" }.to_owned()
    }));
    let limits: Vec<String> =
        sandbox.limits.iter().map(|it| format!("{}={}", it.knob, it.value)).collect();
    let limits = if limits.is_empty() { "none".to_owned() } else { limits.join(", ") };
    row.push(escaped(&limits).into_owned());
    row
}

fn posture(sandbox: &PlannedSandbox) -> String {
    let listed = |list: &[String], between: &str| match list.is_empty() {
        true => "none".to_owned(),
        false => list.join(between),
    };
    let user = match sandbox.user {
        Some(user) => format!("{user} inside"),
        None => "one of its own, by the ID of the run".to_owned(),
    };
    let map = match sandbox.mapped_ids {
        Some(count) => format!("0-{} are as many IDs outside, by the ID of the run", count - 1),
        None => "that of the host".to_owned(),
    };
    let rlimits: Vec<String> =
        sandbox.rlimits.iter().map(|(name, value)| format!("{name} {value}:{value}")).collect();
    let seccomp = match sandbox.seccomp {
        "caller" => "as the caller",
        _ => "the default profile",
    };
    let capabilities = &sandbox.capabilities;
    let rows = [
        ("user", user),
        ("uid and gid map", map),
        ("effective caps", listed(&capabilities.effective, " ")),
        ("permitted caps", listed(&capabilities.permitted, " ")),
        ("bounding caps", listed(&capabilities.bounding, " ")),
        ("ambient caps", listed(&capabilities.ambient, " ")),
        ("seccomp", seccomp.to_owned()),
        ("no_new_privs", if sandbox.no_new_privs { "on" } else { "off" }.to_owned()),
        ("masked paths", listed(&sandbox.masked_paths, ", ")),
        ("read-only paths", listed(&sandbox.read_only_paths, ", ")),
        ("rlimits", format!("{}, others as the caller", listed(&rlimits, ", "))),
    ];
    rows.map(|(label, value)| format!("  {label:<18}{}", escaped(&value))).join("\n")
}
