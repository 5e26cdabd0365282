//! What is judged: manifests, AdmissionReviews, and what flags say about a request.

use crate::{POD, run, shop, write};

const EVAL: [&str; 2] = ["policy", "eval"];

fn with<'w>(words: &[&'w str]) -> Vec<&'w str> {
    [&EVAL[..], words].concat()
}

#[test]
fn a_refusal_ends_with_1_and_consent_with_0() {
    let folder = shop("policy-exit");
    run(&folder, &with(&["pod.yaml", "-p", "host.yaml"]))
        .says(1, &["refused CREATE Pod web in shop", "no host network"]);
    write(&folder, "fine.yaml", &POD.replace("true", "false"));
    run(&folder, &with(&["fine.yaml", "-p", "host.yaml"])).says(0, &["1 request judged: 0 refused"]);
    let all = run(&folder, &with(&["fine.yaml", "-p", "host.yaml", "--all"]));
    all.says(0, &["satisfied no-host-network"]);
    run(&folder, &with(&["fine.yaml", "-p", "host.yaml", "--operation", "delete"])).says(0, &["0 refused"]);
}

#[test]
fn what_is_unknown_ends_with_2_and_says_which_flag_tells() {
    let folder = shop("policy-unknown");
    run(&folder, &with(&["pod.yaml", "-p", "old.yaml"])).says(2, &["unknown", "needs request.userInfo", "--user"]);
    run(&folder, &with(&["pod.yaml", "-p", "old.yaml", "--allow-unknown"])).says(0, &["1 unknown"]);
    run(&folder, &with(&["pod.yaml", "-p", "old.yaml", "--user", "eve"])).says(1, &["not eve"]);
    run(&folder, &with(&["pod.yaml", "-p", "old.yaml", "--user", "eve", "--group", "ops"])).says(0, &[]);
    let update = ["pod.yaml", "-p", "old.yaml", "--user", "adam", "--operation", "UPDATE"];
    run(&folder, &with(&update)).says(2, &["needs oldObject", "--old"]);
    let parameter = run(&folder, &with(&["pod.yaml", "-p", "pack:allowed-registries"]));
    parameter.says(2, &["needs ConfigMap kube-system/allowed-registries", "--facts"]);
    let exec = "apiVersion: v1\nkind: PodExecOptions\ncommand: [sh]\n";
    write(&folder, "exec.yaml", exec);
    let connect = [
        "exec.yaml",
        "-p",
        "pack:exec-guard",
        "--operation",
        "CONNECT",
        "--sub-resource",
        "exec",
        "--resource",
        "pods",
    ];
    let connect = with(&connect);
    run(&folder, &[&connect[..], &["--user", "alice"]].concat()).says(2, &["RBAC objects", "--complete rbac"]);
    let known = run(&folder, &[&connect[..], &["--user", "alice", "--complete", "rbac"]].concat());
    known.says(1, &["alice may not use exec in namespace default"]);
    let master = ["--user", "root", "--group", "system:masters", "--complete", "rbac"];
    run(&folder, &[&connect[..], &master].concat()).says(0, &[]);
}

#[test]
fn an_update_is_judged_against_the_object_before_it() {
    let folder = shop("policy-update");
    let update = with(&["pod.yaml", "-p", "old.yaml", "--user", "adam", "--old"]);
    run(&folder, &[&update[..], &["pod.yaml"]].concat()).says(0, &[]);
    write(&folder, "before.yaml", &POD.replace("nginx", "apache"));
    let changed = run(&folder, &[&update[..], &["before.yaml"]].concat());
    changed.says(1, &["refused UPDATE Pod web", "containers stay as they are"]);
    write(&folder, "other.yaml", &POD.replace("web", "db"));
    let other = run(&folder, &[&update[..], &["other.yaml"]].concat());
    other.says(2, &["--old is Pod db in shop, another object"]);
    write(&folder, "two.yaml", &format!("{POD}---\n{POD}"));
    run(&folder, &[&update[..], &["two.yaml"]].concat()).says(3, &["holds 2 objects"]);
    run(&folder, &[&update[..], &["nowhere.yaml"]].concat()).says(3, &["--old: nowhere.yaml", "check the path"]);
    let delete = [&update[..], &["pod.yaml", "--operation", "DELETE"]].concat();
    run(&folder, &delete).says(3, &["--old goes with --operation UPDATE"]);
}

fn review(request: &str) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},"name":"web","namespace":"shop","userInfo":{{"username":"eve","groups":["dev"]}},{request}}}}}"#
    )
}

