use super::*;

const POD: &str = r#"{
  "review": {"operation": "CREATE", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "object": {"apiVersion": "v1",
    "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web", "tier": "front"}}, "spec": {"containers": [
      {"name": "a", "image": "registry.example/a:1", "resources": {"limits": {"cpu": "500m"}}},
      {"name": "b", "image": "other.example/b", "securityContext": {"privileged": true}, "ports": [{"hostPort": 80}]},
      {"name": "c", "image": "registry.example/c", "securityContext": {"capabilities": {"drop": ["ALL"]}}}]}}},
  "parameters": {"repos": ["registry.example/"], "labels": ["app", "owner"], "min": 79, "max": 90}}"#;

fn given(input: &str) -> (Review, Parameters) {
    let input = Value::from_json_str(input).unwrap();
    let part = |key| value::get(&input, key).cloned().unwrap_or(Value::Undefined);
    (Review(part("review")), Parameters(part("parameters")))
}

/// Messages and details.
fn evaluate(module: &Module, input: &str) -> Result<Vec<String>, String> {
    let (review, parameters) = given(input);
    let found = module.evaluate(&review, &parameters, None, &mut Trace::default())?;
    Ok(found.into_iter().map(|found| format!("{} {}", found.message, found.details)).collect())
}

fn compile(text: &str) -> Result<Module, Vec<RegoError>> {
    Module::compile(&format!("package t\n{text}"), &[], false)
}

/// Templates as people write them.
#[test]
fn usual_templates() {
    for (text, expect) in [
        ("violation[{\"msg\": \"no\"}] { true }", vec!["no {}"]),
        (
            "violation[{\"msg\": msg, \"details\": {\"missing\": missing}}] {\n  provided := {l | \
             input.review.object.metadata.labels[l]}\n  required := {l | l := input.parameters.labels[_]}\n  missing := \
             required - provided\n  count(missing) > 0\n  msg := sprintf(\"missing %v\", [missing])\n}",
            vec!["missing {\"owner\"} {\"missing\":[\"owner\"]}"],
        ),
        (
            "violation[{\"msg\": msg}] {\n  c := containers[_]\n  ok := [good | repo := input.parameters.repos[_]; good := \
             startswith(c.image, repo)]\n  not any(ok)\n  msg := c.name\n}\ncontainers[c] { c := \
             input.review.object.spec.containers[_] }",
            vec!["b {}"],
        ),
        (
            "violation[{\"msg\": c.name}] {\n  c := input.review.object.spec.containers[_]\n  p := \
             c.ports[_].hostPort\n  in_range(p)\n}\nin_range(p) { p > input.parameters.min; p < input.parameters.max }",
            vec!["b {}"],
        ),
        (
            "violation[{\"msg\": msg}] {\n  c := input.review.object.spec.containers[_]\n  msg := why(c)\n}\nwhy(c) = \
             \"no cpu\" { not c.resources.limits.cpu } else = \"cpu\" { true }",
            vec!["cpu {}", "no cpu {}"],
        ),
        (
            "violation[{\"msg\": msg}] {\n  c := input.review.object.spec.containers[_]\n  regex.match(\"^registry\\\\.\", \
             c.image)\n  msg := sprintf(\"%v: %s\", [c.name, c.image])\n}",
            vec!["a: registry.example/a:1 {}", "c: registry.example/c {}"],
        ),
        (
            "violation[{\"msg\": msg}] {\n  c := input.review.object.spec.containers[_]\n  msg := concat(\"-\", \
             [replace(c.name, \"a\", \"x\"), \"y\"])\n}",
            vec!["b-y {}", "c-y {}", "x-y {}"],
        ),
        (
            "violation[{\"msg\": p}] { walk(input.review.object.metadata, [path, v]); v == \"web\"; p := concat(\".\", path) }",
            vec!["labels.app {}", "name {}"],
        ),
    ] {
        let expect: Vec<String> = expect.into_iter().map(str::to_owned).collect();
        assert_eq!(evaluate(&compile(text).unwrap(), POD), Ok(expect), "{text}");
    }
}

