//! Subordinate IDs: what `/etc/subuid` and `/etc/subgid` give a user for user namespaces of its own, subuid(5).

use super::Roots;

/// What all sandboxes of a run without root need at least: a range for each, with room for the usual users in it.
pub const NEEDED: u32 = 16_384;

/// What is proposed where there are none or too few: as much as a run with root uses, so that each sandbox has 65,536.
pub const PROPOSED: u32 = 524_288;

/// The first ID that is proposed where nobody has any, `SUB_UID_MIN` of login.defs(5).
const FIRST: u32 = 100_000;

/// A range of IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// The user that a process without root belongs to, and the IDs that it may map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subordinate {
    /// Its name, or its number where `/etc/passwd` has none.
    pub name: String,
    /// The largest range of user IDs.
    pub users: Option<Range>,
    /// The largest range of group IDs.
    pub groups: Option<Range>,
    /// The first ID that nobody has, in neither file: where new ranges could begin.
    pub free: u32,
}

impl Subordinate {
    /// Reads the three files. One that is not there gives nobody anything.
    #[must_use]
    pub fn read(roots: &Roots, uid: u32) -> Self {
        let text = |file: &str| roots.read_etc(file).unwrap_or_default();
        let (users, groups) = (text("subuid"), text("subgid"));
        let name = name_of(&text("passwd"), uid);
        Self {
            users: largest(&users, &name, uid),
            groups: largest(&groups, &name, uid),
            free: free(&users).max(free(&groups)),
            name,
        }
    }

    /// How many IDs of both kinds can be mapped.
    #[must_use]
    pub fn count(&self) -> u32 {
        let count = |range: Option<Range>| range.map_or(0, |range| range.count);
        count(self.users).min(count(self.groups))
    }

    /// The command that gives the user enough of both, run by root: usermod(8).
    #[must_use]
    pub fn command(&self) -> String {
        let (first, last) = (self.free, self.free.saturating_add(PROPOSED - 1));
        let name = &self.name;
        format!("sudo usermod --add-subuids {first}-{last} --add-subgids {first}-{last} {name}")
    }
}

/// The name of a user, passwd(5).
fn name_of(passwd: &str, uid: u32) -> String {
    let own = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    };
    passwd.lines().find_map(own).unwrap_or_else(|| uid.to_string())
}

/// Each line is a name or a number, the first ID and how many, with colons between.
fn parse(text: &str) -> impl Iterator<Item = (&str, Range)> {
    text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let (owner, first, count) = (fields.next()?, fields.next()?, fields.next()?);
        let range = Range { first: first.parse().ok()?, count: count.parse().ok()? };
        (range.first.checked_add(range.count).is_some() && range.count > 0)
            .then_some((owner, range))
    })
}

/// A map of a sandbox must lie in one range of its parent's (`map_id_range_down` of kernel/user_namespace.c), so one is used, the
/// largest.
fn largest(text: &str, name: &str, uid: u32) -> Option<Range> {
    let number = uid.to_string();
    let own = parse(text).filter(|(owner, _)| *owner == name || *owner == number);
    own.map(|(_, range)| range).max_by_key(|range| range.count)
}

fn free(text: &str) -> u32 {
    parse(text).map(|(_, range)| range.first + range.count).fold(FIRST, u32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "root:100000:65536\nalice:165536:65536\n# a remark\n1000:300000:70000\nbob:400000:0\nbroken\nalice:4294967295:2\n";

    #[test]
    fn ranges_belong_to_a_name_or_a_number_and_the_largest_is_used() {
        let of = |name, uid| largest(TEXT, name, uid).map(|range| (range.first, range.count));
        assert_eq!(of("alice", 1000), Some((300_000, 70_000)));
        assert_eq!(of("alice", 1001), Some((165_536, 65_536)));
        assert_eq!(of("bob", 1002), None, "a range of nothing is none");
        assert_eq!(of("carol", 1003), None);
    }

    #[test]
    fn what_is_proposed_begins_where_nobody_has_anything() {
        assert_eq!(free(TEXT), 370_000);
        assert_eq!(free(""), 100_000);
        let none = Subordinate { name: "alice".into(), users: None, groups: None, free: 370_000 };
        assert_eq!(none.count(), 0);
        assert_eq!(
            none.command(),
            "sudo usermod --add-subuids 370000-894287 --add-subgids 370000-894287 alice"
        );
    }

    #[test]
    fn both_kinds_are_needed() {
        let range = |count| Some(Range { first: 1, count });
        let mut own =
            Subordinate { name: "a".into(), users: range(9), groups: range(7), free: 100_000 };
        assert_eq!(own.count(), 7);
        own.groups = None;
        assert_eq!(own.count(), 0);
    }

    #[test]
    fn a_user_without_a_name_is_its_number() {
        let passwd = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nshort\n";
        assert_eq!(name_of(passwd, 1000), "alice");
        assert_eq!(name_of(passwd, 1001), "1001");
    }
}
