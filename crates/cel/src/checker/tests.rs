//! Messages are those of cel-go for the same declarations.

use std::sync::Arc;

use super::check;
use crate::ast::ExprKind;
use crate::checker::{Checked, Reference};
use crate::cost::{NoSizes, estimate};
use crate::decl::{Env, Library, TypeProvider};
use crate::fault::Fault;
use crate::issues::Issues;
use crate::types::Type;
use crate::value::Value;

fn accepts(expr: &str, of: &str) -> Checked {
    let checked = compile(&env(), expr).unwrap_or_else(|issues| panic!("{expr}: {issues}"));
    assert_eq!(checked.result().to_string(), of, "{expr}");
    checked
}

fn rejects(expr: &str, messages: &[&str]) {
    rejects_in(&env(), expr, messages);
}

fn rejects_in(env: &Env, expr: &str, messages: &[&str]) {
    let issues = compile(env, expr).err().unwrap_or_else(|| panic!("{expr} was accepted"));
    let found: Vec<&str> = issues.list().iter().map(|issue| issue.message.as_str()).collect();
    assert_eq!(found, messages, "{expr}");
}

fn compile(env: &Env, expr: &str) -> Result<Checked, Issues> {
    check(env, crate::parse(expr, &env.syntax)?)
}

/// A function whose result no test looks at. Texts with `!` make it fail.
fn run<'v>(_: &mut crate::Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    match args.iter().any(|arg| arg.as_str().is_some_and(|text| text.contains('!'))) {
        true => Err(Fault::error("no")),
        false => Ok(Value::Null),
    }
}

pub(crate) fn declarations() -> Library {
    use Type::{Bool, Bytes, Double, Duration, Int, String, Timestamp};
    let (a, b) = (Type::param("A"), Type::param("B"));
    let (list, map) = (Type::list(a.clone()), Type::map(a.clone(), b.clone()));
    let optional = Type::optional(a.clone());
    Library::default()
        .function("_&&_", "logical_and", &[Bool, Bool], Bool, run)
        .function("_||_", "logical_or", &[Bool, Bool], Bool, run)
        .function("_?_:_", "conditional", &[Bool, a.clone(), a.clone()], a.clone(), run)
        .function("!_", "logical_not", &[Bool], Bool, run)
        .function("@not_strictly_false", "not_strictly_false", &[Bool], Bool, run)
        .function("_==_", "equals", &[a.clone(), a.clone()], Bool, run)
        .function("_>_", "greater_int64", &[Int, Int], Bool, run)
        .function("_>_", "greater_string", &[String, String], Bool, run)
        .function("_+_", "add_bytes", &[Bytes, Bytes], Bytes, run)
        .function("_+_", "add_double", &[Double, Double], Double, run)
        .function("_+_", "add_int64", &[Int, Int], Int, run)
        .function("_+_", "add_list", &[list.clone(), list.clone()], list.clone(), run)
        .function("_+_", "add_string", &[String, String], String, run)
        .function("_[_]", "index_list", &[list.clone(), Int], a.clone(), run)
        .function("_[_]", "index_map", &[map.clone(), a.clone()], b.clone(), run)
        .function("@in", "in_list", &[a.clone(), list.clone()], Bool, run)
        .function("size", "size_list", std::slice::from_ref(&list), Int, run)
        .function("size", "size_string", &[String], Int, run)
        .method("size", "list_size", &[list], Int, run)
        .function("type", "type", std::slice::from_ref(&a), Type::of(a.clone()), run)
        .function("dyn", "to_dyn", std::slice::from_ref(&a), Type::Dyn, run)
        .function("duration", "string_to_duration", &[String], Duration, run)
        .function("timestamp", "string_to_timestamp", &[String], Timestamp, run)
        .method("matches", "matches_string", &[String, String], Bool, run)
        .method("contains", "contains_string", &[String, String], Bool, run)
        .method("format", "string_format", &[String, Type::list(Type::Dyn)], String, run)
        .function("optional.of", "optional_of", std::slice::from_ref(&a), optional.clone(), run)
        .function("optional.none", "optional_none", &[], optional.clone(), run)
        .method("value", "optional_value", std::slice::from_ref(&optional), a.clone(), run)
        .method("hasValue", "optional_hasValue", &[optional], Bool, run)
        .function("cel.@mapInsert", "@mapInsert_map_key_value", &[map.clone(), a, b], map.clone(), run)
        .function("cel.@mapInsert", "@mapInsert_map_map", &[map.clone(), map.clone()], map, run)
        .function("sets.contains", "list_sets_contains_list", &[Type::list(Int), Type::list(Int)], Bool, run)
}

