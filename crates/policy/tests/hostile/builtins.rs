//! What templates may call is what is listed as allowed: whatever is not, is refused when the template is loaded, also
//! where it is only named as a stand-in.

use crate::load;

fn template(body: &str) -> String {
    format!(
        "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {{name: k8sa}}\nspec:\n  crd: \
         {{spec: {{names: {{kind: K8sA}}}}}}\n  targets:\n  - target: admission.k8s.gatekeeper.sh\n    rego: |\n      \
         package k8sa\n      violation[{{\"msg\": msg}}] {{ {body}; msg := \"no\" }}\n"
    )
}

/// The template is refused, and the name of the function is said.
#[track_caller]
fn refuses(body: &str, name: &str) {
    let (policies, issues) = load(&template(body));
    assert!(policies.is_empty(), "{body}");
    assert!(issues.iter().any(|issue| issue.contains(name)), "{body}: {issues:?}");
}

const OUTSIDE: &[&str] = &[
    "http.send({\"method\": \"get\", \"url\": \"http://169.254.169.254/\"})",
    "net.lookup_ip_addr(\"example.test\")",
    "opa.runtime()",
    "external_data({\"provider\": \"p\", \"keys\": [\"k\"]})",
    "rego.parse_module(\"a\", \"b\")",
    "rand.intn(\"a\", 5)",
    "uuid.rfc4122(\"a\")",
    "time.now_ns()",
    "providers.aws.sign_req({}, {}, 1)",
    "no.such.function(1)",
];

/// What depends on the clock or on chance is refused too: the same request must always get the same verdict.
#[test]
fn functions_that_reach_outside_are_refused() {
    for call in OUTSIDE {
        let name = call.split('(').next().unwrap();
        let (policies, issues) = load(&template(&format!("x := {call}; x")));
        assert!(policies.is_empty() && issues.iter().any(|issue| issue.contains(name)), "{call}: {issues:?}");
    }
}

#[test]
fn a_stand_in_is_refused_too() {
    for name in ["http.send", "opa.runtime", "net.lookup_ip_addr"] {
        refuses(&format!("x := count([1]) with count as {name}; x"), "");
    }
}

#[test]
fn cel_has_no_function_that_reaches_outside() {
    for call in [
        "http.get('http://169.254.169.254/')",
        "http.Get('x')",
        "lookup('v1', 'Secret', 'a', 'b')",
        "resource.Get('a')",
        "env('HOME')",
        "now()",
    ] {
        let policy = format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: a}}\nspec:\n  \
             matchConstraints: {{resourceRules: [{{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: \
             [pods]}}]}}\n  validations: [{{expression: \"{call} != ''\"}}]\n"
        );
        let (policies, issues) = load(&policy);
        assert!(
            policies.is_empty() && issues.iter().any(|issue| issue.contains("compilation failed")),
            "{call}: {issues:?}"
        );
    }
}
