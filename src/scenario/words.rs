//! Reading single values and words, with errors that name what would have been right.

use super::diagnostic::{Problems, Spot, did_you_mean, quoted};
use super::node::{Entry, Kind, Node};
use super::units::{self, UnitError};
use super::written::Located;

/// Words that the format reserves, which this version cannot serve yet.
pub(super) const LATER_KEYS: &[&str] = &["duration"];

/// Limits that this version cannot set yet.
pub(super) const LATER_LIMITS: &[&str] = &["hugetlb", "rlimits"];

/// Workloads that this version does not have yet.
pub(super) const LATER_WORKLOADS: &[&str] = &[];

/// Runtimes that this version does not have yet.
pub(super) const LATER_RUNTIMES: &[&str] =
    &["runc", "crun", "docker", "podman", "containerd", "bubblewrap", "gvisor", "kata", "nsjail"];

/// Says that a word is unknown, reserved, or misspelt. `what` is the kind of word, such as "limit" or "key in `node`".
pub(super) fn unknown(
    problems: &mut Problems,
    spot: Spot,
    what: &str,
    word: &str,
    legal: &[&str],
    later: &[&str],
) {
    let (kind, place) = what.split_at(what.find(" in ").unwrap_or(what.len()));
    let named = format!("{kind} {}{place}", quoted(word));
    if later.contains(&word) {
        problems
            .add(spot, format!("this version does not support the {named} yet"))
            .help(known(legal));
        return;
    }
    let problem = problems.add(spot, format!("unknown {named}"));
    match did_you_mean(word, legal.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(known(legal)),
    }
}

fn known(legal: &[&str]) -> String {
    format!("known here: {}", legal.join(", "))
}

/// The entries of a map; anything else is an error.
pub(super) fn map<'n>(node: &'n Node, what: &str, problems: &mut Problems) -> Option<&'n [Entry]> {
    match &node.kind {
        Kind::Map(entries) => return Some(entries),
        Kind::Null => {
            problems
                .add(node.spot, format!("{what} is empty, but it must be a map"))
                .help("write the keys below it, indented by two spaces more, or `{}` for none");
        }
        Kind::Scalar(_) | Kind::Seq(_) => {
            problems.add(node.spot, format!("{what} must be a map of keys and values"));
        }
    }
    None
}

/// A single value as written; nothing, a map or a list is an error.
pub(super) fn scalar<'n>(
    node: &'n Node,
    what: &str,
    problems: &mut Problems,
) -> Option<Located<&'n str>> {
    match &node.kind {
        Kind::Scalar(text) => return Some(Located { value: text, spot: node.spot }),
        Kind::Null => problems.add(node.spot, format!("{what} has no value")),
        Kind::Map(_) => {
            problems.add(node.spot, format!("{what} must be a single value, not a map"))
        }
        Kind::Seq(_) => {
            problems.add(node.spot, format!("{what} must be a single value, not a list"))
        }
    };
    None
}

/// A quantity, read by one of the parsers of [`units`].
pub(super) fn quantity<T>(
    node: &Node,
    what: &str,
    parse: fn(&str) -> Result<T, UnitError>,
    problems: &mut Problems,
) -> Option<Located<T>> {
    let text = scalar(node, what, problems)?;
    match parse(text.value) {
        Ok(value) => Some(Located { value, spot: text.spot }),
        Err(error) => {
            refused(problems, text.spot, what, error);
            None
        }
    }
}

/// Passes on why a quantity was refused.
pub(super) fn refused(problems: &mut Problems, spot: Spot, what: &str, error: UnitError) {
    problems.add(spot, format!("{what}: {}", error.message)).help = error.help;
}

/// A whole number within a range.
pub(super) fn count(
    node: &Node,
    what: &str,
    range: std::ops::RangeInclusive<u64>,
    problems: &mut Problems,
) -> Option<Located<u64>> {
    let number = quantity(node, what, units::parse_count, problems)?;
    if range.contains(&number.value) {
        return Some(number);
    }
    let (low, high) = (range.start(), range.end());
    problems.add(
        number.spot,
        format!("{what} must be between {low} and {high}, but is {}", number.value),
    );
    None
}

/// `true` or `false`.
pub(super) fn flag(node: &Node, what: &str, problems: &mut Problems) -> Option<Located<bool>> {
    let legal = [("true", true), ("false", false)];
    word(node, what, &format!("value of {what}"), &legal, &[], problems)
}

/// One of a fixed set of words.
pub(super) fn word<T: Copy>(
    node: &Node,
    key: &str,
    what: &str,
    legal: &[(&str, T)],
    later: &[&str],
    problems: &mut Problems,
) -> Option<Located<T>> {
    let text = scalar(node, key, problems)?;
    if let Some(&(_, value)) = legal.iter().find(|(name, _)| *name == text.value) {
        return Some(Located { value, spot: text.spot });
    }
    let names: Vec<&str> = legal.iter().map(|&(name, _)| name).collect();
    unknown(problems, text.spot, what, text.value, &names, later);
    None
}

/// A name that may become part of a path: 1 to 40 lower-case letters, digits, dashes and what `extra` allows.
pub(super) fn name(
    node: &Node,
    what: &str,
    extra: &str,
    problems: &mut Problems,
) -> Option<Located<String>> {
    let text = scalar(node, what, problems)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let legal = text.value.len() <= 40
        && text.value.starts_with(plain)
        && text.value.chars().all(|c| plain(c) || c == '-' || extra.contains(c));
    if legal {
        return Some(text.map(str::to_owned));
    }
    let mut allowed = String::from("lower-case letters, digits, `-`");
    for c in extra.chars() {
        allowed.push_str(&format!(", `{c}`"));
    }
    problems
        .add(text.spot, format!("{what} cannot be {}", quoted(text.value)))
        .help(format!("names have 1 to 40 of these: {allowed}; the first is a letter or digit"));
    None
}
