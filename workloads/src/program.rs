//! A program that is not ours, and becoming it.
//!
//! Its standard input, output and error are `/dev/null`, for those of the process that becomes it belong to the protocol.

use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::fs::OpenOptions;

use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, execve};

use crate::raw;

/// Where a program without a slash in its name is looked for.
pub const SEARCHED: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// What the program finds in its environment.
const ENVIRONMENT: [&CStr; 3] = [
    c"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    c"HOME=/tmp",
    c"LANG=C.UTF-8",
];

/// A program and its arguments.
#[derive(Debug)]
pub struct Program {
    /// The places of the program, the first of which that exists is executed.
    places: Vec<CString>,
    arguments: Vec<CString>,
}

impl Program {
    /// The program of a command, whose first word names it.
    ///
    /// # Errors
    /// A sentence for people where there is no word, or one holds a NUL.
    pub fn new(command: &[String]) -> Result<Self, String> {
        let Some(program) = command.first() else {
            return Err("the order names no program".to_owned());
        };
        let text = |text: &str| {
            CString::new(text).map_err(|_| format!("{text:?} holds a NUL, which no argument can"))
        };
        let places = if program.contains('/') {
            vec![text(program)?]
        } else {
            let at = |folder: &str| text(&format!("{folder}/{program}"));
            SEARCHED.into_iter().map(at).collect::<Result<_, _>>()?
        };
        let arguments = command.iter().map(|word| text(word)).collect::<Result<_, _>>()?;
        Ok(Self { places, arguments })
    }

    /// Becomes the program. Where it cannot, the process ends as shells say it: with 127 for a program that is not there, with 126 for one
    /// that cannot be executed.
    pub fn become_it(&self) -> ! {
        match self.execute() {
            Ok(never) => match never {},
            Err(Errno::ENOENT) => raw::exit_now(127),
            Err(_) => raw::exit_now(126),
        }
    }

    fn execute(&self) -> Result<Infallible, Errno> {
        let null = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        // What this process had blocked for itself, the program would find blocked.
        SigSet::all().thread_unblock()?;
        let mut last = Errno::ENOENT;
        for place in &self.places {
            match execve(place, &self.arguments, &ENVIRONMENT) {
                Err(Errno::ENOENT) => {}
                Err(errno) => last = errno,
                Ok(never) => return Ok(never),
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &[&str]) -> Result<Program, String> {
        Program::new(&command.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_is_looked_for_and_a_path_is_taken_as_it_is() {
        let named = of(&["sh", "-c", "x"]).unwrap();
        assert_eq!(named.places.len(), SEARCHED.len());
        assert_eq!(named.places[5].as_c_str(), c"/bin/sh");
        assert_eq!(named.arguments.len(), 3);
        assert_eq!(of(&["./x"]).unwrap().places, [c"./x".to_owned()]);
    }

    #[test]
    fn what_no_program_can_be_given_is_refused() {
        assert!(of(&[]).is_err());
        assert!(of(&["sh", "a\0b"]).unwrap_err().contains("NUL"));
    }
}
