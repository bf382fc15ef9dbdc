//! A record without what tells whose machine it came from, for records that leave the house.
//!
//! It works on the record as JSON, string by string, so that a field added later is covered before anybody thinks of it. What a
//! judgement needs (numbers, histograms, names of configs and kernel files) stays, so a redacted record can be judged again.

use serde_json::Value;

use crate::record::Report;

/// What stands in the place of what was taken out.
const REDACTED: &str = "redacted";

/// Folders whose paths are the same on every machine, or hold nothing but this tool's own names.
const PUBLIC: [&str; 6] =
    ["/sys", "/proc", "/dev", "/run/contain-test-", "/run/.contain-test-", "/contain-test"];

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The record without what tells whose machine it came from:
///
/// - paths outside of `/sys`, `/proc`, `/dev` and the run's own folder, wherever a text has one, are `redacted`; of the files
///   of scenarios and of a guest's kernel the name without its folder stays;
/// - of a kernel release the numbers stay (`6.18.44`), not what its maker added;
/// - the user in a command that gives it subordinate IDs is `redacted`;
/// - the last lines of a guest's console and the parameters of its kernel are gone, for they may hold anything;
/// - the time of the run is cut to its day.
///
/// Names that the scenario's author chose (of scenarios and configs, and the summary) stay: without them nobody could read it.
///
/// # Errors
/// When the record cannot be turned into JSON and back, which no record of this version does.
pub fn redacted(report: &Report) -> Result<Report, serde_json::Error> {
    let mut json = serde_json::to_value(report)?;
    clean("", &mut json);
    let mut report: Report = serde_json::from_value(json)?;
    report.started_unix_ms -= report.started_unix_ms % DAY_MS;
    Ok(report)
}

fn clean(key: &str, value: &mut Value) {
    match value {
        Value::String(text) => *text = cleaned(key, text),
        Value::Array(list) if key == "console" => list.clear(),
        Value::Array(list) => list.iter_mut().for_each(|item| clean(key, item)),
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| clean(key, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cleaned(key: &str, text: &str) -> String {
    match key {
        "kernel" => numbers(text).to_owned(),
        "file" | "kernel_file" => text.rsplit('/').next().unwrap_or(text).to_owned(),
        "parameters" => REDACTED.to_owned(),
        "found" if text.starts_with("kernel ") => {
            format!("kernel {}", numbers(text.trim_start_matches("kernel ")))
        }
        _ => without_user(without_paths(text)),
    }
}

/// A text in which the command that gives a user subordinate IDs gives them to nobody.
fn without_user(text: String) -> String {
    const LAST_OPTION: &str = "--add-subgids ";
    let name = text.find(LAST_OPTION).and_then(|at| {
        let begin = at + LAST_OPTION.len();
        let begin = begin + text[begin..].find(' ')? + 1;
        Some(begin..begin + text[begin..].find('`')?)
    });
    match name {
        Some(name) => [&text[..name.start], REDACTED, &text[name.end..]].concat(),
        None => text,
    }
}

/// The numbers that a kernel release begins with.
fn numbers(release: &str) -> &str {
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
    release[..end].trim_end_matches('.')
}

/// A text in which each private path is replaced. A path begins with a slash that follows no word, and ends where a path in a sentence
/// ends; a path with blanks in it is cut at the first, and what follows a blank and has a slash in it is taken for the rest of it.
fn without_paths(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut after_private = false;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end_matches(char::is_whitespace);
        let begin = word
            .char_indices()
            .find(|&(at, c)| {
                c == '/'
                    && !word[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~".contains(c))
            })
            .map(|(at, _)| at);
        let private = match begin {
            Some(at) => {
                !PUBLIC.iter().any(|folder| word[at..].starts_with(folder)) && word[at..].len() > 1
            }
            None => after_private && word.contains('/'),
        };
        match (private, begin) {
            (true, Some(at)) => {
                clean.push_str(&word[..at]);
                clean.push_str(REDACTED);
                clean.push_str(tail(&word[at..]));
            }
            (true, None) => clean.push_str(tail(word)),
            _ => clean.push_str(word),
        }
        clean.push_str(&piece[word.len()..]);
        after_private = private;
    }
    clean
}

/// The punctuation of the sentence at the end of a path.
fn tail(path: &str) -> &str {
    let end = path.trim_end_matches(|c: char| ".,:;)`'\"".contains(c)).len();
    &path[end..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_of_a_house_go_and_those_of_every_machine_stay() {
        let of = without_paths;
        assert_eq!(of("cannot open /home/ann/x.yaml: no"), "cannot open redacted: no");
        assert_eq!(of("(`/srv/ci/job 7/a.yaml`)"), "(`redacted `)");
        assert_eq!(of("v1 at /sys/fs/cgroup/pids"), "v1 at /sys/fs/cgroup/pids");
        assert_eq!(of("bind /run/contain-test-1/bin"), "bind /run/contain-test-1/bin");
        assert_eq!(of("64/64 held, 12 MiB/s, a / b"), "64/64 held, 12 MiB/s, a / b");
        assert_eq!(of("root=/data/vm"), "root=redacted");
    }

    #[test]
    fn whom_a_command_gives_subordinate_ids_is_nobodys_business() {
        let text = "remedy: `sudo usermod --add-subuids 1-2 --add-subgids 1-2 alice`; and more";
        let clean = cleaned("reason", text);
        assert_eq!(
            clean,
            "remedy: `sudo usermod --add-subuids 1-2 --add-subgids 1-2 redacted`; and more"
        );
    }

    #[test]
    fn of_a_kernel_the_numbers_stay() {
        assert_eq!(cleaned("kernel", "6.18.44-acme-build7"), "6.18.44");
        assert_eq!(cleaned("found", "kernel 6.1.0-56-cloud-amd64"), "kernel 6.1.0");
        assert_eq!(cleaned("kernel_file", "/home/ann/vmlinuz-6.1"), "vmlinuz-6.1");
        assert_eq!(cleaned("file", "scenarios/pids.yaml"), "pids.yaml");
    }

    proptest! {
        #[test]
        fn no_private_folder_survives_anywhere(before in "[a-z ]{0,9}[ =(`]", folder in "[a-z]{4,9}", file in "[a-z]{1,6}", after in "[ ,.:)`]{0,2}") {
            let path = format!("/home/secret-{folder}/{file}");
            let text = format!("{before}{path}{after}");
            prop_assert!(!without_paths(&text).contains("secret-"), "{}", without_paths(&text));
        }
    }
}
