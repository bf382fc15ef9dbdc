//! The victim's init: starts one process for each probe, hands orders on, collects what they saw.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{PROBES, measure, probe};
use crate::protocol::{Measure, Order, ProbeOrder, Reply, Sample};
use crate::raw::{self, Fork};
use crate::sight;
use crate::stream::{Stream, Waited};

/// A probe that has not answered this long after its block ended is dead or lost.
const GRACE: Duration = Duration::from_secs(2);

/// What init asks of a probe's process.
#[derive(Debug, Serialize, Deserialize)]
enum Task {
    Calibrate { duration_ns: u64 },
    Measure { order: ProbeOrder, duration_ns: u64, net: bool },
}

/// What a probe's process answers.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Calibrated { cost_ns: Option<u64>, failures: BTreeMap<String, u64> },
    Measured(Sample),
}

/// Runs the victim's role until its stream ends.
///
/// # Errors
/// A sentence for people when a probe cannot be started or the stream breaks.
pub fn run() -> Result<(), String> {
    raw::die_with_parent().map_err(|errno| format!("PR_SET_PDEATHSIG: {errno:?}"))?;
    raw::adopt_orphans().map_err(|errno| format!("PR_SET_CHILD_SUBREAPER: {errno:?}"))?;
    let mut stations = BTreeMap::new();
    for name in PROBES {
        let station = Station::start(name).map_err(|error| format!("probe {name}: {error}"))?;
        stations.insert(name, station);
    }
    let mut stream = Stream::standard();
    let gone = |error: std::io::Error| format!("the stream broke: {error}");
    stream.send(&Reply::Ready { pid: std::process::id() }).map_err(gone)?;
    loop {
        let reply = match stream.wait(None) {
            Waited::Order(Order::Measure(order)) => measured(&mut stations, &order),
            Waited::Order(Order::Calibrate { duration_ms }) => {
                calibrated(&mut stations, duration_ms * 1_000_000)
            }
            Waited::Order(Order::Facts { token }) => sight::look(&token),
            Waited::Order(Order::Quit) | Waited::Ended => return Ok(()),
            Waited::Order(Order::Start | Order::Placebo { .. } | Order::Stop) => {
                Reply::Failed { error: "a victim has no workload".to_owned() }
            }
            Waited::Nothing => continue,
        };
        stream.send(&reply).map_err(gone)?;
    }
}

/// One after the other: two probes calibrated together would measure each other.
fn calibrated(stations: &mut BTreeMap<&'static str, Station>, duration_ns: u64) -> Reply {
    let mut cost_ns = BTreeMap::new();
    let mut failures = BTreeMap::new();
    for (name, station) in stations {
        station.ask(&Task::Calibrate { duration_ns });
        if let Some(Answer::Calibrated { cost_ns: cost, failures: failed }) =
            station.answer(duration_ns)
        {
            if let Some(cost) = cost {
                cost_ns.insert((*name).to_owned(), cost);
            }
            failures.insert((*name).to_owned(), failed);
        }
    }
    Reply::Calibrated { cost_ns, failures }
}

fn measured(stations: &mut BTreeMap<&'static str, Station>, order: &Measure) -> Reply {
    let duration_ns = order.duration_ms * 1_000_000;
    for probe in &order.probes {
        if let Some(station) = stations.get_mut(probe.probe.as_str()) {
            station.ask(&Task::Measure { order: probe.clone(), duration_ns, net: order.net });
        }
    }
    let samples = order
        .probes
        .iter()
        .map(|probe| {
            let answer = stations
                .get_mut(probe.probe.as_str())
                .and_then(|station| station.answer(duration_ns));
            match answer {
                Some(Answer::Measured(sample)) => sample,
                _ => Sample { probe: probe.probe.clone(), missing: true, ..Sample::default() },
            }
        })
        .collect();
    Reply::Measured { samples }
}

/// Init's end of one probe's process.
struct Station {
    /// `None` once the process stopped answering: it is never asked again.
    stream: Option<BufReader<UnixStream>>,
}

impl Station {
    fn start(name: &'static str) -> Result<Self, String> {
        let mut probe = probe::named(name).ok_or("no such probe")?;
        let (ours, theirs) = UnixStream::pair().map_err(|error| error.to_string())?;
        match raw::fork().map_err(|errno| format!("fork: {errno:?}"))? {
            Fork::Child => {
                drop(ours);
                serve(probe.as_mut(), theirs);
                raw::exit_now(0)
            }
            Fork::Parent(_) => Ok(Self { stream: Some(BufReader::new(ours)) }),
        }
    }

    fn ask(&mut self, task: &Task) {
        let asked = self.stream.as_mut().is_some_and(|stream| write_line(stream.get_mut(), task));
        if !asked {
            self.stream = None;
        }
    }

    fn answer(&mut self, duration_ns: u64) -> Option<Answer> {
        let stream = self.stream.as_mut()?;
        let patience = Duration::from_nanos(duration_ns) + GRACE;
        let answer = stream.get_ref().set_read_timeout(Some(patience)).ok().and_then(|()| {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            serde_json::from_str(&line).ok()
        });
        if answer.is_none() {
            self.stream = None;
        }
        answer
    }
}

/// The probe's process: does what it is asked until its init is gone.
fn serve(probe: &mut dyn probe::Probe, stream: UnixStream) {
    if raw::die_with_parent().is_err() || raw::exact_timers().is_err() {
        return;
    }
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
        let Ok(task) = serde_json::from_str(&line) else { return };
        let answer = match task {
            Task::Calibrate { duration_ns } => {
                let (cost_ns, failures) = measure::calibrate(probe, duration_ns);
                Answer::Calibrated { cost_ns, failures }
            }
            Task::Measure { order, duration_ns, net } => {
                probe.read_waits(net);
                Answer::Measured(measure::run(probe, &order, duration_ns, net))
            }
        };
        if !write_line(reader.get_mut(), &answer) {
            return;
        }
        line.clear();
    }
}

fn write_line<T: Serialize>(stream: &mut UnixStream, value: &T) -> bool {
    serde_json::to_vec(value).is_ok_and(|mut line| {
        line.push(b'\n');
        stream.write_all(&line).is_ok()
    })
}