/// A body ends where the right side of an assignment has no value.
#[test]
fn an_undefined_assignment_is_false() {
    for (body, rest, expect) in [
        ("not ok", "ok { x := input.review.object.nothing }", 1),
        ("ok", "ok { x := input.review.object.nothing }", 0),
        ("not has_field(input.review.object, \"nothing\")", "has_field(o, f) { _ := o[f] }", 1),
        ("has_field(input.review.object, \"spec\")", "has_field(o, f) { _ := o[f] }", 1),
        ("not ok", "ok { x := to_number(\"a\") }", 1),
        ("x := to_number(\"a\")", "", 0),
        ("not ok", "ok { x := 1 / 0 }", 1),
        ("x := 1 / 0", "", 0),
    ] {
        let module = compile(&format!("violation[{{\"msg\": \"no\"}}] {{ {body} }}\n{rest}")).unwrap();
        assert_eq!(evaluate(&module, POD).map(|found| found.len()), Ok(expect), "{body} {rest}");
    }
}

// Each of these fells an engine without limits: it neither ends soon nor stays small.

fn bomb(text: &str) {
    let told = match compile(text) {
        Err(errors) => Err(errors[0].message.clone()),
        Ok(module) => {
            let (review, parameters) = given(POD);
            module.evaluate(&review, &parameters, None, &mut Trace::default()).map(|found| found.len()).map_err(
                |error| {
                    let cut: String = error.chars().take(200).collect();
                    cut
                },
            )
        }
    };
    assert!(told.is_err(), "{}: {told:?}", &text[..text.len().min(300)]);
}

/// `f` applied to a value many times.
fn applied(body: &str, times: usize, start: &str) -> String {
    let lines: String = (0..times).map(|index| format!("  x{} := f(x{index})\n", index + 1)).collect();
    format!(
        "f(s) = r {{ r := {body} }}\nviolation[{{\"msg\": m}}] {{\n  x0 := {start}\n{lines}  m := sprintf(\"%v\", \
         [x{times}])\n}}"
    )
}

/// Two such values are compared.
fn compared(body: &str, times: usize, start: &str) -> String {
    let lines = |name: &str| -> String {
        (0..times).map(|index| format!("  {name}{} = f({name}{index})\n", index + 1)).collect()
    };
    let (x, y) = (lines("x"), lines("y"));
    format!(
        "f(s) = r {{ r = {body} }}\nviolation[{{\"msg\": \"x\"}}] {{\n  x0 := {start}\n  y0 := {start}\n{x}{y}  \
         x{times} == y{times}\n}}"
    )
}

#[test]
fn texts_that_grow_stop() {
    for body in [
        "json.marshal(s)",
        "json.marshal([s, s])",
        "base64.encode(concat(\"\", [s, s]))",
        "replace(s, \"a\", \"aaaaaaaa\")",
        "sprintf(\"%v%v\", [s, s])",
        "sprintf(\"%9999v%9999v%9999v%9999v%v\", [s, s, s, s, s])",
        "concat(s, [s, s])",
        "concat(\"\", array.concat(split(s, \"\"), split(s, \"\")))",
        "upper(sprintf(\"%q%q\", [s, s]))",
        "strings.replace_n({\"a\": \"aaaaaaaaaaaaaaa\"}, s)",
        "regex.replace(s, \"a\", \"$0$0$0$0$0$0$0$0\")",
        "hex.encode(s)",
        "urlquery.encode(s)",
    ] {
        bomb(&applied(body, 30, "\"aaaaaaaaaa\""));
    }
}

