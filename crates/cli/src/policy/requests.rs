//! Requests to judge: AdmissionReviews as they are, manifests as if they were applied.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use manifest::object::{Found, objects};
use manifest::{Reading, Tree, Value};
use model::Location;
use policy::admission::{Facts, Manifest, Operation, Request, Resource, Sending, UserInfo, is_review, named_resource};
use policy::test_table::Case;

use super::args::RequestArgs;
use super::documents::Texts;

/// Makes requests out of documents.
#[derive(Debug)]
pub(crate) struct Requests<'a> {
    args: &'a RequestArgs,
    facts: &'a Facts,
    old: Option<Texts>,
    resource: Option<Resource<'static>>,
}

/// A document that is no request and cannot be made one.
#[derive(Debug)]
pub(crate) struct Skipped {
    /// `file:line:column`
    pub(crate) place: String,
    /// Why.
    pub(crate) message: String,
}

/// `--old` cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OldError {
    #[error("--old: {0}")]
    Unreadable(String),
    #[error("--old {0}: holds {1} objects; name a file with the one object before the request")]
    Count(PathBuf, usize),
    #[error("--old goes with --operation UPDATE only; of a DELETE the manifest is the object that goes")]
    Operation,
}

impl<'a> Requests<'a> {
    pub(crate) fn new(args: &'a RequestArgs, facts: &'a Facts) -> Result<Self, OldError> {
        let resource = args.resource.as_ref().map(|named| named_resource(named, facts));
        let Some(path) = &args.old else { return Ok(Requests { args, facts, old: None, resource }) };
        if args.operation.is_some_and(|operation| operation != Operation::Update) {
            return Err(OldError::Operation);
        }
        let texts = Texts::read(std::slice::from_ref(path));
        let (documents, faults) = texts.documents();
        if let Some(fault) = texts.faults.iter().chain(&faults).next() {
            return Err(OldError::Unreadable(fault.clone()));
        }
        let count = documents.objects().len();
        if count != 1 {
            return Err(OldError::Count(path.clone(), count));
        }
        if let Some(doubt) = documents.ambiguous(|_| false).into_iter().next() {
            return Err(OldError::Unreadable(doubt));
        }
        drop(documents);
        Ok(Requests { args, facts, old: Some(texts), resource })
    }

    /// Hands over every request, under every reading that the API server may have of its document. What cannot be
    /// judged is returned.
    pub(crate) fn each(
        &self,
        texts: &Texts,
        each: &mut dyn FnMut(&str, &Request<'_>) -> io::Result<()>,
    ) -> io::Result<Vec<Skipped>> {
        let unread = |fault: &String| {
            let (place, message) = fault.split_once(": ").unwrap_or(("", fault));
            Skipped { place: place.to_owned(), message: message.to_owned() }
        };
        let mut skipped: Vec<Skipped> = texts.faults.iter().map(unread).collect();
        let (documents, faults) = texts.documents();
        skipped.extend(faults.iter().map(unread));
        let old_documents = self.old.as_ref().map(|texts| texts.documents().0);
        let old = old_documents.as_ref().and_then(|documents| documents.objects().first().copied());
        for tree in documents.readings() {
            let mut job = Job { requests: self, texts, old, skipped: &mut skipped };
            job.document(&tree, each)?;
        }
        Ok(skipped)
    }
}

/// One document.
struct Job<'j> {
    requests: &'j Requests<'j>,
    texts: &'j Texts,
    old: Option<Value<'j>>,
    skipped: &'j mut Vec<Skipped>,
}

