//! Judging an old record again, without measuring: other tolerances, another seed, a newer version of the rules.

use std::collections::BTreeMap;

use thiserror::Error;

use super::case::CaseContext;
use super::cell::{judge_cells, rules_of};
use super::expect::{judge_expectations, named_targets};
use super::open::apply_open;
use super::sham::judge_among;
use super::sight::sights;
use crate::record::{Case, Cell, Expected, Report, Verdict};
use crate::scenario::{
    Control, Expectation, ExpectedWord, FactName, MachineFacts, Position, Resource, Target,
    Tolerances,
};

/// Why a record cannot be judged again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AgainError {
    /// The cells are there and what they were judged from is not.
    #[error(
        "case `{config}` of `{scenario}` has cells but no blocks, so there is nothing to judge it from"
    )]
    NoBlocks {
        /// The scenario's name, escaped.
        scenario: String,
        /// The config's name, escaped.
        config: String,
    },
    /// An expectation that this version does not understand.
    #[error(
        "case `{config}` of `{scenario}` expects `{expected}` of `{target}`, which this version does not know"
    )]
    Expectation {
        /// The scenario's name, escaped.
        scenario: String,
        /// The config's name, escaped.
        config: String,
        /// What it speaks of, escaped.
        target: String,
        /// The words, escaped.
        expected: String,
    },
}

/// Judges every case of a record again, from its blocks, ceilings and facts, and stores the seed that was used.
///
/// Cases that were skipped or failed, and what was found besides the blocks (an escape, a lost machine), stay as they
/// are. Each cell keeps the tolerance that it was judged by, unless `given` has another. With the record's own seed and
/// nothing given, a record of this version does not change.
///
/// # Errors
/// [`AgainError`]; the record is then left half judged and of no use.
pub fn judge_again(report: &mut Report, given: &Tolerances, seed: u64) -> Result<(), AgainError> {
    report.seed = seed;
    for scenario in &mut report.scenarios {
        for index in 0..scenario.cases.len() {
            // Open cases come before those that are compared with them.
            let (before, rest) = scenario.cases.split_at_mut(index);
            if let Some(case) = rest.first_mut() {
                judge_one(&scenario.name, before, case, given, seed)?;
            }
        }
    }
    Ok(())
}

fn judge_one(
    scenario: &str,
    before: &[Case],
    case: &mut Case,
    given: &Tolerances,
    seed: u64,
) -> Result<(), AgainError> {
    if matches!(case.verdict, Verdict::Skipped | Verdict::Error) {
        return Ok(());
    }
    let seen = sights(case);
    if case.blocks.is_empty() && seen.len() < case.cells.len() {
        return Err(AgainError::NoBlocks {
            scenario: scenario.escape_debug().to_string(),
            config: case.config.escape_debug().to_string(),
        });
    }
    let wanted = expectations_of(scenario, case)?;
    let named = named_targets(&wanted.values().cloned().collect::<Vec<_>>());
    let tolerances = tolerances_of(case, given);
    case.cells = judge_cells(&case.blocks, &rules_of(case, &named, &tolerances, seed));
    case.cells.extend(seen);
    judge_among(case, before, CaseContext { lost: case.verdict == Verdict::Lost });
    if case.control.is_none() {
        let open = open_of(case, before).cloned();
        apply_open(case, open.as_ref());
    }
    let stored = std::mem::take(&mut case.expectations);
    let mut compared = Vec::with_capacity(stored.len());
    for (index, old) in stored.into_iter().enumerate() {
        match wanted.get(&index) {
            // A condition that did not hold where it was measured does not hold anywhere else.
            Some(_) if old.skipped.is_some() => compared.push(old),
            Some(expectation) => {
                judge_expectations(case, std::slice::from_ref(expectation), &[], &NO_MACHINE);
                compared.append(&mut case.expectations);
            }
            // Facts were measured once, and no rule changes them.
            None => compared.push(old),
        }
    }
    case.expectations = compared;
    Ok(())
}

