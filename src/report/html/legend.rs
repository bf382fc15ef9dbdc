//! How to read the page.

use maud::{Markup, html};

use super::heat::chip;
use crate::glossary::{Kind, meaning};
use crate::report::summary::ORDER;

/// Words of the report that a reader may not know.
const WORDS: [&str; 10] =
    ["node", "attacker", "victim", "case", "cell", "block", "ceiling", "open", "sham", "placebo"];

/// The last section of the page.
pub(super) fn section() -> Markup {
    html! {
        section #legend {
            h2 { "How to read this" }
            p {
                "An " strong { "attacker" } " in one sandbox drains a resource while a " strong { "victim" } " in another keeps working. "
                "Time is cut into pairs of blocks, one quiet and one under attack; what is told is the median over pairs, with an "
                "interval. " strong { "×1.20" } " means: it took 1.2 times as long under attack. " strong { "via cpu" }
                " means that it came through another resource than the one that is judged."
            }
            h3 { "Verdicts" }
            dl .words {
                @for verdict in ORDER {
                    div { dt { (chip(verdict)) } dd { (meaning(Kind::Verdict, verdict.name())) } }
                }
            }
            h3 { "Words" }
            dl .words {
                @for word in WORDS { div { dt { (word) } dd { (meaning(Kind::Word, word)) } } }
            }
        }
    }
}
