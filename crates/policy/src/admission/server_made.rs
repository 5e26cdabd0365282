//! Fields that the API server makes between a manifest and the policies: nobody knows them before the request.
//!
//! A policy that may come to one of them has no verdict on a manifest that does not give it. Which policies may is told
//! from their text, once: every value is followed by where it may come from. What is done with a whole part of the
//! request (compared, counted, walked through, printed) counts as coming to everything in it.

use std::sync::Arc;

use cel::fault::Fact;
use manifest::Value;

use super::request::{Operation, Request};

/// Where a value may come from: the parts of a request that it may be, and those that it may have in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    is: u8,
    holds: u8,
}

/// What a policy may come to and a manifest does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached(u32);

/// A field that the server makes.
struct Made {
    /// The part of the request that it is in.
    within: u8,
    field: &'static str,
    /// Name for people.
    shown: &'static str,
}

impl Origin {
    /// None of the parts that matter.
    pub(crate) const NOTHING: Origin = Origin { is: 0, holds: 0 };
    /// `object` or `oldObject`.
    pub(crate) const OBJECT: Origin = Origin { is: OBJECT, holds: 0 };
    /// `input` of Rego.
    pub(crate) const INPUT: Origin = Origin { is: INPUT, holds: 0 };

    /// What either of two values may be.
    pub(crate) fn or(self, other: Origin) -> Origin {
        Origin { is: self.is | other.is, holds: self.holds | other.holds }
    }

    /// A list or a mapping that has the value in it.
    pub(crate) fn within(self) -> Origin {
        Origin { is: 0, holds: self.is | self.holds }
    }

    /// An item of a list or a set.
    pub(crate) fn element(self) -> Origin {
        let port = if self.is & PORTS != 0 { PORT } else { 0 };
        Origin { is: self.holds | port, holds: self.holds }
    }

    /// The value of a key, or of any key.
    pub(crate) fn part(self, key: Option<&str>, reached: &mut Reached) -> Origin {
        if self == Origin::NOTHING {
            return self;
        }
        for (index, made) in MADE.iter().enumerate() {
            if self.is & made.within != 0 && key.is_none_or(|key| key == made.field) {
                reached.0 |= 1 << index;
            }
        }
        let mut is = self.holds;
        for (within, field, part) in PARTS {
            if self.is & within != 0 && key.is_none_or(|key| key == field || within == PORTS) {
                is |= part;
            }
        }
        Origin { is, holds: self.holds }
    }

    /// Something is done with all of the value.
    pub(crate) fn whole(self, reached: &mut Reached) {
        let mut left = self.is | self.holds;
        for (within, _, part) in PARTS {
            left |= if left & within != 0 { part } else { 0 };
        }
        for (index, made) in MADE.iter().enumerate() {
            reached.0 |= if left & made.within != 0 { 1 << index } else { 0 };
        }
    }

    /// The parts of the value are counted. How many ports there are is known.
    pub(crate) fn size(self, reached: &mut Reached) {
        Origin { is: self.is & !(PORTS | OBJECT | INPUT), holds: 0 }.whole(reached);
    }
}

impl Reached {
    /// Everything.
    pub(crate) const ALL: Reached = Reached((1 << MADE.len()) - 1);

