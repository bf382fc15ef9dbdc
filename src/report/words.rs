//! The short words of a table's cells, each with its tone.

use super::escape::shortened;
use super::felt::{felt, felt_via};
use super::style::Tone;
use crate::record::{
    Case, Ceiling, CeilingLevel, Cell, Expected, Verdict, below_floor_us, failure_sum, slowdown,
};
use crate::scenario::{Control, Resource, is_judged};

/// Nothing was measured.
pub(super) const NOTHING: &str = "–";

/// The longest text of one line in a cell, in characters.
pub(super) const LONGEST: usize = 28;

/// The worst cell of a resource: the worst verdict, and of equals the greatest slowdown; what can never be judged comes last.
pub(super) fn worst_cell(case: &Case, resource: Resource) -> Option<&Cell> {
    let rank = |cell: &Cell| {
        let severity = cell.verdict.map_or(0, |verdict| 1 + u32::from(verdict.severity()));
        (severity, is_judged(&cell.probe), felt(cell).unwrap_or(0.0))
    };
    case.cells.iter().filter(|cell| cell.resource == resource).max_by(|one, other| {
        rank(one).partial_cmp(&rank(other)).unwrap_or(std::cmp::Ordering::Equal)
    })
}

/// The worst cell of a resource, in a few words.
pub(super) fn cell_words(case: &Case, resource: Resource) -> (String, Tone) {
    let Some(cell) = worst_cell(case, resource) else { return (NOTHING.into(), Tone::Dim) };
    let tone = cell.verdict.map_or(Tone::Dim, Tone::of);
    (words(cell), toned(case, tone))
}

/// One cell in a few words.
pub(super) fn words(cell: &Cell) -> String {
    let Some(verdict) = cell.verdict else {
        return match (felt(cell), felt_via(cell)) {
            _ if cell.faster => "faster".into(),
            (Some(by), None) => times(by),
            (Some(by), Some(via)) => format!("{} via {via}", times(by)),
            (None, _) => NOTHING.into(),
        };
    };
    if verdict == Verdict::Denied {
        return denied(cell);
    }
    let mut text = verdict.name().to_owned();
    if let Some(via) = cell.via {
        let by = slowdown(cell).map_or_else(String::new, |by| format!(" {}", times(by)));
        text.push_str(&format!("{by} via {via}"));
    } else if cell.faster && verdict == Verdict::Contained {
        text.push_str(", faster");
    } else if let Some(microseconds) = below_floor_us(cell) {
        // A ratio beyond the tolerance beside the word `contained` would only puzzle.
        text.push_str(&format!(" +{microseconds:.0} µs"));
    } else if let Some(by) = slowdown(cell) {
        text.push_str(&format!(" {}", times(by)));
    }
    text
}

fn denied(cell: &Cell) -> String {
    let most = cell.failures.iter().max_by_key(|&(_, &count)| count);
    match most {
        None => "denied: no answer".into(),
        Some((errno, _)) => {
            let failed = u128::from(failure_sum(&cell.failures));
            let percent = failed * 100 / u128::from(cell.attempts).max(failed).max(1);
            let share = if percent == 0 { "<1".into() } else { percent.to_string() };
            format!("denied {share}% {}", shortened(errno, 12))
        }
    }
}

/// `×1.02`, `×2.1`, `×894`, `×∞`.
pub(super) fn times(by: f64) -> String {
    match by {
        by if !by.is_finite() => "×∞".into(),
        by if by < 1.995 => format!("×{by:.2}"),
        by if by < 9.95 => format!("×{by:.1}"),
        by if by < 99_999.5 => format!("×{by:.0}"),
        _ => "×>99999".into(),
    }
}

/// The verdict of a case.
pub(super) fn verdict_words(case: &Case) -> (String, Tone) {
    (case.verdict.name().into(), toned(case, Tone::of(case.verdict)))
}

/// Controls stay in the background, unless the sham shows that nothing can be trusted.
fn toned(case: &Case, tone: Tone) -> Tone {
    match (case.control, tone) {
        (Some(Control::Sham), Tone::Bad) => Tone::Bad,
        (Some(_), _) => Tone::Dim,
        (None, tone) => tone,
    }
}

/// The ceiling of the own resource, and any other that was passed.
pub(super) fn ceiling_words(case: &Case) -> (String, Tone) {
    let own = case.ceiling.iter();
    let passed =
        case.ceilings.iter().filter(|other| !other.kept && Some(*other) != case.ceiling.as_ref());
    let lines: Vec<String> = own.chain(passed).map(ceiling_lines).collect();
    let tone = match case.ceilings.iter().chain(&case.ceiling).all(|ceiling| ceiling.kept) {
        true => Tone::Plain,
        false => Tone::Bad,
    };
    match lines.is_empty() {
        true => (NOTHING.into(), Tone::Dim),
        false => (lines.join("\n"), tone),
    }
}

