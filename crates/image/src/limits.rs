//! What one image may cost. Each bound is far above what real images have, and small enough that a hostile one ends soon.

use std::io;

/// Bytes of one layer, unpacked. The largest layers of public images are models for machine learning of some 60 GB.
pub const LAYER_BYTES_MAX: u64 = 128 << 30;

/// How many bytes one packed byte may become once [`RATIO_FREE_BYTES`] were unpacked. gzip reaches 1,030 on zeros; a layer
/// that stays above a hundred over a quarter of a gigabyte holds nothing but padding.
pub const RATIO_MAX: u64 = 100;

/// Unpacked bytes below which the ratio does not matter: sparse log files and zeroed databases of this size are real.
pub const RATIO_FREE_BYTES: u64 = 256 << 20;

/// Entries of one layer. Monorepo build images have about three million files.
pub const ENTRIES_MAX: u64 = 5_000_000;

/// Layers of one image. Runtimes mount at most 500.
pub const LAYERS_MAX: usize = 512;

/// Longest path in bytes, as Linux has it.
pub const PATH_BYTES_MAX: usize = 4096;

/// Damage told of one layer; more of it tells nothing new.
pub const DAMAGE_MAX: usize = 200;

/// Symbolic links remembered of one layer, for folders that are links.
pub const LINKS_MAX: usize = 1_000_000;

/// Hard links of one layer whose targets are read again for them. Stores of npm packages have some ten thousand.
pub const HARD_LINKS_MAX: usize = 200_000;

/// Bytes read for hard links of one layer, counted once for each name.
pub const HARD_LINK_BYTES_MAX: u64 = 8 << 30;

/// An image went over a bound.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// Too many bytes.
    #[error("the layer is larger than {LAYER_BYTES_MAX} bytes unpacked")]
    LayerBytes,
    /// A bomb.
    #[error("the layer unpacks to more than {RATIO_MAX} times its size")]
    Ratio,
    /// It takes too long.
    #[error("reading the image took longer than it may; the rest was not read")]
    Time,
    /// Too many files.
    #[error("the layer has more than {ENTRIES_MAX} entries")]
    Entries,
}

impl From<LimitError> for io::Error {
    fn from(error: LimitError) -> io::Error {
        io::Error::other(error)
    }
}
