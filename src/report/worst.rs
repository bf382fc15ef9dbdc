//! What leaks, worst first: one line for each case that is worth it, with what the victim lost as a bar, and below it why and what
//! would contain it.

use unicode_width::UnicodeWidthStr;

use super::advice::{Advice, Basis, advice};
use super::bar::{bar, lost_share};
use super::escape::{escaped, shortened};
use super::findings::{Finding, Group, findings};
use super::names::case_name;
use super::style::Tone;
use super::unmet::{skipped_line, unmet_line, unmet_of};
use super::words::{NOTHING, cell_words};
use super::wrap::wrapped;
use crate::glossary::spelled;
use crate::record::{Case, Report};
use crate::scenario::Limits;

/// Below this many columns there is no room for a bar beside the words.
const BAR_FROM: usize = 60;

/// Characters of a bar.
const BAR: usize = 10;

/// The longest name of a case that is shown whole.
const NAME: usize = 40;

/// All findings in lines of at most `width` columns, an empty line after each group; empty when there is nothing to say. Marked.
pub(super) fn marked_worst(report: &Report, width: usize) -> String {
    let all = findings(report);
    let mut text = String::new();
    for group in Group::ALL {
        let of_group: Vec<&Finding<'_>> = all.iter().filter(|it| it.group == group).collect();
        if of_group.is_empty() {
            continue;
        }
        text.push_str(&Tone::Strong.paint(&wrapped(group.title(), width, 2)));
        text.push('\n');
        text.push_str(&lines(report, &of_group, width));
        text.push('\n');
    }
    let elsewhere = not_expected_here(report, width);
    if !elsewhere.is_empty() {
        text.push_str(&elsewhere);
        text.push('\n');
    }
    text
}

fn lines(report: &Report, group: &[&Finding<'_>], width: usize) -> String {
    let name = |finding: &Finding<'_>| {
        let name = case_name(finding.scenario, finding.case);
        shortened(&format!("{}/{name}", finding.scenario.name), NAME.min(width.saturating_sub(4)))
    };
    let names: Vec<String> = group.iter().map(|finding| name(finding)).collect();
    let words: Vec<String> = group.iter().map(|finding| felt(finding.case)).collect();
    let widest = |all: &[String]| all.iter().map(|it| it.width()).max().unwrap_or(0);
    let (name_width, word_width) = (widest(&names), widest(&words));
    let mut text = String::new();
    for ((finding, name), words) in group.iter().zip(&names).zip(&words) {
        let tone = tone_of(finding);
        let share = lost_share(finding.case).filter(|_| finding.case.verdict.leaks());
        let head = match share {
            Some(share)
                if width >= BAR_FROM && 2 + name_width + 2 + word_width + 2 + BAR + 12 <= width =>
            {
                format!(
                    "  {}  {}  {} {}",
                    padded(name, name_width),
                    tone.paint(&padded(words, word_width)),
                    tone.paint(&bar(share, BAR)),
                    percent(share),
                )
            }
            _ if 2 + name_width + 2 + words.width() <= width => {
                format!("  {}  {}", padded(name, name_width), tone.paint(words))
            }
            _ => format!("  {name}\n    {}", tone.paint(words)),
        };
        text.push_str(head.trim_end());
        text.push('\n');
        text.push_str(&more(report, finding, width));
    }
    text
}

/// What stands below the line of a finding.
fn more(report: &Report, finding: &Finding<'_>, width: usize) -> String {
    let case = finding.case;
    let mut said: Vec<(String, Tone)> = Vec::new();
    match finding.group {
        Group::Unmet => said
            .extend(unmet_of(case).map(|it| (unmet_line(finding.scenario, case, it), Tone::Bad))),
        Group::Open => {}
        Group::Leak | Group::Untrusted | Group::Unclear | Group::Skipped => {
            said.push((case.reason.clone(), Tone::Plain));
        }
    }
    if matches!(finding.group, Group::Unmet | Group::Leak)
        && let Some(advice) = advice(report, case)
    {
        said.push((advice_line(&advice), Tone::Plain));
    }
    said.into_iter()
        .map(|(line, tone)| {
            let line = wrapped(&format!("    {}", escaped(&line)), width, 2);
            tone.paint(&line) + "\n"
        })
        .collect()
}

/// What would contain it, in one sentence.
pub(super) fn advice_line(advice: &Advice) -> String {
    let limits = settings(&advice.limits, &advice.victim_limits);
    let what = if limits.is_empty() { String::new() } else { format!("{limits}: ") };
    match &advice.basis {
        Basis::Shown { scenario, config } => {
            format!("to contain it: {what}{} ({scenario}/{config})", advice.why)
        }
        Basis::Rule if limits.is_empty() => format!("to contain it: {}", advice.why),
        Basis::Rule => format!("to contain it: {what}{} (a rule, not tried here)", advice.why),
    }
}

/// `pids: 64 (pids.max = 64)`, each limit once.
fn settings(attacker: &Limits, victim: &Limits) -> String {
    let of = |limits: &Limits, whose: &str| -> Vec<String> {
        spelled(limits).iter().map(|it| format!("{whose}{} ({})", it.scenario, it.v2)).collect()
    };
    let mut all = of(attacker, "");
    all.extend(of(victim, "the victim's "));
    all.join(", ")
}

/// What the victim felt of it on the attacker's own resource, or the verdict where no cell says more.
fn felt(case: &Case) -> String {
    let (words, _) = cell_words(case, case.resource);
    let word = case.verdict.name();
    match words.strip_prefix(word) {
        Some(_) => words,
        None if words == NOTHING => word.to_owned(),
        None => format!("{word}, {words}"),
    }
}

fn tone_of(finding: &Finding<'_>) -> Tone {
    match finding.group {
        Group::Open => Tone::Dim,
        Group::Unmet => Tone::Bad,
        _ => Tone::of(finding.case.verdict),
    }
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// `100 % lost`.
fn percent(share: f64) -> String {
    format!("{:>3.0} % lost", share * 100.0)
}

/// Expectations that do not count on this machine, each in a line of its own.
fn not_expected_here(report: &Report, width: usize) -> String {
    let cases = report.scenarios.iter().flat_map(|scenario| &scenario.cases);
    cases
        .flat_map(|case| case.expectations.iter().filter_map(|it| skipped_line(case, it)))
        .map(|line| Tone::Dim.paint(&wrapped(&escaped(&line), width, 2)) + "\n")
        .collect()
}