#[derive(Debug)]
struct Objects;

impl TypeProvider for Objects {
    fn has(&self, name: &str) -> bool {
        matches!(name, "Object" | "a.Nested")
    }

    fn field(&self, _name: &str, field: &str) -> Option<Type> {
        match field {
            "name" => Some(Type::String),
            "tags" => Some(Type::list(Type::String)),
            "parent" => Some(Type::object("Object")),
            _ => None,
        }
    }

    fn fields(&self, _name: &str) -> Vec<String> {
        vec!["name".into(), "tags".into(), "parent".into()]
    }
}

fn env() -> Env {
    let mut env = Env { types: Some(Arc::new(Objects)), ..Env::default() };
    env.add(declarations());
    let variables = [
        ("x", Type::Dyn),
        ("s", Type::String),
        ("n", Type::Int),
        ("l", Type::list(Type::Int)),
        ("m", Type::map(Type::String, Type::list(Type::Int))),
        ("o", Type::object("Object")),
        ("w", Type::Wrapper(Arc::new(Type::Int))),
        ("t", Type::Timestamp),
        ("q", Type::opaque("kubernetes.Quantity")),
        ("i", Type::opaque("net.IP")),
        ("variables.total", Type::Int),
        ("a.b.c", Type::Bool),
        ("a.b", Type::object("Object")),
    ];
    for (name, of) in variables {
        env.declare(name, of);
    }
    env
}

#[test]
fn every_node_has_its_type() {
    accepts("1 + 2", "int");
    accepts("s + 'x'", "string");
    accepts("x + 1", "int");
    accepts("x + x", "dyn");
    accepts("w + 1", "int");
    accepts("w == null", "bool");
    accepts("t", "timestamp");
    accepts("null", "null");
    accepts("int", "type(int)");
    accepts("type", "type(type)");
    accepts("type(l)", "type(list(int))");
    accepts("[]", "list(dyn)");
    accepts("[] + [1]", "list(int)");
    accepts("{'k': [1]}", "map(string, list(int))");
    accepts("m['k'][0]", "int");
    accepts("m.k[0] > 1 ? s : o.name", "string");
    accepts("x.y.z", "dyn");
    accepts("has(o.parent.name)", "bool");
    accepts("l.map(v, v > 1)", "list(bool)");
    accepts("l.filter(v, v > 1)", "list(int)");
    accepts("m.exists(k, v, k == 'a' && v.size() > 1)", "bool");
    accepts("l.transformMap(i, v, [v])", "map(int, list(int))");
    accepts("Object{name: 'x', tags: []}", "Object");
}

#[test]
fn optionals_are_flattened() {
    accepts("o.?name", "optional_type(string)");
    accepts("o.?parent.name", "optional_type(string)");
    accepts("o.?parent.?name", "optional_type(string)");
    accepts("x.?y", "optional_type(dyn)");
    accepts("optional.of(1).value() + 1", "int");
    accepts("[?optional.of(1), 2]", "list(int)");
    accepts("[?optional.none()]", "list(dyn)");
    rejects("[?1]", &["expected type 'optional_type(int)' but found 'int'"]);
}

