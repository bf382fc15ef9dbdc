//! What answers at the far end of a node's uplink: a process of the machine in a network namespace of its own, outside the node.
//!
//! There are two servers, one for each side, each on that side's CPUs. So neither side pays for what the other asks for, and what they
//! share is the uplink.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, CpuSet, sched_setaffinity, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{Backlog, listen, setsockopt, sockopt};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getpid, getppid};
use serde::{Deserialize, Serialize};

use crate::raw::{self, Fork};
use crate::stream::Stream;

/// The server's address: of the networks that are set apart for measuring (RFC 2544, appendix C.2.2), so it is nobody's.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);

/// Echoes datagrams, and takes connections and closes them (RFC 862). For the victim's probes.
pub const ECHO: u16 = 7;
/// Throws away what comes (RFC 863): datagrams by never reading them, streams by reading. For the attacker.
pub const DISCARD: u16 = 9;
/// Sends without end to whoever connects (RFC 864). For the attacker.
pub const CHARGEN: u16 = 19;

/// Connections that the attacker's server keeps at one time.
const MOST_CONNECTIONS: usize = 512;
/// Bytes that are read or written at once.
const CHUNK: usize = 64 << 10;
/// After a connection that could not be taken (accept(2): `EMFILE` and the like).
const PAUSE: Duration = Duration::from_millis(1);

/// What the servers are told, as JSON in the role's argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServeOrder {
    /// CPUs of the victim's server.
    pub victim: Vec<usize>,
    /// CPUs of the attacker's server.
    pub attacker: Vec<usize>,
}

/// What the role says once both servers listen, in a network namespace that has no link yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Its process ID.
    pub pid: u32,
}

/// Serves until the stream on standard input ends. `order` is the JSON of a [`ServeOrder`].
///
/// # Errors
/// A sentence for people when the namespace, a socket or the second process cannot be made.
pub fn run(order: &str) -> Result<(), String> {
    let order: ServeOrder =
        serde_json::from_str(order).map_err(|error| format!("not an order to serve: {error}"))?;
    raw::die_with_parent().map_err(|errno| format!("PR_SET_PDEATHSIG: {errno:?}"))?;
    unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| format!("unshare: {errno:?}"))?;
    let echo = Echo::bind().map_err(|error| format!("port {ECHO}: {error}"))?;
    let sink = Sink::bind().map_err(|error| format!("ports {DISCARD}, {CHARGEN}: {error}"))?;
    let first = getpid();
    let second = match raw::fork().map_err(|errno| format!("fork: {errno:?}"))? {
        Fork::Child => {
            if raw::die_with_parent().is_err() || getppid() != first {
                raw::exit_now(1);
            }
            sit_on(&order.attacker);
            sink.serve();
            raw::exit_now(1)
        }
        Fork::Parent(pid) => pid,
    };
    drop(sink);
    sit_on(&order.victim);
    let served = Stream::standard()
        .send(&Serving { pid: std::process::id() })
        .and_then(|()| echo.serve(io::stdin().as_fd()));
    let _ = kill(second, Signal::SIGKILL);
    let _ = waitpid(second, None);
    served.map_err(|error| format!("the servers ended: {error}"))
}

