//! Writes SVG. Text and attributes are escaped here, and nowhere else.

use std::fmt::Write as _;

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing of 400 units' width or another, with a sentence for those who cannot see it.
pub(super) struct Svg {
    width: f64,
    height: f64,
    label: String,
    body: String,
}

impl Svg {
    pub fn new(width: f64, height: f64, label: &str) -> Self {
        Self { width, height, label: label.to_owned(), body: String::new() }
    }

    pub fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            short(x),
            short(y),
            short(width.max(0.0)),
            short(height.max(0.0)),
        );
    }

    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.path(class, &format!("M{} {}L{} {}", short(x1), short(y1), short(x2), short(y2)));
    }

    /// A path by its data, which [`Path`] makes; nothing for an empty one.
    pub fn path(&mut self, class: &str, data: &str) {
        if !data.is_empty() {
            let _ = write!(self.body, "<path class=\"{class}\" d=\"{data}\"/>");
        }
    }

    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\"{anchor}>{}</text>",
            short(x),
            short(y),
            escape(text),
        );
    }

    /// The element. Its size is that of its place in the page; the view box keeps its proportions.
    pub fn finish(self) -> String {
        let (width, height) = (short(self.width), short(self.height));
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            escape(&self.label),
            self.body
        )
    }
}

/// The data of a path, which may have many pieces: one element for all blocks is a tenth of the size of one for each.
#[derive(Debug, Default)]
pub(super) struct Path(String);

impl Path {
    pub fn segment(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.start(x1, y1);
        if short(y1) == short(y2) {
            let _ = write!(self.0, "H{}", short(x2));
        } else if short(x1) == short(x2) {
            let _ = write!(self.0, "V{}", short(y2));
        } else {
            self.to(x2, y2);
        }
    }

    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.start(x, y);
        let _ = write!(
            self.0,
            "h{}v{}h{}z",
            short(width.max(0.0)),
            short(height.max(0.0)),
            short(-width.max(0.0))
        );
    }

    pub fn start(&mut self, x: f64, y: f64) {
        let _ = write!(self.0, "M{} {}", short(x), short(y));
    }

    pub fn to(&mut self, x: f64, y: f64) {
        let _ = write!(self.0, "L{} {}", short(x), short(y));
    }

    /// Along first and then up or down, as steps go.
    pub fn step(&mut self, x: f64, y: f64) {
        let _ = write!(self.0, "H{}V{}", short(x), short(y));
    }

    pub fn data(&self) -> &str {
        &self.0
    }
}

/// A coordinate with one decimal at most; what is no number becomes 0, for a record may hold anything.
fn short(value: f64) -> String {
    let value = if value.is_finite() { value.clamp(-1e5, 1e5) } else { 0.0 };
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_text_is_text() {
        for (value, text) in
            [(1.0, "1"), (0.25, "0.2"), (-0.01, "0"), (f64::NAN, "0"), (1e9, "100000")]
        {
            assert_eq!(short(value), text);
        }
        let mut svg = Svg::new(10.0, 5.0, "a \"<b>\"");
        svg.text("t", (1.0, 2.0), Anchor::End, "</svg><script>&");
        svg.rect("r", (0.0, 0.0), (-1.0, 2.0));
        svg.path("p", "");
        assert_eq!(
            svg.finish(),
            "<svg viewBox=\"0 0 10 5\" role=\"img\" aria-label=\"a &quot;&lt;b&gt;&quot;\">\
             <text class=\"t\" x=\"1\" y=\"2\" text-anchor=\"end\">&lt;/svg&gt;&lt;script&gt;&amp;</text>\
             <rect class=\"r\" x=\"0\" y=\"0\" width=\"0\" height=\"2\"/></svg>"
        );
    }

    #[test]
    fn pieces_of_a_path_are_told_shortly() {
        let mut path = Path::default();
        path.segment((1.0, 2.0), (3.0, 2.0));
        path.segment((1.0, 2.0), (1.0, 5.0));
        path.rect((0.0, 0.0), (2.0, 3.0));
        path.start(0.0, 1.0);
        path.step(2.0, 3.0);
        assert_eq!(path.data(), "M1 2H3M1 2V5M0 0h2v3h-2zM0 1H2V3");
    }
}