#[test]
fn errors_are_collected_in_the_words_of_the_field() {
    rejects("1 + 'x'", &["found no matching overload for '_+_' applied to '(int, string)'"]);
    rejects("s.size()", &["found no matching overload for 'size' applied to 'string.()'"]);
    rejects("y", &["undeclared reference to 'y' (in container '')"]);
    rejects("f(1)", &["undeclared reference to 'f' (in container '')"]);
    rejects("o.age", &["undefined field 'age'"]);
    rejects("n.x", &["type 'int' does not support field selection"]);
    rejects("q.value", &["unexpected failed resolution of 'kubernetes.Quantity'"]);
    rejects("i.value", &["type 'net.IP' does not support field selection"]);
    rejects("n && s", &["expected type 'bool' but found 'int'", "expected type 'bool' but found 'string'"]);
    let range = "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)";
    rejects("1.all(v, v)", &[range]);
    rejects("Nothing{a: 1}", &["undeclared reference to 'Nothing' (in container '')"]);
    rejects("Object{age: 1}", &["undefined field 'age'"]);
    rejects("Object{name: 1}", &["expected type of field 'name' is 'string' but provided type is 'int'"]);
    rejects("a.b.d + y", &["undefined field 'd'", "undeclared reference to 'y' (in container '')"]);
}

#[test]
fn places_are_shown() {
    let issues = compile(&env(), "s == 'a' &&\n  n == 'b'").err().map(|issues| issues.to_string());
    let expected =
        "ERROR: <input>:2:5: found no matching overload for '_==_' applied to '(int, string)'\n |   n == 'b'\n | ....^";
    assert_eq!(issues.as_deref(), Some(expected));
}

#[test]
fn the_longest_declared_name_wins() {
    let checked = accepts("a.b.c", "bool");
    assert!(matches!(&checked.ast.root.kind, ExprKind::Ident(name) if &**name == "a.b.c"));
    accepts("a.b.name", "string");
    accepts("variables.total + 1", "int");
    rejects("variables.other", &["undeclared reference to 'variables' (in container '')"]);
    rejects("has(variables.total)", &["undeclared reference to 'variables' (in container '')"]);
}

#[test]
fn variables_of_comprehensions_hide_others() {
    rejects("l.all(s, s == 'x')", &["found no matching overload for '_==_' applied to '(int, string)'"]);
    // As kube-apiserver's version of CEL has it.
    accepts("l.all(a, a.b.c)", "bool");
    rejects("l.all(s, .s == 'x')", &["found no matching overload for '_==_' applied to '(int, string)'"]);
    // As the specification has it.
    let mut env = env();
    env.syntax.strict_scopes = true;
    rejects_in(&env, "l.all(a, a.b.c)", &["type 'int' does not support field selection"]);
    assert!(compile(&env, "l.all(a, .a.b.c)").is_ok());
    assert!(compile(&env, "l.all(s, .s == 'x')").is_ok());
}

#[test]
fn containers_are_searched_inside_out() {
    let mut env = env();
    env.container = "a.b".into();
    let checked = compile(&env, "c").map(|checked| checked.result().clone()).map_err(|issues| issues.to_string());
    assert_eq!(checked, Ok(Type::Bool));
    assert!(compile(&env, "Nested{}.name == s").is_ok());
    rejects_in(&env, ".c", &["undeclared reference to '.c' (in container 'a.b')"]);
}

#[test]
fn references_say_what_names_and_calls_mean() {
    let checked = accepts("x + s", "string");
    let ExprKind::Call(call) = &checked.ast.root.kind else { panic!("no call") };
    assert_eq!(checked.overloads(checked.ast.root.id), [4]);
    assert!(matches!(checked.reference(call.args[1].id), Some(Reference::Variable(1))));
    let checked = accepts("sets.contains(l, [1])", "bool");
    assert!(matches!(&checked.ast.root.kind, ExprKind::Call(call) if call.target.is_none()));
    let checked = accepts("x + x", "dyn");
    assert_eq!(checked.overloads(checked.ast.root.id), [0, 1, 2, 3, 4]);
    let checked = accepts("string", "type(string)");
    assert!(matches!(checked.reference(checked.ast.root.id), Some(Reference::Constant(Value::Type(_)))));
}

