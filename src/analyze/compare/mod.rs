//! Records compared: per cell worse, better, unchanged or undecided, and what else changed. Pure, like the rest of the judge.

mod beside;
mod ceiling;
mod cell;
mod expectation;
mod machine;
mod matched;
mod metric;
mod setup;
mod verdict;

use crate::record::{
    COMPARISON_SCHEMA, COMPARISON_VERSION, Change, Compared, Comparison, Report, Tool, Unlike,
};
use matched::matched;

/// A record and the name of its file.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file as given.
    pub file: &'a str,
    /// What it holds.
    pub report: &'a Report,
}

/// In what the machines of the later records differ from those of the first: measurements of unlike machines say nothing about a
/// change. Where each record has one machine these are compared, else those with one ID; one that only one record has differs in nothing.
#[must_use]
pub fn unlike(records: &[Source<'_>]) -> Vec<Unlike> {
    let Some((old, later)) = records.split_first() else { return Vec::new() };
    later
        .iter()
        .enumerate()
        .flat_map(|(index, new)| machine::differences(index + 1, old.report, new.report))
        .collect()
}

/// The later records beside the first, cell by cell. The intervals are fixed by the seed.
#[must_use]
pub fn compare(records: &[Source<'_>], tool: &Tool, seed: u64) -> Comparison {
    let mut comparison = Comparison {
        schema: COMPARISON_SCHEMA,
        schema_version: COMPARISON_VERSION,
        tool: tool.clone(),
        seed,
        records: records.iter().map(compared).collect(),
        unlike: unlike(records),
        cases: Vec::new(),
        cells: Vec::new(),
        verdicts: Vec::new(),
        ceilings: Vec::new(),
        expectations: Vec::new(),
        setups: Vec::new(),
        regression: false,
    };
    let Some((old, later)) = records.split_first() else { return comparison };
    for (index, new) in later.iter().enumerate() {
        for pair in matched(index + 1, old.report, new.report) {
            let setups = setup::differences(&pair);
            comparison.cells.extend(cell::changes(&pair, &setups, seed));
            comparison.setups.extend(setups);
            comparison.verdicts.extend(verdict::change(&pair));
            comparison.ceilings.extend(ceiling::changes(&pair));
            comparison.expectations.extend(expectation::changes(&pair));
        }
    }
    comparison.cases = beside::cases(records, &comparison);
    comparison.regression = is_regression(&comparison);
    comparison
}

fn compared(source: &Source<'_>) -> Compared {
    Compared {
        file: source.file.to_owned(),
        tool: source.report.tool.clone(),
        run_id: source.report.run_id.clone(),
        started_unix_ms: source.report.started_unix_ms,
        machines: source.report.machines.iter().map(Into::into).collect(),
    }
}

fn is_regression(it: &Comparison) -> bool {
    let cells = it.cells.iter().map(|it| it.change);
    let verdicts = it.verdicts.iter().map(|it| it.change);
    let ceilings = it.ceilings.iter().map(|it| it.change);
    let expectations = it.expectations.iter().map(|it| it.change);
    cells.chain(verdicts).chain(ceilings).chain(expectations).any(|it| it == Change::Worse)
}
