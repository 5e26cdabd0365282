//! Elements of large XML files, one wanted element at a time.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::ImportError;

/// An element with what it holds. Names are local: prefixes are dropped.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(super) fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }
}

/// Gives each element with one of the names, the outermost of them. Entities beyond XML's own five are left out, never
/// expanded.
pub(super) fn each(
    format: &'static str,
    bytes: &[u8],
    names: &[&str],
    mut give: impl FnMut(Element),
) -> Result<(), ImportError> {
    let malformed = |problem: &dyn ToString| ImportError::Malformed { format, problem: problem.to_string().into() };
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(&error))?;
    let mut reader = Reader::from_str(text);
    let (mut open, mut depth, mut seen): (Vec<Element>, usize, bool) = (Vec::new(), 0, false);
    loop {
        match reader.read_event().map_err(|error| malformed(&error))? {
            Event::Start(start) => {
                (depth, seen) = (depth + 1, true);
                if depth > DEPTH {
                    return Err(malformed(&"elements are nested too deeply"));
                }
                let element = element(&start);
                if !open.is_empty() || names.contains(&element.name.as_str()) {
                    open.push(element);
                }
            }
            Event::Empty(start) => {
                seen = true;
                let element = element(&start);
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None if names.contains(&element.name.as_str()) => give(element),
                    None => {}
                }
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some(element) = open.pop() {
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => give(element),
                    }
                }
            }
            Event::Text(part) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&part.xml10_content());
                }
            }
            Event::CData(part) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&part.xml10_content());
                }
            }
            Event::GeneralRef(name) => {
                if let Some(element) = open.last_mut()
                    && let Some(sign) = quick_xml::escape::resolve_predefined_entity(&name.xml10_content())
                {
                    element.text.push_str(sign);
                }
            }
            Event::Eof if depth > 0 || !seen => return Err(malformed(&"the file ends in the middle")),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let local = |name: &str| name.rsplit(':').next().unwrap_or(name).to_owned();
    let attributes = start.attributes().flatten().map(|attribute| {
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map(|value| value.into_owned()).unwrap_or_default();
        (attribute.key.local_name().as_ref().to_owned(), value)
    });
    Element { name: local(start.name().as_ref()), attributes: attributes.collect(), ..Element::default() }
}

/// OVAL nests its criteria; the deepest in use stand at about twelve. Dropping a tree recurses, so that it must be flat.
const DEPTH: usize = 64;
