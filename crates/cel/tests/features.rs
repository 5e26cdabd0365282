//! Cancellation, traces, blocks, transforming macros, message literals, the authorizer, the rules that
//! environments choose, and deep expressions on small stacks.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cel::context::BUDGET_DEFAULT;
use cel::decl::TypeProvider;
use cel::library::authorizer::{self, Attributes, Authorizer, Decision, User};
use cel::{Activation, Budget, Context, Env, Fault, Program, Type, Value};

struct Variables(Vec<Value<'static>>);

impl<'v> Activation<'v> for Variables {
    fn variable(&self, slot: usize, _: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        self.0.get(slot).cloned().ok_or_else(|| Fault::error("no such attribute(s)"))
    }
}

/// Value as text or message, and cost.
fn run(env: &Env, expression: &str, variables: Vec<Value<'static>>) -> (Result<String, String>, u64) {
    let text = |fault: Fault| fault.to_string();
    let checked = match cel::parse(expression, &env.syntax).and_then(|ast| cel::check(env, ast)) {
        Ok(checked) => checked,
        Err(issues) => return (Err(issues.to_string()), 0),
    };
    let program = match Program::new(env, &checked) {
        Ok(program) => program,
        Err(fault) => return (Err(text(fault)), 0),
    };
    let mut context = Context::new(BUDGET_DEFAULT);
    let outcome = program.eval(&Variables(variables), &mut context).map(|value| value.literal()).map_err(text);
    (outcome, context.cost)
}

#[track_caller]
fn evaluates(env: &Env, expression: &str, text: &str) {
    assert_eq!(run(env, expression, Vec::new()).0.as_deref(), Ok(text), "{expression}");
}

#[track_caller]
fn fails(env: &Env, expression: &str, message: &str) {
    assert_eq!(run(env, expression, Vec::new()).0.as_ref().map_err(String::as_str), Err(message), "{expression}");
}

#[test]
fn a_cancelled_evaluation_stops_in_its_loop() {
    let env = cel::library::kubernetes((1, 36));
    let checked = cel::check(&env, cel::parse("[1, 2].all(x, x > 0) || true", &env.syntax).unwrap()).unwrap();
    let program = Program::new(&env, &checked).unwrap();
    let cancel = AtomicBool::new(true);
    let mut context = Context::new(BUDGET_DEFAULT);
    context.cancel = Some(&cancel);
    assert_eq!(program.eval(&Variables(Vec::new()), &mut context).unwrap_err(), Fault::Cancelled);
    cancel.store(false, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(program.eval(&Variables(Vec::new()), &mut context), Ok(Value::Bool(true))));
}

#[test]
fn a_trace_has_the_values_of_subexpressions_and_changes_no_cost() {
    let env = cel::library::kubernetes((1, 36));
    let ast = cel::parse("[1, 2].map(x, x + 1).size() == 2 && 1 / 0 == 1", &env.syntax).unwrap();
    let source = ast.clone();
    let checked = cel::check(&env, ast).unwrap();
    let program = Program::new(&env, &checked).unwrap();
    let mut plain = Context::new(BUDGET_DEFAULT);
    _ = program.eval(&Variables(Vec::new()), &mut plain);
    let mut traced = Context::new(BUDGET_DEFAULT);
    traced.trace = Some(Vec::new());
    _ = program.eval(&Variables(Vec::new()), &mut traced);
    assert_eq!(plain.cost, traced.cost);
    let trace = traced.trace.unwrap();
    let of = |text: &str| -> Vec<String> {
        let lines = trace.iter().filter(|line| source.text(line.expr) == text);
        lines.map(|line| line.value.clone().unwrap_or_else(|fault| fault.to_string())).collect()
    };
    assert_eq!(of("x + 1"), ["2", "3"]);
    assert_eq!(of("1 / 0"), ["division by zero"]);
    assert!(of("[1, 2].map(x, x + 1).size()").contains(&"2".to_owned()));
}

#[test]
fn blocks_compute_their_values_once_and_late() {
    let env = cel::library::conformance();
    evaluates(&env, "cel.block([1, cel.index(0) + 1], cel.index(1) * 10)", "20");
    evaluates(&env, "cel.block([1 / 0], true || cel.index(0) == 1)", "true");
    evaluates(&env, "cel.block([[1, 2]], cel.index(0).map(cel.iterVar(0, 0), cel.iterVar(0, 0) + 1))", "[2, 3]");
    fails(&env, "cel.block([1 / 0], cel.index(0))", "division by zero");
}

#[test]
fn transforming_macros_make_maps() {
    let env = cel::library::kubernetes((1, 36));
    evaluates(&env, "{'a': 1, 'b': 2}.transformMap(k, v, v * 2)", "{\"a\": 2, \"b\": 4}");
    evaluates(&env, "{'a': 1, 'b': 2}.transformMap(k, v, v > 1, k)", "{\"b\": \"b\"}");
    evaluates(&env, "['x', 'y'].transformMapEntry(i, v, {v: i})", "{\"x\": 0, \"y\": 1}");
    evaluates(&env, "['x', 'y'].transformMapEntry(i, v, i > 0, {v: i})", "{\"y\": 1}");
    fails(&env, "['x', 'x'].transformMapEntry(i, v, {v: i})", "insert failed: key x already exists");
}

#[derive(Debug)]
struct Shapes;

impl TypeProvider for Shapes {
    fn has(&self, name: &str) -> bool {
        name == "shapes.Box"
    }

    fn field(&self, name: &str, field: &str) -> Option<Type> {
        match (name, field) {
            ("shapes.Box", "width") => Some(Type::Int),
            ("shapes.Box", "label") => Some(Type::String),
            _ => None,
        }
    }

    fn fields(&self, _: &str) -> Vec<String> {
        vec!["width".to_owned(), "label".to_owned()]
    }
}

#[test]
fn message_literals_have_the_fields_of_their_type() {
    let mut env = cel::library::kubernetes((1, 36));
    env.types = Some(Arc::new(Shapes));
    evaluates(&env, "shapes.Box{width: 1 + 1, label: 'x'}.width", "2");
    evaluates(&env, "has(shapes.Box{width: 1}.width) && !has(shapes.Box{?label: optional.none()}.label)", "true");
    evaluates(&env, "shapes.Box{?label: optional.of('y')}.label", "\"y\"");
    assert_eq!(run(&env, "shapes.Box{width: 1}", Vec::new()).1, 40);
    let refused = run(&env, "shapes.Box{height: 1}", Vec::new()).0.unwrap_err();
    assert!(refused.contains("undefined field 'height'"), "{refused}");
    let refused = run(&env, "shapes.Box{width: 'x'}", Vec::new()).0.unwrap_err();
    assert!(refused.contains("expected type of field 'width' is 'int' but provided type is 'string'"), "{refused}");
}

/// Allows `get`, knows nothing of `watch` and denies the rest.
#[derive(Debug)]
struct Readers;

impl Authorizer for Readers {
    fn decide(&self, attributes: &Attributes) -> Result<Decision, Fault> {
        match &*attributes.verb {
            "get" => Ok(Decision { allowed: true, ..Decision::default() }),
            "watch" => Err(Fault::unknown("RBAC objects")),
            _ => Ok(Decision { denied: true, reason: "only readers".into(), ..Decision::default() }),
        }
    }
}

#[test]
fn the_authorizer_is_asked_and_costs_what_it_costs_the_api_server() {
    let mut env = cel::library::kubernetes((1, 36));
    env.declare("authorizer", authorizer::authorizer_type());
    let ask =
        |expression: &str| run(&env, expression, vec![authorizer::authorizer(User::default(), Arc::new(Readers))]);
    let answers = |expression: &str, text: &str, cost: u64| {
        assert_eq!(ask(expression), (Ok(text.to_owned()), cost), "{expression}");
    };
    let pods = "authorizer.group('').resource('pods')";
    answers("authorizer.path('/healthz').check('get').allowed()", "true", 350_003);
    answers(&format!("{pods}.subresource('log').name('web').check('list').reason()"), "\"only readers\"", 350_006);
    answers(&format!("{pods}.labelSelector('a=b').fieldSelector('c=d').check('get').allowed()"), "true", 350_226);
    answers(&format!("{pods}.check('get').errored()"), "false", 350_004);
    assert_eq!(ask("authorizer.path('').check('get').allowed()"), (Err("path must not be empty".to_owned()), 350_003));
    assert_eq!(ask(&format!("{pods}.check('watch').allowed()")).0, Err("unknown: RBAC objects".to_owned()));
    answers(&format!("{pods}.check('watch').allowed() || true"), "true", 350_004);
}

#[test]
fn environments_follow_kube_apiserver_or_the_specification() {
    let (server, specification) = (cel::library::kubernetes((1, 36)), cel::library::conformance());
    evaluates(&server, "{'a': 1, 'a': 2}.a", "2");
    fails(&specification, "{'a': 1, 'a': 2}.a", "Failed with repeated key: a");
    fails(&specification, "{1.5: 1}", "unsupported key type: double");
    evaluates(&server, "has({'a': dyn(1)}.a.b)", "false");
    fails(&specification, "has({'a': dyn(1)}.a.b)", "no such key: b");
    evaluates(&specification, "has({'a': optional.none()}.a.b)", "false");
    evaluates(&specification, "duration('1.5s').getMilliseconds()", "500");
    evaluates(&server, "duration('1.5s').getMilliseconds()", "1500");
    fails(&server, "ip('::ffff:a00:1')", "IPv4-mapped IPv6 address \"::ffff:a00:1\" is not allowed");
    evaluates(&specification, "ip('::ffff:a00:1') == ip('10.0.0.1')", "true");
    // A mistake in a constant is an error where evaluation would not come, but only if constants are folded.
    fails(&server, "false && int('x') == 1", "type conversion error from 'string' to 'int'");
    evaluates(&specification, "false && int('x') == 1", "false");
}

/// Expressions as deep as the parser allows pass through everything on the stack that threads have, without optimisation too.
#[test]
fn deep_expressions_need_little_stack() {
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let mut expressions = Vec::new();
    for depth in [60, 120, 240] {
        expressions.push(nested("[1].map(x, ", "1", ")", depth));
        expressions.push(nested("[1].all(x, ", "true", ")", depth));
        expressions.push(nested("optional.of(1).optMap(x, ", "1", ")", depth));
        expressions.push(nested("{'a': 1}.transformMap(k, v, ", "1", ")", depth));
        expressions.push(nested("[", "1", "]", depth));
        expressions.push(nested("!(", "true", ")", depth));
        expressions.push(nested("true ? 1 : ", "2", "", depth));
        expressions.push(nested("", "1", " + 1", depth));
        expressions.push(nested("", "dyn([])", "[0]", depth));
        expressions.push(nested("", "[1]", ".map(x, x)", depth));
        expressions.push(nested("", "optional.of(1)", ".optMap(x, x)", depth));
    }
    expressions.push(vec!["true"; 5_000].join(" && "));
    expressions.push(vec!["1 / 0 == 1"; 5_000].join(" || "));
    let all = move || {
        for env in [cel::library::kubernetes((1, 36)), cel::library::conformance()] {
            for expression in &expressions {
                let checked = cel::parse(expression, &env.syntax).and_then(|ast| cel::check(&env, ast));
                let Ok(checked) = checked else { continue };
                _ = cel::cost::estimate(&env, &checked, &Unknown);
                let Ok(program) = Program::new(&env, &checked) else { continue };
                let mut context = Context::new(Budget { cost: 1_000_000, bytes: 1 << 20 });
                _ = program.eval(&Variables(Vec::new()), &mut context);
            }
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(all).unwrap().join().unwrap();
}

struct Unknown;

impl cel::cost::Sizes for Unknown {
    fn size(&self, _: &cel::cost::Path, _: &Type) -> Option<cel::cost::SizeRange> {
        None
    }
}
