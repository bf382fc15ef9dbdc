//! How long a sandbox takes to start, beside what others take: `cargo bench --bench startup -- [ROUNDS]`, as root.
//!
//! Every round starts each contender once, in an order of its own, so that whatever the machine does meanwhile, and
//! whatever the one before left to be cleaned up, falls on all alike. `docs/benchmarks.md` tells what is measured. Only idle programs are started.

mod contender;
mod others;
mod ours;
mod present;
mod quartiles;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use contain_test::announce::Unheard;
use contain_test::engine::{RunDirectory, Trail, hierarchies};
use contain_test::host::{self, CgroupMounts, Roots};
use contain_test::node::{Node, node_group, place};
use contain_test::scenario::{NodeSpec, Placement};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use contender::{Contender, Sample};
use others::Runc;

const ROUNDS: usize = 40;
/// Caches are filled and pages are read before anything counts.
const WARM_UP: usize = 2;
/// The kernel takes namespaces and cgroups apart a little after their end. Nobody is to pay for another's.
const REST: Duration = Duration::from_millis(10);

/// What was measured of one contender.
struct Row {
    pub name: String,
    /// Why it could not be measured.
    pub absent: Option<String>,
    pub samples: Vec<Sample>,
}

fn main() -> ExitCode {
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let machine = host::machine(&Roots::default());
    if let Some(reason) = host::skip_reason(&machine) {
        let must_run = std::env::var_os("CONTAIN_TEST_MUST_RUN").is_some_and(|it| it == "1");
        let _ = writeln!(std::io::stderr(), "not measured; it needs root\n{reason}");
        return if must_run { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    match measure(rounds) {
        Ok(rows) => present::print(&rows, rounds, &machine),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(rounds: usize) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let roots = Roots::default();
    let mounts = CgroupMounts::read(&roots)?;
    let hierarchies = hierarchies(&mounts);
    let cpus = host::Cpus::read(&roots)?;
    let parent = host::runtime_directory()?;
    let run_id = format!("{:08x}", std::process::id());
    let program = Path::new(env!("CARGO_BIN_EXE_contain-test"));
    let mut directory =
        RunDirectory::create_with(&parent, &run_id, program, &mut Trail::new(None))?;
    let spec =
        NodeSpec { cpus: u32::try_from(cpus.usable.len()).unwrap_or(1), ..NodeSpec::default() };
    let placed = place(Placement::Apart, spec.cpus, &cpus.usable);
    let group = node_group(hierarchies, &directory.name());
    let mut node = Node::create(group, spec, placed, false, &[], &mut Unheard)?;

    let mut contenders: Vec<Box<dyn Contender>> = ours::all(&directory, &node)?;
    contenders.extend(others::all(&node));
    contenders.push(Box::new(Runc::new(&directory, &node)?));
    let rows = run(&mut contenders, rounds);
    drop(contenders);
    let removed = node.remove(&mut Unheard);
    // runc makes its cgroup in every hierarchy, also in those that no sandbox of ours needs.
    for mount in &mounts.v1 {
        let _ = std::fs::remove_dir(mount.path.join(directory.name()));
    }
    directory.remove(&mut Unheard)?;
    removed?;
    rows
}

fn run(
    contenders: &mut [Box<dyn Contender>],
    rounds: usize,
) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let mut rows: Vec<Row> = contenders
        .iter()
        .map(|it| Row { name: it.name().to_owned(), absent: it.absent(), samples: Vec::new() })
        .collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut random = StdRng::seed_from_u64(1);
    for round in 0..rounds + WARM_UP {
        // Rotating would not do: everybody would always have the same predecessor.
        order.shuffle(&mut random);
        for &index in &order {
            thread::sleep(REST);
            let (row, contender) = (&mut rows[index], &mut contenders[index]);
            if row.absent.is_some() {
                continue;
            }
            let started = contender.start();
            if round == 0
                && !contender.is_ours()
                && let Err(error) = &started
            {
                row.absent = Some(format!("does not run here: {error}"));
                continue;
            }
            let sample = started.map_err(|error| format!("{}: {error}", row.name))?;
            if round >= WARM_UP {
                row.samples.push(sample);
            }
        }
    }
    Ok(rows)
}
