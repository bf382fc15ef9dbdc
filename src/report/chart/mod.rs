//! Charts as SVG, to stand within a page: no script, no font of their own, colours by classes of the page's style sheet. Every chart
//! is 400 units wide, so that it is legible in a column of a wide page and on the whole width of a telephone.

mod amount;
mod ceiling;
mod distribution;
mod effects;
mod failures;
mod received;
mod samples;
mod scale;
mod svg;
mod timeline;

pub(super) use ceiling::ceiling_chart;
pub(super) use distribution::distribution_chart;
pub(super) use effects::effects_chart;
pub(super) use failures::failures_chart;
pub(super) use received::received_chart;
pub(super) use timeline::{latency_chart, rate_chart};

/// The width of every chart, in its own units.
const WIDTH: f64 = 400.0;

/// Room on the left for the numbers of the vertical axis.
const LEFT: f64 = 52.0;

/// Room on the right.
const RIGHT: f64 = 8.0;

/// Room at the top for a legend.
const TOP: f64 = 22.0;

/// Room at the bottom for the numbers of the horizontal axis and its unit.
const BOTTOM: f64 = 34.0;
