//! Where a memory eater keeps what it eats: private memory, a file of a file system that is memory (tmpfs(5)), or what the kernel keeps of a
//! file that was read: the page cache.
//!
//! The file has no name (`O_TMPFILE` of open(2)): it goes with the worker that has it open, however that dies. A named one would stay, and
//! the memory with it.
//!
//! What is read for the page cache is a file without a single block (ftruncate(2)): the kernel fills a page with zeros for each that is read, charges it
//! and keeps it, and asks the device for nothing. So what the neighbour feels came through memory, and the disk need not be as large as the memory.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc;

use crate::raw;

/// What is mapped at a time, in bytes: little enough to be promised wherever there is any.
const CHUNK_BYTES: usize = 8 << 20;
/// Pages between two looks at the clock and the counters: as many as the kernel charges for at a time (`MEMCG_CHARGE_BATCH` of linux/memcontrol.h).
const BATCH_PAGES: usize = 64;
/// Bytes of a file that are read at a time.
const READ_BYTES: usize = 64 << 10;
/// The file system of a sandbox that is memory.
const TMPFS: &str = "/tmp";

/// Which of the three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Private, anonymous memory.
    Anonymous,
    /// A file in the sandbox's /tmp.
    Tmpfs,
    /// The page cache of a file in this directory of the node's disk.
    PageCache(PathBuf),
}

impl Place {
    /// By the name of the workload's kind, its usual one when absent, with the sandbox's directory on the node's disk.
    ///
    /// # Errors
    /// A sentence for people when there is no such kind, or it needs a disk and there is none.
    pub fn named(kind: Option<&str>, disk: Option<&Path>) -> Result<Self, String> {
        match kind {
            None | Some("anonymous") => Ok(Self::Anonymous),
            Some("tmpfs") => Ok(Self::Tmpfs),
            Some("page-cache") => match disk {
                Some(folder) => Ok(Self::PageCache(folder.to_owned())),
                None => Err("the node has no disk whose files could be cached".to_owned()),
            },
            Some(other) => Err(format!("a memory eater has no kind `{other}`")),
        }
    }

    /// Whether the kernel takes pages back that nobody uses, so that who wants to keep them has to use them again and again.
    pub const fn is_reclaimed(&self) -> bool {
        matches!(self, Self::PageCache(_))
    }
}

/// What one worker has of it.
pub struct Pantry {
    place: Place,
    page_bytes: usize,
    area: &'static mut [u8],
    file: Option<File>,
    /// Pages of the file that were read, the first time or again.
    read: u64,
}

impl Pantry {
    /// An empty one.
    pub fn new(place: Place, page_bytes: usize) -> Self {
        Self { place, page_bytes, area: &mut [], file: None, read: 0 }
    }

    /// Takes up to `left` pages more, as one piece when `whole`, and gives how many were written to for the first time.
    pub fn take(&mut self, left: u64, whole: bool) -> Result<u64, Errno> {
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        match self.place {
            Place::Anonymous => self.touch(left, whole),
            Place::Tmpfs => self.write(left),
            Place::PageCache(_) => self.read(left),
        }
    }

    /// Uses up to a batch of the `all` pages again that were taken, the least recently used first, and gives how many that were: what the kernel has taken back
    /// by then it has to give anew.
    pub fn use_again(&mut self, all: u64) -> Result<u64, Errno> {
        self.read %= all.max(1);
        self.read(usize::try_from(all - self.read).unwrap_or(usize::MAX))
    }

    fn touch(&mut self, left: usize, whole: bool) -> Result<u64, Errno> {
        if self.area.is_empty() {
            let wanted = left.saturating_mul(self.page_bytes);
            self.area = raw::map_private(if whole { wanted } else { wanted.min(CHUNK_BYTES) })?;
        }
        let length = self.area.len().min(BATCH_PAGES.min(left) * self.page_bytes);
        let (batch, rest) = std::mem::take(&mut self.area).split_at_mut(length);
        // A kernel without the call refuses it, and one that is short of memory may: then each page is touched by itself.
        if raw::populate(batch).is_err() {
            for page in batch.chunks_mut(self.page_bytes) {
                page[0] = 1;
            }
        }
        self.area = rest;
        Ok(pages(std::hint::black_box(batch).len() / self.page_bytes))
    }

