//! Where a run is, by its events.

use serde_json::Value;

/// A phase of a run, as its events tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the first case.
    Start,
    SetUp,
    WarmUp,
    /// In blocks, the attack off.
    Off,
    /// In blocks, the attack on.
    On,
    Recovery,
    TearDown,
    ResidueCheck,
}

impl Phase {
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::SetUp,
        Self::WarmUp,
        Self::Off,
        Self::On,
        Self::Recovery,
        Self::TearDown,
        Self::ResidueCheck,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::SetUp => "set-up",
            Self::WarmUp => "warm-up",
            Self::Off => "blocks, off",
            Self::On => "blocks, on",
            Self::Recovery => "recovery",
            Self::TearDown => "tear-down",
            Self::ResidueCheck => "residue-check",
        }
    }

    /// How long it lasts at most, in microseconds: a kill comes at a random time within it.
    pub const fn length_us(self) -> u64 {
        match self {
            Self::Start => 6_000,
            Self::SetUp => 12_000,
            Self::WarmUp => 120_000,
            Self::Off | Self::On => 80_000,
            Self::Recovery => 100_000,
            Self::TearDown => 4_000,
            Self::ResidueCheck => 100,
        }
    }

    /// The phase that begins with an event; `None` when it goes on.
    pub fn begun_by(event: &Value) -> Option<Self> {
        match event["event"].as_str()? {
            "run-started" => Some(Self::Start),
            "phase-started" => match event["phase"].as_str()? {
                "set-up" => Some(Self::SetUp),
                "warm-up" => Some(Self::WarmUp),
                "blocks" => Some(Self::Off),
                "recovery" => Some(Self::Recovery),
                "tear-down" => Some(Self::TearDown),
                "residue-check" => Some(Self::ResidueCheck),
                _ => None,
            },
            "attack-changed" if event["state"] == "on" => Some(Self::On),
            "attack-changed" => Some(Self::Off),
            _ => None,
        }
    }
}