#[test]
fn literals_of_mixed_types_are_refused() {
    rejects("[1, 'a']", &["expected type 'int' but found 'string'"]);
    rejects("[1, x]", &["expected type 'int' but found 'dyn'"]);
    rejects("{'a': 1, 2: 's'}", &["expected type 'string' but found 'int'", "expected type 'int' but found 'string'"]);
    accepts("'%d %s'.format([1, 'a'])", "string");
    let mut env = env();
    env.syntax.mixed_literals = true;
    assert!(compile(&env, "[1, 'a']").is_ok());
}

#[test]
fn invalid_literals_are_found_before_evaluation() {
    rejects("duration('!')", &["invalid duration argument"]);
    rejects("timestamp('!')", &["invalid timestamp argument"]);
    rejects("s.matches('!')", &["invalid matches argument"]);
    accepts("duration(s + '!')", "duration");
    let clause = "error during formatting: decimal clause can only be used on integers, was given string";
    rejects("'%d'.format(['a'])", &[clause]);
    rejects("'%d'.format([])", &["index 0 out of range"]);
    rejects("'%y'.format([1])", &["could not parse formatting clause: unrecognized formatting clause \"y\""]);
    rejects("'%%'.format([1])", &["too many arguments supplied to string.format (expected 0, got 1)"]);
    accepts("'%.3f'.format([1.5])", "string");
    let mut env = env();
    env.syntax.valid_literals = false;
    assert!(compile(&env, "duration('!')").is_ok());
}

#[test]
fn types_that_double_with_every_line_are_stopped() {
    let mut expr = String::from("[1]");
    for _ in 0..60 {
        expr = format!("[{expr}].map(v, {{v: v}})[0]");
    }
    let mut env = env();
    env.syntax.mixed_literals = true;
    rejects_in(&env, &expr, &[super::TOO_COMPLEX]);
}

#[test]
fn long_expressions_are_checked_in_time_that_grows_with_their_length() {
    let list = format!("[{}].size() > 0", vec!["n"; 20_000].join(", "));
    accepts(&list, "bool");
    let names = vec!["variables.total == 1"; 4_000].join(" && ");
    accepts(&names, "bool");
}

#[test]
fn deep_trees_need_little_stack() {
    let nested = |open: &str, middle: &str, close: &str, times: usize| {
        format!("{}{middle}{}", open.repeat(times), close.repeat(times))
    };
    let deep = [
        nested("l.all(v, ", "true", ")", 240),
        nested("l.exists_one(v, ", "true", ")", 240),
        nested("l.map(v, ", "1", ")", 240),
        nested("l.transformMap(i, v, ", "1", ")", 240),
        nested("l.transformMapEntry(i, v, ", "{1: 1}", ")", 240),
        nested("optional.of(1).optFlatMap(v, ", "optional.of(1)", ")", 120),
        nested("[", "1", "]", 240),
        nested("!", "true", "", 240),
        format!("x{}", ".y".repeat(240)),
        vec!["n"; 240].join(" + "),
    ];
    for expr in deep {
        let name: String = expr.chars().take(20).collect();
        let parsed = with_stack(4 * STACK, move || crate::parse(&expr, &env().syntax));
        let parsed = parsed.unwrap_or_else(|issues| panic!("{issues}"));
        let checked = with_stack(STACK, move || check(&env(), parsed));
        let checked = checked.unwrap_or_else(|issues| panic!("{issues}"));
        let cost = with_stack(STACK, move || estimate(&env(), &checked, &NoSizes));
        assert!(cost.max > 0 || name.starts_with('!'), "{name}");
    }
}

fn with_stack<T: Send + 'static>(bytes: usize, run: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(bytes).spawn(run);
    let result = thread.map(std::thread::JoinHandle::join);
    let Ok(Ok(result)) = result else { panic!("the thread did not end well") };
    result
}

/// Half of what threads have, without optimization.
const STACK: usize = 1 << 20;