/// Where the CPUs cannot be chosen the servers run anywhere, which costs a little exactness and nothing else.
fn sit_on(cpus: &[usize]) {
    let mut set = CpuSet::new();
    if cpus.iter().all(|&cpu| set.set(cpu).is_ok()) && !cpus.is_empty() {
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}

fn listener(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
    listener.set_nonblocking(true)?;
    // As many waiting connections as the kernel allows (net.core.somaxconn): a storm is to meet the uplink, not this queue.
    listen(&listener, Backlog::MAXALLOWABLE)?;
    Ok(listener)
}

fn datagrams(port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The victim's server.
struct Echo {
    datagrams: UdpSocket,
    connections: TcpListener,
}

impl Echo {
    fn bind() -> io::Result<Self> {
        Ok(Self { datagrams: datagrams(ECHO)?, connections: listener(ECHO)? })
    }

    /// Until the stream of orders, in which nothing is ever said, has ended.
    fn serve(&self, orders: BorrowedFd<'_>) -> io::Result<()> {
        loop {
            let mut fds = [orders, self.datagrams.as_fd(), self.connections.as_fd()]
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            }
            if is_ready(&fds[0]) {
                return Ok(());
            }
            self.answer();
        }
    }

    fn answer(&self) {
        let mut buffer = [0; 2048];
        while let Ok((count, from)) = self.datagrams.recv_from(&mut buffer) {
            // What cannot be sent is lost, as any datagram may be.
            let _ = self.datagrams.send_to(&buffer[..count], from);
        }
        // Dropped at once: who connects has seen all there is.
        while self.connections.accept().is_ok() {}
    }
}

/// The attacker's server.
struct Sink {
    /// Bound, so that no datagram is answered with an error; never read, so that the kernel throws away what does not fit.
    _datagrams: UdpSocket,
    discard: TcpListener,
    chargen: TcpListener,
}

impl Sink {
    fn bind() -> io::Result<Self> {
        Ok(Self {
            _datagrams: datagrams(DISCARD)?,
            discard: listener(DISCARD)?,
            chargen: listener(CHARGEN)?,
        })
    }

    /// Until it is killed, or poll(2) fails.
    fn serve(&self) {
        let mut taking: Vec<TcpStream> = Vec::new();
        let mut giving: Vec<TcpStream> = Vec::new();
        let mut buffer = vec![0; CHUNK];
        loop {
            let mut fds = vec![
                PollFd::new(self.discard.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.chargen.as_fd(), PollFlags::POLLIN),
            ];
            fds.extend(taking.iter().map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)));
            fds.extend(giving.iter().map(|it| PollFd::new(it.as_fd(), PollFlags::POLLOUT)));
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return,
            }
            let ready: Vec<bool> = fds.iter().map(is_ready).collect();
            drop(fds);
            let mut of_streams = ready.iter().skip(2);
            taking.retain_mut(|it| of_streams.next() != Some(&true) || lives(it.read(&mut buffer)));
            buffer.fill(0);
            giving.retain_mut(|it| of_streams.next() != Some(&true) || lives(it.write(&buffer)));
            take(&self.discard, &mut taking);
            take(&self.chargen, &mut giving);
        }
    }
}

/// Whether a stream is worth keeping after a read or a write.
fn lives(moved: io::Result<usize>) -> bool {
    match moved {
        Ok(count) => count > 0,
        Err(error) => {
            matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        }
    }
}

/// Takes the connections that wait, and keeps them while there is room.
fn take(listener: &TcpListener, streams: &mut Vec<TcpStream>) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                if streams.len() < MOST_CONNECTIONS && stream.set_nonblocking(true).is_ok() {
                    streams.push(stream);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => return std::thread::sleep(PAUSE),
        }
    }
}

fn is_ready(fd: &PollFd<'_>) -> bool {
    fd.revents().is_some_and(|events| !events.is_empty())
}

/// Lets a connection end by a reset when it is closed, at once and without a trace (`SO_LINGER` of 0, socket(7)).
pub(crate) fn close_at_once(socket: &impl AsFd) -> Result<(), Errno> {
    setsockopt(socket, sockopt::Linger, &libc::linger { l_onoff: 1, l_linger: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_kept_until_it_ends_or_breaks() {
        assert!(lives(Ok(1)) && lives(Err(io::ErrorKind::WouldBlock.into())));
        assert!(!lives(Ok(0)) && !lives(Err(io::ErrorKind::ConnectionReset.into())));
    }

    #[test]
    fn an_echo_answers_what_it_was_sent_and_takes_connections() {
        // On ports of the kernel's choice: the usual ones are for root alone.
        let echo = Echo { datagrams: datagrams(0).unwrap(), connections: listener(0).unwrap() };
        let at = |port: u16| (Ipv4Addr::LOCALHOST, port);
        let client = UdpSocket::bind(at(0)).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        client.connect(at(echo.datagrams.local_addr().unwrap().port())).unwrap();
        client.send(b"there").unwrap();
        let stream = TcpStream::connect(at(echo.connections.local_addr().unwrap().port()));
        assert!(stream.is_ok());
        echo.answer();
        let mut buffer = [0; 16];
        assert_eq!(client.recv(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"there");
    }
}
