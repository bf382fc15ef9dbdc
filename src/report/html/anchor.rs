//! Names of places in the page. They are numbers, so that no name of the record can clash with another or break out.

/// Where a case stands: the index of its scenario, and its own within that.
pub(super) type Place = (usize, usize);

/// The anchor of a scenario.
pub(super) fn scenario(index: usize) -> String {
    format!("s{index}")
}

/// The anchor of a case.
pub(super) fn case((scenario, case): Place) -> String {
    format!("s{scenario}c{case}")
}

/// The anchor of a cell, by its index in the case.
pub(super) fn cell((scenario, case): Place, cell: usize) -> String {
    format!("s{scenario}c{case}p{cell}")
}

/// A link to an anchor of this page.
pub(super) fn link(anchor: &str) -> String {
    format!("#{anchor}")
}
