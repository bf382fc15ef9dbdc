//! A look around: the victim and the watcher plant, the attacker looks, and what it found becomes cells.

use std::time::Duration;

use contain_test_workloads::protocol::{Look, Order, Planted, Reply};

use super::EngineError;
use super::conversation::require;
use super::scene::Scene;
use super::surroundings::Surroundings;
use crate::analyze::{Tried, judge_sight};
use crate::cgroup::Group;
use crate::record::{Case, Cell};
use crate::sandbox::Sandbox;

/// Some of its attempts wait for an answer that never comes.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// Has the attacker look for what the others have planted. The host's part was planted at set-up; what the victim planted is returned.
///
/// # Errors
/// [`EngineError::Signal`]; somebody did not answer, or could not plant anything.
pub fn look(
    scene: &mut Scene,
    case: &mut Case,
    around: &mut Surroundings<'_>,
) -> Result<Planted, EngineError> {
    let order = Order::Plant { token: around.directory.run_id.clone() };
    let planted = match require(&mut scene.victim, around.signals, &order, ANSWER_LIMIT)? {
        Reply::Planted(planted) => *planted,
        other => return Err(EngineError::Failed(format!("the victim answered {other:?}"))),
    };
    let neighbour = Planted {
        pid: as_seen_by(&scene.attacker, &scene.victim),
        groups: directories(&scene.victim.group),
        ..planted
    };
    let host = Planted {
        pid: scene.watcher.pid(),
        groups: directories(&scene.node.group),
        ..scene.planted.clone().unwrap_or_default()
    };
    tell_missing(case, [("neighbour", &neighbour), ("host", &host)]);
    let order = Order::Look(Box::new(Look { neighbour: neighbour.clone(), host }));
    match require(&mut scene.attacker, around.signals, &order, ANSWER_LIMIT)? {
        Reply::Looked { sightings } => {
            let cells = sightings.iter().filter_map(|sighting| {
                let tried: Vec<Tried<'_>> = sighting
                    .attempts
                    .iter()
                    .map(|it| Tried {
                        what: &it.what,
                        reach: it.reach,
                        failure: it.failure.as_deref(),
                    })
                    .collect();
                judge_sight(&sighting.probe, &tried)
            });
            case.cells = cells.collect::<Vec<Cell>>();
            // In the order of the report's rows.
            case.cells.sort_by_key(|cell| cell.resource);
            Ok(neighbour)
        }
        other => Err(EngineError::Failed(format!("the attacker answered {other:?}"))),
    }
}

/// The ID of a sandbox's first process as another sandbox would see it: that in a PID namespace that both are in, else that on the host.
fn as_seen_by(who: &Sandbox, whom: &Sandbox) -> i32 {
    let namespace = |of: &Sandbox| std::fs::read_link(format!("/proc/{}/ns/pid", of.pid)).ok();
    let host = whom.pid.as_raw();
    if namespace(who).is_none() || namespace(who) != namespace(whom) {
        return host;
    }
    // From the outermost namespace to its own (proc_pid_status(5)).
    let status = std::fs::read_to_string(format!("/proc/{}/status", whom.pid)).unwrap_or_default();
    let all = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    all.and_then(|all| all.split_whitespace().last()?.parse().ok()).unwrap_or(host)
}

/// What could not be planted was not looked for: the record says so, among the steps, beside what was.
fn tell_missing(case: &mut Case, sides: [(&str, &Planted); 2]) {
    for (side, planted) in sides {
        for (what, why) in &planted.missing {
            case.steps.push(format!("{side}: {what} could not be planted: {why}"));
        }
    }
}

fn directories(group: &Group) -> Vec<std::path::PathBuf> {
    group.directories().collect()
}
