//! How to repeat the run, and how to judge it again.

use maud::{Markup, html};

use crate::record::Report;
use crate::report::repeat::command;

/// The commands, and what they do not say.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section #repeat {
            h2 { "Repeat" }
            p { "The same scenarios, with " (report.tool.name) " " (report.tool.version) " and the same seed:" }
            pre { code { (command(report)) } }
            p .note {
                "The seed fixes the intervals and every other random choice; what the machine does is measured anew. "
                "Options such as " code { "--must-run" } " are not part of a record."
            }
            p { "The stored record (" code { "--export json=report.json" } ") is judged again, without measuring, by:" }
            pre { code { "contain-test report report.json --format html" } }
        }
    }
}
