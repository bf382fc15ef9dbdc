//! The node's uplink: the one link to the world that all sandboxes of a node share.
//!
//! A bridge in a network namespace of the node's own, a veth pair for each sandbox, and one more to the servers, which stand for the
//! world and are in a namespace of their own. What the last pair carries is limited in both directions: without a shared bottleneck no
//! sandbox could take anything from another. Nothing of it is in the machine's own namespace, so neither its routes nor its firewall
//! have to do with it, and no name is taken there. The namespace is held by a socket of the harness: with the harness, and with the
//! processes in the sandboxes, everything ends.
//!
//! A sandbox's own limits are on links that it cannot reach. What it receives is limited where the node sends it; what it sends, where it
//! leaves a bridge of its own for the bridge of all.

mod bucket;
mod links;
mod names;
mod server;
mod step;

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use contain_test_workloads::uplink::SERVER;
use nix::unistd::Pid;

pub use bucket::{Bucket, Counted};
pub use names::Names;
pub use server::ROLE;
pub use step::LinkStep;

use crate::announce::{Announce, By};
use crate::node::Cpus;
use crate::scenario::NetLimits;
use crate::sys::netns;
use crate::sys::rtnetlink::Rtnetlink;
use links::Links;
use names::{BITS, INSIDE, Port};
use server::Server;

/// Who makes the changes, in the steps of a run.
const NAME: &str = "uplink";

/// A change that failed.
#[derive(Debug, thiserror::Error)]
#[error("uplink: cannot {step}: {source}")]
pub struct UplinkError {
    /// The change, printable.
    pub step: String,
    /// Why.
    pub source: io::Error,
}

/// An uplink that exists. Dropping it ends it.
#[derive(Debug)]
pub struct Uplink {
    names: Names,
    /// The node's namespace, which this holds.
    kernel: Rtnetlink,
    /// The servers' namespace.
    far: Rtnetlink,
    server: Option<Server>,
    attached: Vec<Attached>,
}

/// A sandbox on the uplink.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attached {
    sandbox: String,
    port: Port,
    limits: NetLimits,
}

/// A direction, as a sandbox sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What it sends.
    Egress,
    /// What it receives.
    Ingress,
}

/// What the kernel says of one limit of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The direction.
    pub direction: Direction,
    /// The link whose bucket is the limit.
    pub link: String,
    /// The limit, in bits a second, as it was asked for.
    pub bits_per_second: u64,
    /// The same as the kernel has it now; nothing when the bucket is gone.
    pub in_force: Option<u64>,
    /// Bytes that the link has sent, which is what the limit let through.
    pub bytes: u64,
    /// Counters of the bucket.
    pub counted: Counted,
}

impl Uplink {
    /// The steps that [`Uplink::create`] and then [`Uplink::attach`] do, printable.
    #[must_use]
    pub fn steps(run_id: &str, bits_per_second: u64) -> Vec<String> {
        named(step::creation(&Names::of(run_id), bits_per_second))
    }

    /// The steps that [`Uplink::attach`] does for the `number`th sandbox, printable.
    #[must_use]
    pub fn attachment_steps(
        run_id: &str,
        number: u8,
        sandbox: &str,
        limits: NetLimits,
    ) -> Vec<String> {
        let names = Names::of(run_id);
        named(step::attachment(&names, &names.port(number), sandbox, limits))
    }

    /// The steps that [`Uplink::remove`] does, printable.
    #[must_use]
    pub fn removal_steps() -> Vec<String> {
        named(step::removal())
    }

    /// Makes an uplink of so many bits a second, with its servers, on which nobody is yet.
    ///
    /// # Errors
    /// The change that failed; what had been made by then is gone again.
    pub fn create(
        run_id: &str,
        bits_per_second: u64,
        program: &Path,
        cpus: &Cpus,
        to: &mut dyn Announce,
    ) -> Result<Self, UplinkError> {
        let names = Names::of(run_id);
        let steps = step::creation(&names, bits_per_second);
        let mut turn = Turn { steps: steps.into_iter(), to: &mut By::new(NAME, to) };
        let bucket = Bucket::of_bits(bits_per_second);
        let kernel = turn.next(|| netns::in_new(Rtnetlink::open))?;
        turn.next(|| kernel.add_bridge(names.bridge()))?;
        let (server, namespace) = turn.next(|| {
            let server = Server::start(program, run_id, cpus)?;
            let namespace = netns::of(server.pid())?;
            Ok((server, namespace))
        })?;
        let far = turn.next(|| {
            let name = names.uplink();
            let on = Some(names.bridge());
            kernel.add_pair(&name, on, INSIDE, Some(namespace.as_fd().as_raw_fd()))?;
            let far = netns::inside(namespace.as_fd(), Rtnetlink::open)?;
            far.address(INSIDE, SERVER, BITS)?;
            Ok(far)
        })?;
        turn.next(|| bucket.set(&kernel, &names.uplink()))?;
        turn.next(|| bucket.set(&far, INSIDE))?;
        Ok(Self { names, kernel, far, server: Some(server), attached: Vec::new() })
    }

