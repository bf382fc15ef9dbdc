//! From what stands on the command line to scenarios: files, directories and names of shipped scenarios.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Problems, ScenarioErrors, did_you_mean, escaped};
use super::yaml::MAX_BYTES;
use super::{Scenario, read, shipped};

/// A scenario that was found and not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path as the user named it, or `(shipped)/NAME.yaml`.
    pub file: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Shipped(&'static str),
}

/// Why nothing could be found under a name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// Nothing was named.
    #[error(
        "no scenario was named\nhelp: name a file, a directory or a shipped scenario ({names})"
    )]
    Nothing {
        /// The shipped scenarios, joined with commas.
        names: String,
    },
    /// Neither a file nor a shipped scenario.
    #[error("`{name}` is neither a file nor a shipped scenario\nhelp: {help}")]
    Unknown {
        /// The name as given, printable.
        name: String,
        /// What was probably meant, or what there is.
        help: String,
    },
    /// A directory without scenarios.
    #[error(
        "the directory `{name}` holds no scenario\nhelp: scenarios end in .yaml or .yml; directories below it are not searched"
    )]
    Empty {
        /// The directory as given, printable.
        name: String,
    },
    /// A device, a pipe or the like.
    #[error("`{name}` is not a regular file")]
    NotAFile {
        /// The path as given, printable.
        name: String,
    },
    /// The system refused.
    #[error("cannot look at `{name}`: {source}")]
    Unreadable {
        /// The path as given, printable.
        name: String,
        /// The system's reason.
        source: io::Error,
    },
}

/// Finds the scenarios of a command line, in its order; a directory stands for the `.yaml` and `.yml` files right in it, by name.
/// What is named twice is taken once.
///
/// # Errors
/// At the first name that stands for no scenario, and when no name is given.
pub fn resolve(paths: &[String]) -> Result<Vec<Source>, FindError> {
    if paths.is_empty() {
        return Err(FindError::Nothing { names: shipped_names() });
    }
    let mut sources: Vec<Source> = Vec::new();
    let mut seen: Vec<Place> = Vec::new();
    for name in paths {
        for source in find(name)? {
            let same = match &source.place {
                Place::File(path) => {
                    Place::File(fs::canonicalize(path).unwrap_or_else(|_| path.clone()))
                }
                Place::Shipped(text) => Place::Shipped(text),
            };
            if !seen.contains(&same) {
                seen.push(same);
                sources.push(source);
            }
        }
    }
    Ok(sources)
}

fn find(name: &str) -> Result<Vec<Source>, FindError> {
    let path = Path::new(name);
    let unreadable = |source: io::Error| FindError::Unreadable { name: escaped(name), source };
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => directory(name)
            .map_err(unreadable)?
            .ok_or_else(|| FindError::Empty { name: escaped(name) }),
        Ok(found) if found.is_file() => Ok(vec![file(path)]),
        Ok(_) => Err(FindError::NotAFile { name: escaped(name) }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => by_name(name),
        // `pids/fork` beside a file named `pids` is not there either.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => by_name(name),
        Err(error) => Err(unreadable(error)),
    }
}

fn file(path: &Path) -> Source {
    Source { file: path.to_string_lossy().into_owned(), place: Place::File(path.to_owned()) }
}

fn directory(name: &str) -> io::Result<Option<Vec<Source>>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(name)? {
        let path = entry?.path();
        let is_yaml = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        if is_yaml && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok((!paths.is_empty()).then(|| paths.iter().map(|path| file(path)).collect()))
}

fn by_name(name: &str) -> Result<Vec<Source>, FindError> {
    let bare = name.strip_suffix(".yaml").or(name.strip_suffix(".yml")).unwrap_or(name);
    if let Some((shipped, text)) = shipped().iter().find(|(shipped, _)| *shipped == bare) {
        let file = format!("(shipped)/{shipped}.yaml");
        return Ok(vec![Source { file, place: Place::Shipped(text) }]);
    }
    let help = match did_you_mean(bare, shipped().iter().map(|&(name, _)| name)) {
        Some(near) => format!("did you mean the shipped scenario `{near}`?"),
        None => format!("shipped scenarios: {}", shipped_names()),
    };
    Err(FindError::Unknown { name: escaped(name), help })
}

fn shipped_names() -> String {
    shipped().iter().map(|&(name, _)| name).collect::<Vec<_>>().join(", ")
}

/// Reads one scenario.
///
/// # Errors
/// Every error of the file: that it cannot be read, is larger than 1 MiB or not UTF-8, or what is wrong with its text.
pub fn load(source: &Source) -> Result<Scenario, ScenarioErrors> {
    let text = text_of(source)?;
    read(&source.file, &text).map(|(scenario, _)| scenario)
}

/// Reads several scenarios, whose names must differ.
///
/// # Errors
/// Every error of every file, file by file.
pub fn load_all(sources: &[Source]) -> Result<Vec<Scenario>, ScenarioErrors> {
    let mut scenarios = Vec::new();
    let mut errors = Vec::new();
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for source in sources {
        let result = text_of(source).and_then(|text| {
            let (scenario, spot) = read(&source.file, &text)?;
            if let Some(first) = names.insert(scenario.name.clone(), &source.file) {
                let mut problems = Problems::default();
                problems
                    .add(spot, format!("the name `{}` is taken by another file", scenario.name))
                    .help(format!("{first} has it; the names of one run must differ"));
                return Err(problems.into_errors(&source.file, &text));
            }
            Ok(scenario)
        });
        match result {
            Ok(scenario) => scenarios.push(scenario),
            Err(ScenarioErrors(more)) => errors.extend(more),
        }
    }
    if errors.is_empty() { Ok(scenarios) } else { Err(ScenarioErrors(errors)) }
}

fn text_of(source: &Source) -> Result<String, ScenarioErrors> {
    let fail = |message: String, help: Option<&str>| {
        let help = help.map(str::to_owned);
        ScenarioErrors(vec![Diagnostic::of_file(&source.file, message, help)])
    };
    let path = match &source.place {
        Place::Shipped(text) => return Ok((*text).to_owned()),
        Place::File(path) => path,
    };
    let bytes =
        bytes_of(path).map_err(|error| fail(format!("cannot read the file: {error}"), None))?;
    if bytes.len() > MAX_BYTES {
        return Err(fail(format!("the file is larger than {} MiB", MAX_BYTES >> 20), None));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|&byte| byte == b'\n').count();
        fail(format!("line {line} is not UTF-8"), Some("save the file as UTF-8"))
    })
}

/// At most one byte more than is allowed: the file may grow, or be none that ends.
fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
