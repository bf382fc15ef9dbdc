//! `completions`: what a shell needs to complete the command line.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::terminal::Terminal;
use super::{CommandError, exit_code};

/// Prints the script. Always 0.
///
/// # Errors
/// [`CommandError`] when stdout cannot be written.
pub fn run(args: &CompletionsArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "contain-test", &mut script);
    terminal.result(&String::from_utf8_lossy(&script))?;
    Ok(exit_code::OK)
}
