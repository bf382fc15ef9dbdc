//! How strong the attackers are, beside stress-ng: `cargo bench --bench strength -- [ROUNDS]`, as root.
//!
//! Each attacker and the stressor that is meant to do the same run one after the other in a sandbox without limits on a node of 512 MiB, in an order that
//! changes with every round, one worker each. What they do is counted by the kernel, over the same stretch of time. `docs/benchmarks.md` tells
//! what is measured.

mod contest;
mod counter;
#[path = "../startup/quartiles.rs"]
mod quartiles;
mod side;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use comfy_table::{CellAlignment, Table, presets};
use contain_test::announce::Unheard;
use contain_test::engine::{RunDirectory, Trail, hierarchies};
use contain_test::host::{self, CgroupMounts, Roots};
use contain_test::node::{Disk, DiskPlan, Node, image_of, mount_of, node_group, place};
use contain_test::record::{CgroupMode, Machine};
use contain_test::scenario::{NodeSpec, Placement};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::json;

use contest::{Contest, NODE_DISK, NODE_MEMORY, NODE_PIDS, NODE_UPLINK};
use quartiles::Quartiles;
use side::{Place, Side};

const ROUNDS: usize = 5;
/// The program of others.
const STRESS_NG: &str = "/usr/bin/stress-ng";

/// What was measured of one contest, round by round.
struct Row {
    contest: Contest,
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

fn main() -> ExitCode {
    let rounds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let machine = host::machine(&Roots::default());
    let lacks = host::skip_reason(&machine).or_else(|| {
        (!Path::new(STRESS_NG).exists())
            .then(|| "there is no stress-ng: `apt-get install stress-ng`".to_owned())
    });
    if let Some(reason) = lacks {
        let must_run = std::env::var_os("CONTAIN_TEST_MUST_RUN").is_some_and(|it| it == "1");
        let _ = writeln!(io::stderr(), "not measured; it needs root and stress-ng\n{reason}");
        return if must_run { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let printed = measure(rounds).and_then(|rows| Ok(print(&rows, rounds, &machine)?));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(rounds: usize) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let roots = Roots::default();
    let hierarchies = hierarchies(&CgroupMounts::read(&roots)?);
    let cpus = host::Cpus::read(&roots)?;
    let run_id = format!("{:08x}", std::process::id());
    let program = Path::new(env!("CARGO_BIN_EXE_contain-test"));
    let parent = host::runtime_directory()?;
    let mut directory =
        RunDirectory::create_with(&parent, &run_id, program, &mut Trail::new(None))?;
    let spec = NodeSpec {
        cpus: u32::try_from(cpus.usable.len()).unwrap_or(1),
        memory_bytes: NODE_MEMORY,
        pids: NODE_PIDS,
        disk_bytes: Some(NODE_DISK),
        uplink_bits_per_second: Some(NODE_UPLINK),
        ..NodeSpec::default()
    };
    let placed = place(Placement::Apart, spec.cpus, &cpus.usable);
    let group = node_group(hierarchies, &directory.name());
    let plan = DiskPlan {
        bytes: NODE_DISK,
        image: image_of(&parent, &directory.name(), NODE_DISK),
        mount: mount_of(&directory.path),
        owners: vec![(side::NAME.to_owned(), side::ids().workload())],
    };
    let mut node = Node::create(group, spec, placed, false, &[], &mut Unheard)?;
    let mut disk = Disk::create(plan, &mut Unheard)?;
    node.connect(&run_id, &directory.program, &mut Unheard)?;
    let place = Place { directory: &directory, node: &mut node, disk: &disk };
    let rows = all_rounds(rounds, place);
    let parted = node.uplink.take().map_or(Ok(()), |uplink| uplink.remove(&mut Unheard));
    let unmounted = disk.remove(&mut Unheard);
    let removed = node.remove(&mut Unheard);
    directory.remove(&mut Unheard)?;
    parted?;
    unmounted?;
    removed?;
    Ok(rows?)
}

fn all_rounds(rounds: usize, mut place: Place<'_>) -> Result<Vec<Row>, String> {
    let fresh = |contest| Row { contest, ours: Vec::new(), theirs: Vec::new() };
    let mut rows: Vec<Row> = contest::all().into_iter().map(fresh).collect();
    let mut order: Vec<(usize, bool)> =
        (0..rows.len()).flat_map(|index| [(index, true), (index, false)]).collect();
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..rounds {
        // Rotating would not do: everybody would always have the same predecessor.
        order.shuffle(&mut random);
        for &(index, is_ours) in &order {
            let row = &mut rows[index];
            let contest = &row.contest;
            let attack = if is_ours { contest.ours.clone() } else { contest.theirs() };
            let who = if is_ours { contest.name } else { contest.theirs[0] };
            let done = Side::new(&mut place, &attack, contest.ground)
                .and_then(|side| side.measure(contest.counter))
                .map_err(|error| format!("{who}: {error}"))?;
            if is_ours { row.ours.push(done) } else { row.theirs.push(done) }
        }
    }
    Ok(rows)
}

fn print(rows: &[Row], rounds: usize, machine: &Machine) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["attacker", "stress-ng", "counted", "ours", "theirs", "ratio", "quartiles"]);
    for index in 3..7 {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut lines = Vec::new();
    for row in rows {
        let of = |values: &[f64]| Quartiles::of(values.iter().copied());
        let ratios = row.ours.iter().zip(&row.theirs).map(|(ours, theirs)| ours / theirs);
        let all = of(&row.ours).zip(of(&row.theirs)).zip(Quartiles::of(ratios));
        let Some(((ours, theirs), ratio)) = all else { continue };
        let stressor = row.contest.theirs.join(" ");
        table.add_row([
            row.contest.name.to_owned(),
            stressor.clone(),
            row.contest.counter.unit().to_owned(),
            format!("{:.0}", ours.median),
            format!("{:.0}", theirs.median),
            format!("{:.2}", ratio.median),
            format!("{:.2}–{:.2}", ratio.low, ratio.high),
        ]);
        lines.push(json!({"attacker": row.contest.name, "stress_ng": stressor,
                          "counted": row.contest.counter.unit(), "ours": ours.rounded(0),
                          "theirs": theirs.rounded(0), "ratio": ratio.rounded(3)}));
    }
    let cgroup = machine.cgroup.map_or("none", CgroupMode::name);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{rounds} rounds, {} {}, cgroup {cgroup}, {} CPUs",
        machine.arch, machine.kernel, machine.cpus
    )?;
    writeln!(out, "{table}")?;
    writeln!(
        out,
        "{}",
        json!({"benchmark": "strength", "rounds": rounds, "kernel": machine.kernel,
               "arch": machine.arch, "cgroup": cgroup, "cpus": machine.cpus, "lines": lines})
    )
}
