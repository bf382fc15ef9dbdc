//! The console of a guest: its last lines, for when nothing else is left of it.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

/// Lines that are kept.
const LINES: usize = 40;

/// The longest line that is kept, in bytes; the rest of it is dropped.
const LONGEST: usize = 400;

/// How the kernel begins its last words (kernel/panic.c).
const PANIC: &str = "Kernel panic - not syncing: ";

/// The host's end of a console.
#[derive(Debug)]
pub struct Console {
    stream: UnixStream,
    lines: VecDeque<String>,
    line: Vec<u8>,
    /// The line that a panic began with, and why it was.
    panic: Option<(String, String)>,
}

impl Console {
    /// An end that never blocks.
    ///
    /// # Errors
    /// The errno of fcntl(2).
    pub fn new(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, lines: VecDeque::new(), line: Vec::new(), panic: None })
    }

    /// Takes what has arrived, without waiting. False when the line is dead.
    pub fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => buffer[..count].iter().for_each(|&byte| self.take(byte)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    fn take(&mut self, byte: u8) {
        if byte != b'\n' {
            if self.line.len() < LONGEST {
                self.line.push(byte);
            }
            return;
        }
        let line = readable(&self.line);
        self.line.clear();
        if line.is_empty() {
            return;
        }
        if let Some((_, why)) = line.split_once(PANIC) {
            self.panic.get_or_insert_with(|| (line.clone(), why.to_owned()));
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Why the kernel panicked, if it did.
    #[must_use]
    pub fn panic(&self) -> Option<&str> {
        self.panic.as_ref().map(|(_, why)| why.as_str())
    }

    /// The last lines, the newest last; before them the one that a panic began with, which a long trace pushes out.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        let begun = Some(readable(&self.line)).filter(|line| !line.is_empty());
        let panic = self.panic.iter().map(|(line, _)| line);
        let gone = panic.filter(|line| !self.lines.contains(line));
        gone.chain(&self.lines).cloned().chain(begun).collect()
    }
}

impl AsFd for Console {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// A line without escape sequences and other control characters.
fn readable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // ESC [ … letter: from a terminal's control sequence only its end matters.
            if characters.clone().next() == Some('[') {
                characters.by_ref().find(char::is_ascii_alphabetic);
            }
        } else if !character.is_control() {
            plain.push(character);
        }
    }
    plain.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_a_panic_is_understood() {
        let (ours, mut guest) = UnixStream::pair().unwrap();
        let mut console = Console::new(ours).unwrap();
        // In one piece: every single write takes up as much of the socket's buffer as a page would.
        let mut text: String = (0..100).map(|number| format!("line {number}\r\n")).collect();
        text.push_str("\u{1b}[0;31m[    1.5] Kernel panic - not syncing: VFS: no root\u{1b}[0m\r\nhalf a line");
        guest.write_all(text.as_bytes()).unwrap();
        assert!(console.read());
        assert_eq!(console.panic(), Some("VFS: no root"));
        let lines = console.last_lines();
        assert_eq!(lines.len(), LINES + 1);
        assert_eq!(lines.last().map(String::as_str), Some("half a line"));
        assert_eq!(lines[LINES - 1], "[    1.5] Kernel panic - not syncing: VFS: no root");
        assert_eq!(lines[0], "line 61");
        let trace: String = (0..LINES).map(|number| format!("trace {number}\n")).collect();
        guest.write_all(format!("\n{trace}").as_bytes()).unwrap();
        assert!(console.read());
        let lines = console.last_lines();
        assert!(lines[0].contains(PANIC) && lines.len() == LINES + 1, "{lines:?}");
        drop(guest);
        assert!(!console.read());
    }

    #[test]
    fn a_flood_is_not_kept() {
        let (ours, mut guest) = UnixStream::pair().unwrap();
        let mut console = Console::new(ours).unwrap();
        let writer = std::thread::spawn(move || guest.write_all(&[b'x'; 1 << 20]));
        while console.read() {}
        writer.join().unwrap().unwrap();
        assert_eq!(console.last_lines(), ["x".repeat(LONGEST)]);
    }
}
