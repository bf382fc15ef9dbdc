//! Values of the whole kernel while a case runs: written, read back, and put back as they were.

use std::fs;
use std::path::PathBuf;

use super::trail::Trail;
use super::{EngineError, Entry, Ledger};
use crate::announce::Announce;
use crate::guardian::Undo;
use crate::scenario::Sysctls;

/// One value that was changed.
#[derive(Debug)]
struct Changed {
    path: PathBuf,
    before: String,
}

/// The values that a case has changed. Dropping it puts them back.
#[derive(Debug, Default)]
pub struct SysctlValues {
    changed: Vec<Changed>,
}

/// The steps in which they come and go, printable.
#[must_use]
pub fn steps(sysctls: &Sysctls) -> (Vec<String>, Vec<String>) {
    let paths = || sysctls.0.iter().filter_map(|(name, value)| Some((Sysctls::path(name)?, value)));
    let set = paths().map(|(path, value)| format!("machine: set {} = {value}", path.display()));
    let back = paths().map(|(path, _)| format!("machine: put {} back", path.display()));
    (set.collect(), back.rev().collect())
}

impl SysctlValues {
    /// Writes all of them.
    ///
    /// # Errors
    /// The file that could not be read or written, or shows something else afterwards. What was changed is put back.
    pub fn set(
        sysctls: &Sysctls,
        ledger: &mut Ledger,
        trail: &mut Trail,
    ) -> Result<Self, EngineError> {
        let mut values = Self::default();
        for (name, value) in &sysctls.0 {
            let Some(path) = Sysctls::path(name) else { continue };
            let at = |action, path: &PathBuf| {
                let path = path.clone();
                move |source| EngineError::file(action, path, source)
            };
            let before = read(&path).map_err(at("read", &path))?;
            ledger.note(Entry::Sysctl {
                name: name.clone(),
                before: before.clone(),
                written: value.clone(),
            })?;
            if let Some(guardian) = trail.guardian() {
                let undo = Undo::Write { path: path.clone(), value: before.clone() };
                guardian.expect(vec![undo]).map_err(at("tell the guardian of", &path))?;
            }
            // Owned from here on: whatever fails below, it is put back.
            values.changed.push(Changed { path: path.clone(), before });
            trail
                .before(&format_args!("machine: set {} = {value}", path.display()))
                .and_then(|()| fs::write(&path, value))
                .map_err(at("write", &path))?;
            let seen = read(&path).map_err(at("read", &path))?;
            if !same(&seen, value) {
                return Err(EngineError::Failed(format!(
                    "{} reads `{seen}` after `{value}` was written to it",
                    path.display()
                )));
            }
        }
        Ok(values)
    }

    /// Puts all of them back, the last first. Safe to call again.
    ///
    /// # Errors
    /// The first file that could not be written; the others are put back all the same.
    pub fn put_back(&mut self, to: &mut dyn Announce) -> Result<(), EngineError> {
        let mut first_error = None;
        let mut left = Vec::new();
        while let Some(changed) = self.changed.pop() {
            let written = to
                .before(&format_args!("machine: put {} back", changed.path.display()))
                .and_then(|()| fs::write(&changed.path, &changed.before));
            if let Err(source) = written {
                first_error.get_or_insert(EngineError::file("write", &changed.path, source));
                left.insert(0, changed);
            }
        }
        self.changed = left;
        first_error.map_or(Ok(()), Err)
    }
}

impl Drop for SysctlValues {
    fn drop(&mut self) {
        let _ = self.put_back(&mut crate::announce::Unheard);
    }
}

/// What a dead run left changed is put back, unless somebody has changed it since.
///
/// # Errors
/// The file that could not be written.
pub fn put_back_for_the_dead(name: &str, before: &str, written: &str) -> Result<bool, String> {
    let Some(path) = Sysctls::path(name) else { return Ok(false) };
    match read(&path) {
        Ok(seen) if same(&seen, written) && !same(before, written) => fs::write(&path, before)
            .map(|()| true)
            .map_err(|error| format!("cannot write {}: {error}", path.display())),
        _ => Ok(false),
    }
}

fn read(path: &PathBuf) -> std::io::Result<String> {
    fs::read_to_string(path).map(|text| text.trim_end().to_owned())
}

/// The kernel separates numbers with tabs.
fn same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}
