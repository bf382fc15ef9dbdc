//! A run without root: this program executes itself once more in a user namespace in which its user is root.
//!
//! Nothing that outlives the process is made here. The user and mount namespaces are this process's own, and end with the run; the
//! program stays the same process with the same ID, so signals and its parent find it as before. What is changed on the machine, the
//! delegated cgroup, is the engine's, which has ledger and guardian for it.

mod mapper;

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid};

use crate::host::{Facts, OWN_NAMESPACE, OwnNamespace, Subordinate};
use crate::sandbox::{FIRST_ID, ID_COUNT, RANGES_OF_A_RUN};

pub use mapper::{ROLE as MAPPER, run as map_ids};

const NONE: Option<&str> = None;

/// Why no user namespace could be entered.
#[derive(Debug, thiserror::Error)]
#[error("cannot {step}: {source}; {remedy}")]
pub struct RootlessError {
    /// What was tried.
    step: &'static str,
    /// Why it failed.
    source: io::Error,
    /// What to do about it.
    remedy: &'static str,
}

const MAY_BE_FORBIDDEN: &str =
    "a security module may forbid user namespaces (`dmesg` says so); remedy: `sudo contain-test …`";
const MAPPING: &str = "newuidmap(1) and newgidmap(1) must be set-user-ID root or have file capabilities, and must not lie on a \
     file system mounted `nosuid`; remedy: `sudo apt-get install --reinstall uidmap`, or `sudo contain-test …`";
const REPORT_IT: &str = "remedy: `sudo contain-test …`";

/// Enters a user namespace and executes this program there, with the same arguments. Returns only where that failed, or where there is
/// nothing to enter: with root, inside already, or where `host::machine` says that something is missing.
///
/// The caller must have one thread (unshare(2)).
///
/// # Errors
/// The step that the kernel refused although nothing was known to be missing.
pub fn enter(arguments: &[OsString], facts: &Facts) -> Result<(), RootlessError> {
    let (Some(subordinate), Some(programs), Some(quarters)) =
        (&facts.subordinate, &facts.id_mappers, &facts.quarters)
    else {
        return Ok(());
    };
    let (user, group) = (Uid::effective().as_raw(), Gid::effective().as_raw());
    let maps = maps(subordinate, user, group);
    let failed = |step, remedy| move |source| RootlessError { step, source, remedy };
    let mapper = mapper::Mapper::start(programs, &maps)
        .map_err(failed("start a helper that maps user IDs", REPORT_IT))?;
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
        .map_err(io::Error::from)
        .map_err(failed("make a user namespace", MAY_BE_FORBIDDEN))?;
    mapper.map().map_err(failed("map the subordinate IDs of this user", MAPPING))?;
    cover(quarters).map_err(failed("mount a tmpfs in a mount namespace", MAY_BE_FORBIDDEN))?;
    let own = OwnNamespace { uid: user, quarters: quarters.clone() };
    let (name, rest) = arguments
        .split_first()
        .map_or((OsString::new(), &[][..]), |(name, rest)| (name.clone(), rest));
    let source = Command::new("/proc/self/exe")
        .arg0(name)
        .args(rest)
        .env(OWN_NAMESPACE, own.to_string())
        .exec();
    Err(failed("execute this program in a user namespace", REPORT_IT)(source))
}

/// The lines of both maps: the user is root inside, and the subordinate IDs are where sandboxes have theirs.
fn maps(subordinate: &Subordinate, user: u32, group: u32) -> [Vec<u32>; 2] {
    let count = subordinate.count().min(RANGES_OF_A_RUN * ID_COUNT);
    let line = |own, range: Option<crate::host::Range>| {
        let first = range.map_or(0, |range| range.first);
        vec![0, own, 1, FIRST_ID, first, count]
    };
    [line(user, subordinate.users), line(group, subordinate.groups)]
}

/// Nothing of what is mounted from here on is seen outside.
fn cover(quarters: &Path) -> io::Result<()> {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("contain-test"), quarters, Some("tmpfs"), flags, Some("mode=0755"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Range;

    #[test]
    fn the_user_is_root_and_subordinate_ids_are_those_of_sandboxes() {
        let range = |first| Some(Range { first, count: 65_536 });
        let mut own = Subordinate {
            name: "alice".into(),
            users: range(100_000),
            groups: range(200_000),
            free: 0,
        };
        let [users, groups] = maps(&own, 1000, 1001);
        assert_eq!(users, [0, 1000, 1, 0x7000_0000, 100_000, 65_536]);
        assert_eq!(groups, [0, 1001, 1, 0x7000_0000, 200_000, 65_536]);
        let plenty = Some(Range { first: 1, count: 1 << 30 });
        (own.users, own.groups) = (plenty, plenty);
        assert_eq!(maps(&own, 1000, 1000)[0][5], 8 * 65_536, "no more than a run can use");
    }
}
