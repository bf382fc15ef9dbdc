//! In what a case was run otherwise than before. Limits are no part of it: what other limits do is what one wants to know.

use crate::record::{Case, SetupChange};

use super::matched::Pair;

/// A field by its name, and how it reads in a case.
type Field = (&'static str, fn(&Case) -> String);

/// Every field that differs; empty when one of the two records lacks the case.
pub(super) fn differences(pair: &Pair<'_>) -> Vec<SetupChange> {
    let (Some(old), Some(new)) = (pair.old, pair.new) else { return Vec::new() };
    let fields: [Field; 11] = [
        ("command", |it| it.command.join(" ")),
        ("attacker", |it| it.attacker.clone()),
        ("kind", |it| it.kind.map_or_else(|| "the usual one".into(), |kind| kind.to_string())),
        ("intensity", |it| it.intensity.to_string()),
        ("threads", |it| it.threads.to_string()),
        ("burst", |it| {
            it.burst.map_or_else(
                || "none".into(),
                |burst| format!("{} of {} µs", burst.busy_us, burst.period_us),
            )
        }),
        ("options", |it| {
            let options = it.options.iter().map(|(key, value)| format!("{key} {value}"));
            options.collect::<Vec<_>>().join(", ")
        }),
        ("memory", |it| it.memory.map_or_else(|| "none".into(), |memory| memory.to_string())),
        ("resource", |it| it.resource.to_string()),
        ("placement", |it| format!("{:?}", it.placement).to_lowercase()),
        ("node", |it| it.node.to_string()),
    ];
    fields
        .into_iter()
        .map(|(what, of)| (what, of(old), of(new)))
        .filter(|(_, old, new)| old != new)
        .map(|(what, old, new)| SetupChange {
            record: pair.record,
            place: pair.place.clone(),
            what,
            old,
            new,
        })
        .collect()
}
