//! What can be seen from inside a sandbox: facts of its own, and what others have planted so that somebody who sees it can prove it.

mod planted;
mod sighting;

pub use planted::{Planted, Side, plant, remove};
pub use sighting::{Attempt, Look, Sighting, attempt_all};

use std::fs;

use crate::protocol::Reply;

/// Looks through `/proc` for a process whose command line holds `token`.
pub fn look(token: &str) -> Reply {
    let mut visible = 0;
    let mut sees_token = false;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        visible += 1;
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        sees_token |= contains(&command, token.as_bytes());
    }
    Reply::Facts { pid: std::process::id(), sees_token, visible }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    !word.is_empty() && text.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_anywhere_in_a_command_line() {
        assert!(contains(b"prog\0--id\0abc-123\0", b"abc-1"));
        assert!(!contains(b"prog\0", b"abc"));
        assert!(!contains(b"prog\0", b""));
    }
}
