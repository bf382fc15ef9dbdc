//! The tree of a file: values, each with its place. It knows nothing of the YAML crate, nor of scenarios.

use super::diagnostic::Spot;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub spot: Spot,
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Keys and values in the file's order; no key twice.
    Map(Vec<Entry>),
    /// A list.
    Seq(Vec<Node>),
    /// Any single value, as written, after YAML's own unquoting.
    Scalar(String),
    /// Nothing, `~` or `null`.
    Null,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    pub key_spot: Spot,
    pub value: Node,
}

impl Node {
    /// Number of values and bytes of text in a tree, whose depth is bounded.
    pub fn weight(&self) -> (usize, usize) {
        let add = |sum: (usize, usize), next: (usize, usize)| (sum.0 + next.0, sum.1 + next.1);
        match &self.kind {
            Kind::Null => (1, 0),
            Kind::Scalar(text) => (1, text.len()),
            Kind::Seq(items) => items.iter().map(Self::weight).fold((1, 0), add),
            Kind::Map(entries) => entries
                .iter()
                .map(|entry| add((1, entry.key.len()), entry.value.weight()))
                .fold((1, 0), add),
        }
    }
}
