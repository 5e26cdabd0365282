//! How a request is changed before anything judges it: mutating policies first, Gatekeeper's mutating webhook behind
//! them, as the API server calls them.

use std::sync::Arc;

use cel::Fact;
use manifest::{Tree, Value};

use super::Policies;
use crate::admission::{Actions, Facts, Operation, PolicyKind, Request, Ruling, Verdict};
use crate::admission_policy::{Budgets, Mutated, MutationStep, Outcome, Response};
use crate::gatekeeper::Source;
use crate::gatekeeper::mutation::{Mutation, MutationError};

/// What mutating policies and mutators make of a request.
#[derive(Debug)]
pub(super) struct Changed {
    /// Of policies first.
    pub(super) verdicts: Vec<Verdict>,
    /// In the order in which they ran.
    pub(super) steps: Vec<MutationStep>,
    /// `None` when it is as it was.
    pub(super) object: Option<Tree<'static>>,
    /// Why Gatekeeper refuses to mutate the object: nothing is asked after that.
    pub(super) refusal: Option<String>,
}

impl Policies {
    /// Lets policies and mutators change the object of a request.
    pub(super) fn mutate(
        &self,
        request: &Request<'_>,
        facts: &Facts,
        budgets: &mut Budgets<'_>,
        traced: bool,
    ) -> Changed {
        let Mutated { object, mut verdicts, mut steps, .. } = self.admission.mutate(request, facts, budgets, traced);
        if let Some(message) = object.as_ref().and_then(|tree| moved(request, tree.root())) {
            let last = steps.iter().rev().find(|step| step.outcome == Outcome::Changed);
            verdicts.extend(last.map(|step| moved_by(step, message)));
        }
        let mut changed = Changed { verdicts, steps: Vec::new(), object, refusal: None };
        if !self.mutators.is_empty() {
            let own = changed.object.as_ref().map(|tree| Request { object: Some(tree.root()), ..request.clone() });
            let result = self.mutators.apply(own.as_ref().unwrap_or(request), facts, Source::Original);
            let next = changed.add(result, &mut steps);
            changed.object = next.or(changed.object.take());
        }
        changed.steps = steps;
        changed
    }
}

impl Changed {
    /// Adds what mutators did; returns the object that they leave if they changed it.
    fn add(&mut self, result: Result<Mutation, MutationError>, steps: &mut Vec<MutationStep>) -> Option<Tree<'static>> {
        match result {
            Ok(mutation) => {
                for mutator in &mutation.applied {
                    self.verdicts.push(verdict(mutator, Ruling::Satisfied));
                    steps.push(step(mutator, Outcome::Changed));
                }
                if !mutation.missing.is_empty() {
                    let missing: Arc<[Fact]> = mutation.missing.as_slice().into();
                    self.verdicts.push(verdict(&MUTATORS.into(), Ruling::Unknown(missing)));
                    steps.push(step(&MUTATORS.into(), Outcome::Unknown(mutation.missing)));
                }
                mutation.object
            }
            Err(error) => {
                let message = error.to_string();
                let mutator = match error {
                    MutationError::Failed { mutator, .. } => mutator,
                    MutationError::NotConverging { .. } | MutationError::Build(_) => MUTATORS.into(),
                };
                let messages = vec![message.as_str().into()];
                self.verdicts.push(verdict(&mutator, Ruling::Failed { messages, ignored: false }));
                steps.push(step(&mutator, Outcome::Failed(message.clone())));
                self.refusal = Some(message);
                None
            }
        }
    }
}

/// What the client sees when Gatekeeper cannot mutate an object, unless a policy refused before.
pub(super) fn refuse(message: &str, response: &mut Response) {
    if response.allowed == Some(false) && response.message.is_some() {
        return;
    }
    response.allowed = Some(false);
    response.message = Some(format!("admission webhook \"mutation.gatekeeper.sh\" denied the request: {message}"));
    response.code = Some(500);
}

/// Why the API server refuses an object that mutating policies moved to another place.
fn moved(request: &Request<'_>, object: Value<'_>) -> Option<&'static str> {
    let of = |key| object.get("metadata").and_then(|metadata| metadata.str_at(key)).unwrap_or("");
    if of("namespace") != request.namespace && request.namespaced != Some(false) {
        return Some("the namespace of the provided object does not match the namespace sent on the request");
    }
    let renamed = request.operation == Operation::Update && of("name") != request.name;
    renamed.then_some("the name of the object does not match the name on the URL")
}

fn moved_by(step: &MutationStep, message: &str) -> Verdict {
    Verdict {
        policy: step.policy.clone(),
        binding: step.binding.clone(),
        params: step.params.clone(),
        kind: PolicyKind::Mutating,
        ..verdict(&step.policy, Ruling::Failed { messages: vec![message.into()], ignored: false })
    }
}

