//! The ledger: everything that a run puts on the machine, written down before it is made, so that it can be found again
//! whatever becomes of the harness.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::EngineError;
use crate::scenario::NamespaceKind;

/// One thing that may exist on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A directory of the run's own files.
    Directory(PathBuf),
    /// A file of the run.
    File(PathBuf),
    /// The file of a node's disk.
    Image(PathBuf),
    /// A cgroup's directory, with its children.
    Cgroup(PathBuf),
    /// What the children of a cgroup of others could use before a run enabled more there.
    Controllers {
        /// The cgroup's directory.
        cgroup: PathBuf,
        /// The controllers that were enabled.
        before: Vec<String>,
    },
    /// A mount point.
    Mount(PathBuf),
    /// A process outside sandboxes, by the hidden role that it plays: its command line also holds the run's ID.
    Process(String),
    /// Processes of a sandbox, by their user IDs on the host.
    Users {
        /// The first.
        first: u32,
        /// How many.
        count: u32,
    },
    /// A value of the whole kernel.
    Sysctl {
        /// Its name.
        name: String,
        /// What it was.
        before: String,
        /// What it is while the case runs.
        written: String,
    },
    /// Namespaces of a sandbox. They end with its processes.
    Namespaces {
        /// The sandbox.
        sandbox: String,
        /// Their kinds.
        kinds: Vec<NamespaceKind>,
    },
}

/// A ledger that is being written.
#[derive(Debug)]
pub struct Ledger {
    file: fs::File,
    path: PathBuf,
    written: Vec<Entry>,
}

impl Ledger {
    /// The name of the ledger's file in the run's directory.
    pub const FILE: &'static str = "ledger.jsonl";

    /// A new ledger in the run's directory.
    ///
    /// # Errors
    /// The errno of open(2).
    pub fn create(directory: &Path) -> io::Result<Self> {
        let path = directory.join(Self::FILE);
        let file = fs::OpenOptions::new().append(true).create_new(true).open(&path)?;
        Ok(Self { file, path, written: Vec::new() })
    }

    /// Writes down what is about to be made. What is in the ledger already is not written again.
    ///
    /// # Errors
    /// The file that could not be written: then nothing may be made.
    pub fn note(&mut self, entry: Entry) -> Result<(), EngineError> {
        if self.written.contains(&entry) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(&entry)
            .map_err(|error| EngineError::file("write", &self.path, error.into()))?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .map_err(|source| EngineError::file("write", &self.path, source))?;
        self.written.push(entry);
        Ok(())
    }

    /// Reads the ledger of a run. A last line that was cut off is left out: what it speaks of was not made.
    #[must_use]
    pub fn read(directory: &Path) -> Vec<Entry> {
        let Ok(file) = fs::File::open(directory.join(Self::FILE)) else { return Vec::new() };
        BufReader::new(file)
            .lines()
            .map_while(Result::ok)
            .map_while(|line| serde_json::from_str(&line).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_back_once_and_a_torn_line_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::create(folder.path()).unwrap();
        let group = Entry::Cgroup("/x/contain-test-1".into());
        ledger.note(group.clone()).unwrap();
        ledger.note(group.clone()).unwrap();
        ledger.note(Entry::Mount("/run/x".into())).unwrap();
        ledger.file.write_all(b"{\"cgr").unwrap();
        assert_eq!(Ledger::read(folder.path()), [group, Entry::Mount("/run/x".into())]);
        assert!(Ledger::read(Path::new("/nonexistent")).is_empty());
    }
}
