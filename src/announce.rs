//! Every change to the machine is announced just before it is made: so it can be written down, and so a test can make it
//! fail as if the kernel had refused it.

use std::fmt::{self, Display};
use std::io;
use std::path::PathBuf;

/// Who is told of changes.
pub trait Announce {
    /// `step` is about to be done. It is one line, printable, and begins with who does it: `node: set … = …`.
    ///
    /// # Errors
    /// The step must not be done, and fails with this error: only tests do that.
    fn before(&mut self, step: &dyn Display) -> io::Result<()>;

    /// From here on processes may be in these directories of one cgroup.
    ///
    /// # Errors
    /// Nothing may run there, because nobody could end it if the harness died.
    fn before_occupied(&mut self, _directories: &[PathBuf]) -> io::Result<()> {
        Ok(())
    }
}

/// Nobody is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unheard;

impl Announce for Unheard {
    fn before(&mut self, _step: &dyn Display) -> io::Result<()> {
        Ok(())
    }
}

/// Passes announcements on with the name of who makes the change in front.
pub struct By<'a> {
    who: &'a str,
    to: &'a mut dyn Announce,
}

impl<'a> By<'a> {
    /// Changes of `who`.
    pub fn new(who: &'a str, to: &'a mut dyn Announce) -> Self {
        Self { who, to }
    }
}

impl fmt::Debug for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("By").field("who", &self.who).finish_non_exhaustive()
    }
}

impl Announce for By<'_> {
    fn before(&mut self, step: &dyn Display) -> io::Result<()> {
        self.to.before(&format_args!("{}: {step}", self.who))
    }

    fn before_occupied(&mut self, directories: &[PathBuf]) -> io::Result<()> {
        self.to.before_occupied(directories)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Heard(Vec<String>);

    impl Announce for Heard {
        fn before(&mut self, step: &dyn Display) -> io::Result<()> {
            self.0.push(step.to_string());
            Ok(())
        }
    }

    #[test]
    fn whose_change_it_is_stands_in_front() {
        let mut heard = Heard(Vec::new());
        By::new("node", &mut heard).before(&"create cgroup /x").unwrap();
        assert_eq!(heard.0, ["node: create cgroup /x"]);
    }
}
