//! YAML text to a tree of located nodes. The only file that knows the YAML crate.
//!
//! The tree is built from the parser's events and not through `Deserialize`: serde ends at the first error, and turns plain
//! scalars into numbers before their spelling (`0755`, `1e3`, `64m`) can be judged.

use std::collections::HashMap;

use serde_yaml::granit_parser::{self, ErrorKind, Event, Parser, ScalarStyle, ScanError};

use super::Position;
use super::diagnostic::{Problems, Spot, quoted};
use super::node::{Entry, Kind, Node};

/// The largest scenario file, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Maps and lists within each other; a scenario needs six.
const MAX_DEPTH: usize = 24;

/// Values of all kinds, each use of an anchor counted anew.
const MAX_NODES: usize = 20_000;

/// Bytes that aliases may copy.
const MAX_COPIED: usize = 1 << 20;

/// Reads one document. `None` when the text is no YAML; what else is wrong with it is added to the problems.
pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    if text.len() > MAX_BYTES {
        problems.add(Spot::FILE, format!("the file is larger than {} MiB", MAX_BYTES >> 20));
        return None;
    }
    // The parser would count the byte order mark as a column.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_comments: false,
        emit_unresolved_aliases: true,
    };
    let mut builder = Builder::new(problems);
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                if let Some(tag) = span.tag_span() {
                    builder.refuse_tag(spot_of(&tag));
                }
                builder.event(event, spot_of(&span)).ok()?;
            }
            Err(error) => {
                scan_error(&error, builder.problems);
                return None;
            }
        }
    }
    builder.root.or(Some(Node { spot: Spot::FILE, kind: Kind::Null }))
}

fn spot_of(span: &granit_parser::Span) -> Spot {
    let width = if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col())
    } else {
        1
    };
    Spot { position: position_of(&span.start), width: width.max(1) }
}

fn position_of(marker: &granit_parser::Marker) -> Position {
    let from_one = |number: usize| u64::try_from(number).unwrap_or(u64::MAX).max(1);
    Position { line: from_one(marker.line()), column: from_one(marker.col().saturating_add(1)) }
}

fn scan_error(error: &ScanError, problems: &mut Problems) {
    let spot = Spot { position: position_of(error.marker()), width: 1 };
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation => {
            problems
                .add(spot, "a tab cannot indent YAML")
                .help("indent with spaces, two for each level");
        }
        ErrorKind::RecursionLimitExceeded => too_deep(spot, problems),
        ErrorKind::DirectiveDisallowed => {
            problems.add(spot, "YAML directives (`%…`) are not used in scenarios");
        }
        _ => {
            problems.add(spot, format!("this is not YAML: {}", error.info()));
        }
    }
}

fn too_deep(spot: Spot, problems: &mut Problems) {
    problems.add(spot, format!("values are nested more than {MAX_DEPTH} levels deep"));
}

/// Reading cannot go on; the reason is among the problems.
struct Stop;

/// A map or list whose end has not been seen.
struct Open {
    spot: Spot,
    anchor: usize,
    kind: OpenKind,
    /// Levels of what is inside.
    depth: usize,
}

enum OpenKind {
    Map(Vec<Entry>, Slot),
    Seq(Vec<Node>),
}

/// What a map waits for.
enum Slot {
    Key,
    Value(String, Spot),
    /// The value of a key that was refused.
    Ignored,
}

/// A finished value that aliases may copy.
struct Anchored {
    node: Node,
    nodes: usize,
    bytes: usize,
    depth: usize,
}

struct Builder<'p> {
    problems: &'p mut Problems,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    copied: usize,
}

impl<'p> Builder<'p> {
    fn new(problems: &'p mut Problems) -> Self {
        Self {
            problems,
            stack: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            documents: 0,
            nodes: 0,
            copied: 0,
        }
    }

