//! CycloneDX in XML, brought into the shape of its JSON.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value, json};

use crate::sbom::read::Error;

/// Whether a document is CycloneDX in XML, told by its root.
pub(in crate::sbom) fn is_one(text: &str) -> bool {
    text.get(..HEAD_BYTES).unwrap_or(text).contains(NAMESPACE)
}

/// The document in the shape of its JSON, as far as bills of materials go.
///
/// # Errors
/// Broken XML, a document type, or elements nested too deep.
pub(in crate::sbom) fn read(text: &str) -> Result<Value, Error> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        let at = reader.buffer_position();
        let broken = |message: String| Error::Xml { at, message: message.into() };
        match reader.read_event().map_err(|error| broken(error.to_string()))? {
            Event::Start(tag) => {
                if open.len() > DEPTH_MAX {
                    return Err(broken(format!("elements are nested deeper than {DEPTH_MAX}")));
                }
                open.push(element(&tag).map_err(broken)?);
            }
            Event::Empty(tag) => {
                let element = element(&tag).map_err(broken)?;
                if let Some(parent) = open.last_mut() {
                    parent.children.push(element);
                }
            }
            Event::End(_) => {
                if let (Some(element), Some(parent)) = (open.pop(), open.last_mut()) {
                    parent.children.push(element);
                }
            }
            Event::Text(text) => push(&mut open, &text.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(text) => push(&mut open, &text.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => {
                let resolved = reference.resolve_char_ref().map_err(|error| broken(error.to_string()))?;
                let name = reference.xml_content(XmlVersion::Implicit1_0);
                match (resolved, quick_xml::escape::resolve_predefined_entity(&name)) {
                    (Some(c), _) => push(&mut open, c.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => push(&mut open, text),
                    // Only a document type can define others, and there is none.
                    (None, None) => return Err(broken("an entity has no definition".into())),
                }
            }
            Event::DocType(_) => return Err(broken("a document type is not allowed".into())),
            Event::Eof => break,
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
        }
    }
    if open.len() != 1 {
        return Err(Error::Xml { at: reader.buffer_position(), message: "the document ends within an element".into() });
    }
    let root = open.pop().and_then(|document| document.children.into_iter().find(|element| element.name == "bom"));
    root.map(|root| bill(&root)).ok_or(Error::Foreign)
}

#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

fn element(tag: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element { name: tag.local_name().into_inner().to_owned(), ..Element::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        element.attributes.push((attribute.key.into_inner().to_owned(), value.into_owned()));
    }
    Ok(element)
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

impl Element {
    fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

fn bill(root: &Element) -> Value {
    let namespace = root.attributes.iter().find_map(|(_, value)| value.strip_prefix(NAMESPACE));
    let mut document = value(root);
    document["bomFormat"] = "CycloneDX".into();
    document["specVersion"] = namespace.unwrap_or_default().into();
    document
}

/// An element in the shape of its JSON: a list where its name is one, a text where it has neither attributes nor
/// children, an object otherwise.
fn value(element: &Element) -> Value {
    let text = element.text.trim();
    match element.name.as_str() {
        "licenses" => element.children.iter().map(license).collect(),
        "tools" if element.children.iter().all(|child| child.name == "tool") => {
            element.children.iter().map(value).collect()
        }
        name if LISTS.contains(&name) => element.children.iter().map(value).collect(),
        "hash" => json!({"alg": element.attribute("alg"), "content": text}),
        "property" => json!({"name": element.attribute("name"), "value": text}),
        "dependency" => {
            let needs: Vec<&str> = element.children.iter().map(|child| child.attribute("ref")).collect();
            json!({"ref": element.attribute("ref"), "dependsOn": needs})
        }
        _ if element.children.is_empty() && element.attributes.is_empty() => text.into(),
        _ => {
            let mut fields = Map::new();
            for (key, text) in &element.attributes {
                fields.insert(key.clone(), text.as_str().into());
            }
            for child in &element.children {
                let value = if child.name == "line" {
                    child.text.trim().parse::<u64>().map_or(Value::Null, Value::from)
                } else {
                    value(child)
                };
                fields.entry(child.name.clone()).or_insert(value);
            }
            Value::Object(fields)
        }
    }
}

fn license(element: &Element) -> Value {
    match element.name.as_str() {
        "expression" => json!({"expression": element.text.trim()}),
        _ => json!({"license": value(element)}),
    }
}

const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/";
/// The root stands at the beginning, after a declaration and perhaps a comment on whose work it is.
const HEAD_BYTES: usize = 4096;
/// As deep as JSON is read.
const DEPTH_MAX: usize = 128;
/// Elements whose children are the items of a list.
const LISTS: &[&str] =
    &["components", "services", "dependencies", "hashes", "properties", "externalReferences", "authors", "occurrences"];
