//! The victim's init: starts one process for each probe, hands orders on, collects what they saw.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::service::ServiceOrder;
use super::{measure, probe};
use crate::protocol::{Measure, Order, ProbeOrder, Reply, Sample};
use crate::raw::{self, Fork};
use crate::stream::{Stream, Waited};
use crate::{oom, sight, survey};

/// A probe that has not answered this long after its block ended is dead or lost.
const GRACE: Duration = Duration::from_secs(2);

/// What the victim is told, as JSON in its first argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VictimOrder {
    /// The probes that it is to have, each one of [`super::PROBES`].
    pub probes: Vec<String>,
    /// Its directory on the node's disk, where the node has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<PathBuf>,
    /// Its service, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceOrder>,
}

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

/// Runs the victim's role until its stream ends. `order` is the JSON of a [`VictimOrder`].
///
/// # Errors
/// A sentence for people when the order is none, the service or a probe cannot be started or the stream breaks.
pub fn run(order: &str) -> Result<(), String> {
    let order: VictimOrder = serde_json::from_str(order)
        .map_err(|error| format!("not an order for a victim: {error}"))?;
    raw::die_with_parent().map_err(|errno| format!("PR_SET_PDEATHSIG: {errno:?}"))?;
    raw::adopt_orphans().map_err(|errno| format!("PR_SET_CHILD_SUBREAPER: {errno:?}"))?;
    oom::join_the_many();
    let mut stream = Stream::standard();
    let gone = |error: std::io::Error| format!("the stream broke: {error}");
    let mut stations = BTreeMap::new();
    for name in order.probes {
        let mut probe = probe::named(&name, order.disk.as_deref())
            .ok_or_else(|| format!("no such probe: {name}"))?;
        let station =
            Station::start(probe.as_mut()).map_err(|error| format!("probe {name}: {error}"))?;
        stations.insert(name, station);
    }
    if let Some(order) = order.service {
        if let Err(error) = order.start() {
            let step = "start the service".to_owned();
            stream.send(&Reply::SetUpFailed { step, error: error.clone() }).map_err(gone)?;
            return Err(error);
        }
        let station = Station::start(&mut order.probe())
            .map_err(|error| format!("probe {}: {error}", order.probe))?;
        stations.insert(order.probe, station);
    }
    stream.send(&Reply::Ready { pid: std::process::id() }).map_err(gone)?;
    // Files that stay open because somebody was told to hold them.
    let mut held = Vec::new();
    loop {
        let reply = match stream.wait(None) {
            Waited::Order(Order::Measure(order)) => measured(&mut stations, &order),
            Waited::Order(Order::Calibrate { duration_ms }) => {
                calibrated(&mut stations, duration_ms * 1_000_000)
            }
            Waited::Order(Order::Facts { token }) => sight::look(&token),
            Waited::Order(Order::Plant { token }) => sight::plant(&token, sight::Side::Neighbour)
                .map_or_else(|error| Reply::Failed { error }, |it| Reply::Planted(Box::new(it))),
            Waited::Order(Order::Survey { texts }) => {
                Reply::Surveyed { files: survey::survey(&texts) }
            }
            Waited::Order(Order::Hold { files, lock }) => match survey::hold(files, &lock) {
                Ok((all, inode)) => {
                    held.extend(all);
                    Reply::Held { inode }
                }
                Err(error) => Reply::Failed { error },
            },
            Waited::Order(Order::Quit) | Waited::Ended => return Ok(()),
            Waited::Order(Order::Start | Order::Placebo { .. } | Order::Stop | Order::Look(_)) => {
                Reply::Failed { error: "a victim has no workload".to_owned() }
            }
            Waited::Nothing => continue,
        };
        stream.send(&reply).map_err(gone)?;
    }
}

/// One after the other: two probes calibrated together would measure each other.
fn calibrated(stations: &mut BTreeMap<String, Station>, duration_ns: u64) -> Reply {
    let mut cost_ns = BTreeMap::new();
    let mut failures = BTreeMap::new();
    for (name, station) in stations {
        station.ask(&Task::Calibrate { duration_ns });
        if let Some(Answer::Calibrated { cost_ns: cost, failures: failed }) =
            station.answer(duration_ns)
        {
            if let Some(cost) = cost {
                cost_ns.insert(name.clone(), cost);
            }
            failures.insert(name.clone(), failed);
        }
    }
    Reply::Calibrated { cost_ns, failures }
}

fn measured(stations: &mut BTreeMap<String, Station>, order: &Measure) -> Reply {
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
    fn start(probe: &mut dyn probe::Probe) -> Result<Self, String> {
        let (ours, theirs) = UnixStream::pair().map_err(|error| error.to_string())?;
        match raw::fork().map_err(|errno| format!("fork: {errno:?}"))? {
            Fork::Child => {
                drop(ours);
                serve(probe, theirs);
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
