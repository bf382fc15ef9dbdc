//! What `ablate` found, for terminals and as JSON: each control of each config, and what leaks without it.

use comfy_table::{ContentArrangement, Table, presets};

use super::escape::{escaped, shortened};
use super::format::ViewOptions;
use super::json::printable;
use super::style::{Style, Tone};
use super::wrap::{broken, wrapped};
use crate::record::{AblatedConfig, AblationReport, Effect, SwitchedOff};

/// The narrowest and the widest that the table may be, in columns.
const WIDTHS: (usize, usize) = (40, 120);

/// Of the table.
const COLUMNS: usize = 5;

/// As indented JSON, with a newline at the end; nothing in it steers a terminal.
#[must_use]
pub fn ablation_json(ablation: &AblationReport) -> String {
    // Made of strings, numbers and lists: it always serialises.
    printable(&serde_json::to_string_pretty(ablation).unwrap_or_default()) + "\n"
}

/// A table for each config, and in front of it the answer; with `quiet` the answers alone. `verbose` says of each control why.
#[must_use]
pub fn ablation_table(ablation: &AblationReport, options: &ViewOptions) -> String {
    let width = options.width.clamp(WIDTHS.0, WIDTHS.1);
    let style = Style { color: options.color };
    let mut text = String::new();
    for config in &ablation.configs {
        text.push_str(&Tone::Strong.paint(&wrapped(&answer(config), width, 2)));
        text.push('\n');
        if options.quiet {
            continue;
        }
        if !config.controls.is_empty() {
            text.push_str(&table(config, width).to_string());
            text.push('\n');
        }
        let mut notes: Vec<String> = config
            .left_on
            .iter()
            .map(|kept| format!("{} stays on: {}", kept.control, kept.why))
            .collect();
        if options.verbose {
            notes.push(format!("{}: {}", config.config, config.reason));
            let of = |it: &SwitchedOff| format!("without {}: {}", it.ablation.control, it.reason);
            notes.extend(config.controls.iter().map(of));
        }
        for note in notes {
            text.push_str(&Tone::Dim.paint(&wrapped(&escaped(&note), width, 2)));
            text.push('\n');
        }
        text.push('\n');
    }
    if ablation.configs.is_empty() {
        text.push_str("no config has a control to switch off: only limited configs have\n");
    }
    if !ablation.complete {
        text.push_str("stopped before the last case\n");
    }
    style.finish(&text)
}

/// `pids / pids-64 is contained: limits.pids stops the leak; 9 controls change nothing`.
fn answer(config: &AblatedConfig) -> String {
    let names = |effect: Effect| -> Vec<&str> {
        let of = config.controls.iter().filter(|it| it.effect == effect);
        of.map(|it| it.ablation.control.as_str()).collect()
    };
    let list = |names: &[&str]| names.join(", ");
    let (stops, causes) = (names(Effect::Stops), names(Effect::Causes));
    let mut parts = vec![match stops.len() {
        0 => "no control alone stops a leak".to_owned(),
        1 => format!("{} stops a leak", list(&stops)),
        _ => format!("each of {} stops a leak", list(&stops)),
    }];
    if !causes.is_empty() {
        parts.push(format!("without {} one goes away", list(&causes)));
    }
    for (effect, what) in
        [(Effect::Changes, "the verdict is another without"), (Effect::Unknown, "not known of")]
    {
        let found = names(effect);
        if !found.is_empty() {
            parts.push(format!("{what} {}", list(&found)));
        }
    }
    let idle = names(Effect::Nothing).len();
    if idle > 0 {
        parts.push(format!("{idle} of {} change nothing here", config.controls.len()));
    }
    let open = config.open.map_or_else(String::new, |verdict| format!(" (open: {verdict})"));
    let place = format!("{} / {}", config.scenario, config.config);
    escaped(&format!("{place} is {}{open}: {}", config.verdict, parts.join("; "))).into_owned()
}

fn table(config: &AblatedConfig, width: usize) -> Table {
    // Names and values are short; what a control stops has what they leave.
    let room = width.saturating_sub(3 * COLUMNS + 1);
    let narrow = (room / 6).clamp(8, 18);
    let wide = room.saturating_sub((COLUMNS - 1) * narrow).max(narrow);
    let cell = |text: &str, longest: usize, tone: Tone| {
        let lines = text.split('\n');
        let lines: Vec<String> =
            lines.map(|line| broken(&shortened(line, longest * 3), longest, 1)).collect();
        tone.paint(&lines.join("\n"))
    };
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["control", "is", "without it", "verdict", "stops"]);
    for it in &config.controls {
        let turned: Vec<String> = it
            .turned
            .iter()
            .map(|turned| format!("{}: {} → {}", turned.probe, turned.with, turned.without))
            .collect();
        let said = match (it.effect, turned.is_empty()) {
            (Effect::Stops, true) => "yes".to_owned(),
            (Effect::Stops | Effect::Changes, false) => turned.join("\n"),
            (Effect::Causes, false) => format!("causes\n{}", turned.join("\n")),
            (effect, _) => effect.name().to_owned(),
        };
        table.add_row([
            cell(&it.ablation.control, narrow, Tone::Plain),
            cell(&it.ablation.from, narrow, Tone::Plain),
            cell(&it.ablation.to, narrow, Tone::Plain),
            cell(&format!("{} → {}", config.verdict, it.verdict), narrow, Tone::of(it.verdict)),
            cell(&said, wide, tone(it.effect)),
        ]);
    }
    table
}

const fn tone(effect: Effect) -> Tone {
    match effect {
        Effect::Stops => Tone::Good,
        Effect::Causes => Tone::Bad,
        Effect::Changes | Effect::Unknown => Tone::Unclear,
        Effect::Nothing => Tone::Dim,
    }
}
