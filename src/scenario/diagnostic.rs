//! Errors of scenario files, shown where they stand: file, line, column, the source line and a caret.

use std::collections::HashSet;
use std::fmt;

use super::Position;

/// Longer source lines are cut to a window around the error, in characters.
const WINDOW: usize = 160;

/// More errors than this say nothing more about one file.
const MOST_SHOWN: usize = 100;

/// A stretch of one line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    /// Where it starts.
    pub position: Position,
    /// How many characters it covers; 0 speaks of the whole file.
    pub width: usize,
}

impl Spot {
    /// The whole file, for errors that stand nowhere in it.
    pub const FILE: Self = Self { position: Position { line: 1, column: 1 }, width: 0 };
}

/// An error before it meets the text of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub spot: Spot,
    pub message: String,
    pub help: Option<String>,
}

impl Problem {
    /// Adds advice; the last advice given wins.
    pub fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

/// The errors of one file while it is being read.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes an error and returns it, so that advice can be added.
    pub fn add(&mut self, spot: Spot, message: impl Into<String>) -> &mut Problem {
        self.0.push(Problem { spot, message: message.into(), help: None });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    /// The error noted last, for more specific advice.
    pub fn last(&mut self) -> Option<&mut Problem> {
        self.0.last_mut()
    }

    /// True when nothing was wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Joins the errors with their source. What several configs inherit is reported once.
    pub fn into_errors(mut self, file: &str, text: &str) -> ScenarioErrors {
        self.0.sort_by_key(|problem| problem.spot.position);
        let mut seen = HashSet::new();
        self.0.retain(|problem| seen.insert((problem.spot.position, problem.message.clone())));
        let hidden = self.0.len().saturating_sub(MOST_SHOWN);
        self.0.truncate(MOST_SHOWN);
        let lines = lines_of(text);
        let mut all: Vec<Diagnostic> =
            self.0.into_iter().map(|problem| Diagnostic::new(file, &lines, problem)).collect();
        if hidden > 0 {
            let problem = Problem {
                spot: Spot::FILE,
                message: format!("{hidden} more errors in this file are not shown"),
                help: None,
            };
            all.push(Diagnostic::new(file, &lines, problem));
        }
        ScenarioErrors(all)
    }
}

/// One error of a scenario file; its `Display` looks like a compiler's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as it was named by the user.
    pub file: String,
    /// Where the error stands, line and column from 1; 1:1 with a width of 0 speaks of the whole file.
    pub position: Position,
    /// The line of the file as it was read; of very long lines, a part around the error.
    pub source_line: String,
    /// How many characters of the source line the error covers; 0 speaks of the whole file.
    pub width: usize,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// How many characters were cut from the start of the source line.
    cut: usize,
}

impl Diagnostic {
    fn new(file: &str, lines: &[&str], problem: Problem) -> Self {
        let Position { line, column } = problem.spot.position;
        let line_text = usize::try_from(line)
            .ok()
            .and_then(|line| lines.get(line.checked_sub(1)?))
            .copied()
            .unwrap_or_default();
        let start = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
        let cut = if line_text.chars().nth(WINDOW).is_some() {
            start.saturating_sub(WINDOW / 4)
        } else {
            0
        };
        Self {
            file: file.to_owned(),
            position: problem.spot.position,
            source_line: line_text.chars().skip(cut).take(WINDOW).collect(),
            width: problem.spot.width,
            message: problem.message,
            help: problem.help,
            cut,
        }
    }

    /// An error of a whole file, which has no line to show.
    pub(super) fn of_file(file: &str, message: String, help: Option<String>) -> Self {
        Self::new(file, &[], Problem { spot: Spot::FILE, message, help })
    }

