//! What files below `/proc` and `/sys` tell a sandbox: the same file read by two sandboxes and by the host, twice each.

use std::collections::BTreeMap;

use crate::record::{ChannelClass, Channels};

/// What somebody read, by path: `LENGTH:HASH`, or the name of an errno.
pub type Survey = BTreeMap<String, String>;

/// Two rounds of reading, one after the other, by each of the three.
#[derive(Debug, Clone, Copy)]
pub struct Rounds<'a> {
    /// The host, as a user without privileges.
    pub host: [&'a Survey; 2],
    /// The two sandboxes.
    pub sandboxes: [[&'a Survey; 2]; 2],
}

/// Texts of the same files, in the order in which they were read: host, the two sandboxes, host again.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    /// The host, before and after.
    pub host: [&'a Survey; 2],
    /// The two sandboxes.
    pub sandboxes: [&'a Survey; 2],
}

/// Of the words that are not the same in all readings, as many of a hundred must be as the host read them, for the readings to be of one
/// thing: some values go up and down meanwhile.
const ALIKE_PERCENT: usize = 50;

/// So far from what the host read a number may be, as a share.
const NEAR: f64 = 0.02;

/// The class of each file that anybody can read; `None` for those whose texts must be compared, because they change or differ.
#[must_use]
pub fn classes(rounds: Rounds<'_>) -> BTreeMap<String, Option<ChannelClass>> {
    let [[a, b], [c, d]] = rounds.sandboxes;
    let all = rounds.host.into_iter().chain([a, b, c, d]);
    let paths: std::collections::BTreeSet<&String> = all.flat_map(|it| it.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| {
            let of = |survey: &Survey| survey.get(path).filter(|it| tells(it)).cloned();
            let host = rounds.host.map(of);
            let sandboxes = rounds.sandboxes.map(|rounds| rounds.map(of));
            Some((path.clone(), class(&host, &sandboxes)?))
        })
        .collect()
}

/// True for content that is not empty.
fn tells(shown: &str) -> bool {
    shown.split_once(':').is_some_and(|(length, _)| length != "0")
}

/// `None` where nobody reads anything.
#[expect(clippy::option_option, reason = "nothing to class, and not classed yet")]
fn class(
    host: &[Option<String>; 2],
    sandboxes: &[[Option<String>; 2]; 2],
) -> Option<Option<ChannelClass>> {
    let inside = sandboxes.iter().flatten().any(Option::is_some);
    let outside = host.iter().any(Option::is_some);
    let [first, second] = host;
    Some(match (outside, inside) {
        (false, false) => return None,
        (true, false) => Some(ChannelClass::Masked),
        (false, true) => Some(ChannelClass::Private),
        (true, true) if sandboxes.iter().flatten().all(|it| it == first) && first == second => {
            Some(ChannelClass::SharedStatic)
        }
        (true, true) => None,
    })
}

/// The class of a file that changes or differs, by its texts: shared where both sandboxes read what lies between what the host read
/// before and after them.
#[must_use]
pub fn class_by_text(path: &str, texts: Texts<'_>) -> ChannelClass {
    let of = |survey: &'_ Survey| survey.get(path).cloned().unwrap_or_default();
    let [before, after] = texts.host.map(of);
    if texts.sandboxes.iter().all(|it| alike(&of(it), &before, &after)) {
        ChannelClass::SharedVarying
    } else {
        ChannelClass::Private
    }
}

fn alike(text: &str, before: &str, after: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let is_end = |letter: char| letter.is_whitespace() || ",;:=/()[]".contains(letter);
        let words = text.split(is_end).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let (own, before, after) = (words(text), words(before), words(after));
    if own.is_empty() || own.len() != before.len() || own.len() != after.len() {
        return false;
    }
    let readings = own.iter().zip(before.iter().zip(&after));
    // Headings and what nobody changed say nothing.
    let telling: Vec<_> = readings.filter(|(own, it)| *own != it.0 || *own != it.1).collect();
    let near = telling.iter().filter(|(own, (before, after))| {
        match (own.parse::<f64>(), before.parse::<f64>(), after.parse::<f64>()) {
            (Ok(own), Ok(before), Ok(after)) => {
                let slack = NEAR * before.abs().max(after.abs());
                (before.min(after) - slack..=before.max(after) + slack).contains(&own)
            }
            _ => *own == *before || *own == *after,
        }
    });
    near.count() * 100 >= telling.len() * ALIKE_PERCENT
}

/// Counts by class.
#[must_use]
pub fn counted(files: BTreeMap<String, ChannelClass>) -> Channels {
    let mut counts = BTreeMap::new();
    for class in files.values() {
        *counts.entry(*class).or_insert(0) += 1;
    }
    Channels { counts, files, canaries: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(files: &[(&str, &str)]) -> Survey {
        files.iter().map(|&(path, shown)| (path.to_owned(), shown.to_owned())).collect()
    }

    #[test]
    fn files_are_classed_by_who_reads_what() {
        let host = survey(&[
            ("same", "3:aa"),
            ("masked", "3:aa"),
            ("null", "3:aa"),
            ("own", "3:aa"),
            ("nothing", "0:00"),
        ]);
        let one = survey(&[
            ("same", "3:aa"),
            ("masked", "EACCES"),
            ("null", "0:00"),
            ("own", "3:bb"),
            ("mine", "1:cc"),
        ]);
        let rounds = Rounds { host: [&host, &host], sandboxes: [[&one, &one], [&one, &one]] };
        let found = classes(rounds);
        assert_eq!(found["same"], Some(ChannelClass::SharedStatic));
        assert_eq!(found["masked"], Some(ChannelClass::Masked));
        assert_eq!(found["null"], Some(ChannelClass::Masked));
        assert_eq!(found["mine"], Some(ChannelClass::Private));
        assert_eq!(found["own"], None, "its text must tell");
        assert!(!found.contains_key("nothing"));
    }

    #[test]
    fn what_lies_between_two_readings_is_the_same_thing() {
        assert!(alike("cpu 105 20 x", "cpu 100 20 x", "cpu 110 20 x"));
        assert!(!alike("cpu 5 2 x", "cpu 100 20 x", "cpu 110 20 x"));
        assert!(!alike("other name", "host name", "host name"));
        assert!(!alike("In Out a 0 0", "In Out a 9 7", "In Out a 10 8"), "headings do not count");
        assert!(
            alike("free 9990 kB", "free 10000 kB", "free 10010 kB"),
            "it may go down meanwhile"
        );
        assert!(!alike("", "a", "a") && !alike("a b", "a", "a"));
        let (before, own, after) =
            (survey(&[("f", "7")]), survey(&[("f", "8")]), survey(&[("f", "9")]));
        let texts = Texts { host: [&before, &after], sandboxes: [&own, &own] };
        assert_eq!(class_by_text("f", texts), ChannelClass::SharedVarying);
        let texts = Texts { host: [&before, &before], sandboxes: [&own, &own] };
        assert_eq!(class_by_text("f", texts), ChannelClass::Private);
    }
}
