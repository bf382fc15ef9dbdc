//! The token bucket that limits what a link sends: tc-tbf(8), net/sched/sch_tbf.c.

use std::io;

use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL, Nla, NlasIterator};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage, TcOption, TcStats2};

use super::links::Links;
use crate::sys::rtnetlink::Rtnetlink;

const KIND: &str = "tbf";
/// `TCA_TBF_PARMS`, `TCA_TBF_RATE64` and `TCA_TBF_BURST` of linux/pkt_sched.h.
const PARMS: u16 = 1;
const RATE64: u16 = 4;
const BURST: u16 = 6;
/// `struct tc_ratespec` and the whole `struct tc_tbf_qopt`, in bytes.
const RATESPEC: usize = 12;
const QOPT: usize = 2 * RATESPEC + 12;
/// `TC_LINKLAYER_ETHERNET` of linux/pkt_sched.h: with it the kernel computes by itself how long a packet takes.
const ETHERNET: u8 = 1;

/// Bytes of the longest frame of a link with the usual MTU of 1500, its Ethernet header included.
const FRAME: u64 = 1514;

/// A rate, and how it is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Bytes a second, Ethernet headers included.
    pub bytes_per_second: u64,
}

/// What the kernel counted at a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Bytes that wait.
    pub backlog: u64,
    /// Packets that were thrown away because too many waited.
    pub drops: u64,
    /// How often a packet had to wait.
    pub overlimits: u64,
}

impl Bucket {
    /// A bucket for so many bits a second.
    #[must_use]
    pub const fn of_bits(per_second: u64) -> Self {
        Self { bytes_per_second: per_second / 8 }
    }

    /// How much may go out at once after a pause, in bytes: what the rate gives in 5 ms, and at least two frames. The less it is, the less a
    /// block of 250 ms can hold beyond its rate.
    #[must_use]
    pub fn burst(self) -> u64 {
        (self.bytes_per_second / 200).max(2 * FRAME)
    }

    /// How much may wait, in bytes: as much as the rate carries in 25 ms, as the CNI's bandwidth plugin allows (its `latencyInMillis`), and a
    /// burst.
    #[must_use]
    pub fn queue(self) -> u64 {
        self.bytes_per_second / 40 + self.burst()
    }

    /// Limits what a link sends.
    ///
    /// # Errors
    /// `ENOENT` where the kernel has no such queue; a rate that does not read back.
    pub(super) fn set(self, kernel: &Rtnetlink, link: &str) -> io::Result<()> {
        let mut message = TcMessage::default();
        message.header.index = index(kernel, link)?;
        message.header.parent = TcHandle::ROOT;
        message.header.handle = TcHandle { major: 1, minor: 0 };
        message.attributes.push(TcAttribute::Kind(KIND.to_owned()));
        message.attributes.push(TcAttribute::Options(vec![
            TcOption::Other(DefaultNla::new(PARMS, self.parameters())),
            TcOption::Other(DefaultNla::new(RATE64, self.bytes_per_second.to_ne_bytes().to_vec())),
            TcOption::Other(DefaultNla::new(BURST, word(self.burst()).to_vec())),
        ]));
        let message = RouteNetlinkMessage::NewQueueDiscipline(message);
        kernel.change(message, NLM_F_CREATE | NLM_F_EXCL)?;
        match Self::rate(kernel, link)? {
            Some(rate) if rate == self.bytes_per_second => Ok(()),
            other => Err(io::Error::other(format!(
                "{link} was to send {} bytes a second at most, and the kernel says {other:?}",
                self.bytes_per_second
            ))),
        }
    }

    /// `struct tc_tbf_qopt`: the rate, no peak rate, the queue; the burst is an attribute of its own.
    fn parameters(self) -> Vec<u8> {
        let mut bytes = vec![0; QOPT];
        bytes[1] = ETHERNET;
        bytes[8..RATESPEC].copy_from_slice(&word(self.bytes_per_second));
        bytes[2 * RATESPEC..2 * RATESPEC + 4].copy_from_slice(&word(self.queue()));
        bytes
    }

    /// The rate of a link's bucket as the kernel knows it, in bytes a second; nothing without a bucket.
    ///
    /// # Errors
    /// The link is gone, or the kernel's answer cannot be read.
    pub(super) fn rate(kernel: &Rtnetlink, link: &str) -> io::Result<Option<u64>> {
        Ok(root(kernel, link)?.and_then(|message| rate_in(&message.attributes)))
    }

