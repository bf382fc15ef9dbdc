//! Runs without root, in guests whose first program plays the parts of systemd that matter (`rootless.sh`).

use std::fs;
use std::path::Path;
use std::time::Duration;

use contain_test::scenario::{CgroupMode, Resource};
use contain_test::vm::{Executed, Extra, Limits, Program, execute};

use crate::guest::{options, spec};
use crate::programs::{libraries_of, tools};

const SCRIPT: &str = include_str!("rootless.sh");

/// Tools of the script that the kernel tests do without, and that busybox has.
const TOOLS: [&str; 14] = [
    "chmod", "chown", "cmp", "cp", "diff", "mkfifo", "pidof", "rmdir", "seq", "su", "sysctl",
    "tee", "uniq", "usleep",
];

/// Programs of the host with their libraries: those that are installed by a remedy wait where a stand-in finds them.
const OF_THE_HOST: [(&str, &str); 3] = [
    ("/usr/bin/newuidmap", "packages/newuidmap"),
    ("/usr/bin/newgidmap", "packages/newgidmap"),
    ("/usr/sbin/usermod", "bin/usermod"),
];

/// What stands in for programs that are not in a guest: who runs `sudo` here is root, and a package is a copy away.
const STAND_INS: [(&str, &str); 4] = [
    ("bin/sudo", "#!/bin/sh\nexec \"$@\"\n"),
    (
        "bin/apt-get",
        "#!/bin/sh\n[ \"$1 $2\" = 'install uidmap' ] || exit 100\n\
         cp /packages/new?idmap /bin/ && chmod 4755 /bin/new?idmap\n",
    ),
    (
        "bin/systemctl",
        "#!/bin/sh\n[ \"$1\" = daemon-reload ] || exit 1\nexec sh /rootless.sh realize\n",
    ),
    (
        "bin/systemd-run",
        "#!/bin/sh\n[ \"$1 $2 $3 $4\" = '--user --scope -p Delegate=yes' ] || exit 1\nshift 4\n\
         echo $$ >/run/scopes\nuntil grep -q app.slice/run-$$ /proc/self/cgroup; do usleep 10000; done\nexec \"$@\"\n",
    ),
];

fn extras() -> Option<Vec<Extra>> {
    let mut list = tools()?;
    list.extend(TOOLS.map(|tool| Extra::Link(format!("bin/{tool}"), "busybox".to_owned())));
    let mut libraries = std::collections::BTreeSet::new();
    for (program, at) in OF_THE_HOST {
        let contents = fs::read(program).unwrap_or_else(|error| panic!("{program}: {error}"));
        list.push(Extra::File(at.to_owned(), 0o755, contents));
        libraries.extend(libraries_of(Path::new(program)));
    }
    let known = |list: &[Extra], path: &str| {
        list.iter().any(|extra| matches!(extra, Extra::File(at, ..) if at == path))
    };
    for library in libraries {
        let path = library.display().to_string();
        if !known(&list, &path) {
            list.push(Extra::File(path, 0o755, fs::read(&library).expect("a library")));
        }
    }
    for (at, text) in STAND_INS {
        list.push(Extra::File(at.to_owned(), 0o755, text.as_bytes().to_vec()));
    }
    for (at, text) in [
        ("rootless.sh", SCRIPT),
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"),
        ("etc/group", "root:x:0:\nalice:x:1000:\n"),
        ("etc/shadow", "root:*:1::::::\nalice:*:1::::::\n"),
        ("etc/login.defs", ""),
    ] {
        list.push(Extra::File(at.to_owned(), 0o644, text.as_bytes().to_vec()));
    }
    list.push(Extra::Link("bin/contain-test".to_owned(), "/init".to_owned()));
    Some(list)
}

/// Runs parts of the script in a guest, and returns what they said. `None` without what a guest's shell is made of.
fn said(mode: CgroupMode, part: &str) -> Option<String> {
    said_by(mode, &format!("machine; scenario; {part}; finish"))
}

fn said_by(mode: CgroupMode, script: &str) -> Option<String> {
    let script = format!(". /rootless.sh; {script}");
    let program = Program {
        command: ["/bin/sh", "-c", &script].map(str::to_owned).to_vec(),
        environment: vec![("PATH".to_owned(), "/bin".to_owned())],
        extras: extras()?,
        resources: vec![Resource::Pids],
        limit: Duration::from_secs(180),
    };
    let mut said = String::new();
    let spec = spec(|spec| spec.cgroup = mode);
    let executed = execute(&spec, &program, &options(Limits::default()), &mut |text| {
        said.push_str(text);
    });
    let ended = Executed::Ended { code: 0, left: Vec::new() };
    assert_eq!(executed.expect("a guest"), ended, "{said}");
    Some(said)
}

