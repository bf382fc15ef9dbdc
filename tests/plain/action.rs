//! The GitHub Action: what it declares is what it uses, and its script does what it says, with a program that only pretends.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use contain_test::scenario::scenario_data;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap();
    scenario_data(&text).unwrap_or_else(|| panic!("{path} is no YAML"))
}

/// What stands behind a word in `${{ … }}`, such as the input's name in `inputs.NAME`.
fn named<'a>(text: &'a str, word: &str) -> BTreeSet<&'a str> {
    text.split(word).skip(1).filter_map(|rest| rest.split([' ', '}', ')']).next()).collect()
}

#[test]
fn what_the_action_declares_is_what_it_uses() {
    let action = yaml("action.yml");
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    let script = fs::read_to_string(root().join("packaging/github-action.sh")).unwrap();
    let keys = |key: &str| {
        action[key].as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<&str>>()
    };
    assert_eq!(named(&text, "inputs."), keys("inputs"));
    for output in named(&text, "steps.run.outputs.").union(&named(&text, "steps.install.outputs."))
    {
        assert!(script.contains(&format!("\"{output}=")), "the script writes {output}");
    }
    for (name, input) in action["inputs"].as_object().unwrap() {
        assert!(input["description"].as_str().is_some_and(|it| it.len() > 20), "{name}");
        assert!(input["required"] == true || !input["default"].is_null(), "{name} has a default");
    }
    // Inputs reach scripts through the environment alone: within a script they would be code.
    for step in action["runs"]["steps"].as_array().unwrap() {
        assert!(step["run"].as_str().is_none_or(|run| !run.contains("${{")), "{step}");
    }
    let job = yaml("packaging/gitlab-ci.yml");
    assert!(job[".contain-test"]["artifacts"]["reports"]["junit"] == "containment.xml");
}

#[test]
fn the_jobs_of_the_documentation_are_yaml() {
    let text = fs::read_to_string(root().join("docs/ci.md")).unwrap();
    let mut jobs = 0;
    for block in text.split("```yaml\n").skip(1) {
        let block = block.split("```").next().unwrap();
        // A fragment of a list is shown with the indentation that it has in its file.
        let job = scenario_data(block).unwrap_or_else(|| panic!("no YAML: {block}"));
        jobs += usize::from(job.is_object());
    }
    assert!(jobs >= 2);
}

/// A folder with a program that pretends, and what the runner gives.
struct Runner {
    folder: tempfile::TempDir,
}

