//! CPU quotas in the spelling of either version, and the tightest of several.

use crate::record::GroupLimit;

/// So much CPU time in each period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quota {
    /// Time that may be used, in microseconds.
    pub quota_us: u64,
    /// Length of a period, in microseconds.
    pub period_us: u64,
    /// The files and their group.
    pub from: String,
}

impl Quota {
    /// Thousandths of a CPU, rounded down.
    pub fn millis(&self) -> u64 {
        let millis = u128::from(self.quota_us) * 1000 / u128::from(self.period_us.max(1));
        u64::try_from(millis).unwrap_or(u64::MAX)
    }

    /// Whether thousandths say it to the microsecond.
    pub fn is_exact(&self) -> bool {
        u128::from(self.quota_us) * 1000 == u128::from(self.millis()) * u128::from(self.period_us)
    }
}

/// The tightest of all quotas that these limits hold.
pub(super) fn tightest(limits: &[GroupLimit]) -> Option<Quota> {
    let unified = limits.iter().filter(|it| it.file == "cpu.max").filter_map(of_unified);
    let parted = limits.iter().filter(|it| it.file == "cpu.cfs_quota_us").filter_map(|quota| {
        let same = |it: &&GroupLimit| it.file == "cpu.cfs_period_us" && it.group == quota.group;
        Some(Quota {
            quota_us: quota.value.parse().ok()?,
            period_us: limits.iter().find(same)?.value.parse().ok().filter(|&it| it > 0)?,
            from: format!("cpu.cfs_quota_us of {}", quota.group),
        })
    });
    // Of two fractions the smaller one, without dividing.
    let product = |a: &Quota, b: &Quota| u128::from(a.quota_us) * u128::from(b.period_us);
    unified.chain(parted).min_by(|a, b| product(a, b).cmp(&product(b, a)))
}

fn of_unified(limit: &GroupLimit) -> Option<Quota> {
    let (quota, period) = limit.value.split_once(' ')?;
    Some(Quota {
        quota_us: quota.parse().ok()?,
        period_us: period.trim().parse().ok().filter(|&it| it > 0)?,
        from: format!("cpu.max of {}", limit.group),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::InterfaceVersion;

    fn limit(file: &str, value: &str, group: &str) -> GroupLimit {
        GroupLimit {
            file: file.to_owned(),
            value: value.to_owned(),
            group: group.to_owned(),
            own: group == "/a/b",
            version: InterfaceVersion::V2,
        }
    }

    #[test]
    fn the_tightest_of_either_version_is_found() {
        let all = [
            limit("cpu.max", "50000 100000", "/a/b"),
            limit("cpu.max", "10000 50000", "/a"),
            limit("cpu.cfs_quota_us", "90000", "/c"),
            limit("cpu.cfs_period_us", "100000", "/c"),
        ];
        let found = tightest(&all).unwrap();
        assert_eq!(
            (found.millis(), found.is_exact(), found.from.as_str()),
            (200, true, "cpu.max of /a")
        );
        let found = tightest(&all[2..]).unwrap();
        assert_eq!((found.millis(), found.period_us), (900, 100_000));
        let odd = tightest(&[limit("cpu.max", "33333 100000", "/")]).unwrap();
        assert_eq!((odd.millis(), odd.is_exact()), (333, false));
        assert_eq!(
            tightest(&[limit("cpu.max", "5 0", "/"), limit("cpu.cfs_quota_us", "5", "/")]),
            None
        );
    }
}