const NO_SHELL: &str = "set CONTAIN_TEST_BUSYBOX (a static busybox)";

/// Each line that begins with a requirement's name says what a run did without it or with it.
fn assert_mended(said: &str, requirement: &str, command: &str, times: usize) {
    let of = |words: &str| {
        let lines =
            said.lines().filter(|line| line.starts_with(&format!("{requirement}: {words}")));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let without = of("exit 3 without; named yes; ");
    assert_eq!(without.len(), times, "{requirement}: {said}");
    assert!(without.iter().any(|line| line.contains(command)), "{requirement}: {without:?}");
    assert_eq!(of("exit 0 with; ").len(), times, "{requirement}: {said}");
}

/// What doctor proposes is done word by word, and the run that was impossible before works: settings and packages of the system.
pub fn mended_system() -> Option<String> {
    let Some(said) = said(CgroupMode::V2, "mend_system") else { return Some(NO_SHELL.to_owned()) };
    let ids = "sudo usermod --add-subuids 165536-689823 --add-subgids 165536-689823 alice";
    assert_mended(&said, "ids.subordinate", ids, 1);
    assert_mended(&said, "ids.programs", "sudo apt-get install uidmap", 1);
    let patched = !said.contains("this kernel has no kernel.unprivileged_userns_clone");
    let times = if patched { 2 } else { 1 };
    let sysctl = "sudo sysctl -w user.max_user_namespaces=1024";
    assert_mended(&said, "namespace.user", sysctl, times);
    assert_mended(&said, "runtime.quarters", "sudo mkdir -p /run/lock", 1);
    assert!(said.contains("left: \n"), "{said}");
    None
}

/// The same for what systemd delegates.
pub fn mended_delegation() -> Option<String> {
    let Some(said) = said(CgroupMode::V2, "mend_delegation") else {
        return Some(NO_SHELL.to_owned());
    };
    let scope = "systemd-run --user --scope -p Delegate=yes contain-test …";
    assert_mended(&said, "cgroup.writable", scope, 1);
    assert_mended(&said, "cgroup.alone", scope, 1);
    assert_mended(&said, "cgroup.cpuset", "Delegate=cpu cpuset io memory pids", 1);
    assert!(said.contains("left: \n"), "{said}");
    None
}

/// Controllers of version 1 are for root.
pub fn version_1() -> Option<String> {
    for mode in [CgroupMode::V1, CgroupMode::Hybrid] {
        let script = "version_1";
        let Some(said) = said_by(mode, script) else { return Some(NO_SHELL.to_owned()) };
        for words in ["run: exit 3", "doctor: exit 3", "cannot be delegated to a user", "--vm"] {
            assert!(said.contains(words), "no {words}: {said}");
        }
    }
    None
}

/// Configs that need root are skipped beside those that do not.
pub fn what_needs_root() -> Option<String> {
    let Some(said) = said(CgroupMode::V2, "partly") else { return Some(NO_SHELL.to_owned()) };
    assert!(said.contains("partly: exit 0"), "{said}");
    assert!(said.contains("64/64 held"), "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["only root may mount", "which only root may", "without CAP_SYS_RESOURCE"] {
        assert!(flat.contains(words), "no {words}: {said}");
    }
    assert!(said.contains("left: \n"), "{said}");
    None
}

/// Whatever ends a run, nothing of it stays in the delegated cgroup.
pub fn killed() -> Option<String> {
    let Some(said) = said(CgroupMode::V2, "killed") else { return Some(NO_SHELL.to_owned()) };
    assert_eq!(said.matches("attack: on").count(), 3, "{said}");
    for words in [
        "left by the guardian: \n",
        "left by nobody: something\n",
        "clean: exit 0; left: \n",
        "left by a signal: \n",
    ] {
        assert!(said.contains(words), "no {words}: {said}");
    }
    None
}

pub fn whole() -> Option<String> {
    let Some(said) = said(CgroupMode::V2, "whole") else { return Some(NO_SHELL.to_owned()) };
    for words in [
        "doctor: exit 0",
        "pids: exit 0",
        "64/64 held",
        "left: \n",
        "rootless in the record",
        "delegated app.slice",
        "without root (uid 1000)",
    ] {
        assert!(said.contains(words), "no {words}: {said}");
    }
    assert_eq!(said.matches("lines, as planned").count(), 2, "steps and tear-down: {said}");
    None
}