impl Job<'_> {
    fn document(
        &mut self,
        tree: &Tree<'_>,
        each: &mut dyn FnMut(&str, &Request<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        if tree.is_empty() {
            return Ok(());
        }
        if is_review(tree.root()) {
            return self.review(tree.root(), each);
        }
        let mut result = Ok(());
        objects(tree, |found| {
            if result.is_err() {
                return;
            }
            match found {
                // Logs of webhooks are kept as lists of reviews.
                Found::Object(object) if is_review(object.value) => result = self.review(object.value, each),
                Found::Object(object) => result = self.object(object.value, each),
                Found::Incomplete(value, missing) => {
                    self.skip(value.location(), format!("an object without `{missing}`; add it"));
                }
                Found::NotObject(value) | Found::Other(value) => {
                    self.skip(value.location(), String::from("no Kubernetes object and no AdmissionReview"));
                }
            }
        });
        result
    }

    fn review(
        &mut self,
        value: Value<'_>,
        each: &mut dyn FnMut(&str, &Request<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        match Request::from_review(value) {
            Ok(request) => each(&self.texts.place(value.location()), &request),
            Err(error) => {
                self.skip(error.location, error.to_string());
                Ok(())
            }
        }
    }

    fn object(
        &mut self,
        value: Value<'_>,
        each: &mut dyn FnMut(&str, &Request<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let location = value.get("kind").unwrap_or(value).location();
        if let Some(old) = self.old
            && identity(old) != identity(value)
        {
            let [kind, name, namespace] = identity(old);
            let within = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
            self.skip(
                location,
                format!("--old is {kind} {name}{within}, another object; give the one before this request"),
            );
            return Ok(());
        }
        let sending = Sending { resource: self.requests.resource.clone(), ..sending(self.requests.args, self.old) };
        match Manifest::new(value, sending, self.requests.facts) {
            Ok(manifest) => each(&self.texts.place(location), &manifest.request()),
            Err(error) => {
                self.skip(error.location, format!("the API server would refuse the object: {error}"));
                Ok(())
            }
        }
    }

    fn skip(&mut self, at: Location, message: String) {
        self.skipped.push(Skipped { place: self.texts.place(at), message });
    }
}

/// The user of a request without credentials.
const ANONYMOUS: &str = "system:anonymous";

/// What an update cannot change: kind, name and namespace.
fn identity(object: Value<'_>) -> [&str; 3] {
    let metadata = object.get("metadata");
    let of = |key| metadata.and_then(|metadata| metadata.str_at(key)).unwrap_or("");
    [object.str_at("kind").unwrap_or(""), of("name"), of("namespace")]
}

/// What the flags say about requests.
fn sending<'d>(args: &'d RequestArgs, old_object: Option<Value<'d>>) -> Sending<'d> {
    // Whoever the API server knows is in one of these groups, whatever else.
    let everyone =
        if args.user.as_deref() == Some(ANONYMOUS) { "system:unauthenticated" } else { "system:authenticated" };
    let user = args.user.as_ref().map(|name| {
        let mut groups: Vec<Cow<'_, str>> = args.groups.iter().map(|group| group.as_str().into()).collect();
        if !groups.iter().any(|group| group == everyone) {
            groups.push(everyone.into());
        }
        UserInfo { username: name.as_str().into(), uid: "".into(), groups, node: None }
    });
    let updates = if old_object.is_some() { Operation::Update } else { Operation::Create };
    Sending {
        operation: Some(args.operation.unwrap_or(updates)),
        old_object,
        namespace: Some(&args.namespace),
        sub_resource: args.sub_resource.as_deref().unwrap_or(""),
        user,
        ..Sending::default()
    }
}

/// Hands over the requests of a case of a test table: one, or one per reading of its object.
pub(crate) fn of_case(
    case: &Case<'_>,
    (object, old): (Option<Value<'_>>, Option<Value<'_>>),
    args: &RequestArgs,
    facts: &Facts,
    each: &mut dyn FnMut(&Request<'_>),
) -> Result<(), String> {
    let Some(main) = object.or(old) else {
        return Err(String::from("the case has no object; give `object`, and `oldObject` for a DELETE"));
    };
    if is_review(main) {
        let request = Request::from_review(main).map_err(|error| error.to_string())?;
        each(&request);
        return Ok(());
    }
    let user = case.user.map(UserInfo::read).transpose().map_err(|error| error.to_string())?;
    let whole = main.to_tree();
    let readings: Vec<Option<Tree<'_>>> = if object.is_some() && whole.has_duplicates() {
        Reading::ALL.into_iter().map(|reading| Some(whole.reading(reading))).collect()
    } else {
        vec![None]
    };
    for reading in &readings {
        let main = reading.as_ref().map(Tree::root).unwrap_or(main);
        let sending = Sending {
            user: user.clone(),
            name: case.object_name,
            resource: args.resource.as_ref().map(|named| named_resource(named, facts)),
            ..sending(args, if object.is_some() { old } else { None })
        };
        let manifest = Manifest::new(main, sending, facts).map_err(|error| error.to_string())?;
        each(&manifest.request());
    }
    Ok(())
}
