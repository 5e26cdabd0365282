//! A request to the API server.

use std::borrow::Cow;

use manifest::Value;

/// A request. Fields are those of `admission.k8s.io/v1` AdmissionRequest.
#[derive(Clone, Debug)]
pub struct Request<'d> {
    /// `uid`; empty for a manifest.
    pub uid: Cow<'d, str>,
    /// What is done.
    pub operation: Operation,
    /// `apiVersion` and kind of the object.
    pub kind: Kind<'d>,
    /// The resource of the request, for example `apps/v1` `deployments`. `None` when it is a kind whose plural
    /// nobody gave (a custom resource without its definition).
    pub resource: Option<Resource<'d>>,
    /// For example `ephemeralcontainers`; empty for the object itself.
    pub sub_resource: Cow<'d, str>,
    /// The kind before conversion, if the request was converted for the policy.
    pub request_kind: Option<Kind<'d>>,
    /// The resource before conversion.
    pub request_resource: Option<Resource<'d>>,
    /// The subresource before conversion.
    pub request_sub_resource: Option<Cow<'d, str>>,
    /// Name of the object; empty when the server is to generate it.
    pub name: Cow<'d, str>,
    /// Its namespace; empty for objects of the cluster.
    pub namespace: Cow<'d, str>,
    /// Whether objects of this kind live in namespaces. `None` when unknown.
    pub namespaced: Option<bool>,
    /// Who asks. `None` for a manifest: unknown.
    pub user: Option<UserInfo<'d>>,
    /// The object after the request.
    pub object: Option<Value<'d>>,
    /// The object before the request. `None` for an UPDATE or DELETE: nobody gave it, so it is unknown.
    pub old_object: Option<Value<'d>>,
    /// `options`.
    pub options: Option<Value<'d>>,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
    /// It is no request yet: the object is as somebody wrote it, a manifest or a review without a uid, and lacks what the
    /// server itself will make.
    pub planned: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `CREATE`
    Create,
    /// `UPDATE`
    Update,
    /// `DELETE`
    Delete,
    /// `CONNECT`
    Connect,
}

/// A kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kind<'d> {
    /// Group, empty for the core group.
    pub group: Cow<'d, str>,
    /// Version.
    pub version: Cow<'d, str>,
    /// Kind.
    pub kind: Cow<'d, str>,
}

impl Kind<'_> {
    /// `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        let slash = if self.group.is_empty() { "" } else { "/" };
        format!("{}{slash}{}", self.group, self.version)
    }
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource<'d> {
    /// Group, empty for the core group.
    pub group: Cow<'d, str>,
    /// Version.
    pub version: Cow<'d, str>,
    /// Plural in lower case.
    pub resource: Cow<'d, str>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct UserInfo<'d> {
    /// User name.
    pub username: Cow<'d, str>,
    /// UID.
    pub uid: Cow<'d, str>,
    /// Groups.
    pub groups: Vec<Cow<'d, str>>,
    /// The whole `userInfo` as it stood in the review.
    pub node: Option<Value<'d>>,
}

// === impl Operation ===

impl Operation {
    /// Reads it as rules and reviews write it.
    pub fn parse(word: &str) -> Option<Self> {
        [Operation::Create, Operation::Update, Operation::Delete, Operation::Connect]
            .into_iter()
            .find(|operation| operation.as_str() == word)
    }

    /// As written in rules and reviews.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Connect => "CONNECT",
        }
    }
}
