//! The record for GitHub Actions: annotations as workflow commands, and Markdown for the summary of a step
//! (docs.github.com/actions/reference/workflows-and-actions/workflow-commands).

use super::escape::escaped;
use super::findings::{Finding, Group, findings};
use super::markdown;
use super::names::case_name;
use super::summary::spoilt;
use super::unmet::{because, is_inconclusive, unmet_message, unmet_of};
use crate::record::{Report, Verdict};

/// Of each kind GitHub shows about ten annotations of a step; the last one then says how many more there are.
const ANNOTATIONS: usize = 10;

/// What the summary of a step may hold, in bytes.
pub const STEP_SUMMARY_BYTES: usize = 1 << 20;

/// An annotation: its kind, where it belongs, and what it says.
struct Annotation {
    kind: Kind,
    /// File, line and column of the expectation.
    place: Option<(String, u64, u64)>,
    title: String,
    message: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Warning,
    Notice,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Notice];

    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// One workflow command a line: errors for unmet expectations and failures of the harness, warnings for what could not be shown,
/// a notice for what was skipped and one with the summary.
#[must_use]
pub fn render_github(report: &Report) -> String {
    let all = annotations(report);
    let mut text = String::new();
    for kind in Kind::ALL {
        let of_kind: Vec<&Annotation> = all.iter().filter(|it| it.kind == kind).collect();
        let shown = if of_kind.len() > ANNOTATIONS { ANNOTATIONS - 1 } else { of_kind.len() };
        for annotation in &of_kind[..shown] {
            text.push_str(&command(annotation));
        }
        if shown < of_kind.len() {
            text.push_str(&command(&rest(kind, &of_kind[shown..])));
        }
    }
    text
}

fn annotations(report: &Report) -> Vec<Annotation> {
    let found = findings(report);
    let mut all: Vec<Annotation> = found.iter().flat_map(of_finding).collect();
    for why in spoilt(report) {
        let kind = if report.cleanup.complete { Kind::Warning } else { Kind::Error };
        let message = match report.cleanup.failures.join("; ") {
            none if none.is_empty() => why.to_owned(),
            failures => format!("{why}: {failures}"),
        };
        all.push(plain(kind, "contain-test", message));
    }
    let warnings = report.warnings.iter().cloned();
    all.extend(warnings.map(|warning| plain(Kind::Warning, "contain-test", warning)));
    let summary = super::summary::render_summary(report, super::style::Style { color: false });
    all.push(plain(Kind::Notice, "contain-test", summary.trim_end().to_owned()));
    all
}

fn of_finding(finding: &Finding<'_>) -> Vec<Annotation> {
    let (scenario, case) = (finding.scenario, finding.case);
    let title = format!("{}/{}", scenario.name, case_name(scenario, case));
    match finding.group {
        Group::Unmet => unmet_of(case)
            .map(|it| Annotation {
                kind: if is_inconclusive(it) { Kind::Warning } else { Kind::Error },
                place: Some((scenario.file.clone(), it.line, it.column)),
                title: title.clone(),
                message: format!("{}{}", unmet_message(case, it), because(case, it)),
            })
            .collect(),
        // That the sham leaks is told of the run as a whole.
        Group::Untrusted if case.verdict == Verdict::Error => {
            vec![plain(Kind::Error, &title, format!("error: {}", case.reason))]
        }
        Group::Skipped => vec![plain(Kind::Notice, &title, format!("skipped: {}", case.reason))],
        Group::Unclear => {
            vec![plain(Kind::Notice, &title, format!("{}: {}", case.verdict, case.reason))]
        }
        Group::Untrusted | Group::Leak | Group::Open => Vec::new(),
    }
}

fn plain(kind: Kind, title: &str, message: String) -> Annotation {
    Annotation { kind, place: None, title: title.to_owned(), message }
}

/// One annotation that stands for many.
fn rest(kind: Kind, left: &[&Annotation]) -> Annotation {
    let names: Vec<&str> = left.iter().map(|it| it.title.as_str()).collect();
    let message = format!("and {} more: {}", left.len(), names.join(", "));
    Annotation { kind, place: None, title: "contain-test".into(), message }
}

fn command(it: &Annotation) -> String {
    let mut properties = Vec::new();
    if let Some((file, line, column)) = &it.place {
        properties.push(format!("file={}", property(file)));
        properties.push(format!("line={line}"));
        properties.push(format!("col={column}"));
    }
    properties.push(format!("title={}", property(&it.title)));
    format!("::{} {}::{}\n", it.kind.word(), properties.join(","), data(&it.message))
}

/// The message: what would end the line or begin an escape is escaped, as the runner undoes it. Control characters are written out
/// before, so that a log cannot be steered.
fn data(text: &str) -> String {
    escaped(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, which must not end itself either.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Markdown for the summary of a step, at most `most` bytes: whole scenarios, and a note where some are left out.
#[must_use]
pub fn render_step_summary(report: &Report, most: usize) -> String {
    let mut text = markdown::head(report);
    let note = |left: usize| {
        format!(
            "{left} of {} scenarios are left out here: GitHub takes no more than 1 MiB for the summary of a step. The record and the exports have all of them.\n",
            report.scenarios.len()
        )
    };
    let room = note(report.scenarios.len()).len();
    for (index, scenario) in report.scenarios.iter().enumerate() {
        let section = markdown::section(report, scenario);
        let last = index + 1 == report.scenarios.len();
        let needed = text.len() + section.len() + if last { 0 } else { room };
        if needed > most {
            text.push_str(&note(report.scenarios.len() - index));
            break;
        }
        text.push_str(&section);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_ends_a_command_or_a_property() {
        assert_eq!(data("100% a\nb"), "100%25 a\\nb");
        assert_eq!(property("a:b,c%"), "a%3Ab%2Cc%25");
        let annotation = Annotation {
            kind: Kind::Error,
            place: Some(("x,line=1::y.yaml".into(), 3, 5)),
            title: "a::b".into(),
            message: "::stop\n::error::z".into(),
        };
        let line = command(&annotation);
        assert_eq!(line.lines().count(), 1);
        assert_eq!(
            line,
            "::error file=x%2Cline=1%3A%3Ay.yaml,line=3,col=5,title=a%3A%3Ab::::stop\\n::error::z\n"
        );
    }
}
