//! `/proc/PID/cgroup`, cgroups(7): which group of each hierarchy a process is in.

use crate::record::{InterfaceVersion, Membership};

/// The groups, in the kernel's order; `None` where a line does not have the documented form.
#[must_use]
pub fn parse(text: &str) -> Option<Vec<Membership>> {
    text.lines().map(parse_line).collect()
}

/// `hierarchy:controllers:path`; only the path may hold a colon.
fn parse_line(line: &str) -> Option<Membership> {
    let mut parts = line.splitn(3, ':');
    let hierarchy: u32 = parts.next()?.parse().ok()?;
    let names = parts.next()?;
    let path = parts.next().filter(|path| path.starts_with('/'))?.to_owned();
    let words = || names.split(',').filter(|word| !word.is_empty());
    // The unified hierarchy has the number 0 and no names.
    let version = match hierarchy == 0 && names.is_empty() {
        true => InterfaceVersion::V2,
        false => InterfaceVersion::V1,
    };
    Some(Membership {
        version,
        controllers: words().filter(|word| !word.contains('=')).map(str::to_owned).collect(),
        name: words().find_map(|word| word.strip_prefix("name=")).map(str::to_owned),
        path,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_versions_are_read() {
        let groups =
            parse("12:cpu,cpuacct:/docker/a:b\n1:name=systemd:/user.slice\n0::/\n").unwrap();
        assert_eq!(groups[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(groups[0].path, "/docker/a:b");
        assert_eq!(groups[0].version, InterfaceVersion::V1);
        assert_eq!(groups[1].name.as_deref(), Some("systemd"));
        assert!(groups[1].controllers.is_empty());
        assert_eq!((groups[2].version, groups[2].path.as_str()), (InterfaceVersion::V2, "/"));
        assert_eq!(parse(""), Some(Vec::new()));
    }

    #[test]
    fn lines_of_another_form_are_refused() {
        for wrong in ["x", "0:/", "a::/", "0::relative", "-1::/"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_path_reads_back(path in "/[^\n\r]{0,40}") {
            let groups = parse(&format!("0::{path}\n")).unwrap();
            prop_assert_eq!(&groups[0].path, &path);
        }
    }
}
