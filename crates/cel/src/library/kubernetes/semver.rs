//! Semantic versions.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;

use super::super::arguments::{boolean, go_quote, opaque, text};
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Opaque, Value};

/// Functions of `kubernetes.Semver`.
pub fn semver() -> Library {
    let of = Type::opaque(TYPE);
    let one = [of.clone()];
    let two = [of.clone(), of.clone()];
    let normalized = [Type::String, Type::Bool];
    Library::default()
        .function("semver", "string_to_semver", &[Type::String], of.clone(), convert)
        .function("semver", "string_bool_to_semver", &normalized, of, convert)
        .function("isSemver", "is_semver_string", &[Type::String], Type::Bool, is_semver)
        .function("isSemver", "is_semver_string_bool", &normalized, Type::Bool, is_semver)
        .method("isGreaterThan", "semver_is_greater_than", &two, Type::Bool, |_, args| {
            Ok(Value::Bool(compared(args)? == Ordering::Greater))
        })
        .method("isLessThan", "semver_is_less_than", &two, Type::Bool, |_, args| {
            Ok(Value::Bool(compared(args)? == Ordering::Less))
        })
        .method("compareTo", "semver_compare_to", &two, Type::Int, |_, args| Ok(Value::Int(compared(args)? as i64)))
        .method("major", "semver_major", &one, Type::Int, |_, args| Ok(part(opaque::<Semver>(args, 0)?.major)))
        .method("minor", "semver_minor", &one, Type::Int, |_, args| Ok(part(opaque::<Semver>(args, 0)?.minor)))
        .method("patch", "semver_patch", &one, Type::Int, |_, args| Ok(part(opaque::<Semver>(args, 0)?.patch)))
}

const TYPE: &str = "kubernetes.Semver";

/// A version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Semver {
    major: u64,
    minor: u64,
    patch: u64,
    pre: Vec<Identifier>,
    build: Vec<String>,
}

/// An identifier of a pre-release: numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

fn convert<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    read(context, args)?.map(Value::opaque).map_err(Fault::error)
}

fn is_semver<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    Ok(Value::Bool(read(context, args)?.is_ok()))
}

fn read(context: &mut Context<'_>, args: &[Value<'_>]) -> Result<Result<Semver, String>, Fault> {
    let source = text(args, 0)?;
    context.allocate(source.len())?;
    let normalize = args.len() > 1 && boolean(args, 1)?;
    Ok(if normalize { normalized(source).and_then(|source| Semver::parse(&source)) } else { Semver::parse(source) })
}

fn compared(args: &[Value<'_>]) -> Result<Ordering, Fault> {
    Ok(opaque::<Semver>(args, 0)?.compare(opaque(args, 1)?))
}

/// Numbers above the range of `int` turn negative, as in the API server.
fn part<'v>(number: u64) -> Value<'v> {
    Value::Int(number as i64)
}

/// Without `v` in front and zeros before numbers, and with three numbers.
fn normalized(source: &str) -> Result<String, String> {
    let source = source.strip_prefix('v').unwrap_or(source);
    let mut parts: Vec<String> = source.splitn(3, '.').map(without_zeros).collect();
    if parts.len() < 3 {
        if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return Err("short version cannot contain PreRelease/Build meta data".to_owned());
        }
        parts.resize(3, "0".to_owned());
    }
    Ok(parts.join("."))
}

fn without_zeros(part: &str) -> String {
    if part.len() <= 1 {
        return part.to_owned();
    }
    let trimmed = part.trim_start_matches('0');
    if trimmed.starts_with(|char: char| char.is_ascii_digit()) { trimmed.to_owned() } else { format!("0{trimmed}") }
}

impl Semver {
    /// Reads a version: three numbers, then optionally `-` and a pre-release, `+` and a build.
    pub fn parse(source: &str) -> Result<Semver, String> {
        if source.is_empty() {
            return Err("Version string empty".to_owned());
        }
        let mut parts = source.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("No Major.Minor.Patch elements found".to_owned());
        };
        let (major, minor) = (number(major, "major", "Major")?, number(minor, "minor", "Minor")?);
        let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
        let (patch, pre) = rest.split_once('-').map_or((rest, None), |(rest, pre)| (rest, Some(pre)));
        let patch = number(patch, "patch", "Patch")?;
        let pre = pre.map_or(Ok(Vec::new()), |pre| pre.split('.').map(identifier).collect())?;
        let build = build.map_or(Ok(Vec::new()), |build| build.split('.').map(build_part).collect())?;
        Ok(Semver { major, minor, patch, pre, build })
    }

    /// Order; builds do not count.
    fn compare(&self, other: &Semver) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                _ => self.pre.cmp(&other.pre),
            }
        })
    }
}

fn number(digits: &str, lower: &str, upper: &str) -> Result<u64, String> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("Invalid character(s) found in {lower} number {}", go_quote(digits)));
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(format!("{upper} number must not contain leading zeroes {}", go_quote(digits)));
    }
    parsed(digits)
}

fn parsed(digits: &str) -> Result<u64, String> {
    digits.parse().map_err(|_| {
        let why = if digits.is_empty() { "invalid syntax" } else { "value out of range" };
        format!("strconv.ParseUint: parsing {}: {why}", go_quote(digits))
    })
}

fn identifier(source: &str) -> Result<Identifier, String> {
    if source.is_empty() {
        return Err("Prerelease is empty".to_owned());
    }
    if source.bytes().all(|byte| byte.is_ascii_digit()) {
        if source.len() > 1 && source.starts_with('0') {
            return Err(format!("Numeric PreRelease version must not contain leading zeroes {}", go_quote(source)));
        }
        return parsed(source).map(Identifier::Number);
    }
    if !is_word(source) {
        return Err(format!("Invalid character(s) found in prerelease {}", go_quote(source)));
    }
    Ok(Identifier::Word(source.to_owned()))
}

fn build_part(source: &str) -> Result<String, String> {
    if source.is_empty() {
        return Err("Build meta data is empty".to_owned());
    }
    if !is_word(source) {
        return Err(format!("Invalid character(s) found in build meta data {}", go_quote(source)));
    }
    Ok(source.to_owned())
}

fn is_word(source: &str) -> bool {
    source.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric())
}

impl fmt::Display for Semver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        for (index, identifier) in self.pre.iter().enumerate() {
            f.write_str(if index == 0 { "-" } else { "." })?;
            match identifier {
                Identifier::Number(number) => write!(f, "{number}")?,
                Identifier::Word(word) => f.write_str(word)?,
            }
        }
        for (index, part) in self.build.iter().enumerate() {
            write!(f, "{}{part}", if index == 0 { '+' } else { '.' })?;
        }
        Ok(())
    }
}

impl Opaque for Semver {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref::<Semver>().is_some_and(|other| self.compare(other) == Ordering::Equal)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn describe(&self) -> String {
        self.to_string()
    }
}
