//! The one binary: sandbox stage, attacker, victim and watcher behind hidden roles, else the command line.

use std::ffi::OsStr;
use std::process::ExitCode;

use contain_test::cli;

fn main() -> ExitCode {
    // Roles come before the argument parser: a sandbox's first process must not depend on it, nor show up in its help.
    let first = std::env::args_os().nth(1);
    match first.as_deref().and_then(OsStr::to_str) {
        // WIRE: each role gets its entry point here and returns its exit code.
        Some("__stage" | "__attacker" | "__victim" | "__watcher") => {
            ExitCode::from(cli::exit_code::HARNESS_ERROR)
        }
        _ => cli::main(std::env::args_os()),
    }
}
