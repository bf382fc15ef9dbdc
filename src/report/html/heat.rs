//! How strongly a case or cell is coloured, and the small words with a coloured ground.

use maud::{Markup, html};

use crate::record::{Case, Cell, Verdict};
use crate::report::bar::failed_share;
use crate::report::felt::felt;
use crate::report::style::Tone;
use crate::scenario::Control;

/// The class of a tone in the style sheet.
pub(super) const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Unclear => "unclear",
        Tone::Plain | Tone::Strong => "plain",
        Tone::Dim => "dim",
    }
}

/// A verdict as a word on a coloured ground.
pub(super) fn chip(verdict: Verdict) -> Markup {
    html! { span class={ "chip " (class(Tone::of(verdict))) } { (verdict.name()) } }
}

/// The tone of a cell in the matrix. Not that of the terminal, where controls stay in the background: here the open attack shows
/// what it does.
pub(super) fn tone(cell: &Cell) -> Tone {
    cell.verdict.map_or(Tone::Dim, Tone::of)
}

/// How strong the colour of a cell is, 0 to 1: what the victim lost for what leaks or nobody judged, and for what is contained how
/// much of the tolerance is used up.
pub(super) fn heat(cell: &Cell) -> f64 {
    let slower = felt(cell).map_or(0.0, |by| 1.0 - 1.0 / by.max(1.0));
    let lost = slower.max(failed_share(cell)).clamp(0.0, 1.0);
    match cell.verdict {
        Some(Verdict::Contained | Verdict::Harmless | Verdict::Hidden) => 0.35,
        // What leaks must be seen even where it costs little.
        Some(verdict) if verdict.leaks() => lost.max(0.45),
        Some(_) => 0.6,
        None => lost,
    }
}

/// The style attribute that carries the strength to the style sheet.
pub(super) fn style(heat: f64) -> String {
    format!("--h:{:.0}%", heat.clamp(0.0, 1.0) * 100.0)
}

/// What kind of case it is, in words; empty for a usual one.
pub(super) const fn control(case: &Case) -> &'static str {
    match case.control {
        Some(Control::Open) => "without limits",
        Some(Control::Sham) => "control: a sleeping attacker",
        None => "",
    }
}
