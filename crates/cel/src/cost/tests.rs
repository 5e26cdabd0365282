//! Figures follow the tables of the field; each comment adds one up.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Path, Range, SizeRange, Sizes, actual, estimate};
use crate::checker::{check, tests::declarations};
use crate::decl::{Env, Library};
use crate::fault::Fault;
use crate::types::Type;
use crate::value::Value;

/// Sizes by path, dots between the steps.
struct Table(HashMap<&'static str, (u64, u64)>);

impl Sizes for Table {
    fn size(&self, path: &Path, _of: &Type) -> Option<SizeRange> {
        let (min, max) = *self.0.get(path.steps().join(".").as_str())?;
        Some(Range { min, max })
    }
}

fn costs(expr: &str, min: u64, max: u64) {
    let mut env = Env::default();
    env.syntax.bind = true;
    env.add(declarations());
    env.add(kubernetes());
    for (name, of) in [
        ("s", Type::String),
        ("n", Type::Int),
        ("l", Type::list(Type::String)),
        ("free", Type::String),
        ("m", Type::map(Type::String, Type::String)),
        ("x", Type::Dyn),
        ("q", Type::opaque("kubernetes.Quantity")),
    ] {
        env.declare(name, of);
    }
    let checked = crate::parse(expr, &env.syntax).and_then(|ast| check(&env, ast));
    let checked = checked.unwrap_or_else(|issues| panic!("{issues}"));
    let sizes = [("s", (0, 40)), ("l", (2, 5)), ("l.@items", (0, 20)), ("m", (0, 8)), ("m.@values", (0, 30))];
    assert_eq!(estimate(&env, &checked, &Table(sizes.into())), Range { min, max }, "{expr}");
}

fn run<'v>(_: &mut crate::Context<'_>, _: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    Ok(Value::Null)
}

fn kubernetes() -> Library {
    let list = Type::list(Type::String);
    Library::default()
        .method("isSorted", "list_string_is_sorted", std::slice::from_ref(&list), Type::Bool, run)
        .method(
            "replace",
            "string_replace_string_string",
            &[Type::String, Type::String, Type::String],
            Type::String,
            run,
        )
        .method("split", "string_split_string_int", &[Type::String, Type::String, Type::Int], list.clone(), run)
        .method("join", "list_join_string", &[list, Type::String], Type::String, run)
        .function("url", "string_to_url", &[Type::String], Type::opaque("kubernetes.URL"), run)
}

#[test]
fn names_and_literals() {
    costs("1", 0, 0);
    costs("n", 1, 1);
    costs("m.a", 2, 2);
    costs("m['a']", 2, 2);
    // Fields of values of unknown type are free until they are looked at.
    costs("x.a.b", 1, 1);
    costs("has(m.a)", 1, 1);
    costs("[1, n]", 11, 11);
    costs("{'a': n}", 31, 31);
}

#[test]
fn calls_of_the_language() {
    // 1 + 1 for the names, 1 for the comparison, more for texts.
    costs("n == n", 3, 3);
    costs("s == free", 3, 6);
    costs("s + s", 2, 10);
    costs("s.contains('abc')", 1, 5);
    // The text is one longer, so that an empty one costs the pattern.
    costs("s.matches('a.b.')", 2, 6);
    costs("n > 1 && n > 2", 2, 4);
    costs("n > 1 ? s : 'x'", 2, 3);
    costs("free == free", 3, 1_844_674_407_370_955_266);
    costs("dyn(n) == x", 4, 4);
}

#[test]
fn walks_cost_what_a_turn_costs_for_every_turn() {
    // l, the accumulator and its result; each turn looks at the accumulator twice and compares.
    costs("l.all(v, v == 'abc')", 8, 27);
    costs("[1, 2].map(v, v + 1)", 49, 49);
    costs("l.map(v, v + s).filter(v, size(v) > 1)", 59, 203);
    costs("cel.bind(v, s, v + v)", 13, 21);
}

#[test]
fn functions_of_kubernetes() {
    costs("l.isSorted()", 3, 16);
    costs("s.replace('ab', 'abcd')", 1, 9);
    costs("s.replace('ab', 'abcd') == free", 3, 18);
    costs("s.split(',', 3)", 1, 9);
    costs("s.split(',', 3).map(v, 1)", 12, 56);
    costs("l.join(', ')", 2, 12);
    costs("url(s) == url(s)", 3, 14);
    costs("q == q", 3, 3);
}

fn did_cost(function: &str, overload: Option<&str>, args: &[Value<'_>], result: &Value<'_>) -> u64 {
    actual(function, overload)(args, result)
}

#[test]
fn calls_cost_what_they_walked_through() {
    let (long, short) = (Value::string("é".repeat(40)), Value::str("abc"));
    let none = Value::Null;
    assert_eq!(did_cost("_+_", Some("add_string"), &[long.clone(), short.clone()], &none), 5);
    assert_eq!(did_cost("_+_", None, &[long.clone(), short.clone()], &none), 1);
    assert_eq!(did_cost("_==_", Some("equals"), &[long.clone(), short.clone()], &none), 1);
    assert_eq!(did_cost("contains", Some("contains_string"), &[long.clone(), short.clone()], &none), 4);
    assert_eq!(did_cost("matches", Some("matches_string"), &[long.clone(), short.clone()], &none), 5);
    assert_eq!(did_cost("size", Some("size_string"), std::slice::from_ref(&long), &none), 1);
    assert_eq!(did_cost("check", Some("resourcecheck_check"), &[], &none), 350_000);
    assert_eq!(did_cost("fieldSelector", None, &[none.clone(), Value::str("a=b,c=d")], &none), 211);
    let list = Value::list(Arc::from([long.clone(), short.clone()]));
    assert_eq!(did_cost("isSorted", None, std::slice::from_ref(&list), &none), 8);
    assert_eq!(did_cost("sort", Some("list_string_sort"), std::slice::from_ref(&list), &none), 19);
    assert_eq!(did_cost("join", None, &[list], &long), 8);
    let optional = Value::some(long);
    assert_eq!(did_cost("_==_", Some("equals"), &[optional.clone(), optional], &none), 4);
}
