//! Colours. Text is marked with invisible characters of no width first, so that tables can be laid out, and the marks
//! become escape codes, or nothing, at the very end. Text from files cannot hold a mark: it is escaped.

use crate::record::Verdict;

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// No colour.
    Plain,
    /// As it should be: green.
    Good,
    /// A leak, an error or an unmet expectation: red.
    Bad,
    /// Not certain: yellow.
    Unclear,
    /// Controls and what nobody judged.
    Dim,
    /// Headings: bold.
    Strong,
}

const END: char = '\u{2060}';

impl Tone {
    const MARKED: [Self; 5] = [Self::Good, Self::Bad, Self::Unclear, Self::Dim, Self::Strong];

    /// The tone of a verdict.
    #[must_use]
    pub const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Contained | Verdict::Hidden => Self::Good,
            Verdict::Breached
            | Verdict::Visible
            | Verdict::Reachable
            | Verdict::Degraded
            | Verdict::Denied
            | Verdict::Lost
            | Verdict::Error => Self::Bad,
            Verdict::Inconclusive | Verdict::Vacuous | Verdict::Skipped => Self::Unclear,
            Verdict::Harmless => Self::Plain,
        }
    }

    const fn mark(self) -> Option<char> {
        match self {
            Self::Plain => None,
            Self::Good => Some('\u{2061}'),
            Self::Bad => Some('\u{2062}'),
            Self::Unclear => Some('\u{2063}'),
            Self::Dim => Some('\u{2064}'),
            Self::Strong => Some('\u{206a}'),
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "\u{1b}[32m",
            Self::Bad => "\u{1b}[31m",
            Self::Unclear => "\u{1b}[33m",
            Self::Dim => "\u{1b}[2m",
            Self::Strong => "\u{1b}[1m",
        }
    }

    /// The text with this tone's marks around each of its lines.
    pub(super) fn paint(self, text: &str) -> String {
        match self.mark() {
            None => text.to_owned(),
            Some(mark) => {
                let lines: Vec<String> =
                    text.split('\n').map(|line| format!("{mark}{line}{END}")).collect();
                lines.join("\n")
            }
        }
    }
}

/// Whether this is a mark of a tone, which takes no room.
pub(super) fn is_mark(character: char) -> bool {
    character == END || Tone::MARKED.into_iter().any(|tone| tone.mark() == Some(character))
}

/// Whether marks become colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With colours; without, no escape code is written.
    pub color: bool,
}

impl Style {
    /// The text with its marks turned into escape codes, or taken out.
    #[must_use]
    pub fn finish(self, text: &str) -> String {
        let mut done = String::with_capacity(text.len());
        for character in text.chars() {
            let code = match character {
                END => "\u{1b}[0m",
                other => match Tone::MARKED.into_iter().find(|tone| tone.mark() == Some(other)) {
                    Some(tone) => tone.code(),
                    None => {
                        done.push(other);
                        continue;
                    }
                },
            };
            if self.color {
                done.push_str(code);
            }
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_codes_or_nothing() {
        let text = Tone::Bad.paint("one\ntwo");
        assert_eq!(Style { color: false }.finish(&text), "one\ntwo");
        let colored = Style { color: true }.finish(&text);
        assert_eq!(colored, "\u{1b}[31mone\u{1b}[0m\n\u{1b}[31mtwo\u{1b}[0m");
    }
}
