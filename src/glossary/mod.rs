//! What the words mean: one entry for every workload, probe, resource, limit, verdict, fact and word, and how kernel, Docker
//! and Kubernetes spell a limit. `explain` prints it, and views of a record take their explanations from it.

mod bomb;
mod descriptors;
mod disk;
mod entries;
mod limits;
mod logs;
mod network;
mod random;
mod sights;
mod spelling;

use serde::Serialize;

pub use entries::ENTRIES;
pub use spelling::{Spelled, spelled};

/// What kind of thing a name stands for; one name may stand for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What an attacker runs.
    Workload,
    /// What a victim measures.
    Probe,
    /// What everything on one kernel shares.
    Resource,
    /// What a look around looks for.
    Sight,
    /// A key of `limits`.
    Limit,
    /// A word for what was found.
    Verdict,
    /// What `assert` speaks of.
    Fact,
    /// Any other word of the tool.
    Word,
}

impl Kind {
    /// The word shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Probe => "probe",
            Self::Resource => "resource",
            Self::Sight => "sight",
            Self::Limit => "limit",
            Self::Verdict => "verdict",
            Self::Fact => "fact",
            Self::Word => "word",
        }
    }
}

/// The label under which a resource says what its leak means for the neighbour.
pub const LEAK: &str = "when it leaks";

/// The label under which a resource says what contains it.
pub const CONTAINED_BY: &str = "contained by";

/// One explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The name explained.
    pub name: &'static str,
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it means.
    pub meaning: &'static str,
    /// More, each with a label.
    pub details: &'static [Detail],
}

impl Entry {
    /// The text of the detail with that label.
    #[must_use]
    pub fn detail(&self, label: &str) -> Option<&'static str> {
        self.details.iter().find(|detail| detail.label == label).map(|detail| detail.text)
    }
}

/// The entry of that kind and name.
#[must_use]
pub fn entry(kind: Kind, name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.kind == kind && entry.name == name)
}

/// What a word of that kind means; empty for a word that nobody explains.
#[must_use]
pub fn meaning(kind: Kind, name: &str) -> &'static str {
    entry(kind, name).map_or("", |entry| entry.meaning)
}

/// A labelled part of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Such as `cgroup v2`.
    pub label: &'static str,
    /// Such as `pids.max`.
    pub text: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::{resource_of_probe, tolerance_of};
    use crate::cgroup::{Version, settings};
    use crate::record::Verdict;
    use crate::scenario::{ExpectedWord, FactName, LIMIT_KEYS, Limits, PROBES, Resource, Workload};

    #[test]
    fn every_resource_says_what_a_leak_of_it_means_and_what_contains_it() {
        for resource in Resource::ALL {
            let entry = entry(Kind::Resource, resource.name()).expect("an entry");
            assert!(entry.detail(LEAK).is_some_and(|text| !text.is_empty()), "{resource}");
            assert!(entry.detail(CONTAINED_BY).is_some_and(|text| !text.is_empty()), "{resource}");
        }
    }

    fn of(kind: Kind, name: &str) -> &'static Entry {
        let found: Vec<&Entry> =
            ENTRIES.iter().filter(|it| (it.kind, it.name) == (kind, name)).collect();
        assert_eq!(found.len(), 1, "{kind:?} {name}");
        found[0]
    }

    fn text(entry: &Entry, label: &str) -> &'static str {
        entry.details.iter().find(|it| it.label == label).expect(label).text
    }

    fn count(kind: Kind) -> usize {
        ENTRIES.iter().filter(|it| it.kind == kind).count()
    }

    #[test]
    fn every_name_has_one_entry_and_there_are_no_others() {
        for workload in Workload::ALL {
            let own = text(of(Kind::Workload, workload.name()), "own resource");
            assert!(own.starts_with(workload.resource().map_or("none", Resource::name)));
            text(of(Kind::Workload, workload.name()), "operation");
            text(of(Kind::Workload, workload.name()), "dose");
        }
        for probe in PROBES {
            let resource = text(of(Kind::Probe, probe), "resource");
            assert_eq!(Some(resource), resource_of_probe(probe).map(Resource::name));
        }
        for resource in Resource::ALL {
            let tolerance = format!("tolerance {:.0} %", tolerance_of(resource) * 100.0);
            assert!(of(Kind::Resource, resource.name()).meaning.contains(&tolerance));
        }
        for key in LIMIT_KEYS {
            for label in ["cgroup v1", "cgroup v2", "Kubernetes", "Docker"] {
                text(of(Kind::Limit, key), label);
            }
        }
        for fact in FactName::ALL {
            of(Kind::Fact, fact.name());
        }
        assert_eq!(count(Kind::Workload), Workload::ALL.len());
        assert_eq!(count(Kind::Probe), PROBES.len());
        assert_eq!(count(Kind::Resource), Resource::ALL.len());
        for seen in Resource::SEEN {
            of(Kind::Sight, seen.name());
        }
        assert_eq!(count(Kind::Sight), Resource::SEEN.len());
        assert_eq!(count(Kind::Limit), LIMIT_KEYS.len());
        assert_eq!(count(Kind::Fact), FactName::ALL.len());
    }

    #[test]
    fn every_verdict_and_every_word_of_expect_is_explained() {
        use Verdict::{
            Breached, Contained, Degraded, Denied, Error, Harmless, Hidden, Inconclusive, Lost,
            Reachable, Skipped, Vacuous, Visible,
        };
        let all = [
            Contained,
            Breached,
            Degraded,
            Denied,
            Lost,
            Harmless,
            Vacuous,
            Hidden,
            Visible,
            Reachable,
            Inconclusive,
            Skipped,
            Error,
        ];
        for verdict in all {
            of(Kind::Verdict, verdict.name());
        }
        assert_eq!(count(Kind::Verdict), all.len());
        for word in ExpectedWord::ALL {
            assert!(ENTRIES.iter().any(|it| it.name == word.name()), "{word:?}");
        }
    }

    #[test]
    fn the_kernel_files_are_those_that_are_written() {
        let base = Limits::default();
        let some = Some(1 << 20);
        for (key, limits) in [
            ("pids", Limits { pids: some, ..base.clone() }),
            ("cpu", Limits { cpu_millis: Some(500), ..base.clone() }),
            ("weight", Limits { weight: Some(50), ..base.clone() }),
            ("idle", Limits { idle: true, ..base.clone() }),
            ("memory", Limits { memory_bytes: some, ..base.clone() }),
            ("swap", Limits { memory_bytes: some, swap_bytes: some, ..base }),
        ] {
            for (version, label) in [(Version::V1, "cgroup v1"), (Version::V2, "cgroup v2")] {
                let shown = text(of(Kind::Limit, key), label);
                let files = settings(&limits, &|_| version);
                let written = match key {
                    "memory" => &files[..1],
                    "swap" => &files[1..],
                    _ => &files[..],
                };
                for setting in written {
                    assert!(shown.contains(&setting.file), "{key}: {shown}: {}", setting.file);
                }
            }
        }
    }
}