impl Runner {
    fn new() -> Self {
        let runner = Self { folder: tempfile::tempdir().unwrap() };
        // It writes what it was called with, makes its exports, and exits with the next of the codes in a file.
        runner.program(
            "contain-test",
            "#!/bin/sh\n\
             case $1 in --version) echo 'contain-test 0.0.0'; exit 0 ;; report) echo 'the summary'; exit 0 ;; esac\n\
             echo \"$@\" >> \"$FOLDER/calls\"\n\
             for it in \"$@\"; do case $it in *=*) echo x > \"${it#*=}\" ;; esac; done\n\
             code=$(head -n 1 \"$FOLDER/codes\"); sed -i 1d \"$FOLDER/codes\"; exit \"$code\"\n",
        );
        runner.program("sudo", "#!/bin/sh\nshift\nexec \"$@\"\n");
        runner
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn script(&self, step: &str, codes: &str, env: &[(&str, &str)]) -> Output {
        fs::write(self.path("codes"), codes).unwrap();
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        Command::new("bash")
            .arg(root().join("packaging/github-action.sh"))
            .arg(step)
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("FOLDER", self.folder.path())
            .env("RUNNER_TEMP", self.folder.path())
            .env("GITHUB_OUTPUT", self.path("output"))
            .env("BINARY", self.path("contain-test"))
            .envs(env.iter().copied())
            .output()
            .unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

#[test]
fn a_run_is_told_to_later_steps_and_does_not_fail_its_own() {
    for code in ["0", "1", "3", "5"] {
        let runner = Runner::new();
        let env = [
            ("INPUT_SCENARIOS", "pids scenarios/my.yaml"),
            ("INPUT_ARGS", "--must-run --seed 7"),
            ("INPUT_RETRIES", "1"),
        ];
        let got = runner.script("run", &format!("{code}\n"), &env);
        assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
        let output = runner.read("output");
        assert!(output.contains(&format!("exit-code={code}\n")), "{output}");
        assert!(
            output.contains("summary=the summary\n")
                && output.contains("html=contain-test-report/report.html\n"),
            "{output}"
        );
        let calls = runner.read("calls");
        assert!(
            calls.starts_with("run pids scenarios/my.yaml --must-run --seed 7 --export json="),
            "{calls}"
        );
        assert_eq!(calls.lines().count(), 1);
        for file in ["record.json", "report.html", "junit.xml", "report.sarif", "report.md"] {
            assert!(runner.path("contain-test-report").join(file).exists(), "{file}");
        }
    }
}

#[test]
fn only_what_was_inconclusive_is_tried_again() {
    for (codes, retries, calls, last) in [
        ("4\n0\n", "1", 2, "0"),
        ("4\n4\n", "1", 2, "4"),
        ("4\n", "0", 1, "4"),
        ("1\n0\n", "1", 1, "1"),
    ] {
        let runner = Runner::new();
        let env = [("INPUT_SCENARIOS", "pids"), ("INPUT_RETRIES", retries)];
        assert!(runner.script("run", codes, &env).status.success());
        assert_eq!(runner.read("calls").lines().count(), calls, "{codes:?}");
        assert!(runner.read("output").contains(&format!("exit-code={last}\n")), "{codes:?}");
    }
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let runner = Runner::new();
    let given = runner.path("contain-test").display().to_string();
    let got = runner.script("install", "", &[("INPUT_BINARY", &given)]);
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    assert!(runner.read("output").contains(&format!("binary={given}\n")));
    let got = runner.script("install", "", &[("INPUT_BINARY", "absent")]);
    assert_eq!(got.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&got.stdout)
            .starts_with("::error title=contain-test::there is no program")
    );
}

#[test]
fn a_release_is_fetched_and_checked() {
    let runner = Runner::new();
    // A release made of the program that pretends; `gh` lays it where it is told to.
    runner.program(
        "gh",
        "#!/bin/sh\n\
         echo \"$@\" >> \"$FOLDER/gh-arguments\"\n\
         while [ $# -gt 0 ]; do [ \"$1\" = --dir ] && to=$2; shift; done\n\
         mkdir -p \"$FOLDER/x/contain-test-9.9.9\" && cp \"$FOLDER/contain-test\" \"$FOLDER/x/contain-test-9.9.9/\"\n\
         tar -C \"$FOLDER/x\" -czf \"$to/contain-test-9.9.9-$(uname -m)-linux.tar.gz\" contain-test-9.9.9\n\
         cd \"$to\" && sha256sum *.tar.gz > SHA256SUMS\n\
         [ -z \"$SPOIL\" ] || for it in *.tar.gz; do echo x >> \"$it\"; done\n",
    );
    let temp = runner.path("temp");
    fs::create_dir(&temp).unwrap();
    let temp = temp.display().to_string();
    let env = [("INPUT_BINARY", ""), ("INPUT_VERSION", "9.9.9"), ("RUNNER_TEMP", &temp)];
    let got = runner.script("install", "", &[&env[..], &[("SPOIL", "")]].concat());
    assert!(got.status.success(), "{}", String::from_utf8_lossy(&got.stderr));
    assert!(
        runner.read("gh-arguments").starts_with("release download v9.9.9 "),
        "{}",
        runner.read("gh-arguments")
    );
    assert!(runner.read("output").contains(&format!("binary={temp}/contain-test/contain-test\n")));
    let got = runner.script("install", "", &[&env[..], &[("SPOIL", "1")]].concat());
    assert_eq!(got.status.code(), Some(2), "what is not whole is not run");
}
