//! The built file needs no dynamic loader: it must run inside any root file system, and as the init of a guest.

use std::fs;

/// Program header types of elf(5).
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
/// Dynamic section tags of elf(5).
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;

fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let mut all = [0; 8];
    all[..N].copy_from_slice(&bytes[at..at + N]);
    u64::from_le_bytes(all)
}

/// Type, offset and size in the file of every program header of a 64-bit little-endian ELF file.
fn program_headers(file: &[u8]) -> Vec<(u32, usize, usize)> {
    assert_eq!(&file[..6], b"\x7fELF\x02\x01", "a 64-bit little-endian ELF file");
    let table = usize::try_from(number::<8>(file, 32)).unwrap();
    let (size, count) = (number::<2>(file, 54), number::<2>(file, 56));
    (0..usize::try_from(count).unwrap())
        .map(|index| {
            let at = table + index * usize::try_from(size).unwrap();
            let kind = u32::try_from(number::<4>(file, at)).unwrap();
            let offset = usize::try_from(number::<8>(file, at + 8)).unwrap();
            (kind, offset, usize::try_from(number::<8>(file, at + 32)).unwrap())
        })
        .collect()
}

#[test]
fn the_binary_names_no_loader_and_needs_no_library() {
    let file = fs::read(env!("CARGO_BIN_EXE_contain-test")).unwrap();
    for (kind, offset, size) in program_headers(&file) {
        assert_ne!(kind, PT_INTERP, "it asks for {:?}", file[offset..offset + size].escape_ascii());
        if kind == PT_DYNAMIC {
            let tags =
                file[offset..offset + size].chunks_exact(16).map(|entry| number::<8>(entry, 0));
            let tags: Vec<u64> = tags.take_while(|&tag| tag != DT_NULL).collect();
            assert!(!tags.contains(&DT_NEEDED), "it needs a shared library");
        }
    }
}

#[test]
fn this_test_would_notice_a_dynamic_binary() {
    // The shell of every distribution is dynamic; where it is not, there is nothing to compare with.
    let file = fs::read("/bin/sh").unwrap();
    let dynamic = program_headers(&file).iter().any(|(kind, ..)| *kind == PT_INTERP);
    assert!(dynamic || fs::metadata("/bin/busybox").is_ok());
}