fn verdict(mutator: &Arc<str>, ruling: Ruling) -> Verdict {
    Verdict {
        kind: PolicyKind::Mutator,
        policy: mutator.clone(),
        binding: None,
        params: None,
        actions: Actions { deny: true, ..Actions::default() },
        ruling,
        audit_annotations: Vec::new(),
        cost: 0,
    }
}

fn step(mutator: &Arc<str>, outcome: Outcome) -> MutationStep {
    MutationStep {
        policy: mutator.clone(),
        binding: None,
        params: None,
        index: 0,
        reinvoked: false,
        outcome,
        object: None,
        trace: Vec::new(),
    }
}

/// Name for all mutators together.
const MUTATORS: &str = "mutation.gatekeeper.sh";

#[cfg(test)]
mod tests {
    use manifest::{Tree, documents};
    use model::FileId;

    use super::super::{Options, Policies};
    use crate::admission::{Facts, Request, Ruling};
    use crate::admission_policy::{Budgets, Outcome};

    fn trees(text: &str) -> Vec<Tree<'static>> {
        let mut list = Vec::new();
        documents(text, FileId(0), |document| list.push(document.unwrap().root().to_tree()));
        list
    }

    fn policies(text: &str) -> Policies {
        let trees = trees(text);
        let roots: Vec<_> = trees.iter().map(Tree::root).collect();
        let options = Options { kubernetes_minor: 36, bind_all: true, prefer_rego: false };
        let (policies, issues) = Policies::load(&roots, &options);
        assert!(issues.is_empty(), "{issues:#?}");
        policies
    }

    const MUTATOR: &str = "
apiVersion: mutations.gatekeeper.sh/v1
kind: Assign
metadata: {name: pull}
spec:
  applyTo: [{groups: [''], versions: [v1], kinds: [Pod]}]
  match: {namespaces: [shop]}
  location: 'spec.containers[name:*].imagePullPolicy'
  parameters: {assign: {value: Always}}
---
";

    const POLICIES: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: container}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  mutations:
  - patchType: JSONPatch
    jsonPatch: {expression: \"[JSONPatch{op: 'add', path: '/spec/containers/-', value: {'name': 'b'}}]\"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: always}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
  - expression: object.spec.containers.all(c, c.?imagePullPolicy.orValue('') == 'Always')
---
";

    const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1",
"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},
"name":"web","namespace":"shop","operation":"CREATE","userInfo":{"username":"eve"},
"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop"},
"spec":{"containers":[{"name":"a"}]}}}}"#;

    #[test]
    fn mutators_run_between_mutating_and_validating_policies() {
        let review = trees(REVIEW);
        let request = Request::from_review(review[0].root()).unwrap();
        let (facts, mut budgets) = (Facts::new(), Budgets::default());
        let all = policies(&format!("{MUTATOR}{POLICIES}"));
        let judged = all.judge(&request, &facts, None, &mut budgets);
        let rulings: Vec<_> = judged.verdicts.iter().map(|verdict| (&*verdict.policy, &verdict.ruling)).collect();
        let satisfied = &Ruling::Satisfied;
        assert_eq!(rulings, [("container", satisfied), ("Assign pull", satisfied), ("always", satisfied)]);
        assert_eq!(all.response(&request, &judged).allowed, Some(true));
        let object = judged.object.unwrap();
        let policies: Vec<_> =
            object.root().get("spec").unwrap().list("containers").map(|one| one.str_at("imagePullPolicy")).collect();
        assert_eq!(policies, [Some("Always"), Some("Always")]);
        let steps = all.explain(&request, &facts, &mut budgets).steps;
        let steps: Vec<_> = steps.iter().map(|step| (&*step.policy, &step.outcome)).collect();
        assert_eq!(steps, [("container", &Outcome::Changed), ("Assign pull", &Outcome::Changed)]);
        // Without the mutator the same pod is refused.
        let without = policies_alone().judge(&request, &facts, None, &mut budgets);
        assert!(matches!(without.verdicts.last().unwrap().ruling, Ruling::Violated(_)));
    }

    fn policies_alone() -> Policies {
        policies(POLICIES)
    }

    #[test]
    fn an_object_that_cannot_be_mutated_is_refused() {
        let review = trees(&REVIEW.replace("[{\"name\":\"a\"}]", "{\"name\":\"a\"}"));
        let request = Request::from_review(review[0].root()).unwrap();
        let all = policies(MUTATOR);
        let judged = all.judge(&request, &Facts::new(), None, &mut Budgets::default());
        assert!(matches!(judged.verdicts[0].ruling, Ruling::Failed { ignored: false, .. }), "{judged:?}");
        let response = all.response(&request, &judged);
        assert_eq!((response.allowed, response.code), (Some(false), Some(500)));
        let message = response.message.unwrap();
        assert!(message.starts_with("admission webhook \"mutation.gatekeeper.sh\" denied the request: "), "{message}");
    }
}
