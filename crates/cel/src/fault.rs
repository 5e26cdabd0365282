//! How an evaluation ends without a value.

use std::fmt;
use std::sync::Arc;

/// Why there is no value. Two words, because every step of an evaluation may return it: with a boolean it still
/// fits into registers.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The expression failed. `&&`, `||` and the conditional absorb it as CEL says.
    Error(Box<Error>),
    /// Facts that were not given. Absorbed like an error; where an error and an unknown meet, the unknown
    /// wins, because the fact may make the error go away.
    Unknown(Box<Missing>),
    /// The cost budget is spent. Nothing absorbs it.
    CostExceeded,
    /// More memory, depth or values than allowed; the text names the limit. Nothing absorbs it.
    LimitExceeded(&'static &'static str),
    /// The caller called it off. Nothing absorbs it.
    Cancelled,
}

/// An error of an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// In cel-go's words, for example `no such key: app` or `division by zero`.
    pub message: Arc<str>,
    /// The node that failed, 0 if not known.
    pub at: crate::ast::ExprId,
}

/// Facts that an evaluation would have needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// In order, each once.
    pub facts: Arc<[Fact]>,
}

/// Something about the cluster or the request that an evaluation asked for and nobody gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fact {
    /// For people: `labels of namespace shop`, `request.userInfo`, `RBAC objects`.
    pub name: Arc<str>,
}

impl Fault {
    /// An error of an expression.
    pub fn error(message: impl Into<Arc<str>>) -> Fault {
        Fault::Error(Box::new(Error { message: message.into(), at: 0 }))
    }

    /// `no such overload`, cel-go's answer to arguments of unfitting types.
    pub fn no_such_overload() -> Fault {
        Fault::error("no such overload")
    }

    /// A missing fact.
    pub fn unknown(name: impl Into<Arc<str>>) -> Fault {
        Fault::missing(Arc::new([Fact { name: name.into() }]))
    }

    /// Missing facts.
    pub fn missing(facts: Arc<[Fact]>) -> Fault {
        Fault::Unknown(Box::new(Missing { facts }))
    }

    /// Whether `&&` and `||` may absorb it.
    pub fn is_absorbable(&self) -> bool {
        matches!(self, Fault::Error(_) | Fault::Unknown(_))
    }

    /// What remains of two absorbable faults: unknowns together, else the first error.
    pub fn merge(self, other: Fault) -> Fault {
        match (self, other) {
            (Fault::Unknown(a), Fault::Unknown(b)) => {
                let mut facts: Vec<Fact> = a.facts.iter().chain(b.facts.iter()).cloned().collect();
                facts.sort_unstable();
                facts.dedup();
                Fault::missing(facts.into())
            }
            (unknown @ Fault::Unknown(_), Fault::Error(_)) | (Fault::Error(_), unknown @ Fault::Unknown(_)) => unknown,
            (Fault::Error(_) | Fault::Unknown(_), fatal) if !fatal.is_absorbable() => fatal,
            (first, _) => first,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Error(error) => f.write_str(&error.message),
            Fault::Unknown(missing) => {
                f.write_str("unknown: ")?;
                for (index, fact) in missing.facts.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, fact.name)?;
                }
                Ok(())
            }
            Fault::CostExceeded => f.write_str("operation cancelled: actual cost limit exceeded"),
            Fault::LimitExceeded(limit) => f.write_str(limit),
            Fault::Cancelled => f.write_str("operation interrupted"),
        }
    }
}

impl std::error::Error for Fault {}

const _: () = assert!(size_of::<Result<bool, Fault>>() == 16);
