//! What changed, in sentences: worst first. Text from files is not yet escaped.

use crate::record::{
    CasePlace, CaseSeen, CeilingChange, CellChange, Change, Comparison, ExpectationChange,
    LimitMove, Verdict, VerdictChange,
};
use crate::report::words::{ceiling_lines, times};

/// One thing that changed, in one sentence.
pub(super) struct Line {
    pub change: Change,
    pub text: String,
}

/// Everything that changed, worst first, and with `verbose` each cell of which nothing can be said. Cells that are unchanged are in the table
/// alone.
pub(super) fn lines(it: &Comparison, verbose: bool) -> Vec<Line> {
    let name = Names::of(it);
    let mut lines: Vec<Line> = Vec::new();
    let mut add = |change, text| lines.push(Line { change, text });
    for change in &it.verdicts {
        add(change.change, name.verdict(change));
    }
    for change in &it.ceilings {
        add(change.change, name.ceiling(change));
    }
    for change in &it.expectations {
        add(change.change, name.expectation(change));
    }
    let told = |it: &&CellChange| match it.change {
        Change::Unchanged => false,
        Change::Undecided => verbose,
        Change::Worse | Change::Better => true,
    };
    for change in it.cells.iter().filter(told) {
        add(change.change, name.cell(change));
    }
    for change in &it.setups {
        let place = name.place(&change.place, change.record);
        add(
            Change::Undecided,
            format!("{place}: {} is {}, before {}", change.what, change.new, change.old),
        );
    }
    lines.sort_by_key(|line| line.change);
    lines
}

/// The line that says it all.
pub(super) fn summary(it: &Comparison) -> String {
    let cells =
        [Change::Worse, Change::Better, Change::Unchanged, Change::Undecided].map(|change| {
            let count = it.cells.iter().filter(|cell| cell.change == change).count();
            format!("{count} {}", change.name())
        });
    let mut parts = vec![format!("cells: {}", cells.join(", "))];
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    if !it.verdicts.is_empty() {
        parts.push(format!("{} verdict{} changed", it.verdicts.len(), plural(it.verdicts.len())));
    }
    for moved in [LimitMove::Raised, LimitMove::Lowered, LimitMove::Set, LimitMove::Removed] {
        let count = it.ceilings.iter().filter(|it| it.moved == moved).count();
        if count > 0 {
            parts.push(format!("{count} limit{} {}", plural(count), moved.name()));
        }
    }
    if !it.expectations.is_empty() {
        let count = it.expectations.len();
        parts.push(format!("{count} expectation{} changed", plural(count)));
    }
    let end = if it.regression { "worse than before" } else { "no regression" };
    format!("{}; {end}.", parts.join("; "))
}

/// What a cell of the table says of a record: the verdict, and how many times as long or which share failed.
pub(super) fn effect(it: &crate::record::CellEffect) -> String {
    let word = it.verdict.map_or("not judged", Verdict::name);
    let via = it.via.map_or_else(String::new, |via| format!(" via {via}"));
    if it.failed > 0.0 {
        return format!("{word} {}{via}", failed(it.failed));
    }
    match it.times {
        Some(by) => format!("{word} {}{via}", times(by)),
        None => format!("{word}{via}"),
    }
}

/// A share of operations; however small, it is not nothing.
fn failed(share: f64) -> String {
    format!("{:.0}% failed", (share * 100.0).max(1.0))
}

/// What the table says of a case in a record: its verdict, how much the victim felt of it, and how its limit fared.
pub(super) fn case_words(it: &CaseSeen) -> String {
    let mut text = it.verdict.name().to_owned();
    // A look that fails is no operation of the victim.
    let looks = matches!(it.verdict, Verdict::Hidden | Verdict::Visible | Verdict::Reachable);
    if let Some(felt) = it.effect.as_ref().filter(|_| !looks) {
        match felt.times {
            _ if felt.failed > 0.0 => text.push_str(&format!(" {}", failed(felt.failed))),
            Some(by) => text.push_str(&format!(" {}", times(by))),
            None => {}
        }
    }
    if let Some(ceiling) = &it.ceiling {
        text.push('\n');
        text.push_str(&ceiling_lines(ceiling));
    }
    text
}

/// How a change is marked in the table.
pub(super) const fn sign(change: Change) -> &'static str {
    match change {
        Change::Worse => "▲ worse",
        Change::Better => "▼ better",
        Change::Unchanged => "= unchanged",
        Change::Undecided => "? undecided",
    }
}

/// Says of which record a line speaks, where there are several.
struct Names {
    several_records: bool,
    several_machines: bool,
}

impl Names {
    fn of(it: &Comparison) -> Self {
        Self {
            several_records: it.records.len() > 2,
            several_machines: it.records.iter().any(|record| record.machines.len() > 1),
        }
    }

    fn place(&self, place: &CasePlace, record: usize) -> String {
        let mut text = format!("{}/{}", place.scenario, place.config);
        if self.several_machines {
            text.push_str(&format!(" on {}", place.machine));
        }
        if self.several_records {
            text.push_str(&format!(" (NEW {record})"));
        }
        text
    }

    fn verdict(&self, it: &VerdictChange) -> String {
        let place = self.place(&it.place, it.record);
        match (it.old, it.new) {
            (Some(old), Some(new)) => format!("{place}: {new}, before {old}"),
            (None, Some(new)) => format!("{place}: {new}; OLD does not have this case"),
            _ => format!("{place}: only OLD has this case"),
        }
    }

    fn ceiling(&self, it: &CeilingChange) -> String {
        let place = self.place(&it.place, it.record);
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".into());
        let mut parts = Vec::new();
        if it.moved != LimitMove::Same {
            parts.push(match it.moved {
                LimitMove::Set => format!("was set to {}", value(&it.new)),
                LimitMove::Removed => format!("of {} was removed", value(&it.old)),
                moved => {
                    format!("was {} from {} to {}", moved.name(), value(&it.old), value(&it.new))
                }
            });
        }
        match (it.kept_old, it.kept_new) {
            (Some(true), Some(false)) => parts.push("does not hold any more".into()),
            (Some(false), Some(true)) => parts.push("holds again".into()),
            _ => {}
        }
        if let (Some(old), Some(new)) = (it.level_old, it.level_new)
            && old != new
        {
            let word = |level| format!("{level:?}").to_lowercase();
            parts.push(format!("by the {} limit, before by the {} one", word(new), word(old)));
        }
        format!("{place}: the {}'s {} {}", it.whose, it.limit, parts.join(", "))
    }

    fn expectation(&self, it: &ExpectationChange) -> String {
        let place = self.place(&it.place, it.record);
        let said = |words: &Option<String>, met: Option<bool>| {
            let words = words.as_deref().unwrap_or("nothing");
            match met {
                Some(true) => format!("{words}, met"),
                Some(false) => format!("{words}, not met"),
                None => format!("{words}, not compared"),
            }
        };
        format!(
            "{place}: expects of {} {}; before {}",
            it.target,
            said(&it.new_expected, it.new_met),
            said(&it.old_expected, it.old_met)
        )
    }

    fn cell(&self, it: &CellChange) -> String {
        format!("{} {}: {}", self.place(&it.place, it.record), it.probe, it.why)
    }
}
