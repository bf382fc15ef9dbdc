//! How a guest speaks to its host: lines over its second serial port.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use nix::sys::termios::{SetArg, cfmakeraw, tcdrain, tcgetattr, tcsetattr};
use nix::time::{ClockId, clock_gettime};

use crate::vm::job::LINK;
use crate::vm::link::Said;

/// The guest's end of the line.
#[derive(Debug)]
pub struct Voice {
    port: File,
}

impl Voice {
    /// Opens the port, and makes it one that passes on every byte as it is.
    ///
    /// # Errors
    /// The port that is not there: a kernel without serial ports, or a machine with one alone.
    pub fn open() -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot open {LINK}: {error}");
        let port = OpenOptions::new()
            .write(true)
            .read(true)
            .custom_flags(libc::O_NOCTTY)
            .open(LINK)
            .map_err(failed)?;
        let mut settings = tcgetattr(&port).map_err(|errno| failed(errno.into()))?;
        cfmakeraw(&mut settings);
        tcsetattr(&port, SetArg::TCSANOW, &settings).map_err(|errno| failed(errno.into()))?;
        Ok(Self { port })
    }

    /// Says something, and waits until it is out: what is sent later would be sent in the middle of a block.
    pub fn say(&mut self, said: &Said) {
        let Ok(mut line) = serde_json::to_vec(said) else { return };
        line.push(b'\n');
        // Nobody else could be told that the line is dead; the host will notice the silence.
        let _ = self.port.write_all(&line);
        let _ = tcdrain(&self.port);
    }

    /// Ends whatever line somebody else has begun on the port and could not end.
    pub fn end_line(&mut self) {
        let _ = self.port.write_all(b"\n");
    }
}

/// Milliseconds since the kernel's clock began.
pub fn now_ms() -> f64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or(0.0, |now| std::time::Duration::from(now).as_secs_f64() * 1e3)
}
