//! The end of what somebody writes, however much that is.

/// How much is kept, in bytes.
const KEPT: usize = 4096;

/// See the module.
#[derive(Debug, Default)]
pub struct Tail(Vec<u8>);

impl Tail {
    /// Adds what was read; of the whole only the end stays.
    pub fn push(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(KEPT)..];
        let too_many = (self.0.len() + new.len()).saturating_sub(KEPT);
        self.0.drain(..too_many);
        self.0.extend_from_slice(new);
    }

    /// What was kept since this was last asked.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = Tail::default();
        tail.push(b"first");
        for _ in 0..1000 {
            tail.push(&[b'x'; 777]);
        }
        tail.push(b"last");
        let kept = tail.take();
        assert_eq!(kept.len(), KEPT);
        assert!(kept.ends_with(b"xlast") && !kept.starts_with(b"first"));
        tail.push(&[b'y'; 3 * KEPT]);
        assert_eq!(tail.take(), vec![b'y'; KEPT]);
        assert!(tail.take().is_empty());
    }
}