    fn event(&mut self, event: Event<'_>, spot: Spot) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.problems
                        .add(spot, "a scenario file holds one document")
                        .help("put each scenario into a file of its own");
                    return Err(Stop);
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                self.count(1, spot)?;
                let plain = style == ScalarStyle::Plain;
                let kind = match &*text {
                    "" | "~" | "null" | "Null" | "NULL" if plain => Kind::Null,
                    _ => Kind::Scalar(text.into_owned()),
                };
                if plain && matches!(&kind, Kind::Scalar(text) if text == "<<") && self.wants_key()
                {
                    self.problems
                        .add(spot, "merge keys (`<<`) are not supported")
                        .help("write the keys out; anchors work for whole values");
                    self.set_slot(Slot::Ignored);
                    return Ok(());
                }
                self.finish(Node { spot, kind }, anchor, 1);
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(OpenKind::Seq(Vec::new()), anchor, spot)?;
            }
            Event::MappingStart(_, anchor, _) => {
                self.open(OpenKind::Map(Vec::new(), Slot::Key), anchor, spot)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.copy(anchor, spot)?,
            Event::UnresolvedAlias(name) => {
                self.problems.add(
                    spot,
                    format!("no anchor named {} stands before this alias", quoted(&name)),
                );
                return Err(Stop);
            }
            _ => {}
        }
        Ok(())
    }

    fn refuse_tag(&mut self, spot: Spot) {
        self.problems
            .add(spot, "YAML tags (`!…`) are not used in scenarios")
            .help("put a value that starts with `!` in quotes; to deny a fact, write `not FACT`");
    }

    fn count(&mut self, nodes: usize, spot: Spot) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            self.problems.add(spot, format!("the file holds more than {MAX_NODES} values"));
            return Err(Stop);
        }
        Ok(())
    }

    fn open(&mut self, kind: OpenKind, anchor: usize, spot: Spot) -> Result<(), Stop> {
        self.count(1, spot)?;
        if self.stack.len() >= MAX_DEPTH {
            too_deep(spot, self.problems);
            return Err(Stop);
        }
        // The parser's span of a map reaches over its whole text; a caret at its start is enough.
        let spot = Spot { width: 1, ..spot };
        self.stack.push(Open { spot, anchor, kind, depth: 0 });
        Ok(())
    }

    fn close(&mut self) {
        if let Some(open) = self.stack.pop() {
            let kind = match open.kind {
                OpenKind::Map(entries, _) => Kind::Map(entries),
                OpenKind::Seq(items) => Kind::Seq(items),
            };
            self.finish(Node { spot: open.spot, kind }, open.anchor, open.depth + 1);
        }
    }

    fn copy(&mut self, anchor: usize, spot: Spot) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            self.problems.add(spot, "an alias cannot stand inside the value that it repeats");
            return Err(Stop);
        };
        let (nodes, bytes, depth) = (anchored.nodes, anchored.bytes, anchored.depth);
        self.copied = self.copied.saturating_add(bytes);
        if self.copied > MAX_COPIED {
            self.problems.add(spot, "aliases repeat too much");
            return Err(Stop);
        }
        self.count(nodes, spot)?;
        if self.stack.len() + depth > MAX_DEPTH {
            too_deep(spot, self.problems);
            return Err(Stop);
        }
        if let Some(anchored) = self.anchors.get(&anchor) {
            let node = Node { spot, kind: anchored.node.kind.clone() };
            self.finish(node, 0, depth);
        }
        Ok(())
    }

    fn wants_key(&self) -> bool {
        matches!(self.stack.last(), Some(Open { kind: OpenKind::Map(_, Slot::Key), .. }))
    }

    fn set_slot(&mut self, new: Slot) {
        if let Some(Open { kind: OpenKind::Map(_, slot), .. }) = self.stack.last_mut() {
            *slot = new;
        }
    }

    /// Puts a complete value where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, depth: usize) {
        if anchor != 0 {
            let (nodes, bytes) = node.weight();
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, bytes, depth });
            // Keeping the original for aliases is a copy too.
            self.copied = self.copied.saturating_add(bytes);
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        open.depth = open.depth.max(depth);
        match &mut open.kind {
            OpenKind::Seq(items) => items.push(node),
            OpenKind::Map(entries, slot) => match std::mem::replace(slot, Slot::Key) {
                Slot::Key => *slot = key_slot(node, entries, self.problems),
                Slot::Value(key, key_spot) => {
                    // Nothing stands nowhere: what is said about it belongs to its key.
                    let is_null = node.kind == Kind::Null;
                    let spot = if is_null { key_spot } else { node.spot };
                    entries.push(Entry { key, key_spot, value: Node { spot, ..node } });
                }
                Slot::Ignored => {}
            },
        }
    }
}