/// Whether the limits of a case held, in a word.
pub(super) fn short_ceiling(case: &Case) -> String {
    let all = || case.ceilings.iter().chain(&case.ceiling);
    match (all().count(), all().all(|ceiling| ceiling.kept)) {
        (0, _) => Tone::Dim.paint(NOTHING),
        (_, true) => "held".to_owned(),
        (_, false) => Tone::Bad.paint("passed"),
    }
}

/// How a limit fared: `64/64 held`, and what the kernel counted below it.
pub(super) fn ceiling_lines(ceiling: &Ceiling) -> String {
    if !ceiling.is_amount() {
        let state = if ceiling.kept { "in force" } else { "changed" };
        let limit = short_number(ceiling.limit);
        return match ceiling.is_cpuset() {
            true => format!("{limit} CPU{}\n{state}", if ceiling.limit == 1 { "" } else { "s" }),
            false => format!("{} {limit}\n{state}", ceiling.knob),
        };
    }
    // Microseconds in each tenth of a second are hundredths of a thousandth of a CPU.
    let amount = |value: u64| match ceiling.resource {
        _ if ceiling.is_quota() => format!("{}m", (value + 50) / 100),
        Resource::Memory => short_bytes(value),
        _ => short_number(value),
    };
    let peak = ceiling.peak.map_or_else(|| "?".into(), amount);
    let held = match (ceiling.kept, ceiling.level) {
        (false, _) => "passed",
        (true, CeilingLevel::Sandbox) => "held",
        (true, CeilingLevel::Pod) => "held (pod)",
        (true, CeilingLevel::Node) => "node full",
        (true, CeilingLevel::Inferred) => "held (inferred)",
    };
    let mut text = format!("{peak}/{} {held}", amount(ceiling.limit));
    if let Some(count) = ceiling.count.filter(|&count| count > 0) {
        let what = match (ceiling.is_quota(), ceiling.counts_kills()) {
            _ if ceiling.is_link_rate() => "waited",
            (true, _) => "throttled",
            (_, true) => "killed",
            _ => "refused",
        };
        text.push_str(&format!("\n{} {what}", short_number(count)));
    }
    text
}

/// The CPU time that the attacker got beside its victim, as Kubernetes writes CPUs: `503m`.
pub(super) fn received_words(case: &Case) -> (String, Tone) {
    match case.attack_cpu.filter(|share| share.is_finite()) {
        None => (NOTHING.into(), Tone::Dim),
        Some(share) => (format!("{:.0}m CPU", share.max(0.0) * 1e3), toned(case, Tone::Plain)),
    }
}

/// `512`, `12k`, `64M`: three figures at most, rounded down.
fn short_number(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{}k", number / 1_000),
        10_000_000..10_000_000_000 => format!("{}M", number / 1_000_000),
        _ => format!("{}G", number / 1_000_000_000),
    }
}

/// `512`, `64Mi`, `12Gi`: four figures at most, rounded down, in the units that scenarios are written in.
fn short_bytes(bytes: u64) -> String {
    match bytes {
        0..0x2800 => bytes.to_string(),
        0x2800..0xA0_0000 => format!("{}Ki", bytes >> 10),
        0xA0_0000..0x2_8000_0000 => format!("{}Mi", bytes >> 20),
        _ => format!("{}Gi", bytes >> 30),
    }
}

/// What the file expected, one line of at most `longest` characters each; marked.
pub(super) fn expected_words(case: &Case, longest: usize) -> String {
    if case.expectations.is_empty() {
        return NOTHING.into();
    }
    let lines: Vec<String> =
        case.expectations.iter().map(|it| expectation_line(case, it, longest)).collect();
    lines.join("\n")
}

fn expectation_line(case: &Case, it: &Expected, longest: usize) -> String {
    let (sign, tone) = match it.met {
        Some(true) => ("✓", Tone::Good),
        Some(false) => ("✗", Tone::Bad),
        None => ("–", Tone::Dim),
    };
    tone.paint(&shortened(&format!("{sign} {}", expected_of(case, it)), longest))
}

/// `contained`, or `cpu degraded` where it is not about the own resource.
pub(super) fn expected_of(case: &Case, it: &Expected) -> String {
    if it.target == case.resource.name() {
        it.expected.clone()
    } else {
        format!("{} {}", it.target, it.expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_short() {
        for (by, text) in [(1.0, "×1.00"), (2.104, "×2.1"), (12.3, "×12"), (f64::INFINITY, "×∞")]
        {
            assert_eq!(times(by), text);
        }
        for (number, text) in [(64, "64"), (12_345, "12k"), (67_108_864, "67M")] {
            assert_eq!(short_number(number), text);
        }
    }
}
