//! Prose for narrow terminals.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text broken at blanks, so that no line is wider than `width` columns; lines after the first begin with `hang` blanks. A word
/// that is too wide stays whole, because a path that is broken cannot be copied. Line breaks of the text stay.
#[must_use]
pub(super) fn wrapped(text: &str, width: usize, hang: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split('\n') {
        let body = paragraph.trim_start_matches(' ');
        let indent = paragraph.len() - body.len();
        let mut line = " ".repeat(indent);
        // Blanks before the next word; `None` at the beginning of a line.
        let mut gap: Option<usize> = None;
        for word in body.split(' ') {
            if word.is_empty() {
                gap = gap.map(|blanks| blanks + 1);
                continue;
            }
            match gap {
                Some(blanks) if line.width() + blanks + word.width() > width => {
                    lines.push(std::mem::replace(&mut line, " ".repeat(indent + hang)));
                }
                Some(blanks) => line.push_str(&" ".repeat(blanks)),
                None => {}
            }
            line.push_str(word);
            gap = Some(1);
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// The same where nothing may be wider: a word that is too wide is broken, too.
#[must_use]
pub(super) fn broken(text: &str, width: usize, hang: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in wrapped(text, width, hang).split('\n') {
        let (mut piece, mut used) = (String::new(), 0);
        for letter in line.chars() {
            let columns = letter.width().unwrap_or(0);
            if used > 0 && used + columns > width {
                lines.push(std::mem::take(&mut piece));
                used = 0;
            }
            piece.push(letter);
            used += columns;
        }
        lines.push(piece);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_break_at_blanks_and_hang() {
        assert_eq!(wrapped("one two three", 7, 2), "one two\n  three");
        assert_eq!(wrapped("one two", 40, 2), "one two");
        assert_eq!(
            wrapped("a-very-long/path/of-one-word x", 8, 2),
            "a-very-long/path/of-one-word\n  x"
        );
        assert_eq!(wrapped("  item one two", 8, 2), "  item\n    one\n    two");
        assert_eq!(wrapped("", 8, 2), "");
        assert_eq!(wrapped("a\nb\n", 8, 2), "a\nb\n");
        assert_eq!(wrapped("a   b c", 6, 1), "a   b\n c");
    }

    #[test]
    fn what_is_broken_is_nowhere_wider() {
        assert_eq!(broken("a-long/path x", 6, 1), "a-long\n/path\n x");
        assert_eq!(broken("one two", 40, 2), "one two");
    }

    proptest! {
        #[test]
        fn no_letter_is_lost_by_breaking(text in "[a-zé広 ]{0,60}", width in 2_usize..40) {
            let letters = |text: &str| text.chars().filter(|it| !it.is_whitespace()).collect::<String>();
            let lines = broken(&text, width, 1);
            prop_assert_eq!(letters(&lines), letters(&text));
            for line in lines.lines() {
                prop_assert!(line.width() <= width, "{}", line);
            }
        }

        #[test]
        fn no_word_is_lost(text in "[a-zé広 ]{0,60}", width in 1_usize..40, hang in 0_usize..8) {
            let lines = wrapped(&text, width, hang);
            prop_assert!(lines.split_whitespace().eq(text.split_whitespace()));
            for line in lines.lines() {
                prop_assert!(line.width() <= width || line.split_whitespace().count() <= 1);
            }
        }
    }
}
