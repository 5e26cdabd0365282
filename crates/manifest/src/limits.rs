//! Named limits on outside input.

/// Largest file that is read, in bytes. etcd refuses requests above 1.5 MiB and kube-apiserver above
/// 3 MiB, so 128 MiB holds more than forty maximal objects, or a dump of a large cluster.
pub const FILE_BYTES_MAX: u64 = 128 << 20;

/// Most documents read from one file. A dump of 100,000 objects fits ten times.
pub const DOCUMENTS_MAX: u32 = 1_000_000;

/// Deepest nesting of one document. kube-apiserver gives up at 10,000 for JSON; no built-in kind
/// nests deeper than about 40, CRD schemas about 90.
pub const DEPTH_MAX: usize = 200;

/// Most nodes that aliases may add to one document. The largest real files that use anchors stay
/// below 1,000.
pub const ALIAS_NODES_MAX: usize = 100_000;

/// Most bytes of text that aliases may copy in one document. Only strings with escapes or folded
/// lines are copied at all; a ConfigMap holds at most 1 MiB.
pub const ALIAS_BYTES_MAX: usize = 16 << 20;

/// Most nodes of one document. A node takes at least two bytes of text, so only a document beyond
/// 8 MiB of pure punctuation can have more.
pub const NODES_MAX: usize = 4_000_000;

/// Most findings kept for one object. A pod may have 10,000 containers; a reader needs the first few.
pub const FINDINGS_PER_OBJECT_MAX: usize = 250;
