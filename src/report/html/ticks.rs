//! Text of the tool itself in which back ticks mark code.

use maud::{Markup, html};

/// The text with what stands between back ticks as code; an odd back tick stays one.
pub(super) fn ticks(text: &str) -> Markup {
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (index, piece) in pieces.iter().enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stands_between_back_ticks() {
        assert_eq!(ticks("a `b<` c").into_string(), "a <code>b&lt;</code> c");
        assert_eq!(ticks("a ` c").into_string(), "a ` c");
        assert_eq!(ticks("").into_string(), "");
    }
}
