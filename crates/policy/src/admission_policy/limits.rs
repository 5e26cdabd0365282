//! What the evaluation of policies may spend. The costs are kube-apiserver's.

/// Cost of one expression; about a tenth of a second in kube-apiserver.
pub const PER_CALL_COST: u64 = 1_000_000;

/// Cost of all validations of one policy under one binding with one parameter object; about a second. Audit
/// annotations may spend as much again.
pub const BINDING_COST: u64 = 10_000_000;

/// Cost of all match conditions of one policy under one binding; about a quarter of a second.
pub const MATCH_CONDITIONS_COST: u64 = 2_500_000;

/// Longest message that a message expression may make, in bytes; longer ones are not shown.
pub const MESSAGE_BYTES_MAX: usize = 5 * 1024;

/// Longest value of an audit annotation in bytes; longer ones are cut.
pub const AUDIT_VALUE_BYTES_MAX: usize = 10 * 1024;

/// How deeply variables may use each other. Every level takes native stack for an expression of the parser's
/// greatest depth; policies of the field stay below ten.
pub const VARIABLE_DEPTH_MAX: u32 = 64;
