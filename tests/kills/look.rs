//! What is on the machine, without the tool's code.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// The first user ID that sandboxes have.
const FIRST_ID: u32 = 0x7000_0000;

/// How many living processes of sandboxes there are.
pub fn processes_of_sandboxes() -> usize {
    processes()
        .filter(|path| fs::metadata(path).is_ok_and(|it| it.uid() >= FIRST_ID))
        // The dead have no command line.
        .filter(|path| fs::read(path.join("cmdline")).is_ok_and(|text| !text.is_empty()))
        .count()
}

fn processes() -> impl Iterator<Item = PathBuf> {
    fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path()).filter(|path| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit))
    })
}
