//! The flood of the uplink: datagrams, streams or connections, to the server at its far end, as many as it can.
//!
//! One operation of kind `udp` is one datagram that the kernel took, of kind `tcp` 16 KiB that went one way or the other, of kind
//! `connect` one connection that was made. What the kernel takes may be lost later, so how much came through is read from the link. A
//! refusal is a call that failed, by errno: EAGAIN when the own buffers are full because the queue behind them is, ETIMEDOUT for a
//! connection that nobody answered in time.

mod bulk;
mod datagrams;
mod storm;

use nix::errno::Errno;

use super::{AttackOrder, Workload};
use crate::clock;
use crate::raw::exit_now;
use crate::tally::Tally;

/// Bytes of one operation of kind `tcp`.
const UNIT: u64 = 16 << 10;
/// The dose of one stretch of attack: datagrams or connections, and for `tcp` units of 16 KiB, which are 4 GiB.
const MOST: u64 = 10_000_000;
const MOST_UNITS: u64 = (4 << 30) / UNIT;
/// The period of the load, in nanoseconds: that of a CPU quota, as for the other loads.
const PERIOD_NS: u64 = 100_000_000;
/// How long the flood must have run before it counts as on, in nanoseconds: the queues behind it hold as much as their links carry in
/// 25 ms.
const SETTLE_NS: u64 = 30_000_000;
/// Pause after a round in which nothing went out, in nanoseconds: it is no use to burn the CPU over it.
const RETRY_NS: u64 = 200_000;
/// Pause of a worker that has had its dose, in nanoseconds.
const HOLD_NS: u64 = 20_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Udp,
    Tcp,
    Connect,
}

impl Kind {
    /// The kind of this name; datagrams without one.
    fn named(name: Option<&str>) -> Result<Self, String> {
        Ok(match name {
            None | Some("udp") => Self::Udp,
            Some("tcp") => Self::Tcp,
            Some("connect") => Self::Connect,
            Some(other) => return Err(format!("unknown kind of flood `{other}`")),
        })
    }

    const fn most(self) -> u64 {
        match self {
            Self::Udp | Self::Connect => MOST,
            Self::Tcp => MOST_UNITS,
        }
    }
}

/// See the module.
pub struct NetFlood {
    kind: Kind,
    tasks: u64,
    busy_ns: u64,
}

impl NetFlood {
    /// One worker, or none at intensity 0; the intensity is the share of each period in which it floods.
    ///
    /// # Errors
    /// A sentence for people when the order has an unknown kind.
    pub fn new(order: &AttackOrder) -> Result<Self, String> {
        Ok(Self {
            kind: Kind::named(order.kind.as_deref())?,
            tasks: order.dose.share(order.intensity).min(1),
            busy_ns: PERIOD_NS * u64::from(order.intensity.min(100)) / 100,
        })
    }
}

/// One way to flood.
trait Flood {
    /// Sends what can be sent now, a few hundred microseconds' worth at most; returns how many operations that were.
    fn round(&mut self) -> Result<u64, Errno>;
}

impl Workload for NetFlood {
    fn target(&self) -> u64 {
        self.tasks
    }

    fn settle_ns(&self) -> u64 {
        SETTLE_NS
    }

    fn start_is_operation(&self) -> bool {
        false
    }

    fn work(&self, tally: Tally) -> ! {
        let mut flood: Box<dyn Flood> = match self.kind {
            Kind::Udp => Box::new(datagrams::Datagrams::default()),
            Kind::Tcp => Box::new(bulk::Bulk::default()),
            Kind::Connect => Box::new(storm::Storm::default()),
        };
        while !tally.is_overdue(clock::now()) {
            let begun = clock::now();
            while clock::now() < begun + self.busy_ns {
                if tally.operations_since_open() >= self.kind.most() {
                    clock::sleep(HOLD_NS);
                    break;
                }
                match flood.round() {
                    Ok(0) => clock::sleep(RETRY_NS),
                    Ok(done) => tally.operated(done),
                    Err(errno) => {
                        tally.denied(errno);
                        clock::sleep(RETRY_NS);
                    }
                }
            }
            if self.busy_ns < PERIOD_NS {
                clock::sleep_until(begun + PERIOD_NS);
            }
        }
        exit_now(0)
    }
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;

    fn flood(intensity: u8, kind: Option<&str>) -> Result<NetFlood, String> {
        let dose = Dose { tasks: 512, bytes: 0, seconds: 1, unguarded: false };
        let kind = kind.map(str::to_owned);
        NetFlood::new(&AttackOrder { intensity, kind, ..AttackOrder::full("net-flood", dose) })
    }

    #[test]
    fn intensity_is_the_flooding_share_of_one_worker() {
        let of = |intensity| flood(intensity, None).map(|it| (it.target(), it.busy_ns)).unwrap();
        assert_eq!(of(100), (1, PERIOD_NS));
        assert_eq!(of(25), (1, PERIOD_NS / 4));
        assert_eq!(of(0).0, 0);
    }

    #[test]
    fn every_kind_has_its_dose_and_there_is_no_other() {
        let most = |kind| flood(100, kind).unwrap().kind.most();
        assert_eq!((most(None), most(Some("connect"))), (MOST, MOST));
        assert_eq!(most(Some("tcp")) * UNIT, 4 << 30);
        assert!(flood(100, Some("smoke")).is_err());
    }
}
