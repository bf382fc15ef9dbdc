//! The record as GitHub Markdown, for comments on changes and for the summary of a job: the summary line, then one table for each
//! scenario with what needs an explanation.

use super::escape::escaped;
use super::grid::{columns, resources, several_attackers, shares_cpus};
use super::names::several_machines;
use super::style::{Style, Tone};
use super::summary::render_summary;
use super::table::machine_line;
use super::unmet::{skipped_line, unmet_line, unmet_of};
use super::words::{
    LONGEST, ceiling_words, cell_words, expected_words, received_words, verdict_words,
};
use crate::record::{Case, Report, ScenarioRecord, Verdict};
use crate::scenario::Control;

const PLAIN: Style = Style { color: false };

/// The summary line, then all scenarios of the record.
#[must_use]
pub fn render_markdown(report: &Report) -> String {
    let sections: Vec<String> =
        report.scenarios.iter().map(|scenario| section(report, scenario)).collect();
    format!("{}{}", head(report), sections.concat()).trim_end().to_owned() + "\n"
}

/// The summary line, and what could not be cleaned up.
pub(super) fn head(report: &Report) -> String {
    let mut text = inline(render_summary(report, PLAIN).trim_end());
    text.push_str("\n\n");
    let failures = report.cleanup.failures.iter();
    let warnings = report.warnings.iter().map(|warning| format!("warning: {warning}"));
    let told = failures.map(|failure| format!("not cleaned up: {failure}")).chain(warnings);
    text.push_str(&list(told));
    text
}

/// One scenario: its heading, its machines, its table, and what needs an explanation.
pub(super) fn section(report: &Report, scenario: &ScenarioRecord) -> String {
    // The summary shares the heading's line: at the start of a line its own text could begin a list or a quotation.
    let mut text = format!("## {}", inline(&scenario.name));
    if let Some(summary) = &scenario.summary {
        text.push_str(&format!(": {}", inline(summary)));
    }
    text.push_str("\n\n");
    for machine in &report.machines {
        if scenario.cases.iter().any(|case| case.machine == machine.id) {
            text.push_str(&format!("Machine {}\n\n", inline(machine_line(machine).trim_end())));
        }
    }
    if !scenario.cases.is_empty() {
        text.push_str(&table(scenario));
        text.push('\n');
    }
    text.push_str(&list(scenario.cases.iter().flat_map(|case| remarks(scenario, case))));
    text
}

/// Unmet expectations, the reasons of what came to no verdict, and what is not expected on this machine.
fn remarks(scenario: &ScenarioRecord, case: &Case) -> Vec<String> {
    let mut lines: Vec<String> = unmet_of(case).map(|it| unmet_line(scenario, case, it)).collect();
    let noisy = case.control == Some(Control::Sham) && case.verdict.leaks();
    let unsettled =
        matches!(case.verdict, Verdict::Inconclusive | Verdict::Skipped | Verdict::Error);
    if noisy || (unsettled && lines.is_empty()) {
        lines.push(format!("{}: {}: {}", case.config, case.verdict, case.reason));
    }
    lines.extend(case.expectations.iter().filter_map(|it| skipped_line(case, it)));
    lines
}

/// Resources as rows and configs as columns, like the table for terminals.
fn table(scenario: &ScenarioRecord) -> String {
    let cases = columns(scenario);
    let attackers = several_attackers(&cases);
    let machines = several_machines(&scenario.cases);
    let name = |case: &Case| {
        let mut name = escaped(&case.config).into_owned();
        for (more, shown) in [(&case.attacker, attackers), (&case.machine, machines)] {
            if shown {
                name.push_str(&format!("\n{}", escaped(more)));
            }
        }
        name
    };
    let mut text = row("", &cases, name);
    text.push_str(&format!("|{}\n", "---|".repeat(cases.len() + 1)));
    let words = |(words, _): (String, Tone)| words;
    for resource in resources(&cases) {
        text.push_str(&row(resource.name(), &cases, |case| words(cell_words(case, resource))));
    }
    if shares_cpus(&cases) {
        text.push_str(&row("received", &cases, |case| words(received_words(case))));
    }
    text.push_str(&row("ceiling", &cases, |case| words(ceiling_words(case))));
    text.push_str(&row("verdict", &cases, |case| words(verdict_words(case))));
    text.push_str(&row("expected", &cases, |case| expected_words(case, LONGEST)));
    text
}

/// Every line of a cell is text of its own: only the breaks between them become markup.
fn row(label: &str, cases: &[&Case], words: impl Fn(&Case) -> String) -> String {
    let mut text = format!("| {label} |");
    for case in cases {
        let words = PLAIN.finish(&words(case));
        let lines: Vec<String> = words.split('\n').map(inline).collect();
        text.push_str(&format!(" {} |", lines.join("<br>")));
    }
    text.push('\n');
    text
}

/// A list, and an empty line after it; nothing for no items.
fn list(items: impl Iterator<Item = String>) -> String {
    let mut text: String = items.map(|item| format!("- {}\n", inline(item.trim_end()))).collect();
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Text that shows as it is: it can neither end its cell or line, nor become markup, HTML, a link or a reference.
pub(super) fn inline(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for character in escaped(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' | '!' => {
                safe.push('\\');
                safe.push(character);
            }
            // An empty comment parts what would call a user by name.
            '@' => safe.push_str("@<!-- -->"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(inline("pids-64 ×1.02 ✓ contained"), "pids-64 ×1.02 ✓ contained");
        assert_eq!(inline("a|b`c`"), "a\\|b\\`c\\`");
        assert_eq!(inline("<script>&"), "&lt;script&gt;&amp;");
        assert_eq!(inline("x\n| y\r\u{1b}["), "x\\\\n\\| y\\\\r\\\\u{1b}\\[");
        assert_eq!(inline("![x](y) #12 @team $z$"), "\\!\\[x\\](y) \\#12 @<!-- -->team \\$z\\$");
    }
}
