//! `source`: where `random-drain` takes random numbers from.

/// Where random numbers are taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum RandomSource {
    /// getrandom(2) without flags.
    #[default]
    Getrandom,
    /// read(2) of `/dev/urandom`.
    Urandom,
    /// read(2) of `/dev/random`.
    Random,
}

impl RandomSource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Getrandom, Self::Urandom, Self::Random];

    /// The word used in files and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Getrandom => "getrandom",
            Self::Urandom => "urandom",
            Self::Random => "random",
        }
    }
}
