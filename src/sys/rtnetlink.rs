//! Conversations with the kernel about links, addresses and queues (rtnetlink(7)), one request at a time.
//!
//! A socket speaks of the network namespace in which it was made, and keeps that alive for as long as it is open (netlink(7)).

use std::cell::Cell;
use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

/// One conversation.
#[derive(Debug)]
pub struct Rtnetlink {
    socket: Socket,
    sequence: Cell<u32>,
}

impl Rtnetlink {
    /// Begins one about the network namespace of the calling thread.
    ///
    /// # Errors
    /// The errno of socket(2), bind(2) or connect(2).
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, sequence: Cell::new(0) })
    }

    /// Asks for a change; `flags` besides those of every request, such as `NLM_F_CREATE`.
    ///
    /// # Errors
    /// The kernel's refusal, as an errno.
    pub fn change(&self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.ask(message, NLM_F_ACK | flags).map(drop)
    }

    /// Asks for one thing.
    ///
    /// # Errors
    /// The kernel's refusal, as an errno.
    pub fn get(&self, message: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        self.ask(message, NLM_F_ACK)
    }

    /// Asks for all things of a kind.
    ///
    /// # Errors
    /// The kernel's refusal, as an errno.
    pub fn dump(&self, message: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        self.ask(message, NLM_F_DUMP)
    }

    /// Every request is answered by what was asked for and an acknowledgement, or the end of a dump.
    fn ask(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> io::Result<Vec<RouteNetlinkMessage>> {
        self.sequence.set(self.sequence.get().wrapping_add(1));
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence.get();
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        let mut answers = Vec::new();
        loop {
            let (datagram, _) = self.socket.recv_from_full()?;
            if self.take(&datagram, &mut answers)? {
                return Ok(answers);
            }
        }
    }

    /// Takes the messages of a datagram. True when the answer is complete.
    fn take(&self, datagram: &[u8], answers: &mut Vec<RouteNetlinkMessage>) -> io::Result<bool> {
        let broken = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        let mut rest = datagram;
        while !rest.is_empty() {
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                .map_err(|error| broken(format!("the kernel's answer cannot be read: {error}")))?;
            let length = usize::try_from(message.header.length).unwrap_or(usize::MAX);
            if length == 0 {
                return Err(broken(
                    "the kernel's answer has a message without a length".to_owned(),
                ));
            }
            // Messages begin at multiples of four bytes (netlink(7), NLMSG_ALIGN).
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            if message.header.sequence_number != self.sequence.get() {
                continue;
            }
            match message.payload {
                NetlinkPayload::Done(_) => return Ok(true),
                NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                NetlinkPayload::Error(_) => return Ok(true),
                NetlinkPayload::InnerMessage(inner) => answers.push(inner),
                _ => {}
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{LinkAttribute, LinkMessage};

    use super::*;

    #[test]
    fn the_loopback_of_this_namespace_is_among_its_links_and_a_stranger_is_not() {
        let kernel = Rtnetlink::open().unwrap();
        let links = kernel.dump(RouteNetlinkMessage::GetLink(LinkMessage::default())).unwrap();
        let is_loopback = |message: &RouteNetlinkMessage| {
            matches!(message, RouteNetlinkMessage::NewLink(link)
                if link.attributes.contains(&LinkAttribute::IfName("lo".to_owned())))
        };
        assert!(links.iter().any(is_loopback), "{links:?}");
        let mut one = LinkMessage::default();
        one.attributes.push(LinkAttribute::IfName("ct-no-such".to_owned()));
        let error = kernel.get(RouteNetlinkMessage::GetLink(one)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }
}