/// Conditions are taken from the record, so no machine is asked.
const NO_MACHINE: MachineFacts<'static> =
    MachineFacts { cgroup: None, kernel: "", arch: "", emulated: false };

/// The tolerance of every probe of a case: what is given now, else what its cell was judged by.
fn tolerances_of(case: &Case, given: &Tolerances) -> Tolerances {
    let of_cell = |cell: &Cell| {
        let operation = cell.probe.split_once('/').map_or("", |(_, operation)| operation);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share from a record; out of range it saturates"
        )]
        let stored = (cell.tolerance * 100.0).round() as u16;
        let percent = given.percent_of(cell.resource, operation).unwrap_or(stored);
        ((cell.resource, Some(operation.to_owned())), percent)
    };
    Tolerances(case.cells.iter().map(of_cell).collect())
}

/// The expectations of verdicts, by their index in the record: what is left are assertions on facts.
fn expectations_of(
    scenario: &str,
    case: &Case,
) -> Result<BTreeMap<usize, Expectation>, AgainError> {
    let mut found = BTreeMap::new();
    for (index, expected) in case.expectations.iter().enumerate() {
        if FactName::ALL.iter().any(|fact| fact.name() == expected.target) {
            continue;
        }
        let expectation = parsed(expected).ok_or_else(|| AgainError::Expectation {
            scenario: scenario.escape_debug().to_string(),
            config: case.config.escape_debug().to_string(),
            target: expected.target.escape_debug().to_string(),
            expected: expected.expected.escape_debug().to_string(),
        })?;
        found.insert(index, expectation);
    }
    Ok(found)
}

/// An expectation as it stood in the file, from how the record writes it down.
fn parsed(expected: &Expected) -> Option<Expectation> {
    let (resource, operation) = match expected.target.split_once('/') {
        Some((resource, operation)) => (resource, Some(operation.to_owned())),
        None => (expected.target.as_str(), None),
    };
    let resource = Resource::every().find(|known| known.name() == resource)?;
    let word = |word: &str| ExpectedWord::ALL.into_iter().find(|known| known.name() == word);
    Some(Expectation {
        target: Target::Named(resource, operation),
        any_of: expected.expected.split('|').map(word).collect::<Option<_>>()?,
        position: Position { line: expected.line, column: expected.column },
        when: None,
    })
}

/// The open case that a case is compared with: the same attack on the same ground; where several are, the one whose
/// sandboxes differ in the attacker's limits at most, else the first.
fn open_of<'a>(case: &Case, before: &'a [Case]) -> Option<&'a Case> {
    let same = |open: &&Case| {
        open.control == Some(Control::Open)
            && (&open.attacker, open.intensity, &open.command)
                == (&case.attacker, case.intensity, &case.command)
            && (open.kind, &open.options) == (case.kind, &case.options)
            && open.memory == case.memory
            && (open.node, open.placement) == (case.node, case.placement)
            && (&open.machine, &open.runtime) == (&case.machine, &case.runtime)
    };
    let candidates: Vec<&Case> = before.iter().filter(same).collect();
    candidates.iter().find(|open| alike(open, case)).or(candidates.first()).copied()
}

/// The record keeps no namespaces, but the steps that made them.
fn alike(open: &Case, case: &Case) -> bool {
    open.victim_limits == case.victim_limits
        && steps_without_limits(open).eq(steps_without_limits(case))
}

fn steps_without_limits(case: &Case) -> impl Iterator<Item = &str> {
    let limit = |step: &str| {
        step.contains(": set RLIMIT_NOFILE = ")
            || (step.contains(": set ")
                && !step.contains(": inside: ")
                && !step.starts_with("machine: "))
            // Records of earlier builds.
            || step.contains(": pin to CPUs ")
    };
    case.steps.iter().map(String::as_str).filter(move |step| !limit(step))
}