    /// A page that does not fit whole is none: what was written of it is written over next time.
    fn write(&mut self, left: usize) -> Result<u64, Errno> {
        let page_bytes = self.page_bytes;
        let file = self.file()?;
        let zeros = [0_u8; 4096];
        let mut written = 0;
        for _ in 0..BATCH_PAGES.min(left) {
            let mut done = 0;
            while done < page_bytes {
                let more = zeros.len().min(page_bytes - done);
                match file.write(&zeros[..more]) {
                    Ok(0) if written > 0 => return Ok(pages(written)),
                    Ok(0) => return Err(Errno::ENOSPC),
                    Ok(bytes) => done += bytes,
                    // What fitted counts; the next call meets the refusal again.
                    Err(_) if written > 0 => return Ok(pages(written)),
                    Err(error) => return Err(errno(error)),
                }
            }
            written += 1;
        }
        Ok(pages(written))
    }

    /// The next pages of the file, which grows as it is read.
    fn read(&mut self, left: usize) -> Result<u64, Errno> {
        let page = pages(self.page_bytes);
        let at = self.read.saturating_mul(page);
        let mut buffer = [0_u8; READ_BYTES];
        let wanted = (READ_BYTES / self.page_bytes).clamp(1, left.max(1)) * self.page_bytes;
        let end = at.saturating_add(pages(wanted));
        let file = self.file()?;
        if file.metadata().map_err(errno)?.len() < end {
            file.set_len(end).map_err(errno)?;
        }
        // A page that is larger than the buffer is there once its beginning was read.
        let part = wanted.min(READ_BYTES);
        file.read_exact_at(&mut buffer[..part], at).map_err(errno)?;
        let count = pages(wanted) / page;
        self.read += count;
        Ok(count)
    }

    /// The file, made when it is first wanted.
    fn file(&mut self) -> Result<&mut File, Errno> {
        let folder = match &self.place {
            Place::PageCache(folder) => folder,
            _ => Path::new(TMPFS),
        };
        match &mut self.file {
            Some(file) => Ok(file),
            empty => Ok(empty.insert(nameless(folder).map_err(errno)?)),
        }
    }
}

fn nameless(folder: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE).open(folder)
}

fn errno(error: std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

fn pages(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn pages_are_taken_in_batches_and_never_more_than_are_left() {
        let page = raw::page_bytes();
        for place in [Place::Anonymous, Place::Tmpfs] {
            let mut pantry = Pantry::new(place.clone(), page);
            assert_eq!(pantry.take(100, false), Ok(64), "{place:?}");
            assert_eq!(pantry.take(3, false), Ok(3), "{place:?}");
        }
    }

    #[test]
    fn a_cached_file_has_no_blocks_and_is_read_again_from_its_beginning() {
        let mut pantry = Pantry::new(Place::PageCache(std::env::temp_dir()), 4096);
        assert_eq!((pantry.take(20, false), pantry.take(4, false)), (Ok(16), Ok(4)));
        assert_eq!((pantry.use_again(20), pantry.use_again(20)), (Ok(16), Ok(4)));
        let facts = pantry.file.as_ref().expect("a file").metadata().expect("facts");
        assert_eq!((facts.len(), facts.blocks(), facts.nlink()), (20 * 4096, 0, 0));
    }

    #[test]
    fn a_page_may_be_larger_than_what_is_read_of_it() {
        let mut pantry = Pantry::new(Place::PageCache(std::env::temp_dir()), 2 * READ_BYTES);
        assert_eq!((pantry.take(7, false), pantry.read), (Ok(1), 1));
    }

    #[test]
    fn a_file_in_memory_is_as_large_as_what_was_taken_and_has_no_name() {
        let mut pantry = Pantry::new(Place::Tmpfs, 4096);
        let taken = pantry.take(5, false).expect("room in /tmp");
        let facts = pantry.file.as_ref().expect("a file").metadata().expect("facts");
        assert_eq!(facts.len(), taken * 4096);
        assert_eq!(facts.nlink(), 0);
    }

    #[test]
    fn kinds_have_names() {
        let disk = Path::new("/disk");
        assert_eq!(Place::named(None, None), Ok(Place::Anonymous));
        assert_eq!(Place::named(Some("tmpfs"), Some(disk)), Ok(Place::Tmpfs));
        assert_eq!(Place::named(Some("page-cache"), Some(disk)), Ok(Place::PageCache(disk.into())));
        assert!(Place::named(Some("page-cache"), None).is_err());
        assert!(Place::named(Some("disk"), None).is_err());
    }
}
