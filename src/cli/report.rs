//! `report`: an old record, judged again without measuring, and shown.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::args::{ReportArgs, Tolerance};
use super::terminal::Terminal;
use super::{CommandError, ci::Ci, export, output};
use crate::analyze::{self, AgainError, ExitOptions};
use crate::compression;
use crate::record::{Report, SCHEMA_VERSION};
use crate::report::{self, ReadError, ViewOptions, escaped};
use crate::scenario::Tolerances;

/// Why a record cannot be shown. The file is named in each message, and [`RecordError::help`] has the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The system does not let it be read.
    #[error("cannot read the record {}: {source}", shown(path))]
    Unreadable {
        /// The file as given.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It is no record of this version.
    #[error("{}: {source}", shown(path))]
    Unknown {
        /// The file as given.
        path: PathBuf,
        /// What is wrong.
        source: ReadError,
    },
    /// It is a record, but lacks what a judgement needs.
    #[error("{}: {source}", shown(path))]
    Unjudgeable {
        /// The file as given.
        path: PathBuf,
        /// What is wrong.
        source: AgainError,
    },
}

impl RecordError {
    /// What to do about it.
    pub fn help(&self) -> String {
        let ours = "give a file that `contain-test run … --export json=PATH` wrote";
        match self {
            Self::Unreadable { .. } => ours.to_owned(),
            Self::Unknown { source: ReadError::Json(error), .. } if error.is_eof() => {
                "the end of the record is missing: copy the file again, or run again".to_owned()
            }
            Self::Unknown { source: ReadError::Version { found }, .. }
                if *found > u64::from(SCHEMA_VERSION) =>
            {
                "a newer contain-test wrote it: read it with that version".to_owned()
            }
            Self::Unknown { .. } => ours.to_owned(),
            Self::Unjudgeable { .. } => {
                "read it with the version that wrote it, unchanged; `tool` in the record names it"
                    .to_owned()
            }
        }
    }
}

fn shown(path: &Path) -> String {
    escaped(&path.display().to_string()).into_owned()
}

/// Reads a record, judges it again and prints it. The exit code is that of a run with this result.
///
/// # Errors
/// [`CommandError`]: a record that cannot be read or judged, an unwritable export.
pub fn run(args: &ReportArgs, terminal: &Terminal) -> Result<u8, CommandError> {
    let given = tolerances(&args.tolerances)?;
    let exports = export::open_all(&args.exports)?;
    let mut record = read(&args.record)?;
    let seed = args.seed.unwrap_or(record.seed);
    analyze::judge_again(&mut record, &given, seed)
        .map_err(|source| RecordError::Unjudgeable { path: args.record.clone(), source })?;
    let exit = ExitOptions { must_run: args.must_run, allow_inconclusive: args.allow_inconclusive };
    let code = analyze::exit_verdict(&record, exit);
    if args.redact {
        record = report::redacted(&record)?;
    }
    let view = ViewOptions {
        color: terminal.stdout_color,
        width: usize::from(terminal.width()),
        quiet: args.quiet,
        verbose: args.verbose,
    };
    let code = output::write(&record, Some(args.format), exports, &view, terminal, code);
    Ci::new(args.format, false, false).tell(&record, terminal);
    Ok(code)
}

/// The largest record that is read, in bytes: decompressed, a small file may be anything.
const LARGEST: u64 = 1 << 30;

/// Reads a record from a file, compressed or not.
pub(super) fn read(path: &Path) -> Result<Report, RecordError> {
    let text = File::open(path)
        .and_then(|file| compression::whole(file, LARGEST))
        .and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other))
        .map_err(|source| RecordError::Unreadable { path: path.to_path_buf(), source })?;
    report::from_json(&text)
        .map_err(|source| RecordError::Unknown { path: path.to_path_buf(), source })
}

fn tolerances(given: &[Tolerance]) -> Result<Tolerances, CommandError> {
    let mut map = BTreeMap::new();
    for tolerance in given {
        if map.insert((tolerance.resource, None), tolerance.percent).is_some() {
            let message = format!("--tolerance is given twice for {}", tolerance.resource);
            return Err(CommandError::Usage { message, help: "keep one of them".to_owned() });
        }
    }
    Ok(Tolerances(map))
}