    /// What the kernel counted at a link's bucket; zeroes without one.
    ///
    /// # Errors
    /// As [`Self::rate`].
    pub(super) fn counted(kernel: &Rtnetlink, link: &str) -> io::Result<Counted> {
        let attributes = root(kernel, link)?.map(|message| message.attributes).unwrap_or_default();
        let queue = attributes.iter().find_map(|attribute| match attribute {
            TcAttribute::Stats2(stats) => stats.iter().find_map(|stats| match stats {
                TcStats2::Queue(queue) => Some(queue),
                _ => None,
            }),
            _ => None,
        });
        Ok(queue.map_or_else(Counted::default, |queue| Counted {
            backlog: queue.backlog.into(),
            drops: queue.drops.into(),
            overlimits: queue.overlimits.into(),
        }))
    }
}

/// The queue of a link, where it is a bucket.
fn root(kernel: &Rtnetlink, link: &str) -> io::Result<Option<TcMessage>> {
    let mut wanted = TcMessage::default();
    wanted.header.index = index(kernel, link)?;
    let own = wanted.header.index;
    // Kernels before 6.x dump the queues of all links whatever is asked for.
    let answers = kernel.dump(RouteNetlinkMessage::GetQueueDiscipline(wanted))?;
    Ok(answers.into_iter().find_map(|answer| match answer {
        RouteNetlinkMessage::NewQueueDiscipline(message)
            if message.header.index == own
                && message.header.parent == TcHandle::ROOT
                && message.attributes.contains(&TcAttribute::Kind(KIND.to_owned())) =>
        {
            Some(message)
        }
        _ => None,
    }))
}

fn rate_in(attributes: &[TcAttribute]) -> Option<u64> {
    let options = attributes.iter().find_map(|attribute| match attribute {
        TcAttribute::Options(options) => options.first(),
        _ => None,
    })?;
    let TcOption::Other(nested) = options else { return None };
    let mut value = vec![0; nested.value_len()];
    nested.emit_value(&mut value);
    let of = |kind: u16| {
        let mut attributes = NlasIterator::new(value.as_slice()).filter_map(Result::ok);
        Some(attributes.find(|attribute| attribute.kind() == kind)?.value().to_vec())
    };
    // The kernel tells the wide one only where the narrow one is too small.
    if let Some(rate) = of(RATE64) {
        return Some(u64::from_ne_bytes(rate.get(..8)?.try_into().ok()?));
    }
    let parameters = of(PARMS)?;
    Some(u32::from_ne_bytes(parameters.get(8..RATESPEC)?.try_into().ok()?).into())
}

fn index(kernel: &Rtnetlink, link: &str) -> io::Result<i32> {
    i32::try_from(kernel.index(link)?).map_err(io::Error::other)
}

/// 32 bits hold 34 Gbit a second: beyond that the rate's attribute of 64 bits counts, and queues are far smaller.
fn word(value: u64) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_little_more_than_its_rate_and_a_frame_always_passes() {
        let ten = Bucket::of_bits(10_000_000);
        assert_eq!((ten.bytes_per_second, ten.burst(), ten.queue()), (1_250_000, 6_250, 37_500));
        // In 250 ms at 10 Mbit/s 312,500 bytes: the burst is 2 % of them.
        assert!(ten.burst() * 50 <= ten.bytes_per_second / 4);
        let slow = Bucket::of_bits(1_000_000);
        assert_eq!(slow.burst(), 3_028);
    }

    #[test]
    fn parameters_lie_where_the_kernel_reads_them() {
        let bytes = Bucket::of_bits(8_000_000).parameters();
        assert_eq!(bytes.len(), 36);
        assert_eq!(bytes[8..12], 1_000_000_u32.to_ne_bytes());
        assert_eq!(bytes[24..28], 30_000_u32.to_ne_bytes());
    }

    #[test]
    fn the_rate_is_read_from_what_the_kernel_would_answer() {
        let mut nested = Vec::new();
        let parameters = Bucket::of_bits(8_000_000).parameters();
        nested.extend(u16::try_from(4 + parameters.len()).unwrap().to_ne_bytes());
        nested.extend(PARMS.to_ne_bytes());
        nested.extend(&parameters);
        let options = TcAttribute::Options(vec![TcOption::Other(DefaultNla::new(2, nested))]);
        assert_eq!(rate_in(&[options]), Some(1_000_000));
        assert_eq!(rate_in(&[TcAttribute::Kind(KIND.to_owned())]), None);
    }
}