const OBJECT: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop"},"spec":{"containers":[{"name":"c","image":"i"}]}}"#;
const OTHER: &str =
    r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop"},"spec":{"containers":[]}}"#;

#[test]
fn reviews_say_everything_about_their_request() {
    let folder = shop("policy-reviews");
    for (request, code, said) in [
        (format!(r#""operation":"CREATE","object":{OBJECT}"#), 1, "refused CREATE Pod web in shop"),
        (format!(r#""operation":"UPDATE","object":{OBJECT},"oldObject":{OTHER}"#), 1, "containers stay as they are"),
        (format!(r#""operation":"UPDATE","object":{OBJECT},"oldObject":{OBJECT}"#), 1, "not eve"),
        (format!(r#""operation":"DELETE","oldObject":{OBJECT}"#), 1, "refused DELETE Pod web"),
        (
            format!(
                r#""operation":"UPDATE","subResource":"ephemeralcontainers","object":{OBJECT},"oldObject":{OTHER}"#
            ),
            1,
            "refused UPDATE Pod/ephemeralcontainers web",
        ),
        // The policy looks at no such sub-resource.
        (
            format!(r#""operation":"UPDATE","subResource":"resize","object":{OBJECT},"oldObject":{OTHER}"#),
            0,
            "0 refused",
        ),
        (r#""operation":"PATCH""#.to_owned(), 2, "expected CREATE, UPDATE, DELETE or CONNECT"),
        (r#""operation":"CREATE""#.to_owned(), 2, "CREATE brings an object"),
        (r#""operation":"CREATE","object":null"#.to_owned(), 2, "CREATE brings an object"),
        (r#""operation":"DELETE""#.to_owned(), 2, "DELETE names what is to be deleted"),
    ] {
        write(&folder, "review.json", &review(&request));
        run(&folder, &with(&["review.json", "-p", "old.yaml"])).says(code, &[said]);
    }
    let ops = review(&format!(r#""operation":"CREATE","object":{OBJECT}"#)).replace("\"dev\"", "\"ops\"");
    write(&folder, "review.json", &ops);
    run(&folder, &with(&["review.json", "-p", "old.yaml"])).says(0, &[]);
    let exec = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","kind":{"group":"","version":"v1","kind":"PodExecOptions"},"resource":{"group":"","version":"v1","resource":"pods"},"subResource":"exec","name":"web","namespace":"shop","operation":"CONNECT","userInfo":{"username":"eve"},"object":{"apiVersion":"v1","kind":"PodExecOptions","command":["sh"]}}}"#;
    write(&folder, "exec.json", exec);
    let guarded = with(&["exec.json", "-p", "pack:exec-guard", "--complete", "rbac"]);
    run(&folder, &guarded).says(1, &["eve may not use exec in namespace shop"]);
    write(&folder, "empty.json", r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#);
    run(&folder, &with(&["empty.json", "-p", "old.yaml"])).says(2, &["the review asks nothing"]);
    write(&folder, "old.json", r#"{"apiVersion":"admission.k8s.io/v7","kind":"AdmissionReview","request":{}}"#);
    run(&folder, &with(&["old.json", "-p", "old.yaml"])).says(2, &["admission.k8s.io/v1"]);
}

#[test]
fn json_says_what_the_client_would_see() {
    let folder = shop("policy-json");
    let ran = run(&folder, &with(&["pod.yaml", "-p", "host.yaml", "--format", "json"]));
    let report = ran.json();
    let request = &report["requests"][0];
    assert_eq!(request["allowed"], false);
    assert_eq!(request["code"], 422);
    assert_eq!(request["reason"], "Invalid");
    assert!(request["message"].as_str().unwrap().starts_with("pods \"web\" is forbidden: ValidatingAdmissionPolicy"));
    assert_eq!(request["verdicts"][0]["violations"][0]["message"], "no host network");
    assert_eq!(report["notJudged"].as_array().unwrap().len(), 0);
    let unknown = run(&folder, &with(&["pod.yaml", "-p", "old.yaml", "--format", "json"])).json();
    assert_eq!(unknown["requests"][0]["allowed"], serde_json::Value::Null);
    assert_eq!(unknown["requests"][0]["verdicts"][0]["missing"][0], "request.userInfo");
}

#[test]
fn what_cannot_be_judged_ends_with_2_and_is_named() {
    let folder = shop("policy-bad-input");
    write(&folder, "bad.yaml", "a: [\n  b: {\n");
    run(&folder, &with(&["bad.yaml", "-p", "host.yaml"])).says(2, &["not judged  bad.yaml:2:", "1 not judged"]);
    run(&folder, &with(&["nowhere", "-p", "host.yaml"])).says(2, &["nowhere: cannot be opened", "check the path"]);
    run(&folder, &with(&["/dev/zero", "-p", "host.yaml"])).says(2, &["no regular file"]);
    std::fs::create_dir(folder.join("empty")).unwrap();
    run(&folder, &with(&["empty", "-p", "host.yaml"])).says(2, &["no manifest and no AdmissionReview"]);
    write(&folder, "text.yaml", "just a text\n");
    run(&folder, &with(&["text.yaml", "-p", "host.yaml"])).says(2, &["no Kubernetes object"]);
    write(&folder, "types.yaml", &POD.replace("true", "7"));
    let wrong = run(&folder, &with(&["types.yaml", "-p", "host.yaml"]));
    wrong.says(2, &["the API server would refuse the object", "hostNetwork"]);
    write(&folder, "lacks.yaml", "kind: Pod\nmetadata: {name: p}\n");
    run(&folder, &with(&["lacks.yaml", "-p", "host.yaml"])).says(2, &["an object without `apiVersion`"]);
    // What can be judged is judged all the same.
    run(&folder, &with(&["bad.yaml", "pod.yaml", "-p", "host.yaml"]))
        .says(2, &["refused CREATE Pod web", "not judged  bad.yaml"]);
}

#[cfg(unix)]
#[test]
fn links_in_folders_are_named_and_not_followed() {
    let folder = shop("policy-links");
    std::fs::create_dir(folder.join("links")).unwrap();
    std::os::unix::fs::symlink(folder.join("host.yaml"), folder.join("links/a.yaml")).unwrap();
    std::os::unix::fs::symlink(".", folder.join("links/loop")).unwrap();
    run(&folder, &with(&["links", "-p", "host.yaml"])).says(2, &["links/a.yaml: a symbolic link", "name the target"]);
    run(&folder, &with(&["pod.yaml", "-p", "links"])).says(3, &["links/a.yaml: a symbolic link", "name the target"]);
}

#[test]
fn every_reading_of_a_repeated_key_is_judged() {
    let folder = shop("policy-readings");
    write(&folder, "twice.yaml", &POD.replace("hostNetwork: true", "hostNetwork: true\n  hostNetwork: false"));
    run(&folder, &with(&["twice.yaml", "-p", "host.yaml"])).says(1, &["no host network"]);
}

#[test]
fn mutated_objects_are_written_where_the_user_wants_them() {
    let folder = shop("policy-mutated");
    let mutate = with(&["pod.yaml", "-p", "pack:safe-defaults", "--mutated"]);
    run(&folder, &[&mutate[..], &["out.yaml"]].concat()).says(0, &["changed by mutating policies"]);
    let written = std::fs::read_to_string(folder.join("out.yaml")).unwrap();
    assert!(written.contains("\"automountServiceAccountToken\":false"), "{written}");
    run(&folder, &[&mutate[..], &["no/such/folder/out.yaml"]].concat()).says(3, &["--mutated no/such/folder/out.yaml"]);
}

#[test]
fn an_explanation_shows_every_expression_and_why_nothing_applies() {
    let folder = shop("policy-explain");
    let explain = ["policy", "explain", "pod.yaml", "-p", "host.yaml"];
    run(&folder, &explain).says(
        0,
        &[
            "no-host-network: deny",
            "spec.validations[0].expression = false",
            "object.spec.?hostNetwork.orValue(false) = true",
        ],
    );
    let delete = [&explain[..], &["--operation", "DELETE"]].concat();
    run(&folder, &delete).says(0, &["no policy looks at this request; --all says why"]);
    run(&folder, &[&delete[..], &["--all"]].concat()).says(0, &["no-host-network: no match"]);
    let json = run(&folder, &[&explain[..], &["--format", "json"]].concat()).json();
    let step = &json["requests"][0]["policies"][0]["expressions"][0];
    assert_eq!(step["field"], "spec.validations[0].expression");
    assert_eq!(step["result"]["value"], "false");
}

#[test]
fn a_bench_measures_each_request() {
    let folder = shop("policy-bench");
    let bench = ["policy", "bench", "pod.yaml", "-p", "host.yaml", "--seconds", "1", "--format", "json"];
    let report = run(&folder, &bench).json();
    assert!(report["requests"][0]["runs"].as_u64().unwrap() > 0);
    run(&folder, &["policy", "bench", "nowhere", "-p", "host.yaml", "--seconds", "1"]).says(2, &["check the path"]);
    run(&folder, &["policy", "bench", "pod.yaml", "-p", "host.yaml", "--seconds", "0"]).says(3, &["--seconds"]);
}
