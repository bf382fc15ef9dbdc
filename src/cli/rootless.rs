//! Commands that change the machine, where their caller is not root: in a user namespace of their own.

use std::ffi::OsString;

use super::args::{Command, RunArgs};
use super::{CommandError, run};
use crate::engine::EngineError;
use crate::host::{self, Facts, Roots};
use crate::rootless;

/// Executes this program anew where the command needs it and everything for it is there. Returns where it goes on here: as root, inside
/// already, for commands that need nothing, and where something is missing, of which the command tells.
///
/// # Errors
/// The kernel refused what seemed possible.
pub fn enter(command: &Command, arguments: &[OsString]) -> Result<(), CommandError> {
    if !wants_sandboxes(command) {
        return Ok(());
    }
    let facts = Facts::read(&Roots::default());
    let outside = facts.without_root() && facts.own_namespace.is_none();
    if !outside || host::requirements(&facts).iter().any(|it| it.required && !it.met) {
        return Ok(());
    }
    rootless::enter(arguments, &facts)
        .map_err(|error| CommandError::Engine(EngineError::Unable(error.to_string())))
}

/// `clean` needs no namespace: of the processes in namespaces that it has made, a user may end every one (user_namespaces(7)).
fn wants_sandboxes(command: &Command) -> bool {
    match command {
        Command::Run(args) | Command::Ablate(args) => !args.dry_run && runs_here(args),
        Command::Doctor(_) => true,
        _ => false,
    }
}

/// Guests need no root, and whoever may use KVM may no longer in a user namespace. Errors are for the command to tell.
fn runs_here(args: &RunArgs) -> bool {
    run::load_for(args).is_ok_and(|scenarios| {
        scenarios.iter().flat_map(|it| &it.configs).any(|config| config.vm().is_none())
    })
}