fn key_slot(node: Node, entries: &[Entry], problems: &mut Problems) -> Slot {
    let Kind::Scalar(key) = node.kind else {
        problems.add(node.spot, "a key must be a word");
        return Slot::Ignored;
    };
    if let Some(first) = entries.iter().find(|entry| entry.key == key) {
        let line = first.key_spot.position.line;
        problems
            .add(node.spot, format!("the key {} is given twice", quoted(&key)))
            .help(format!("it was first given in line {line}"));
        return Slot::Ignored;
    }
    Slot::Value(key, node.spot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, String) {
        let mut problems = Problems::default();
        let node = parse(text, &mut problems);
        (node, problems.into_errors("t.yaml", text).to_string())
    }

    #[test]
    fn keeps_the_spelling_of_scalars_and_their_places() {
        let (node, errors) = read("a: 0755\nb: [no, \"x\"]\nc:\n");
        assert_eq!(errors, "");
        let Some(Node { kind: Kind::Map(entries), .. }) = node else { panic!("no map") };
        assert_eq!(entries[0].value.kind, Kind::Scalar("0755".to_owned()));
        assert_eq!(entries[0].value.spot.position, Position { line: 1, column: 4 });
        assert_eq!(entries[0].value.spot.width, 4);
        assert_eq!(entries[1].key_spot.position, Position { line: 2, column: 1 });
        let Kind::Seq(items) = &entries[1].value.kind else { panic!("no list") };
        assert_eq!(items[0].kind, Kind::Scalar("no".to_owned()));
        assert_eq!(items[1].spot.position, Position { line: 2, column: 9 });
        assert_eq!(entries[2].value.kind, Kind::Null);
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        let (node, errors) = read("\u{feff}a: 1\n");
        assert_eq!(errors, "");
        let Some(Node { kind: Kind::Map(entries), .. }) = node else { panic!("no map") };
        assert_eq!(entries[0].key, "a");
        assert_eq!(entries[0].key_spot.position.column, 1);
    }

    #[test]
    fn anchors_repeat_whole_values() {
        let (node, errors) = read("a: &x {k: 1}\nb: *x\n");
        assert_eq!(errors, "");
        let Some(Node { kind: Kind::Map(entries), .. }) = node else { panic!("no map") };
        assert_eq!(entries[0].value.kind, entries[1].value.kind);
        assert_eq!(entries[1].value.spot.position, Position { line: 2, column: 4 });
    }

    #[test]
    fn reports_every_duplicate() {
        let (node, errors) = read("a: 1\na: 2\nb: {c: 1, c: 2}\n");
        assert!(node.is_some());
        assert_eq!(errors.matches("given twice").count(), 2, "{errors}");
        assert!(errors.contains("t.yaml:2:1"), "{errors}");
        assert!(errors.contains("t.yaml:3:11"), "{errors}");
    }

    #[test]
    fn bombs_are_refused() {
        let mut billion = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let inner = format!("*a{}, ", level - 1).repeat(10);
            billion.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        let one_large = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), "*a, ".repeat(1000));
        let deep = "[".repeat(100_000);
        let block = (0..2000).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>();
        for text in [&billion, &one_large, &deep, &block, &"- ".repeat(100_000)] {
            let (node, errors) = read(text);
            assert!(node.is_none() && !errors.is_empty(), "{errors}");
        }
    }

    #[test]
    fn one_document_and_no_magic() {
        for (text, expected) in [
            ("a: 1\n---\nb: 1\n", "holds one document"),
            ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge keys"),
            ("a: !x 1\n", "YAML tags"),
            ("%YAML 1.2\n---\na: 1\n", "directives"),
            ("a: &x [*x]\n", "inside the value"),
            ("a: *nowhere\n", "no anchor named `nowhere`"),
            ("a:\n\tb: 1\n", "a tab cannot indent"),
            ("{a: 1}: 2\n", "a key must be a word"),
            ("a: [1, 2\n", "not YAML"),
        ] {
            let (_, errors) = read(text);
            assert!(errors.contains(expected), "{text:?}: {errors}");
        }
        assert_eq!(read("").0.map(|node| node.kind), Some(Kind::Null));
    }
}
