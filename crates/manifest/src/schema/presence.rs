//! What the API server writes where a field was not set: Go's encoder leaves a field out only if its tag says
//! so and the value is a scalar, list, map or pointer that is empty.
//!
//! The table (`data/presence.txt`) has one line per type of the schema, in the same order: its name, then its
//! fields that are not simply left out when empty, each with a letter.

use std::sync::LazyLock;

use super::TypeRef;

/// What stands in an object where a field was not set or is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing: the field is left out whenever it is empty.
    Omitted,
    /// Nothing if it was not set; a value that was set stays, be it empty.
    Pointer,
    /// A mapping, with what its own fields write.
    Struct,
    /// Null. An empty value that was set stays.
    Null,
    /// Empty text.
    Text,
    /// The number 0.
    Int,
    /// `false`
    Bool,
    /// The quantity `0`.
    Quantity,
}

impl TypeRef {
    /// What stands in an object of this type where a field is empty.
    pub fn presence(self, field: &str) -> Presence {
        self.always().iter().find(|(name, _)| *name == field).map_or(Presence::Omitted, |(_, presence)| *presence)
    }

    /// The fields that are not simply left out when empty.
    pub fn always(self) -> &'static [(&'static str, Presence)] {
        TABLE.get(usize::from(self.0)).map_or(&[], |fields| fields)
    }
}

fn presence(letter: &str) -> Option<Presence> {
    Some(match letter {
        "p" => Presence::Pointer,
        "o" => Presence::Struct,
        "n" => Presence::Null,
        "s" => Presence::Text,
        "i" => Presence::Int,
        "b" => Presence::Bool,
        "q" => Presence::Quantity,
        _ => return None,
    })
}

/// The named fields of one type.
type Fields = Box<[(&'static str, Presence)]>;

fn fields(line: &'static str) -> Fields {
    line.split(' ')
        .filter_map(|word| word.split_once(':'))
        .filter_map(|(name, at)| Some((name, presence(at)?)))
        .collect()
}

static TABLE: LazyLock<Vec<Fields>> =
    LazyLock::new(|| TEXT.lines().filter(|line| !line.starts_with('#')).map(fields).collect());

const TEXT: &str = include_str!("../../data/presence.txt");

#[cfg(test)]
mod tests {
    use super::super::{kind, pod_spec};
    use super::*;

    #[test]
    fn the_table_fits_the_schema_line_by_line() {
        let lines = TEXT.lines().filter(|line| !line.starts_with('#'));
        let mut count = 0;
        for (number, line) in lines.enumerate() {
            let own = TypeRef(number as u16);
            assert_eq!(line.split(' ').next(), Some(own.name()));
            assert_eq!(line.split(' ').count() - 1, own.always().len(), "{line}");
            for (field, _) in own.always() {
                assert!(own.field(field).is_some(), "{} {field}", own.name());
            }
            count += 1;
        }
        assert_eq!(TypeRef(count).name(), "");
    }

    #[test]
    fn structures_are_always_there_and_pointers_only_when_set() {
        let deployment = kind("apps", "v1", "Deployment").unwrap();
        assert_eq!(deployment.presence("status"), Presence::Struct);
        let spec = pod_spec().unwrap();
        assert_eq!(spec.presence("securityContext"), Presence::Pointer);
        assert_eq!(spec.presence("containers"), Presence::Null);
        assert_eq!(spec.presence("hostNetwork"), Presence::Omitted);
    }
}
