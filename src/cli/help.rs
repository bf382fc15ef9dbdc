//! Examples for the help text of every command. A test runs each of them that needs no root.

/// Of the program as a whole.
pub const ALL: &str = "\
Examples:
  contain-test doctor                            can this machine run it, and what is missing?
  contain-test check scenarios/                  are these files valid? never looks at the machine
  contain-test run --dry-run pids                what would that do here, and to which kernel files?
  sudo contain-test run pids                     run a shipped scenario
  sudo contain-test run my.yaml --export html=report.html --export json=report.json
  contain-test run --vm pids                     the same in a throwaway guest with cgroup v2; needs no root
  contain-test report report.json --format markdown
  contain-test compare old.json report.json      what became worse, what better?
  contain-test inspect $$                        what does this process share with the host, and what limits it?
  sudo contain-test clean                        remove what a killed run left behind
";

/// Of `run`.
pub const RUN: &str = "\
Examples:
  sudo contain-test run pids                     a shipped scenario, by its name
  sudo contain-test run scenarios/ my.yaml       all files of a folder, and one more
  sudo contain-test run pids --export json=report.json --export html=report.html
  sudo contain-test run pids --format jsonl      what happens, as it happens
  sudo contain-test run pids --quick             does the limit hold? a fraction of the time, and less certain of speed
  sudo contain-test run pids --must-run -q       for scripts: skipped is a failure, one line
  contain-test run --dry-run pids                every step, and nothing done
";

/// Of `ablate`.
pub const ABLATE: &str = "\
Examples:
  sudo contain-test ablate pids --quick          which control stops which leak?
  contain-test ablate --dry-run pids             every config with one control less, and nothing done
  contain-test ablate --dry-run my.yaml --format json
";

/// Of `report`.
pub const REPORT: &str = "\
Examples:
  contain-test report report.json                the tables of a stored record
  contain-test report report.json -v             every cell with its intervals, too
  contain-test report report.json --export html=report.html --export junit=report.xml
  contain-test report report.json --format sarif
  contain-test report report.json --tolerance cpu=20 --seed 7
  contain-test report report.json --redact --export json=public.json
";

/// Of `compare`.
pub const COMPARE: &str = "\
Examples:
  contain-test compare old.json new.json         what became worse, what better?
  contain-test compare old.json new.json --fail-on-regression -q
  contain-test compare old.json new.json --format markdown
  contain-test compare old.json new.json new.json --format json
  contain-test compare old.json other.json --allow-unlike

Exit codes:
  0      compared
  1      something became worse, with --fail-on-regression
  2      a record cannot be read, or the machines are unlike
";

/// Of `check`.
pub const CHECK: &str = "\
Examples:
  contain-test check my.yaml                     every error of a file, with its place
  contain-test check scenarios/ --format json
";

/// Of `explain`.
pub const EXPLAIN: &str = "\
Examples:
  contain-test explain forkbomb                  a workload
  contain-test explain memory                    a resource, and a limit in every spelling
  contain-test explain vacuous --format json     a verdict
";

/// Of `schema`.
pub const SCHEMA: &str = "\
Examples:
  contain-test schema                            the format of scenarios, for editors
  contain-test schema record                     the format of records
";

/// Of `list`.
pub const LIST: &str = "\
Examples:
  contain-test list                              scenarios, workloads, probes
  contain-test list --format json
";

/// Of `doctor`.
pub const DOCTOR: &str = "\
Examples:
  contain-test doctor                            exits with 3 when something required is missing
  contain-test doctor --format json              the machine as records hold it
";

/// Of `inspect`.
pub const INSPECT: &str = "\
Examples:
  contain-test inspect                           this command itself: what does this shell or container have?
  contain-test inspect $$ $PPID                  several processes, and a matrix of what they share
  contain-test inspect $$ --format json
  contain-test inspect $$ --as-scenario          its limits and namespaces as a scenario that can be run
  contain-test inspect pids                      what the sandboxes of a scenario would have; starts none
  sudo contain-test inspect --channels           which files of /proc and /sys tell a sandbox something of others?

Exit codes:
  0      inspected; what this user may not read is null, with the reason
  2      no such process, one that ended meanwhile, or an error of a scenario
  --channels starts sandboxes, and its codes are those of `run`
";

/// Of `clean`.
pub const CLEAN: &str = "\
Examples:
  sudo contain-test clean                        what is left by runs that were killed
  sudo contain-test clean --format json
";

/// Of `completions`.
pub const COMPLETIONS: &str = "\
Examples:
  contain-test completions bash                  > /usr/share/bash-completion/completions/contain-test
  contain-test completions zsh                   > /usr/local/share/zsh/site-functions/_contain-test
  contain-test completions fish                  > ~/.config/fish/completions/contain-test.fish
";

/// Of `man`.
pub const MAN: &str = "\
Examples:
  contain-test man                               | man -l -
  contain-test man --dir man1                    a page for each command
";
