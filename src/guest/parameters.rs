//! What the kernel's command line asks for. Pure.

use std::time::Duration;

use crate::record::CgroupMode;

/// The parameters of this program; all others are the kernel's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// `contain_test.cgroup=v1|v2|hybrid`: which hierarchies to mount; v2 when absent.
    pub cgroup: CgroupMode,
    /// `contain_test.run=`: the arguments, with commas for blanks.
    pub arguments: Vec<String>,
    /// `contain_test.kill_after_ms=`: kill the run after that long, and then run `clean`.
    pub kill_after: Option<Duration>,
}

impl Parameters {
    /// Reads a line such as `/proc/cmdline`.
    ///
    /// # Errors
    /// The parameter that is missing or wrong.
    pub fn parse(line: &str) -> Result<Self, String> {
        let value = |name: &str| {
            line.split_whitespace()
                .filter_map(|word| word.strip_prefix("contain_test.")?.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        let cgroup = match value("cgroup") {
            None | Some("v2") => CgroupMode::V2,
            Some("v1") => CgroupMode::V1,
            Some("hybrid") => CgroupMode::Hybrid,
            Some(other) => {
                return Err(format!("contain_test.cgroup={other}: expected v1, v2 or hybrid"));
            }
        };
        let run = value("run").filter(|run| !run.is_empty()).ok_or(
            "the kernel parameter contain_test.run= is missing: write the arguments with commas for blanks",
        )?;
        let kill_after = value("kill_after_ms")
            .map(|text| text.parse().map(Duration::from_millis))
            .transpose()
            .map_err(|error| format!("contain_test.kill_after_ms: {error}"))?;
        let arguments = run.split(',').map(str::to_owned).collect();
        Ok(Self { cgroup, arguments, kill_after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_are_blanks_and_the_kernels_words_are_left_alone() {
        let line =
            "console=ttyS0 contain_test.cgroup=hybrid contain_test.run=run,/a.yaml,--format,json\n";
        let parameters = Parameters::parse(line).unwrap();
        assert_eq!(parameters.cgroup, CgroupMode::Hybrid);
        assert_eq!(parameters.arguments, ["run", "/a.yaml", "--format", "json"]);
        assert_eq!(parameters.kill_after, None);
        let killed = Parameters::parse("contain_test.run=doctor contain_test.kill_after_ms=1500");
        assert_eq!(killed.unwrap().kill_after, Some(Duration::from_millis(1500)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, named) in [
            ("quiet", "contain_test.run="),
            ("contain_test.run=doctor contain_test.cgroup=v3", "v3"),
            ("contain_test.run=doctor contain_test.kill_after_ms=soon", "kill_after_ms"),
        ] {
            assert!(Parameters::parse(line).unwrap_err().contains(named), "{line}");
        }
    }
}