    /// Gives a sandbox, whose first process this is, a link with its limits. It needs a network namespace of its own.
    ///
    /// # Errors
    /// The change that failed.
    pub fn attach(
        &mut self,
        sandbox: &str,
        pid: Pid,
        limits: NetLimits,
        to: &mut dyn Announce,
    ) -> Result<(), UplinkError> {
        let number = u8::try_from(self.attached.len()).unwrap_or(u8::MAX);
        let port = self.names.port(number);
        let steps = step::attachment(&self.names, &port, sandbox, limits);
        let mut turn = Turn { steps: steps.into_iter(), to: &mut By::new(NAME, to) };
        let kernel = &self.kernel;
        let mut bridge = self.names.bridge();
        if let Some(bits) = limits.egress_bits_per_second {
            turn.next(|| kernel.add_bridge(&port.bridge))?;
            turn.next(|| {
                kernel.add_pair(&port.out, Some(&port.bridge), &port.into, None)?;
                kernel.enslave(&port.into, bridge)
            })?;
            turn.next(|| Bucket::of_bits(bits).set(kernel, &port.out))?;
            bridge = &port.bridge;
        }
        turn.next(|| {
            let namespace = netns::of(pid)?;
            let inside = Some(namespace.as_fd().as_raw_fd());
            kernel.add_pair(&port.host, Some(bridge), INSIDE, inside)?;
            let kernel = netns::inside(namespace.as_fd(), Rtnetlink::open)?;
            kernel.address(INSIDE, port.address, BITS)
        })?;
        if let Some(bits) = limits.ingress_bits_per_second {
            turn.next(|| Bucket::of_bits(bits).set(kernel, &port.host))?;
        }
        self.attached.push(Attached { sandbox: sandbox.to_owned(), port, limits });
        Ok(())
    }

    /// What the kernel says of a sandbox's limits now, egress first; empty for one without.
    ///
    /// # Errors
    /// A link that is gone, or an answer that cannot be read.
    pub fn flows(&self, sandbox: &str) -> io::Result<Vec<Flow>> {
        let Some(of) = self.attached.iter().find(|it| it.sandbox == sandbox) else {
            return Ok(Vec::new());
        };
        let limits = [
            (Direction::Egress, &of.port.out, of.limits.egress_bits_per_second),
            (Direction::Ingress, &of.port.host, of.limits.ingress_bits_per_second),
        ];
        let mut flows = Vec::new();
        for (direction, link, bits) in limits {
            let Some(bits_per_second) = bits else { continue };
            flows.push(Flow {
                direction,
                link: link.clone(),
                bits_per_second,
                in_force: Bucket::rate(&self.kernel, link)?.map(|bytes| bytes * 8),
                bytes: self.kernel.counters(link)?.tx_bytes,
                counted: Bucket::counted(&self.kernel, link)?,
            });
        }
        Ok(flows)
    }

    /// Bytes that the uplink has carried from the node, and how often a packet had to wait there.
    ///
    /// # Errors
    /// As [`Uplink::flows`].
    pub fn carried(&self) -> io::Result<(u64, Counted)> {
        let link = self.names.uplink();
        let bytes = self.kernel.counters(&link)?.tx_bytes;
        Ok((bytes, Bucket::counted(&self.kernel, &link)?))
    }

    /// Bytes that wait in any queue of the uplink and of the sandboxes' limits.
    ///
    /// # Errors
    /// As [`Uplink::flows`].
    pub fn backlog(&self) -> io::Result<u64> {
        let mut links = vec![self.names.uplink()];
        for it in &self.attached {
            links.extend(it.limits.egress_bits_per_second.map(|_| it.port.out.clone()));
            links.extend(it.limits.ingress_bits_per_second.map(|_| it.port.host.clone()));
        }
        let mut waiting = Bucket::counted(&self.far, INSIDE)?.backlog;
        for link in links {
            waiting += Bucket::counted(&self.kernel, &link)?.backlog;
        }
        Ok(waiting)
    }

    /// Ends the servers and lets go of the namespace, which the kernel then removes with all links in it. Dropping does the same
    /// without telling anybody.
    ///
    /// # Errors
    /// Only when an announcement is refused; everything ends all the same.
    pub fn remove(mut self, to: &mut dyn Announce) -> Result<(), UplinkError> {
        let mut turn = Turn { steps: step::removal().into_iter(), to: &mut By::new(NAME, to) };
        let ended = turn.next(|| {
            if let Some(mut server) = self.server.take() {
                server.end();
            }
            Ok(())
        });
        let gone = turn.next(|| Ok(()));
        ended.and(gone)
    }
}

/// Tries in a namespace that ends at once whether this kernel has what an uplink is made of: the names of what is missing.
///
/// # Errors
/// A namespace cannot be made: then nothing is known.
pub fn missing() -> io::Result<Vec<&'static str>> {
    netns::in_new(|| {
        let kernel = Rtnetlink::open()?;
        let names = Names::of("try");
        let port = names.port(0);
        let veth = kernel.add_pair(&port.out, None, &port.into, None);
        let tried = [
            ("veth", &veth),
            ("bridge", &kernel.add_bridge(names.bridge())),
            // Any link takes a bucket; without a pair the bridge must do.
            (
                "sch_tbf",
                &match veth {
                    Ok(()) => Bucket::of_bits(1_000_000).set(&kernel, &port.out),
                    Err(_) => Bucket::of_bits(1_000_000).set(&kernel, names.bridge()),
                },
            ),
        ];
        Ok(tried.iter().filter(|(_, tried)| tried.is_err()).map(|(name, _)| *name).collect())
    })
}

/// Announces one step after the other, and does it.
struct Turn<'a> {
    steps: std::vec::IntoIter<LinkStep>,
    to: &'a mut dyn Announce,
}

impl Turn<'_> {
    fn next<T>(&mut self, act: impl FnOnce() -> io::Result<T>) -> Result<T, UplinkError> {
        let step = self.steps.next().map(|step| step.to_string()).unwrap_or_default();
        let done = self.to.before(&step).and_then(|()| act());
        done.map_err(|source| UplinkError { step, source })
    }
}

fn named(steps: Vec<LinkStep>) -> Vec<String> {
    steps.iter().map(|step| format!("{NAME}: {step}")).collect()
}
