//! The program: started with its events on a pipe, watched, signalled, and never waited for longer than a limit.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::machine::is_emulated;

/// No test waits longer than this for the program.
const LIMIT: Duration = Duration::from_secs(240);

/// How long it may take to end when it is asked to.
const END_LIMIT: Duration = Duration::from_secs(15);

/// A running program whose events are read while it runs.
pub struct Program {
    child: Child,
    events: Receiver<Value>,
    errors: Option<JoinHandle<String>>,
    scenario: Option<tempfile::NamedTempFile>,
    limit: Duration,
    export: tempfile::TempDir,
    begun: Instant,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; -1 for a death by signal.
    pub code: i32,
    /// Standard error.
    pub errors: String,
    /// Events that nobody had waited for.
    pub events: Vec<Value>,
    /// The record, null when none was written.
    pub record: Value,
    /// How long it ran.
    pub took: Duration,
}

/// A scenario in a file that lives as long as the value.
pub fn scenario_file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a scenario file");
    file.write_all(text.as_bytes()).expect("a scenario file");
    file
}

/// Runs a scenario to its end.
pub fn record_of(scenario: &str) -> Ended {
    Program::start(scenario, &[]).finish()
}

/// The same with few and short blocks.
pub fn quick_record_of(scenario: &str) -> Ended {
    Program::start_with(&["--quick"], scenario, &[]).finish()
}

impl Drop for Program {
    /// The harness of a test that failed must not go on beside the next test: asked to end, it takes everything away.
    fn drop(&mut self) {
        if !thread::panicking() || !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let _ = kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if asked.elapsed() > END_LIMIT {
                let _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Program {
    /// Starts `run` on this scenario text, with variables in the environment.
    pub fn start(scenario: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_with(&[], scenario, environment)
    }

    /// The same with more options.
    pub fn start_with(options: &[&str], scenario: &str, environment: &[(&str, &str)]) -> Self {
        let file = scenario_file(scenario);
        let mut program = Self::start_file(options, file.path(), environment, LIMIT);
        program.scenario = Some(file);
        program
    }

    /// The same on a file or a folder of files, for as long as `limit` at most.
    pub fn start_on(
        options: &[&str],
        path: &Path,
        environment: &[(&str, &str)],
        limit: Duration,
    ) -> Self {
        Self::start_file(options, path, environment, limit)
    }

    fn start_file(
        options: &[&str],
        path: &Path,
        environment: &[(&str, &str)],
        limit: Duration,
    ) -> Self {
        let export = tempfile::tempdir().expect("an export folder");
        // An emulated machine is never asked how fast something is.
        let hurry = is_emulated() && !options.contains(&"--quick");
        let mut child = Command::new(env!("CARGO_BIN_EXE_contain-test"))
            .arg("run")
            .args(options)
            .args(hurry.then_some("--quick"))
            .args(["--format", "jsonl", "--export"])
            .arg(format!("json={}", export.path().join("record.json").display()))
            .arg(path)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let events = forward(child.stdout.take().expect("a pipe"));
        let errors = Some(collect(child.stderr.take().expect("a pipe")));
        Self { child, events, errors, scenario: None, limit, export, begun: Instant::now() }
    }

    /// The harness's process ID.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process ID")
    }

    /// Waits for the first event of which `wanted` says yes.
    pub fn wait_for(&self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let left = self.limit.saturating_sub(self.begun.elapsed());
            match self.events.recv_timeout(left) {
                Ok(event) if wanted(&event) => return event,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the event did not come within {:?}", self.limit)
                }
                Err(RecvTimeoutError::Disconnected) => panic!("the program ended before the event"),
            }
        }
    }

    /// Waits until a case enters a phase.
    pub fn wait_for_phase(&self, config: &str, phase: &str) {
        self.wait_for(|event| event["config"] == config && event["phase"] == phase);
    }

    /// Waits until the attack of a case is switched on.
    pub fn wait_for_attack(&self, config: &str) {
        self.wait_for(|event| {
            event["config"] == config
                && event["event"] == "attack-changed"
                && event["state"] == "on"
        });
    }

    /// Sends a signal to the harness.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("the harness lives");
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Ended {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if self.begun.elapsed() > self.limit {
                let _ = self.child.kill();
                panic!("not finished within {:?}", self.limit);
            }
            thread::sleep(Duration::from_millis(5));
        };
        let errors = self.errors.take().map_or_else(String::new, |it| it.join().expect("text"));
        let record = std::fs::read(self.export.path().join("record.json"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or(Value::Null);
        let events = self.events.iter().collect();
        let (code, took) = (status.code().unwrap_or(-1), self.begun.elapsed());
        Ended { code, errors, events, record, took }
    }
}

impl Ended {
    /// The case of this config.
    pub fn case(&self, config: &str) -> &Value {
        self.record["scenarios"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|scenario| scenario["cases"].as_array().into_iter().flatten())
            .find(|case| case["config"] == config)
            .unwrap_or_else(|| panic!("no case {config}; stderr: {}", self.errors))
    }

    /// The verdict of this config.
    pub fn verdict(&self, config: &str) -> &str {
        self.case(config)["verdict"].as_str().expect("a verdict")
    }
}

fn forward(stdout: ChildStdout) -> Receiver<Value> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let event = serde_json::from_str(&line).unwrap_or(Value::Null);
            if sender.send(event).is_err() {
                // Nobody listens any more, but the program must be able to go on writing.
                continue;
            }
        }
    });
    receiver
}

fn collect(mut stderr: ChildStderr) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    })
}
