//! What the file expects, against what was seen.

use crate::record::{Case, Expected, Verdict};
use crate::scenario::{
    Assertion, Control, Expectation, ExpectedWord, MachineFacts, Position, Resource, Target,
};

/// What is seen of a resource that no cell judged.
pub const NOT_JUDGED: &str = "not judged";

/// The resources and probes that expectations name, as [`judge_cells`](super::judge_cells) takes them.
#[must_use]
pub fn named_targets(expect: &[Expectation]) -> Vec<(Resource, Option<String>)> {
    expect
        .iter()
        .filter_map(|expectation| match &expectation.target {
            Target::Own => None,
            Target::Named(resource, probe) => Some((*resource, probe.clone())),
        })
        .collect()
}

/// Fills `case.expectations` with what the file expects of its verdicts and facts.
///
/// The own resource stands for the verdict of the case; another resource, or one probe, for the worst verdict of its
/// cells. `inconclusive` meets nothing. A skipped case leaves `seen` and `met` null, and so does a condition that does not
/// hold on the `machine`; then `skipped` says why.
pub fn judge_expectations(
    case: &mut Case,
    expect: &[Expectation],
    asserts: &[Assertion],
    machine: &MachineFacts<'_>,
) {
    let ran = case.verdict != Verdict::Skipped;
    let expected = expect.iter().map(|expectation| {
        let judged = judge(case, expectation);
        match expectation.when.as_ref().and_then(|when| when.unmet(machine)).filter(|_| ran) {
            Some(why) => Expected { seen: None, met: None, skipped: Some(why), ..judged },
            None => judged,
        }
    });
    let asserted = asserts.iter().map(|assertion| check(case, assertion));
    case.expectations = expected.chain(asserted).collect();
}

fn judge(case: &Case, expectation: &Expectation) -> Expected {
    let (target, seen) = match &expectation.target {
        Target::Own => (case.resource.name().to_owned(), Some(case.verdict)),
        Target::Named(resource, None) if *resource == case.resource => {
            (resource.name().to_owned(), Some(case.verdict))
        }
        Target::Named(resource, None) => (resource.name().to_owned(), worst(case, *resource, None)),
        Target::Named(resource, Some(probe)) => {
            let operation =
                probe.rsplit_once('/').map_or(probe.as_str(), |(_, operation)| operation);
            let name = format!("{resource}/{operation}");
            let seen = worst(case, *resource, Some(&name));
            (name, seen)
        }
    };
    let met =
        seen.is_some_and(|seen| expectation.any_of.iter().any(|word| meets(case, *word, seen)));
    let words: Vec<&str> = expectation.any_of.iter().map(|word| word.name()).collect();
    let seen = seen.map_or(NOT_JUDGED, Verdict::name);
    found(case, target, words.join("|"), Some(seen.to_owned()), met, expectation.position)
}

/// The worst verdict among the judged cells of a resource, or of one probe.
fn worst(case: &Case, resource: Resource, probe: Option<&str>) -> Option<Verdict> {
    case.cells
        .iter()
        .filter(|cell| cell.resource == resource && probe.is_none_or(|probe| cell.probe == probe))
        .filter_map(|cell| cell.verdict)
        .max_by_key(|verdict| verdict.severity())
}

fn meets(case: &Case, word: ExpectedWord, seen: Verdict) -> bool {
    match word {
        ExpectedWord::Leaks => seen.leaks(),
        ExpectedWord::Contained => seen == Verdict::Contained,
        ExpectedWord::Breached => seen == Verdict::Breached,
        ExpectedWord::Degraded => seen == Verdict::Degraded,
        ExpectedWord::Denied => seen == Verdict::Denied,
        ExpectedWord::Lost => seen == Verdict::Lost,
        ExpectedWord::Vacuous => seen == Verdict::Vacuous,
        ExpectedWord::Hidden => seen == Verdict::Hidden,
        ExpectedWord::Visible => seen == Verdict::Visible,
        ExpectedWord::Reachable => seen == Verdict::Reachable,
        // A cell knows no `harmless`: in an open case, a cell within tolerance says the same.
        ExpectedWord::Harmless => {
            seen == Verdict::Harmless
                || (seen == Verdict::Contained && case.control == Some(Control::Open))
        }
    }
}

fn check(case: &Case, assertion: &Assertion) -> Expected {
    let seen = case.facts.get(&assertion.fact);
    let met = seen.is_some_and(|seen| (*seen == assertion.value) == assertion.equals);
    let expected = match assertion.equals {
        true => assertion.value.to_string(),
        false => format!("not {}", assertion.value),
    };
    let target = assertion.fact.name().to_owned();
    found(case, target, expected, seen.map(ToString::to_string), met, assertion.position)
}

fn found(
    case: &Case,
    target: String,
    expected: String,
    seen: Option<String>,
    met: bool,
    position: Position,
) -> Expected {
    let ran = case.verdict != Verdict::Skipped;
    Expected {
        target,
        expected,
        seen: seen.filter(|_| ran),
        met: ran.then_some(met),
        skipped: None,
        line: position.line,
        column: position.column,
    }
}
