//! `command` and `resource`: a program that is no workload of ours, and what it drains.

use crate::scenario::diagnostic::Problems;
use crate::scenario::node::{Kind, Node};
use crate::scenario::written::Located;
use crate::scenario::{PROBES, Resource, words};

/// Words that a command may have.
pub(in crate::scenario) const MOST_WORDS: usize = 64;
/// Bytes that each of them may have.
pub(in crate::scenario) const LONGEST_WORD: usize = 4096;

/// Reads a list such as `[stress-ng, --cpu, "1"]`: a program and its arguments, word by word, as no shell takes them apart.
pub(super) fn command(node: &Node, problems: &mut Problems) -> Option<Located<Vec<String>>> {
    let Kind::Seq(items) = &node.kind else {
        problems
            .add(node.spot, "`command` must be a list of words")
            .help("write `command: [stress-ng, --cpu, \"1\"]`, or `[sh, -c, \"…\"]` for a line that a shell is to read");
        return None;
    };
    if items.is_empty() || items.len() > MOST_WORDS {
        problems.add(node.spot, format!("`command` must have 1 to {MOST_WORDS} words"));
        return None;
    }
    let mut command = Vec::new();
    for item in items {
        let word = words::scalar(item, "a word of `command`", problems)?;
        if word.value.len() > LONGEST_WORD || word.value.contains('\0') {
            let what =
                format!("a word of `command` has at most {LONGEST_WORD} bytes, none of them NUL");
            problems.add(word.spot, what);
            return None;
        }
        command.push(word.value.to_owned());
    }
    if command.first().is_some_and(String::is_empty) {
        problems.add(node.spot, "the first word of `command`, the program, is empty");
        return None;
    }
    Some(Located { value: command, spot: node.spot })
}

/// Reads the resource that a program drains: one that a probe of the victim can feel.
pub(super) fn resource(node: &Node, problems: &mut Problems) -> Option<Located<Resource>> {
    let felt = |resource: &Resource| {
        PROBES.iter().any(|probe| probe.split('/').next() == Some(resource.name()))
    };
    let (legal, later): (Vec<Resource>, Vec<Resource>) = Resource::ALL.into_iter().partition(felt);
    let legal: Vec<(&str, Resource)> = legal.iter().map(|&it| (it.name(), it)).collect();
    let later: Vec<&str> = later.iter().map(|resource| resource.name()).collect();
    words::word(node, "`resource`", "resource", &legal, &later, problems)
}
