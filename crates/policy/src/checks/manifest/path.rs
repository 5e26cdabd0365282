//! The way from an object's root to a field, kept on the stack and written out only when it is needed.

use std::fmt::{self, Display, Formatter, Write as _};

/// One step on the way, with the steps before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The object itself.
    pub(crate) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    /// One key further down. The key may be a whole dotted path.
    pub(crate) fn key(&'p self, key: &'p str) -> Path<'p> {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    /// One list item further down.
    pub(crate) fn index(&'p self, index: usize) -> Path<'p> {
        Path { parent: Some(self), step: Step::Index(index) }
    }

    /// Whether this is the object itself.
    pub(crate) fn is_root(&self) -> bool {
        self.parent.is_none()
    }
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
            if !parent.is_root() && matches!(self.step, Step::Key(_)) {
                f.write_char('.')?;
            }
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) if key.bytes().all(|byte| byte.is_ascii_graphic()) && key.len() <= KEY_SHOWN_MAX => {
                f.write_str(key)
            }
            Step::Key(key) => shown(key).fmt(f),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A key as it is safe to print: what is not plain ASCII is written as an escape, what is long is cut.
pub(crate) fn shown(key: &str) -> String {
    let mut out = String::new();
    for (count, char) in key.chars().enumerate() {
        if count == KEY_SHOWN_MAX {
            out.push('…');
            break;
        }
        match char {
            ' ' => out.push(' '),
            _ if char.is_ascii_graphic() => out.push(char),
            _ => out.extend(char.escape_default()),
        }
    }
    out
}

/// The longest label key, prefix and slash included.
const KEY_SHOWN_MAX: usize = 317;
