//! Text that came from files: nothing in it may move the cursor, change colours or reorder a line.

use std::borrow::Cow;

/// The text with control characters, and the invisible characters that steer direction and layout, written as `\u{…}`.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if steers(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// At most `most` characters of the escaped text; `…` stands for what was cut off.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let safe = escaped(text);
    if safe.chars().count() <= most {
        return safe.into_owned();
    }
    let mut short: String = safe.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// True for characters that a terminal acts on instead of showing them.
pub(super) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(escaped("pids-64 ×2 ✓"), "pids-64 ×2 ✓");
        assert_eq!(escaped("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(escaped("\u{9b}31m\u{202e}x\u{2061}"), "\\u{9b}31m\\u{202e}x\\u{2061}");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shortened("abcdef", 4), "abc…");
        assert_eq!(shortened("abcd", 4), "abcd");
    }
}
