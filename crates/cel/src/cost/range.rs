//! From the least to the most.

/// A range of costs.
pub type CostRange = Range;

/// A range of sizes: code points of a text, bytes, items or entries.
pub type SizeRange = Range;

/// From the least to the most, both included. Sums and products stop at the largest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

impl Range {
    /// Anything.
    pub const UNKNOWN: Range = Range { min: 0, max: u64::MAX };
    /// Exactly one.
    pub const ONE: Range = Range::exactly(1);
    /// Nothing yet: the range that [`union`](Self::union) grows from.
    pub(super) const EMPTY: Range = Range { min: u64::MAX, max: 0 };

    /// Exactly this much.
    pub const fn exactly(value: u64) -> Range {
        Range { min: value, max: value }
    }

    /// One and the other.
    #[must_use]
    pub fn plus(self, other: Range) -> Range {
        Range { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    /// One for each of the other.
    #[must_use]
    pub fn times(self, other: Range) -> Range {
        Range { min: self.min.saturating_mul(other.min), max: self.max.saturating_mul(other.max) }
    }

    /// Times a factor, rounded up.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Range {
        Range { min: scale(self.min, factor), max: scale(self.max, factor) }
    }

    /// The smallest range around both.
    #[must_use]
    pub fn union(self, other: Range) -> Range {
        Range { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

fn scale(value: u64, factor: f64) -> u64 {
    // A conversion from a double stops at the largest number, too.
    (value as f64 * factor).ceil() as u64
}
