//! Exports: `--export FORMAT=PATH`. All files are opened before anything runs, and appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::report::Format;

/// One `--export`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// What to write.
    pub format: Format,
    /// Where to.
    pub path: PathBuf,
}

/// What can be wrong with an export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The argument has no `=`, or nothing on one side of it.
    #[error("`{0}` is not FORMAT=PATH, such as `json=report.json`")]
    Form(String),
    /// The format is unknown.
    #[error("unknown export format `{format}`; known: {known}")]
    Format {
        /// As written.
        format: String,
        /// The words that are known.
        known: String,
    },
    /// Two exports have the same path.
    #[error("two exports would write {}: give each a path of its own", .0.display())]
    Twice(PathBuf),
    /// The file cannot be written.
    #[error("cannot write export {}: {source}", path.display())]
    Unwritable {
        /// The file as given.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl FromStr for Export {
    type Err = ExportError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts =
            text.split_once('=').filter(|(format, path)| !format.is_empty() && !path.is_empty());
        let (word, path) = parts.ok_or_else(|| ExportError::Form(text.to_owned()))?;
        // The table is laid out for a terminal; a file of it would be of the width of whoever ran it.
        let known = Format::ALL.into_iter().filter(|format| *format != Format::Table);
        match known.clone().find(|format| format.name() == word) {
            Some(format) => Ok(Self { format, path: PathBuf::from(path) }),
            None => Err(ExportError::Format {
                format: word.to_owned(),
                known: known.map(Format::name).collect::<Vec<_>>().join(", "),
            }),
        }
    }
}

/// An export whose file is open for writing. Dropped without [`OpenExport::write`], it leaves no trace.
#[derive(Debug)]
pub struct OpenExport {
    /// What to write.
    pub format: Format,
    /// The path as given.
    pub path: PathBuf,
    file: File,
    /// Where the bytes go first, and where they go at the end; `None` for devices and pipes, which are written directly.
    replace: Option<Replace>,
}

#[derive(Debug)]
struct Replace {
    temporary: PathBuf,
    target: PathBuf,
}

impl Drop for Replace {
    fn drop(&mut self) {
        // After a rename it is gone already.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Opens all exports for writing. When one fails, none leaves a trace.
///
/// # Errors
/// [`ExportError::Twice`] or [`ExportError::Unwritable`].
pub fn open_all(exports: &[Export]) -> Result<Vec<OpenExport>, ExportError> {
    let mut open: Vec<OpenExport> = Vec::new();
    for export in exports {
        let opened = open_one(export)
            .map_err(|source| ExportError::Unwritable { path: export.path.clone(), source })?;
        let target = |it: &OpenExport| it.replace.as_ref().map(|replace| replace.target.clone());
        if target(&opened).is_some() && open.iter().any(|other| target(other) == target(&opened)) {
            return Err(ExportError::Twice(export.path.clone()));
        }
        open.push(opened);
    }
    Ok(open)
}

fn open_one(export: &Export) -> io::Result<OpenExport> {
    let existing = match fs::metadata(&export.path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let (file, replace) = match existing {
        Some(metadata) if metadata.is_dir() => {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        // A rename would put a file in the place of a device such as /dev/null.
        Some(metadata) if !metadata.is_file() => {
            (OpenOptions::new().write(true).open(&export.path)?, None)
        }
        existing => {
            let target = target_of(&export.path, existing.is_some())?;
            if existing.is_some() {
                // A file that may not be written is not to be replaced either.
                OpenOptions::new().write(true).open(&target)?;
            }
            let (file, temporary) = create_beside(&target)?;
            (file, Some(Replace { temporary, target }))
        }
    };
    Ok(OpenExport { format: export.format, path: export.path.clone(), file, replace })
}

/// The absolute path behind links, so that a link stays a link and the same file is known under two names.
fn target_of(path: &Path, exists: bool) -> io::Result<PathBuf> {
    if exists {
        return path.canonicalize();
    }
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(folder.unwrap_or(Path::new(".")).canonicalize()?.join(name))
}

/// A new file in the target's folder, since a rename works only within one file system.
fn create_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for attempt in 0..100_u32 {
        let temporary =
            target.with_file_name(format!(".{name}.contain-test-{}-{attempt}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

impl OpenExport {
    /// Writes the contents, syncs them to disk and puts the file in its place.
    ///
    /// # Errors
    /// [`ExportError::Unwritable`]; the file that was there before then still is.
    pub fn write(mut self, contents: &str) -> Result<(), ExportError> {
        self.write_file(contents)
            .map_err(|source| ExportError::Unwritable { path: self.path.clone(), source })
    }

    fn write_file(&mut self, contents: &str) -> io::Result<()> {
        self.file.write_all(contents.as_bytes())?;
        let Some(replace) = &self.replace else { return Ok(()) };
        self.file.sync_all()?;
        fs::rename(&replace.temporary, &replace.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(path: &Path) -> Export {
        Export { format: Format::Json, path: path.to_path_buf() }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_argument_is_a_format_and_a_path() {
        let parsed: Export = "json=a=b.json".parse().unwrap();
        assert_eq!(parsed.path, Path::new("a=b.json"));
        for wrong in ["json", "json=", "=x", ""] {
            assert!(matches!(wrong.parse::<Export>(), Err(ExportError::Form(_))), "{wrong}");
        }
        let error = "yaml=x".parse::<Export>().unwrap_err().to_string();
        assert!(error.contains("known: json"), "{error}");
    }

    #[test]
    fn the_file_appears_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let open = open_all(&[export(&path)]).unwrap().remove(0);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        open.write("new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["report.json"]);
    }

    #[test]
    fn one_unwritable_export_leaves_no_trace_of_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let good = export(&folder.path().join("good.json"));
        let bad = export(&folder.path().join("absent/bad.json"));
        assert!(open_all(&[good.clone(), bad]).is_err());
        assert!(matches!(open_all(&[good.clone(), good]), Err(ExportError::Twice(_))));
        assert!(open_all(&[export(folder.path())]).is_err());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        open_all(&[export(&link)]).unwrap().remove(0).write("new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        let null = open_all(&[export(Path::new("/dev/null"))]).unwrap().remove(0);
        assert!(null.replace.is_none());
        null.write("x").unwrap();
    }
}
