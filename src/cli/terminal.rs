//! The only writer to stdout and stderr. A reader that went away is no error: output then ends quietly.

use std::ffi::OsString;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write};

use super::args::ColorChoice;

/// Width of tables on a terminal that does not say, in columns: what fits everywhere.
const TERMINAL_WIDTH: u16 = 80;

/// Below this many columns nothing is laid out: lines are folded by the terminal.
const NARROWEST: u16 = 40;

/// Width of tables in files and pipes, in columns.
const FILE_WIDTH: u16 = 120;

/// Writing to stdout failed, for another reason than a reader that went away.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to stdout: {0} (is the disk full?)")]
pub struct TerminalError(#[from] io::Error);

/// Which streams are terminals and which get colour.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Whether stdout gets colour.
    pub stdout_color: bool,
    /// Whether stderr gets colour.
    pub stderr_color: bool,
    /// Whether stdout is a terminal.
    pub stdout_tty: bool,
    /// Whether stderr is a terminal: only then is there a progress bar.
    pub stderr_tty: bool,
}

impl Terminal {
    /// Looks at the two streams, `NO_COLOR` (<https://no-color.org>) and `TERM`.
    #[must_use]
    pub fn new(choice: ColorChoice) -> Self {
        let (stdout_tty, stderr_tty) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let refused = set("NO_COLOR") || std::env::var_os("TERM") == Some(OsString::from("dumb"));
        let color = |tty| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => tty && !refused,
        };
        Self {
            stdout_color: color(stdout_tty),
            stderr_color: color(stderr_tty),
            stdout_tty,
            stderr_tty,
        }
    }

    /// Columns that a table may take: `COLUMNS` where set, else those of the terminal, or 80 where it does not say, and 120 elsewhere;
    /// never below 40.
    #[must_use]
    pub fn width(&self) -> u16 {
        let set = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let columns = set.filter(|&columns| columns > 0).unwrap_or_else(|| match self.stdout_tty {
            true => terminal_size::terminal_size_of(io::stdout())
                .map_or(TERMINAL_WIDTH, |(width, _)| width.0),
            false => FILE_WIDTH,
        });
        columns.max(NARROWEST)
    }

    /// Writes a result to stdout and flushes it; adds the newline at its end if there is none.
    ///
    /// # Errors
    /// [`TerminalError`], but not for a reader that went away.
    pub fn result(&self, text: &str) -> Result<(), TerminalError> {
        let mut stdout = io::stdout().lock();
        forgive_broken_pipe(write_text(&mut stdout, text))?;
        Ok(())
    }

    /// Writes an error and its help to stderr: `error: …`, and `help: …` below it.
    pub fn error(&self, error: &dyn Display, help: Option<&str>) {
        let mut text = format!("{} {error}", self.label("error:", "31"));
        if let Some(help) = help {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{} {help}", self.label("help:", "36"));
        }
        diagnostic(&text);
    }

    /// Writes a warning to stderr.
    pub fn warning(&self, message: &str) {
        diagnostic(&format!("{} {message}", self.label("warning:", "33")));
    }

    /// Writes a line of progress to stderr.
    pub fn note(&self, message: &str) {
        diagnostic(message);
    }

    fn label(self, word: &str, color: &str) -> String {
        if self.stderr_color { format!("\x1b[1;{color}m{word}\x1b[0m") } else { word.to_owned() }
    }
}

/// Writes to stderr. When even that fails there is nobody left to tell.
pub(super) fn diagnostic(text: &str) {
    let _ = write_text(&mut io::stderr().lock(), text);
}

fn write_text(stream: &mut impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stream.write_all(b"\n")?;
    }
    stream.flush()
}

fn forgive_broken_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
