//! `when`: the condition of a config or of an expectation.

use crate::scenario::diagnostic::{Problems, Spot, quoted};
use crate::scenario::node::{Kind, Node};
use crate::scenario::{CgroupMode, Comparison, Condition, KernelBound, words};

pub(in crate::scenario) const KEYS: &[&str] = &["cgroup", "kernel", "arch", "emulated"];

/// Architectures by the words of `uname -m`.
pub(in crate::scenario) const ARCHES: [&str; 10] = [
    "x86_64",
    "aarch64",
    "riscv64",
    "loongarch64",
    "s390x",
    "ppc64le",
    "ppc64",
    "armv7l",
    "i686",
    "mips64",
];

/// Comparisons in one `kernel`; two say everything that can be said.
const MAX_BOUNDS: usize = 8;

/// Reads a condition; `None` when something in it was refused.
pub(in crate::scenario) fn when(node: &Node, problems: &mut Problems) -> Option<Condition> {
    let entries = words::map(node, "`when`", problems)?;
    if entries.is_empty() {
        problems
            .add(node.spot, "`when` names no condition")
            .help("name `cgroup`, `kernel`, `arch` or `emulated`, or leave the key out");
        return None;
    }
    let mut condition = Condition::default();
    let mut sound = true;
    for entry in entries {
        let value = &entry.value;
        match entry.key.as_str() {
            "cgroup" => {
                let legal = CgroupMode::ALL.map(|mode| (mode.name(), mode));
                let read = any_of(value, "cgroup", &legal, problems);
                sound &= read.is_some();
                condition.cgroup = read.unwrap_or_default();
            }
            "kernel" => {
                let read = kernel(value, problems);
                sound &= read.is_some();
                condition.kernel = read.unwrap_or_default();
            }
            "arch" => {
                let legal = ARCHES.map(|arch| (arch, arch));
                let read = any_of(value, "arch", &legal, problems);
                sound &= read.is_some();
                condition.arch = read.unwrap_or_default().into_iter().map(str::to_owned).collect();
            }
            "emulated" => {
                let read = words::flag(value, "`emulated`", problems);
                sound &= read.is_some();
                condition.emulated = read.map(|flag| flag.value);
            }
            key => {
                sound = false;
                words::unknown(problems, entry.key_spot, "key in `when`", key, KEYS, &[]);
            }
        }
    }
    sound.then_some(condition)
}

/// One word or a list of words.
fn any_of<T: Copy + PartialEq>(
    node: &Node,
    key: &str,
    legal: &[(&str, T)],
    problems: &mut Problems,
) -> Option<Vec<T>> {
    let one = std::slice::from_ref(node);
    let items = if let Kind::Seq(items) = &node.kind { items } else { one };
    if items.is_empty() {
        problems
            .add(node.spot, format!("an empty list of `{key}` never holds"))
            .help("list what is fine, or leave the key out");
        return None;
    }
    let mut all = Some(Vec::new());
    for item in items {
        let word = words::word(item, &format!("`{key}`"), key, legal, &[], problems);
        if word.is_none() {
            other_name(item, problems);
        }
        all = all.zip(word).map(|(mut all, word)| {
            if !all.contains(&word.value) {
                all.push(word.value);
            }
            all
        });
    }
    all
}

/// Container tools have other names for two architectures.
fn other_name(item: &Node, problems: &mut Problems) {
    let kernel = match &item.kind {
        Kind::Scalar(word) if word == "amd64" => "x86_64",
        Kind::Scalar(word) if word == "arm64" => "aarch64",
        _ => return,
    };
    if let Some(problem) = problems.last() {
        problem.help(format!("did you mean `{kernel}`? `uname -m` prints the name"));
    }
}

fn kernel(node: &Node, problems: &mut Problems) -> Option<Vec<KernelBound>> {
    let text = words::scalar(node, "`kernel`", problems)?;
    let parts: Vec<&str> = text.value.split(',').map(str::trim).collect();
    if parts.len() > MAX_BOUNDS {
        problems.add(text.spot, format!("`kernel` compares more than {MAX_BOUNDS} times"));
        return None;
    }
    let bounds: Vec<Option<KernelBound>> =
        parts.into_iter().map(|part| bound(part, text.spot, problems)).collect();
    let bounds: Vec<KernelBound> = bounds.into_iter().collect::<Option<_>>()?;
    if let Some((low, high)) = contradiction(&bounds) {
        problems.add(text.spot, format!("no kernel is both {low} and {high}"));
        return None;
    }
    Some(bounds)
}

fn bound(part: &str, spot: Spot, problems: &mut Problems) -> Option<KernelBound> {
    let sign = |comparison: &Comparison| part.starts_with(comparison.sign());
    let read = Comparison::ALL.into_iter().find(sign).and_then(|comparison| {
        let version = version(part[comparison.sign().len()..].trim_start())?;
        Some(KernelBound { comparison, version })
    });
    if read.is_none() {
        let problem = problems.add(spot, format!("{} is no comparison of kernels", quoted(part)));
        let digits = part.trim_start_matches(|c: char| !c.is_ascii_digit());
        if version(digits).is_some() {
            problem.help(format!("write `>={digits}`, `<{digits}` or `={digits}`, in quotes"));
        } else {
            problem.help(
                "write `>=`, `<` or `=` and up to three numbers with dots, in quotes: \">=5.18,<6\"",
            );
        }
    }
    read
}

/// One to three numbers, without leading zeros.
fn version(text: &str) -> Option<Vec<u32>> {
    let number = |part: &str| {
        let plain =
            part.chars().all(|c| c.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
        part.parse().ok().filter(|_| plain)
    };
    let numbers: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    (numbers.len() <= 3).then_some(numbers)
}

/// A lower and an upper bound with nothing between them.
fn contradiction(bounds: &[KernelBound]) -> Option<(&KernelBound, &KernelBound)> {
    let of = |comparison| bounds.iter().filter(move |bound| bound.comparison == comparison);
    of(Comparison::AtLeast)
        .flat_map(|low| of(Comparison::Below).map(move |high| (low, high)))
        .find(|(low, high)| low.padded() >= high.padded())
}
