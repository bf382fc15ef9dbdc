//! The one binary: init of a guest, sandbox stage, attacker, victim, pause process and watcher behind hidden roles, else the command
//! line.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use contain_test::{cli, guardian, guest, rootless, sandbox};
use contain_test_workloads as workloads;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if guest::is_init(&arguments) {
        return guest::run();
    }
    let argument = |index: usize| arguments.get(index).and_then(|it| it.to_str()).unwrap_or("");
    // Roles come before the argument parser: a sandbox's first process must not depend on it, nor show up in its help.
    let result = match arguments.get(1).map(OsStr::new).and_then(OsStr::to_str) {
        Some("__stage") => sandbox::run_stage(),
        // Its first argument is the run's ID, by which the janitor knows it.
        Some("__guardian") => guardian::run(argument(3)),
        Some("__attacker") => workloads::run_attacker(argument(2)),
        Some("__victim") => workloads::run_victim(argument(2)),
        Some("__pause") => workloads::run_pause(),
        Some(rootless::MAPPER) => rootless::map_ids(&arguments[2..]),
        Some(guest::HARNESS) => guest::run_harness(),
        // As with the guardian, the first argument is the run's ID.
        Some("__uplink") => workloads::uplink::run(argument(3)),
        // Its first argument is the run's ID, which sandboxes look for in command lines.
        Some("__watcher") => workloads::run_watcher(Path::new(argument(3))),
        _ => return cli::main(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(cli::exit_code::HARNESS_ERROR)
        }
    }
}
