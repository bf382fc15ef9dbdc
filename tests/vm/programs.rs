//! Programs in guests: the tool's own doctor, and the tests that start sandboxes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use contain_test::scenario::{CgroupMode, Resource};
use contain_test::vm::{Executed, Extra, Limits, Program, execute};

use crate::guest::{options, spec};

/// The tools that the kernel tests call besides the program, and that busybox has.
const TOOLS: [&str; 32] = [
    "sh", "awk", "cat", "cut", "dd", "env", "false", "find", "grep", "head", "id", "kill", "ls",
    "mkdir", "mount", "ping", "printf", "rm", "sed", "setpriv", "sleep", "sort", "tail", "taskset",
    "test", "timeout", "touch", "tr", "true", "umount", "unshare", "wc",
];

/// Those that it has not, or not with every option: they come from the host with their libraries.
const OF_THE_HOST: [&str; 8] =
    ["chrt", "ip", "ipcmk", "ipcs", "mkfs.ext4", "nsenter", "prlimit", "tc"];

pub fn doctor() -> Option<String> {
    for mode in CgroupMode::ALL {
        let program = Program {
            command: vec!["/init".to_owned(), "doctor".to_owned()],
            limit: Duration::from_secs(30),
            ..Program::default()
        };
        let mut said = String::new();
        let executed = execute(
            &spec(|spec| spec.cgroup = mode),
            &program,
            &options(Limits::default()),
            &mut |text| said.push_str(text),
        );
        let ended = Executed::Ended { code: 0, left: Vec::new() };
        assert_eq!(executed.expect("a guest"), ended, "{}: {said}", mode.name());
        assert!(said.contains("cgroup.pids"), "{said}");
    }
    None
}

/// The tests of `tests/kernel` in a guest: their binary and the program lie where they lie on the host.
pub fn kernel_tests() -> Option<String> {
    let path = |name: &str| std::env::var(name).ok();
    let tests = path("CONTAIN_TEST_KERNEL_TESTS");
    let (Some(extras), Some(tests)) = (tests.as_deref().and_then(extras), tests) else {
        return Some(
            "set CONTAIN_TEST_KERNEL_TESTS (cargo test --release --no-run --test kernel) and CONTAIN_TEST_BUSYBOX (a static busybox)"
                .to_owned(),
        );
    };
    let modes = path("CONTAIN_TEST_VM_MODES").unwrap_or_else(|| "v2".to_owned());
    for mode in
        CgroupMode::ALL.into_iter().filter(|mode| modes.split(',').any(|it| it == mode.name()))
    {
        let mut arguments = vec![tests.clone()];
        arguments.extend(
            path("CONTAIN_TEST_KERNEL_FILTER").iter().flat_map(|filter| {
                filter.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
            }),
        );
        let program = Program {
            command: arguments,
            environment: vec![
                ("PATH".to_owned(), "/bin".to_owned()),
                ("CONTAIN_TEST_MUST_RUN".to_owned(), "1".to_owned()),
                ("CONTAIN_TEST_EMULATED".to_owned(), "1".to_owned()),
            ],
            extras: extras.clone(),
            resources: Resource::ALL.to_vec(),
            limit: Duration::from_secs(1800),
        };
        let executed = execute(
            &spec(|spec| spec.cgroup = mode),
            &program,
            &options(Limits::default()),
            &mut |text| drop(std::io::stderr().write_all(text.as_bytes())),
        );
        let ended = Executed::Ended { code: 0, left: Vec::new() };
        assert_eq!(executed.expect("a guest"), ended, "{}", mode.name());
    }
    None
}

fn file(path: &Path) -> Extra {
    let contents = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Extra::File(path.display().to_string(), 0o755, contents)
}

fn extras(tests: &str) -> Option<Vec<Extra>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/leftovers.sh");
    let mut list = tools()?;
    list.extend([
        file(Path::new(tests)),
        file(Path::new(env!("CARGO_BIN_EXE_contain-test"))),
        file(&script),
    ]);
    Some(list)
}

/// A shell and tools for a guest; `None` without `CONTAIN_TEST_BUSYBOX`.
pub fn tools() -> Option<Vec<Extra>> {
    let busybox = std::env::var("CONTAIN_TEST_BUSYBOX").ok()?;
    let contents = fs::read(&busybox).unwrap_or_else(|error| panic!("{busybox}: {error}"));
    let mut list = vec![Extra::File("bin/busybox".to_owned(), 0o755, contents)];
    list.extend(TOOLS.map(|tool| Extra::Link(format!("bin/{tool}"), "busybox".to_owned())));
    let mut libraries = BTreeSet::new();
    for tool in OF_THE_HOST {
        let path =
            ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map(|folder| Path::new(folder).join(tool));
        let path =
            path.iter().find(|path| path.exists()).unwrap_or_else(|| panic!("no {tool} here"));
        let contents = fs::read(path).expect("a program");
        list.push(Extra::File(format!("bin/{tool}"), 0o755, contents));
        libraries.extend(libraries_of(path));
    }
    list.extend(libraries.iter().map(|library| file(library)));
    Some(list)
}

/// What the dynamic loader would load for a program, the loader included.
pub fn libraries_of(program: &Path) -> Vec<PathBuf> {
    let answer = Command::new("ldd").arg(program).output().expect("ldd");
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    let words = text.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(PathBuf::from).collect()
}