#[test]
fn values_that_share_their_parts_stop() {
    for body in [
        "[s, s]",
        "{\"a\": s, \"b\": s}",
        "{\"a\": [s], \"b\": {\"c\": s}}",
        "[x | some i; [1, 2, 3][i]; x := s]",
        "array.concat([s], [s])",
        "object.union({\"a\": s}, {\"b\": s})",
        "json.unmarshal(json.marshal([s, s]))",
        "{i: s | some i; [1, 2, 3][i]}",
    ] {
        bomb(&applied(body, 39, "[\"aaaaaaaaaa\"]"));
        bomb(&compared(body, 39, "[\"aaaaaaaaaa\"]"));
    }
    let lines = |open: &str, close: &str| -> String {
        (0..60).map(|index| format!("  x{} {open} x{index}, x{index} {close}\n", index + 1)).collect()
    };
    for (open, close) in [(":= [", "]"), ("= [", "]"), (":= {\"a\": [", "]}"), ("= {\"a\": {1: [", "]}}")] {
        bomb(&format!("violation[{{\"msg\": \"x\"}}] {{\n  x0 := 1\n{}  x60 == [x59, x59]\n}}", lines(open, close)));
    }
    let rules: String = (0..39).map(|index| format!("s{}[[x, x]] {{ s{index}[x] }}\n", index + 1)).collect();
    bomb(&format!("s0[1] {{ true }}\n{rules}violation[{{\"msg\": m}}] {{ m := sprintf(\"%v\", [s39]) }}"));
    let rules: String =
        (0..39).map(|index| format!("s{}[\"k\"] = [x, x] {{ x := s{index}.k }}\n", index + 1)).collect();
    bomb(&format!("s0[\"k\"] = 1 {{ true }}\n{rules}violation[{{\"msg\": \"x\", \"details\": s39}}] {{ true }}"));
    let rules: String = (0..39).map(|index| format!("s{} = [s{index}, s{index}]\n", index + 1)).collect();
    bomb(&format!("s0 = 1\n{rules}violation[{{\"msg\": \"x\", \"details\": s39}}] {{ true }}"));
    let rules: String = (0..39)
        .map(|index| format!("f{}(_) = r {{ r := f{index}(1) with input as [input, input] }}\n", index + 1))
        .collect();
    bomb(&format!("f0(_) = r {{ r := sprintf(\"%v\", [input]) }}\n{rules}violation[{{\"msg\": m}}] {{ m := f39(1) }}"));
}

#[test]
fn numbers_that_grow_stop() {
    bomb(&applied("s * s", 39, "123456789123456789"));
    bomb(&applied("mul(s, s)", 39, "123456789123456789"));
    bomb("violation[{\"msg\": m}] { m := sprintf(\"%v\", [bits.lsh(1, 4000000000)]) }");
    bomb("violation[{\"msg\": m}] { m := sprintf(\"%v\", [product(numbers.range(1, 90000))]) }");
    bomb("violation[{\"msg\": \"x\"}] { count(numbers.range(1, 1000000000)) > 0 }");
    bomb("violation[{\"msg\": \"x\"}] { count(numbers.range(-9223372036854775808, 9223372036854775807)) > 0 }");
}

#[test]
fn loops_stop() {
    let numbers = "n := numbers.range(1, 5000); ";
    for text in [
        "a := n[_]; b := n[_]; c := n[_]; a + b + c == 0",
        "x := {[a, b, c] | a := n[_]; b := n[_]; c := n[_]}; count(x) == 0",
        "x := [n | n[_]]; y := [x | n[_]]; z := [y | n[_]]; z == [y | n[_]]",
        "x := [n | n[_]]; sprintf(\"%v\", [[x, x, x, x]]) == \"\"",
        "t := concat(\"\", [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaa\" | n[_]]); regex.match(concat(\"\", [\"(a|aa)*\" | n[_]]), t)",
        "t := [sprintf(\"%d\", [a]) | a := n[_]]; strings.any_prefix_match(t, t); false",
        "t := concat(\"\", [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" | n[_]]); u := concat(t, [\"\", \"\", \"\", \
         \"\", \"\", \"\", \"\", \"\", \"\"]); x := {v | a := n[_]; v := concat(\"\", [u, sprintf(\"%d\", [a])])}; \
         count(x) < 0",
        "t := [a | a := n[_]]; object.subset(array.concat(t, t), t); false",
    ] {
        bomb(&format!("violation[{{\"msg\": \"x\"}}] {{ {numbers}{text} }}"));
    }
    bomb("violation[{\"msg\": \"x\"}] { count(net.cidr_expand(\"0.0.0.0/0\")) > 0 }");
    bomb("violation[{\"msg\": \"x\"}] { graph.reachable_paths({\"a\": [\"b\"]}, [\"a\"]) }");
    bomb("__weighed(x) = x { true }\nviolation[{\"msg\": \"x\"}] { x := [1, 2]; y := [x, x]; count(y) > 0 }");
}

/// The order of statements is found in a time that grows with the square of their number.
#[test]
fn a_body_of_very_many_statements_is_refused() {
    let body = |count: usize| {
        let steps: String = (0..count).map(|at| format!("  x{at} = x{}\n", at + 1)).collect();
        format!("violation[{{\"msg\": \"x\"}}] {{\n{steps}  x{count} = input.review.object\n  x0.spec\n}}")
    };
    assert!(compile(&body(100)).is_ok());
    let errors = compile(&body(600)).unwrap_err();
    assert_eq!(errors[0].message, "line 3: a body has more than 500 statements");
}
