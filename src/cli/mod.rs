//! The command line: arguments, one file per command, exit codes, terminal, progress.
//!
//! Only this room writes to stdout and stderr and decides the exit code; nothing calls `exit`.

mod ablate;
pub mod args;
mod check;
mod ci;
mod clean;
mod compare;
mod completions;
mod doctor;
mod dry_run;
mod events;
pub mod exit_code;
mod explain;
pub mod export;
mod help;
mod inspect;
mod list;
mod man;
mod output;
mod panic;
mod progress;
mod report;
mod rootless;
mod run;
mod schema;
mod table;
mod terminal;
mod tolerance;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use args::{Cli, ColorChoice, Command};
use terminal::{Terminal, TerminalError};

const EXPORT_HELP: &str =
    "nothing was run; give a path in a folder that exists and that this user may write";

/// Why a command could not do its work; each variant has one exit code.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Scenario(#[from] crate::scenario::ScenarioErrors),
    #[error("{message}")]
    Usage { message: String, help: String },
    #[error(transparent)]
    Record(#[from] report::RecordError),
    #[error(transparent)]
    Export(#[from] export::ExportError),
    #[error(transparent)]
    Find(#[from] crate::scenario::FindError),
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
    #[error(transparent)]
    Inspect(#[from] crate::host::InspectError),
    #[error(transparent)]
    Terminal(#[from] TerminalError),
    #[error("cannot write as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl CommandError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Scenario(_)
            | Self::Find(_)
            | Self::Export(_)
            | Self::Record(_)
            | Self::Inspect(_)
            | Self::Usage { .. } => exit_code::USAGE,
            Self::Engine(crate::engine::EngineError::Unable(_)) => exit_code::CANNOT_RUN,
            Self::Engine(_) | Self::Terminal(_) | Self::Json(_) => exit_code::HARNESS_ERROR,
        }
    }
}

/// Parses the arguments (the program's name first), runs the command, and says how it went. A panic on the way is
/// caught and becomes [`exit_code::HARNESS_ERROR`].
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    ExitCode::from(panic::guard(|| dispatch(&args)))
}

fn dispatch(args: &[OsString]) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(args, &error),
    };
    let terminal = Terminal::new(cli.color);
    let entered = rootless::enter(&cli.command, args);
    let result = match &cli.command {
        _ if entered.is_err() => entered.map(|()| exit_code::CANNOT_RUN),
        Command::Run(args) if args.dry_run => dry_run::dry_run(args, &terminal),
        Command::Run(args) => run::run(args, &terminal),
        Command::Ablate(args) => ablate::run(args, &terminal),
        Command::Check(args) => check::run(args, &terminal),
        Command::Report(args) => report::run(args, &terminal),
        Command::Compare(args) => compare::run(args, &terminal),
        Command::List(args) => list::run(args, &terminal),
        Command::Explain(args) => explain::run(args, &terminal),
        Command::Schema(args) => schema::run(args, &terminal),
        Command::Doctor(args) => doctor::run(args, &terminal),
        Command::Inspect(args) => inspect::run(args, &terminal),
        Command::Clean(args) => clean::run(args, &terminal),
        Command::Completions(args) => completions::run(args, &terminal),
        Command::Man(args) => man::run(args, &terminal),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            match &error {
                // These bring their own labels, one for each error of each file.
                CommandError::Scenario(errors) => terminal.note(&errors.to_string()),
                CommandError::Export(_) => terminal.error(&error, Some(EXPORT_HELP)),
                CommandError::Record(record) => terminal.error(&error, Some(&record.help())),
                CommandError::Inspect(inspect) => terminal.error(&error, Some(inspect.help())),
                CommandError::Usage { help, .. } => terminal.error(&error, Some(help)),
                _ => terminal.error(&error, None),
            }
            error.exit_code()
        }
    }
}

/// Help and version go to stdout and are no errors; the rest goes to stderr.
fn usage(args: &[OsString], error: &clap::Error) -> u8 {
    let terminal = Terminal::new(color_asked_for(args));
    if error.use_stderr() {
        let text = styled(error, terminal.stderr_color);
        terminal.note(&text);
        return exit_code::USAGE;
    }
    match terminal.result(&styled(error, terminal.stdout_color)) {
        Ok(()) => exit_code::OK,
        Err(_) => exit_code::HARNESS_ERROR,
    }
}

fn styled(error: &clap::Error, color: bool) -> String {
    let text = error.render();
    if color { text.ansi().to_string() } else { text.to_string() }
}

/// The parser gave no value of `--color`, so the arguments are looked through for it.
fn color_asked_for(args: &[OsString]) -> ColorChoice {
    let mut words = args.iter().filter_map(|arg| arg.to_str());
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--color") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => continue,
        };
        match value {
            Some("always") => return ColorChoice::Always,
            Some("never") => return ColorChoice::Never,
            _ => {}
        }
    }
    ColorChoice::Auto
}

fn to_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_parser_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn color_is_found_in_arguments_that_do_not_parse() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(color_asked_for(&words("x --color never --help")), ColorChoice::Never);
        assert_eq!(color_asked_for(&words("x nonsense --color=always")), ColorChoice::Always);
        assert_eq!(color_asked_for(&words("x --colors=always")), ColorChoice::Auto);
    }
}
