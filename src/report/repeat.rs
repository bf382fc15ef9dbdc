//! How to repeat a run: the command line that the record stands for.

use crate::record::Report;

/// The prefix of the path of a scenario that the program itself ships.
const SHIPPED: &str = "(shipped)/";

/// The command that runs the same scenarios with the same seed. Which options besides were given is not in the record.
#[must_use]
pub(super) fn command(report: &Report) -> String {
    let mut words = vec!["sudo".to_owned(), "contain-test".to_owned(), "run".to_owned()];
    words.extend(report.scenarios.iter().map(|scenario| argument(&scenario.file)));
    words.push(format!("--seed {}", report.seed));
    words.join(" ")
}

/// A shipped scenario goes by its name; a path as it was given, such that a shell takes it as one word and nothing else.
fn argument(file: &str) -> String {
    let shipped = file.strip_prefix(SHIPPED).map(|name| name.strip_suffix(".yaml").unwrap_or(name));
    let word = shipped.unwrap_or(file);
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./=,".contains(it);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    let word = if word.starts_with('-') { format!("./{word}") } else { word.to_owned() };
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_each_path_as_one_word() {
        assert_eq!(argument("scenarios/pids.yaml"), "scenarios/pids.yaml");
        assert_eq!(argument("(shipped)/pids.yaml"), "pids");
        assert_eq!(argument("my file.yaml"), "'my file.yaml'");
        assert_eq!(argument("$(reboot)'"), r"'$(reboot)'\'''");
        assert_eq!(argument("-rf"), "'./-rf'");
        assert_eq!(argument(""), "''");
    }
}
