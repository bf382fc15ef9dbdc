//! What a harness in a user namespace of its own knows of the machine outside: it was told by the process that made the namespace,
//! through the environment.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use super::{Roots, status};

/// The environment variable that carries it.
pub const VARIABLE: &str = "CONTAIN_TEST_ROOTLESS";

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnNamespace {
    /// The user that the harness belongs to on the machine, where it is 0 inside.
    pub uid: u32,
    /// A directory of the harness's own mount namespace for what every user must be able to reach: the binary for sandboxes, and
    /// the place of their root. The user's own runtime directory is closed to others.
    pub quarters: PathBuf,
}

impl OwnNamespace {
    /// What this process was told. `None` in the machine's first user namespace, whatever the environment says.
    #[must_use]
    pub fn here(roots: &Roots) -> Option<Self> {
        if status::in_first_user_namespace(roots) {
            return None;
        }
        Self::parse(&std::env::var(VARIABLE).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let (uid, quarters) = text.split_once(':')?;
        let quarters = PathBuf::from(quarters);
        quarters.is_absolute().then_some(())?;
        Some(Self { uid: uid.parse().ok()?, quarters })
    }
}

impl fmt::Display for OwnNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.quarters.display())
    }
}

/// Places for quarters, of which nothing is needed by a run: what is there is covered, in the harness's own mount namespace alone. The first is
/// for locks of serial lines and old daemons; the others are for mounts of people (file-hierarchy(7), the FHS), and taken where they are empty.
pub const QUARTERS: [&str; 4] = ["/run/lock", "/mnt", "/media", "/srv"];

/// Where a run without root would have its quarters; `None` where none of the places will do.
#[must_use]
pub fn quarters() -> Option<PathBuf> {
    let is_empty = |path: &PathBuf| fs::read_dir(path).is_ok_and(|mut all| all.next().is_none());
    let [locks, others @ ..] = QUARTERS.map(PathBuf::from);
    let locks = Some(locks).filter(|path| path.is_dir());
    locks.or_else(|| others.into_iter().find(is_empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_back_and_anything_else_is_nothing() {
        let told = OwnNamespace { uid: 1000, quarters: "/run/lock".into() };
        assert_eq!(OwnNamespace::parse(&told.to_string()), Some(told));
        for text in ["", "1000", "x:/run", "1000:run"] {
            assert_eq!(OwnNamespace::parse(text), None, "{text}");
        }
    }
}
