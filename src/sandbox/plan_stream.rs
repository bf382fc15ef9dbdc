//! How a plan travels to the sandbox's first process: its length in four bytes, then JSON.
//!
//! The length lets the reader take the plan in two reads and leave on the stream what belongs to the role. A buffered
//! reader would take more than the plan, and what it took would be lost when the role is executed.

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use nix::errno::Errno;

use super::Step;

/// The longest plan accepted, in bytes; one of a hundred steps has about 10,000.
const LONGEST: usize = 1 << 20;

pub fn send_plan(to: &mut impl Write, steps: &[Step]) -> io::Result<()> {
    let plan = serde_json::to_vec(steps)?;
    let length = u32::try_from(plan.len()).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend(plan);
    // The socket's buffer takes a plan whole, so nobody needs to read it yet.
    to.write_all(&message)
}

pub fn receive_plan(from: impl AsFd) -> io::Result<Vec<Step>> {
    let mut length = [0; 4];
    read_exact(&from, &mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(io::Error::new(ErrorKind::InvalidData, "the plan is too long"));
    }
    let mut plan = vec![0; length];
    read_exact(&from, &mut plan)?;
    Ok(serde_json::from_slice(&plan)?)
}

fn read_exact(from: &impl AsFd, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match nix::unistd::read(from, into) {
            Ok(0) => {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "the harness is gone"));
            }
            Ok(count) => into = &mut into[count..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_follows_the_plan_stays_on_the_stream() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let steps = vec![Step::ProtectRoot, Step::SetHostname { name: "line\nbreak".to_owned() }];
        send_plan(&mut ours, &steps).unwrap();
        ours.write_all(b"for the role").unwrap();
        drop(ours);
        assert_eq!(receive_plan(&theirs).unwrap(), steps);
        let mut rest = String::new();
        theirs.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "for the role");
    }

    #[test]
    fn a_plan_cut_short_or_too_long_is_refused() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&[0, 0, 0, 9, b'[']).unwrap();
        drop(ours);
        assert_eq!(receive_plan(&theirs).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&[0xff; 4]).unwrap();
        assert_eq!(receive_plan(&theirs).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
