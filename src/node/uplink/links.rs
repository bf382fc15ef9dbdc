//! Requests about links: bridges, veth pairs, addresses (rtnetlink(7), veth(4)).

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::RawFd;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, Stats64,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::sys::rtnetlink::Rtnetlink;

/// Requests of this file, to be read as sentences: `kernel.add_bridge(…)`.
pub(super) trait Links {
    /// Makes a bridge that is up.
    fn add_bridge(&self, name: &str) -> io::Result<()>;
    /// Makes a veth pair, of which this end is up, on a bridge where one is given; the other end is in a namespace where one is given.
    fn add_pair(
        &self,
        name: &str,
        on: Option<&str>,
        peer: &str,
        namespace: Option<RawFd>,
    ) -> io::Result<()>;
    /// Puts a link on a bridge, and brings it up.
    fn enslave(&self, name: &str, bridge: &str) -> io::Result<()>;
    /// Gives a link an address in a network of this many bits, and brings it up.
    fn address(&self, name: &str, address: Ipv4Addr, bits: u8) -> io::Result<()>;
    /// The number by which the kernel knows a link.
    fn index(&self, name: &str) -> io::Result<u32>;
    /// What a link has carried.
    fn counters(&self, name: &str) -> io::Result<Stats64>;
}

impl Links for Rtnetlink {
    fn add_bridge(&self, name: &str) -> io::Result<()> {
        let mut link = up();
        link.attributes.push(LinkAttribute::IfName(name.to_owned()));
        link.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]));
        self.change(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL)
    }

    fn add_pair(
        &self,
        name: &str,
        on: Option<&str>,
        peer: &str,
        namespace: Option<RawFd>,
    ) -> io::Result<()> {
        let mut other = LinkMessage::default();
        other.attributes.push(LinkAttribute::IfName(peer.to_owned()));
        other.attributes.extend(namespace.map(LinkAttribute::NetNsFd));
        let mut link = up();
        link.attributes.push(LinkAttribute::IfName(name.to_owned()));
        link.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(other))),
        ]));
        if let Some(bridge) = on {
            link.attributes.push(LinkAttribute::Controller(self.index(bridge)?));
        }
        self.change(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL)
    }

    fn enslave(&self, name: &str, bridge: &str) -> io::Result<()> {
        let mut link = up();
        link.header.index = self.index(name)?;
        link.attributes.push(LinkAttribute::Controller(self.index(bridge)?));
        self.change(RouteNetlinkMessage::SetLink(link), 0)
    }

    fn address(&self, name: &str, address: Ipv4Addr, bits: u8) -> io::Result<()> {
        let index = self.index(name)?;
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = bits;
        message.header.index = index;
        message.attributes.push(AddressAttribute::Local(address.into()));
        message.attributes.push(AddressAttribute::Address(address.into()));
        self.change(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)?;
        let mut link = up();
        link.header.index = index;
        self.change(RouteNetlinkMessage::SetLink(link), 0)
    }

    fn index(&self, name: &str) -> io::Result<u32> {
        Ok(named(self, name)?.header.index)
    }

    fn counters(&self, name: &str) -> io::Result<Stats64> {
        let stats = |attribute| match attribute {
            LinkAttribute::Stats64(stats) => Some(stats),
            _ => None,
        };
        let link = named(self, name)?;
        link.attributes.into_iter().find_map(stats).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the kernel tells no counters of the link")
        })
    }
}

fn up() -> LinkMessage {
    let mut link = LinkMessage::default();
    link.header.flags = LinkFlags::Up;
    link.header.change_mask = LinkFlags::Up;
    link
}

/// All that the kernel tells of a link.
fn named(kernel: &Rtnetlink, name: &str) -> io::Result<LinkMessage> {
    let mut wanted = LinkMessage::default();
    wanted.attributes.push(LinkAttribute::IfName(name.to_owned()));
    let answers = kernel.get(RouteNetlinkMessage::GetLink(wanted))?;
    let link = answers.into_iter().find_map(|answer| match answer {
        RouteNetlinkMessage::NewLink(link) => Some(link),
        _ => None,
    });
    link.ok_or_else(|| io::ErrorKind::NotFound.into())
}
