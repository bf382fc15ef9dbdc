//! Who maps the IDs of a new user namespace: a child that stays in the old one, for only from there newuidmap(1) can do it.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::unistd::getppid;

/// The hidden role of the child.
pub const ROLE: &str = "__mapper";

/// A child that waits until its parent is in its new user namespace.
pub(super) struct Mapper {
    child: Child,
}

impl Mapper {
    /// Starts it, with the programs for user and group IDs and the lines of both maps.
    ///
    /// # Errors
    /// The child could not be started.
    pub fn start(programs: &[PathBuf; 2], maps: &[Vec<u32>; 2]) -> io::Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        command.arg0(env!("CARGO_PKG_NAME")).arg(ROLE).arg(std::process::id().to_string());
        for (program, map) in programs.iter().zip(maps) {
            command.arg(program).args(map.iter().map(u32::to_string));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(Self { child: command.spawn()? })
    }

    /// Lets it map the IDs, and waits for it.
    ///
    /// # Errors
    /// What it or the programs said.
    pub fn map(mut self) -> io::Result<()> {
        if let Some(mut go) = self.child.stdin.take() {
            go.write_all(b"g")?;
        }
        let output = self.child.wait_with_output()?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let said = String::from_utf8_lossy(&output.stderr);
                let said = said.trim().replace('\n', "; ");
                Err(io::Error::other(if said.is_empty() {
                    output.status.to_string()
                } else {
                    said
                }))
            }
        }
    }
}

/// Plays the role: `arguments` are the process to map, and for users and for groups a program and the six numbers of its map.
///
/// # Errors
/// What failed, for the parent to tell.
pub fn run(arguments: &[OsString]) -> Result<(), String> {
    let [process, maps @ ..] = arguments else { return Err("no process".to_owned()) };
    let mut go = [0];
    // The end of the pipe means that the parent is gone or gave up.
    if io::stdin().read_exact(&mut go).is_err() {
        return Ok(());
    }
    // Nobody else's maps: the parent's ID could be another's by now.
    if process.to_str() != Some(getppid().to_string().as_str()) {
        return Err("the parent is gone".to_owned());
    }
    for map in maps.chunks(7) {
        let [program, numbers @ ..] = map else { continue };
        let status = Command::new(program)
            .arg(process)
            .args(numbers)
            .status()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        if !status.success() {
            return Err(format!("{} ended with {status}", program.display()));
        }
    }
    Ok(())
}