    /// The source line as it can be printed, and the line of carets below it.
    fn source(&self) -> (String, String) {
        let column = usize::try_from(self.position.column).unwrap_or(usize::MAX);
        let first = column.saturating_sub(1).saturating_sub(self.cut);
        let mut line = String::new();
        let mut carets = String::new();
        for (index, character) in self.source_line.chars().enumerate() {
            let shown = printable(character);
            let below = if index < first {
                ' '
            } else if index < first.saturating_add(self.width.max(1)) {
                '^'
            } else {
                line.push_str(&shown);
                continue;
            };
            carets.extend(std::iter::repeat_n(below, shown.chars().count()));
            line.push_str(&shown);
        }
        if !carets.ends_with('^') {
            carets.push('^');
        }
        (line, carets)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", escaped(&self.message))?;
        let file = escaped(&self.file);
        if self.width == 0 {
            write!(f, "  --> {file}")?;
        } else {
            let Position { line, column } = self.position;
            let gutter = line.to_string().len();
            let (source, carets) = self.source();
            writeln!(f, "{:gutter$}--> {file}:{line}:{column}", "")?;
            writeln!(f, "{:gutter$} |", "")?;
            writeln!(f, "{line} | {source}")?;
            write!(f, "{:gutter$} | {carets}", "")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {}", escaped(help))?;
        }
        Ok(())
    }
}

/// Every error of one or more scenario files: file by file, and in each file by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioErrors(pub Vec<Diagnostic>);

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ScenarioErrors {}

/// Splits where YAML ends a line; `str::lines` does not know a lone carriage return.
fn lines_of(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push(&rest[..end]);
        let long = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[end + long..];
    }
    lines.push(rest);
    lines
}

/// A character as it may reach a terminal: a file must not be able to move the cursor or turn the text around.
fn printable(character: char) -> String {
    match character {
        '\t' => "    ".to_owned(),
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => character.escape_unicode().to_string(),
        _ if character.is_control() => character.escape_unicode().to_string(),
        _ => character.to_string(),
    }
}

/// Makes a whole text printable.
pub(super) fn escaped(text: &str) -> String {
    text.chars().map(printable).collect()
}

/// A word of the file as messages quote it: printable and not longer than a line has room for.
pub(super) fn quoted(word: &str) -> String {
    let mut short: String = word.chars().take(40).collect();
    if short.len() < word.len() {
        short.push('…');
    }
    format!("`{}`", escaped(&short))
}

/// The legal word that was probably meant: at most one edit in three letters, capitals ignored.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    legal: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // The distance takes quadratic time, and no legal word is that long.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    legal
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= allowed && distance < candidate.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(text: &str, column: u64, width: usize) -> Diagnostic {
        let spot = Spot { position: Position { line: 1, column }, width };
        let mut problems = Problems::default();
        problems.add(spot, "wrong").help("write it right");
        problems.into_errors("a.yaml", text).0.remove(0)
    }

    #[test]
    fn looks_like_a_compilers_message() {
        assert_eq!(
            diagnostic("pid: 5\n", 1, 3).to_string(),
            "error: wrong\n --> a.yaml:1:1\n  |\n1 | pid: 5\n  | ^^^\nhelp: write it right"
        );
    }

    #[test]
    fn escapes_what_could_drive_a_terminal() {
        let shown = diagnostic("\u{1b}[2J\u{202e}x: 5", 7, 1).to_string();
        assert!(shown.contains("\\u{1b}[2J\\u{202e}x: 5"), "{shown}");
        assert!(shown.contains(&format!("| {}^\n", " ".repeat(18))), "{shown}");
    }

    #[test]
    fn cuts_long_lines_around_the_error() {
        let text = format!("{}wrong{}", "a".repeat(5000), "b".repeat(5000));
        let found = diagnostic(&text, 5001, 5);
        assert!(found.source_line.chars().count() <= WINDOW);
        let (line, carets) = found.source();
        let at = carets.find('^').unwrap();
        assert_eq!(&line[at..at + 5], "wrong");
    }

    #[test]
    fn counts_lines_as_yaml_does() {
        assert_eq!(lines_of("a\r\nb\rc\nd"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn suggests_only_what_is_near() {
        let legal = ["pids", "memory", "cpu"];
        assert_eq!(did_you_mean("pid", legal), Some("pids"));
        assert_eq!(did_you_mean("Memroy", legal), Some("memory"));
        assert_eq!(did_you_mean("banana", legal), None);
        assert_eq!(did_you_mean("x", ["a"]), None);
    }
}