    /// Whether the user of a review is among it.
    pub(crate) fn user(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether the namespace of a review is among it.
    pub(crate) fn namespace(self) -> bool {
        self.0 & 0b110 != 0
    }

    /// What of it this request will have and does not say; users and namespaces are facts and not among it.
    pub(crate) fn missing(self, request: &Request<'_>) -> Option<Arc<[Fact]>> {
        if self.0 >> FACTS == 0 || !request.planned || request.operation == Operation::Connect {
            return None;
        }
        let made = MADE.iter().enumerate().skip(FACTS).filter(|(index, _)| self.0 & (1 << index) != 0);
        let open = |made: &Made| {
            let objects = [request.object, request.old_object];
            made.within == REVIEW || objects.into_iter().flatten().any(|object| made.is_open(object, request))
        };
        let facts: Arc<[Fact]> =
            made.filter(|(_, made)| open(made)).map(|(_, made)| Fact { name: made.shown.into() }).collect();
        (!facts.is_empty()).then_some(facts)
    }
}

impl Made {
    fn is_open(&self, object: Value<'_>, request: &Request<'_>) -> bool {
        match (self.within, self.field) {
            (METADATA, "name") => return request.name.is_empty(),
            // A new object has no version yet, and its generation and status are known.
            (METADATA, "resourceVersion" | "generation") | (OBJECT, _) if request.operation == Operation::Create => {
                return false;
            }
            (METADATA, field) => return object.path(&["metadata", field]).is_none(),
            (OBJECT, field) => return object.get(field).is_none(),
            _ => {}
        }
        // The others are those of a Service.
        if (&*request.kind.group, &*request.kind.kind) != ("", "Service") {
            return false;
        }
        let spec = object.get("spec");
        let of_spec = |field| spec.is_some_and(|spec| spec.get(field).is_some());
        match self.field {
            "nodePort" => {
                let opens = matches!(spec.and_then(|spec| spec.str_at("type")), Some("NodePort" | "LoadBalancer"));
                let mut ports = spec.into_iter().flat_map(|spec| spec.list("ports"));
                opens && ports.any(|port| port.get("nodePort").is_none())
            }
            "healthCheckNodePort" => {
                spec.and_then(|spec| spec.str_at("externalTrafficPolicy")) == Some("Local") && !of_spec(self.field)
            }
            // A Service that is only a name has no address.
            field => spec.and_then(|spec| spec.str_at("type")) != Some("ExternalName") && !of_spec(field),
        }
    }
}

const fn made(within: u8, field: &'static str, shown: &'static str) -> Made {
    Made { within, field, shown }
}

/// `input` of Rego.
const INPUT: u8 = 1;
/// `input.review`
const REVIEW: u8 = 1 << 1;
/// The object.
const OBJECT: u8 = 1 << 2;
/// Its `metadata`.
const METADATA: u8 = 1 << 3;
/// Its `spec`.
const SPEC: u8 = 1 << 4;
/// `ports` of its `spec`.
const PORTS: u8 = 1 << 5;
/// One of them.
const PORT: u8 = 1 << 6;

/// What is in what, from the outside to the inside. An index of `ports` has any name.
static PARTS: [(u8, &str, u8); 7] = [
    (INPUT, "review", REVIEW),
    (REVIEW, "object", OBJECT),
    (REVIEW, "oldObject", OBJECT),
    (OBJECT, "metadata", METADATA),
    (OBJECT, "spec", SPEC),
    (SPEC, "ports", PORTS),
    (PORTS, "", PORT),
];

/// Facts come first: the user, then two places of the namespace.
static MADE: [Made; 17] = [
    made(REVIEW, "userInfo", "request.userInfo"),
    made(REVIEW, "namespaceObject", "namespaceObject"),
    made(REVIEW, "_unstable", "namespaceObject"),
    made(REVIEW, "uid", "request.uid"),
    made(METADATA, "name", "object.metadata.name, which the server generates"),
    made(METADATA, "uid", "object.metadata.uid"),
    made(METADATA, "creationTimestamp", "object.metadata.creationTimestamp"),
    made(METADATA, "managedFields", "object.metadata.managedFields"),
    made(METADATA, "resourceVersion", "object.metadata.resourceVersion"),
    made(METADATA, "generation", "object.metadata.generation"),
    made(OBJECT, "status", "object.status"),
    made(SPEC, "clusterIP", "object.spec.clusterIP"),
    made(SPEC, "clusterIPs", "object.spec.clusterIPs"),
    made(SPEC, "ipFamilies", "object.spec.ipFamilies"),
    made(SPEC, "ipFamilyPolicy", "object.spec.ipFamilyPolicy"),
    made(SPEC, "healthCheckNodePort", "object.spec.healthCheckNodePort"),
    made(PORT, "nodePort", "nodePort of object.spec.ports"),
];

/// How many of [`MADE`] are facts that the caller looks up.
const FACTS: usize = 3;
