//! The record as one page for browsers: charts as SVG within it, no script, and nothing that has to be fetched from anywhere. The
//! style sheet is `reports/html/report.css`.

mod anchor;
mod case;
mod cell;
mod finding;
mod head;
mod heat;
mod legend;
mod machine;
mod matrix;
mod repeat;
mod scenario;
mod ticks;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::escape::steers;
use super::findings::findings;
use crate::record::Report;

const STYLE: &str = include_str!("../../../reports/html/report.css");

/// Nothing may be loaded and nothing may run, whatever a name in the record holds.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// One HTML document, with a newline at the end.
#[must_use]
pub fn render_html(report: &Report) -> String {
    // What steers layout or direction is written out, in every text at once: none of the page's own markup has such a character.
    let page = page(report).into_string();
    let mut safe = String::with_capacity(page.len() + 1);
    for character in page.chars() {
        if character != '\n' && steers(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe.push('\n');
    safe
}

fn page(report: &Report) -> Markup {
    let found = findings(report);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format!("{} {}", report.tool.name, report.tool.version));
                title { (head::title(report)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head::head(report))
                main {
                    (finding::section(report, &found))
                    (matrix::section(report))
                    (scenario::section(report))
                    (machine::section(report))
                    (repeat::section(report))
                    (legend::section())
                }
                footer {
                    p { (report.tool.name) " " (report.tool.version) ", run " (report.run_id) ", seed " (report.seed) "." }
                }
            }
        }
    }
}
