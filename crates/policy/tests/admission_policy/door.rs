//! One door for all cases: a policy with its binding, a request, facts, and what is to come out.

use manifest::{Tree, documents};
use model::FileId;
use policy::admission::{Facts, Request, Ruling, Verdict};
use policy::admission_policy::{Budgets, Level, LoadIssue, LoadOptions, Mutated, PolicySet, TypeWarning};

/// A policy under test.
pub(crate) struct Case {
    pub(crate) set: PolicySet,
    pub(crate) issues: Vec<LoadIssue>,
    facts: String,
    complete: bool,
    request: String,
}

/// Loads policies and bindings.
pub(crate) fn policies(text: &str) -> Case {
    let trees = trees(text);
    let (set, issues) = PolicySet::load(trees.iter().map(Tree::root), &LoadOptions::default());
    Case { set, issues, facts: String::new(), complete: false, request: review("CREATE", POD, "") }
}

/// A validating policy for pods with this `spec` beyond its constraints, and a binding that denies.
pub(crate) fn pods(spec: &str) -> Case {
    policies(&format!("{}\n{BINDING}", policy(spec)))
}

/// A validating policy `demo` for pods.
pub(crate) fn policy(spec: &str) -> String {
    let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    format!("{HEAD}{spec}---")
}

pub(crate) const HEAD: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: demo
spec:
  matchConstraints:
    resourceRules:
    - apiGroups: [\"\"]
      apiVersions: [v1]
      operations: [CREATE, UPDATE, DELETE]
      resources: [pods]
";

pub(crate) const BINDING: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: all
spec:
  policyName: demo
  validationActions: [Deny]
";

pub(crate) const POD: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"}},"spec":{"containers":[{"name":"a","image":"nginx:1"},{"name":"b","image":"redis:2"}]}}"#;

/// A review of a request about a pod by a user `eve`. `more` are further fields.
pub(crate) fn review(operation: &str, object: &str, more: &str) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1",
        "kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},
        "name":"web","namespace":"shop","operation":"{operation}","userInfo":{{"username":"eve","groups":["dev"]}},
        "object":{object}{more}}}}}"#
    )
}

impl Case {
    /// With these objects in the cluster.
    pub(crate) fn facts(mut self, text: &str) -> Self {
        self.facts = text.to_owned();
        self
    }

    /// Nothing but the facts is in the cluster.
    pub(crate) fn complete(mut self) -> Self {
        self.complete = true;
        self
    }

    /// With another request.
    pub(crate) fn request(mut self, review: &str) -> Self {
        self.request = review.to_owned();
        self
    }

    fn with<T>(&self, run: impl FnOnce(&Request<'_>, &Facts) -> T) -> T {
        assert!(self.issues.iter().all(|issue| issue.level != Level::Refused), "{:#?}", self.issues);
        let mut facts = Facts::new();
        for tree in trees(&self.facts) {
            facts.add(tree.root()).unwrap();
        }
        if self.complete {
            facts.set_all_complete();
        }
        let trees = trees(&self.request);
        let request = Request::from_review(trees[0].root()).unwrap();
        run(&request, &facts)
    }

    /// The verdicts.
    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        self.with(|request, facts| self.set.evaluate(request, facts, &mut Budgets::default()))
    }

    /// The only verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut verdicts = self.verdicts();
        assert_eq!(verdicts.len(), 1, "{verdicts:#?}");
        verdicts.remove(0)
    }

    /// What the client and the audit log see.
    pub(crate) fn response(&self) -> policy::admission_policy::Response {
        self.with(|request, facts| {
            let verdicts = self.set.evaluate(request, facts, &mut Budgets::default());
            self.set.response(request, &verdicts)
        })
    }

    /// Nothing refuses the request.
    #[track_caller]
    pub(crate) fn admits(&self) {
        let response = self.response();
        assert_eq!((response.allowed, response.message), (Some(true), None), "{:#?}", self.verdicts());
    }

    /// The request is refused with this message.
    #[track_caller]
    pub(crate) fn denies(&self, message: &str) {
        let response = self.response();
        assert_eq!(response.allowed, Some(false), "{:#?}", self.verdicts());
        let whole = format!(
            "pods \"web\" is forbidden: ValidatingAdmissionPolicy 'demo' with binding 'all' denied request: {message}"
        );
        assert_eq!(response.message.as_deref(), Some(whole.as_str()));
    }

    /// It depends on this fact.
    #[track_caller]
    pub(crate) fn unknown(&self, fact: &str) {
        let verdicts = self.verdicts();
        let named = verdicts.iter().any(
            |verdict| matches!(&verdict.ruling, Ruling::Unknown(facts) if facts.iter().any(|own| &*own.name == fact)),
        );
        assert!(named, "{verdicts:#?}");
        assert_eq!(self.response().allowed, None, "{verdicts:#?}");
    }

    /// What the type checker says.
    pub(crate) fn type_check(&self) -> Vec<TypeWarning> {
        self.with(|_, facts| self.set.type_check(facts, &LoadOptions::default()))
    }

    /// The object is changed into this JSON.
    pub(crate) fn mutate(&self) -> Mutated {
        self.with(|request, facts| self.set.mutate(request, facts, &mut Budgets::default(), false))
    }

    /// A document is not taken, or taken with a complaint.
    #[track_caller]
    pub(crate) fn issue(&self, level: Level, field: &str, message: &str) {
        let found =
            self.issues.iter().any(|issue| issue.level == level && issue.field == field && issue.message == message);
        assert!(found, "no {level:?} {field}: {message}\n{:#?}", self.issues);
    }

    /// The API server would refuse a document.
    #[track_caller]
    pub(crate) fn refuses(&self, field: &str, message: &str) {
        self.issue(Level::Refused, field, message);
    }
}

/// All documents of a text.
pub(crate) fn trees(text: &str) -> Vec<Tree<'static>> {
    let mut list = Vec::new();
    documents(text, FileId(0), |document| list.push(document.unwrap().root().to_tree()));
    list
}
