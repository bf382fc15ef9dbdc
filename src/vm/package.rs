//! A Debian package, read without dpkg: an ar archive (ar(5), deb(5)) whose member `data.tar…` holds the files.
//!
//! The files go into one unlinked temporary file, of which an index is kept: a kernel's modules unpacked are too many for
//! memory, and a folder of them would have to be removed again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::scratch::scratch_file;
use crate::compression;

/// The first bytes of every ar archive.
pub const MAGIC: &[u8] = b"!<arch>\n";

const HEADER: usize = 60;

/// The largest file of a package that is read, in bytes: kernels have some 15 MiB.
const LARGEST: u64 = 256 << 20;

/// All that a package may unpack to, in bytes.
const LARGEST_PACKAGE: u64 = 4 << 30;

/// A package whose files can be read.
#[derive(Debug)]
pub struct Package {
    data: File,
    /// Paths without a leading `./` or `/`, with the offset and length of their contents.
    files: BTreeMap<PathBuf, (u64, u64)>,
}

impl Package {
    /// Unpacks a package, up to the first file whose path is `enough`.
    ///
    /// # Errors
    /// What reading gave; `InvalidData` for what is no package.
    pub fn open(path: &Path, enough: impl Fn(&Path) -> bool) -> io::Result<Self> {
        let mut package = Self { data: scratch_file()?, files: BTreeMap::new() };
        let mut archive = File::open(path)?;
        let member = data_member(&mut archive)?;
        let stream = compression::decompressed(archive.take(member))?;
        let mut tar = tar::Archive::new(stream);
        let mut offset = 0;
        for entry in tar.entries()? {
            let mut entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = plain(&entry.path()?);
            let length = io::copy(&mut entry, &mut package.data)?;
            if offset + length > LARGEST_PACKAGE {
                return Err(invalid("it unpacks to more than 4 GiB"));
            }
            let found = enough(&path);
            package.files.insert(path, (offset, length));
            offset += length;
            if found {
                break;
            }
        }
        Ok(package)
    }

    /// The paths of its files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// The contents of a file.
    ///
    /// # Errors
    /// `NotFound`, what reading gave, or `InvalidData` for a file that is too large.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let (offset, length) = *self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        let size = usize::try_from(length).ok().filter(|_| length <= LARGEST);
        let mut bytes = vec![0; size.ok_or_else(|| invalid("a file of it is too large"))?];
        self.data.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

/// Moves to the contents of the member `data.tar…` and tells its length.
fn data_member(archive: &mut File) -> io::Result<u64> {
    let mut magic = [0; MAGIC.len()];
    archive.read_exact(&mut magic)?;
    if magic != MAGIC {
        return Err(invalid("it is no ar archive"));
    }
    loop {
        let mut header = [0; HEADER];
        archive.read_exact(&mut header).map_err(|_| invalid("it has no member `data.tar`"))?;
        let text = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&header[range]).unwrap_or_default().trim()
        };
        let length: u64 = text(48..58).parse().map_err(|_| invalid("a header of it is broken"))?;
        if text(0..16).starts_with("data.tar") {
            return Ok(length);
        }
        // Members begin at even offsets.
        let skip = i64::try_from(length + length % 2).map_err(|_| invalid("it is too large"))?;
        archive.seek(SeekFrom::Current(skip))?;
    }
}

/// A path without what leads it.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect()
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn member(archive: &mut Vec<u8>, name: &str, contents: &[u8]) {
        writeln!(
            archive,
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`",
            0,
            0,
            0,
            100_644,
            contents.len()
        )
        .unwrap();
        archive.extend_from_slice(contents);
        if contents.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }

    fn package(files: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, contents) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(u64::try_from(contents.len()).unwrap());
            header.set_mode(0o644);
            tar.append_data(&mut header, path, *contents).unwrap();
        }
        let mut archive = MAGIC.to_vec();
        member(&mut archive, "debian-binary", b"2.0\n");
        member(&mut archive, "control.tar", b"odd");
        member(&mut archive, "data.tar", &tar.into_inner().unwrap());
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&archive).unwrap();
        file
    }

    #[test]
    fn files_are_found_by_their_paths() {
        let long = format!("lib/modules/6.1.0/kernel/{}/x.ko", "deep/".repeat(30));
        let file =
            package(&[("./boot/vmlinuz-6.1.0", b"kernel"), (&long, b"module"), ("last", b"")]);
        let all = Package::open(file.path(), |_| false).unwrap();
        assert_eq!(all.paths().count(), 3);
        assert_eq!(all.read(Path::new("boot/vmlinuz-6.1.0")).unwrap(), b"kernel");
        assert_eq!(all.read(Path::new(&long)).unwrap(), b"module");
        assert!(all.read(Path::new("boot")).is_err());
        let first = Package::open(file.path(), |path| path.starts_with("boot")).unwrap();
        assert_eq!(first.paths().count(), 1, "what was enough ends the reading");
    }

    #[test]
    fn what_is_no_package_is_said() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"something else altogether").unwrap();
        assert!(Package::open(file.path(), |_| false).is_err());
        let mut empty = MAGIC.to_vec();
        member(&mut empty, "debian-binary", b"2.0\n");
        std::fs::write(file.path(), &empty).unwrap();
        let error = Package::open(file.path(), |_| false).unwrap_err();
        assert!(error.to_string().contains("data.tar"), "{error}");
    }
}
