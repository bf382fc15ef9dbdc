//! Whatever a file is compressed with: xz, zstd, gzip or nothing, by its first bytes.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const GZIP: &[u8] = &[0x1f, 0x8b];

/// The contents of a stream, decompressed where it is compressed.
///
/// # Errors
/// What reading its beginning gave.
pub fn decompressed<'r>(stream: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut stream = BufReader::new(stream);
    let start = stream.fill_buf()?;
    if start.starts_with(XZ) {
        Ok(Box::new(XzReader::new(stream, true)))
    } else if start.starts_with(ZSTD) {
        StreamingDecoder::new(stream)
            .map(|decoder| Box::new(decoder) as Box<dyn Read + 'r>)
            .map_err(io::Error::other)
    } else if start.starts_with(GZIP) {
        Ok(Box::new(MultiGzDecoder::new(stream)))
    } else {
        Ok(Box::new(stream))
    }
}

/// All of a stream, decompressed, up to `most` bytes.
///
/// # Errors
/// What reading gave; `InvalidData` for more than `most`.
pub fn whole(stream: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    decompressed(stream)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("more than {} MiB", most >> 20),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    /// Compresses with a program of the machine; `None` where it is not installed.
    fn packed(program: &str, text: &[u8]) -> Option<Vec<u8>> {
        let mut child = Command::new(program)
            .arg("-c")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(text).ok()?;
        let output = child.wait_with_output().ok()?;
        output.status.success().then_some(output.stdout)
    }

    #[test]
    fn every_compression_is_told_by_its_first_bytes() {
        let text: Vec<u8> = (0..50_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        assert_eq!(whole(&text[..], 1 << 20).unwrap(), text);
        for program in ["xz", "zstd", "gzip"] {
            let Some(packed) = packed(program, &text) else { continue };
            assert!(packed.len() < text.len(), "{program}");
            assert_eq!(whole(&packed[..], 1 << 20).unwrap(), text, "{program}");
            assert!(whole(&packed[..packed.len() / 2], 1 << 20).is_err(), "{program}, cut off");
            assert!(whole(&packed[..], 1000).is_err(), "{program}, too much");
        }
    }
}
