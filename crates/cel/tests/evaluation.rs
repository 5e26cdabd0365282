//! What expressions evaluate to, how they fail and what they cost.

#![allow(clippy::unwrap_used)]

use cel::context::BUDGET_DEFAULT;
use cel::{Activation, Context, Env, Fault, Program, Type, Value, standard};
use model::FileId;

/// The document that expressions see as `object`.
const OBJECT: &str = r#"{
    "kind": "Pod", "count": 3, "ratio": 0.5, "none": null,
    "metadata": {"name": "web", "labels": {"app": "shop", "tier": "front"}},
    "spec": {"containers": [
        {"name": "a", "image": "nginx:1", "securityContext": {"privileged": false, "runAsUser": 10}},
        {"name": "b", "image": "busybox"}
    ], "list": [3, 1, 2]}
}"#;

struct Variables<'v>(Value<'v>);

impl<'v> Activation<'v> for Variables<'v> {
    fn variable(&self, slot: usize, _: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        match slot {
            0 => Ok(self.0.clone()),
            _ => Err(Fault::unknown("the missing fact")),
        }
    }
}

fn env() -> Env {
    let mut env = Env::default();
    env.syntax.bind = true;
    env.syntax.mixed_literals = true;
    env.syntax.valid_literals = false;
    env.add(standard::library());
    env.add(standard::optionals());
    env.declare("object", Type::Dyn);
    env.declare("missing", Type::Dyn);
    env
}

fn outcome(expression: &str, check: bool, context: &mut Context<'_>) -> Result<String, String> {
    let env = env();
    let ast = cel::parse(expression, &env.syntax).map_err(|issues| issues.to_string())?;
    let program = if check {
        let checked = cel::check(&env, ast).map_err(|issues| issues.to_string())?;
        Program::new(&env, &checked)
    } else {
        Program::unchecked(&env, &ast)
    };
    let program = program.map_err(|fault| fault.to_string())?;
    let mut outcome = Err(String::from("no document"));
    manifest::documents(OBJECT, FileId(0), |document| {
        let tree = document.unwrap();
        let value = program.eval(&Variables(Value::node(tree.root())), context);
        outcome = value.map(|value| value.literal()).map_err(|fault| fault.to_string());
    });
    outcome
}

/// The expression has this value, checked or not.
#[track_caller]
fn evaluates(expression: &str, text: &str) {
    for check in [true, false] {
        let found = outcome(expression, check, &mut Context::new(BUDGET_DEFAULT));
        assert_eq!(found.as_deref(), Ok(text), "{expression}, checked: {check}");
    }
}

/// The expression fails with this message.
#[track_caller]
fn fails(expression: &str, message: &str) {
    let found = outcome(expression, true, &mut Context::new(BUDGET_DEFAULT));
    assert_eq!(found.as_ref().map_err(String::as_str), Err(message), "{expression}");
}

/// The expression costs this much, whatever it evaluates to.
#[track_caller]
fn costs(expression: &str, units: u64) {
    let mut context = Context::new(BUDGET_DEFAULT);
    let found = outcome(expression, true, &mut context);
    assert_eq!(context.cost, units, "{expression}: {found:?}");
}

#[test]
fn arithmetic_and_its_errors() {
    evaluates("1 + 2 * 3 - 4 / 2 % 3", "5");
    evaluates("1.5 + 2.5", "4.0");
    evaluates("'a' + 'b' + string(1)", "\"ab1\"");
    evaluates("[1] + [2] + []", "[1, 2]");
    evaluates("b'a' + b'b'", "b\"\\141\\142\"");
    fails("9223372036854775807 + 1", "integer overflow");
    fails("0u - 1u", "unsigned integer overflow");
    fails("1 / 0", "division by zero");
    fails("1 % 0", "modulus by zero");
    fails("dyn(1) + 'a'", "no such overload");
    fails("null + dyn(1)", "no such overload: _+_");
    evaluates("timestamp('2023-01-01T00:00:00Z') + duration('24h1s')", "timestamp(\"2023-01-02T00:00:01Z\")");
    evaluates("-object.count", "-3");
}

#[test]
fn equality_and_order() {
    evaluates("dyn(1) == 1.0 || dyn(1) == 'a'", "true");
    evaluates("dyn(1) == dyn(1u)", "true");
    evaluates("double('nan') == double('nan')", "false");
    evaluates("[1, 2] == [1, 2] && {'a': 1} == {'a': 1} && {'a': 1} != {'a': 2}", "true");
    evaluates("1 < 2u && 1u < 1.5 && 'a' < 'b' && false < true && b'a' < b'b'", "true");
    fails("dyn(1) < 'a'", "no such overload");
    fails("null < dyn(1)", "no such overload: _<_");
}

#[test]
fn logic_absorbs_errors() {
    evaluates("1 / 0 == 1 || true", "true");
    evaluates("1 / 0 == 1 && false", "false");
    fails("1 / 0 == 1 || false", "division by zero");
    evaluates("true ? 1 : 1 / 0", "1");
    fails("missing && 1 / 0 == 1", "unknown: the missing fact");
    fails("1 / 0 == 1 && missing", "unknown: the missing fact");
    evaluates("missing || true", "true");
    evaluates("[1, 0].exists(x, 1 / x == 1)", "true");
    fails("[0, 2].all(x, 1 / x == 0)", "division by zero");
    evaluates("[0, 2].all(x, 1 / x == 7)", "false");
}

#[test]
fn selections_from_documents() {
    evaluates("object.metadata.name", "\"web\"");
    evaluates("object.metadata.labels['app'] + object['kind']", "\"shopPod\"");
    evaluates("object.spec.list[1] + object.spec.containers.size()", "3");
    evaluates("has(object.spec.none) || has(object.none)", "true");
    evaluates("object.none == null", "true");
    fails("object.metadata.nope", "no such key: nope");
    fails("object.spec.list[7]", "index out of bounds: 7");
    fails("object.kind.x", "no such key: x");
    evaluates("has(object.kind.x)", "false");
    evaluates("'app' in object.metadata.labels && 'x' in ['x', 'y'] && 2 in object.spec.list", "true");
    evaluates("object.spec.list[?9].orValue(5) + object.?count.orValue(0)", "8");
    evaluates("object.spec.containers.all(c, !c.?securityContext.privileged.orValue(false))", "true");
    evaluates("object.?spec.?nope", "optional.none()");
    evaluates("object.?metadata.name", "optional.of(\"web\")");
    evaluates("has(object.?spec.list) && !has(object.?nope.list)", "true");
}

#[test]
fn comprehensions() {
    evaluates("[1, 2, 3].map(x, x * 2)", "[2, 4, 6]");
    evaluates("[1, 2, 3].map(x, x > 1, x * 2)", "[4, 6]");
    evaluates("[1, 2, 3].filter(x, x > 1)", "[2, 3]");
    evaluates("[1, 2, 3].exists_one(x, x > 2)", "true");
    evaluates("object.metadata.labels.map(k, k)", "[\"app\", \"tier\"]");
    evaluates("[1, 2].map(x, [3, 4].map(y, x * y))", "[[3, 4], [6, 8]]");
    evaluates("[1, 2].all(i, v, v == i + 1)", "true");
    evaluates("cel.bind(x, object.count, x + x)", "6");
    evaluates("object.?metadata.optMap(m, m.name).orValue('')", "\"web\"");
    fails("dyn(1).all(x, true)", "got 'types.Int', expected iterable type");
    fails("[1, 'a'].map(x, x + 1)", "no such overload");
}

/// A branch of a conditional that is an optional loses a nested optional and the nature of types.
#[test]
fn conditionals_take_optionals_apart() {
    evaluates("optional.of('a').optMap(x, optional.of(x))", "optional.of(\"a\")");
    evaluates("optional.of('a').optMap(x, type(x))", "optional.of(\"string\")");
    evaluates("optional.of('a').optMap(x, x + 'b').value()", "\"ab\"");
}

#[test]
fn conversions() {
    evaluates("string(1.0) + string(1e21) + string(0.1) + string(true) + string(1u)", "\"11e+210.1true1\"");
    evaluates("int('-5') + int(5u) + int(2.9)", "2");
    evaluates("uint(7) == 7u && double('1.5') == 1.5 && bool('t')", "true");
    evaluates(
        "string(duration('1h30m')) + string(timestamp('2023-01-01T00:00:00.5Z'))",
        "\"5400s2023-01-01T00:00:00.5Z\"",
    );
    evaluates("bytes('é').size() == 2 && 'é'.size() == 1 && string(b'a') == 'a'", "true");
    evaluates("type(1) == int && type([1]) == list && type(type(1)) == type", "true");
    fails("int(dyn('x'))", "type conversion error from 'string' to 'int'");
    fails("int(1e20)", "integer overflow");
    fails("uint(-1)", "unsigned integer overflow");
}

#[test]
fn texts_and_times() {
    evaluates("string(timestamp('2023-12-31T23:59:59+09:00') + duration('1h'))", "\"2024-01-01T00:59:59+09:00\"");
    evaluates("timestamp('2023-12-31T23:59:59+09:00').getHours()", "14");
    evaluates("'hello'.startsWith('he') && 'hello'.endsWith('lo') && 'hello'.contains('ll')", "true");
    evaluates("'hello'.matches('^h.*o$') && matches('a1', r'\\d') && !'é'.matches('^\\\\w$')", "true");
    evaluates("timestamp('2023-12-25T23:30:00Z').getHours('Asia/Kathmandu')", "5");
    evaluates("timestamp('2023-12-25T23:30:00Z').getDayOfYear()", "358");
    evaluates("duration('90m').getHours()", "1");
    fails("'a'.matches('(')", "error parsing regexp: missing closing ): `(`");
}

#[test]
fn costs_are_those_of_the_tree_as_written() {
    costs("object.metadata.name", 3);
    costs("has(object.metadata.name)", 2);
    costs("object.metadata.name == 'web'", 4);
    costs("'x' in ['x', 'y']", 0);
    costs("object.count in [1, 2]", 2);
    costs("object.spec.list[object.count - 3]", 7);
    costs("[1, 2].all(x, x > 0)", 11);
    costs("[1, 2].map(x, x)", 27);
    costs("object.?nope.orValue(1)", 1);
    costs("true ? object.count : 0", 1);
}

#[test]
fn bombs_stop_within_their_budget() {
    let list = "[1,2,3,4,5,6,7,8,9,10]";
    let bomb = format!("{list}.map(a, {list}.map(b, {list}.map(c, {list}.map(d, {list}.map(e, {list}.map(f, a))))))");
    fails(&bomb, "operation cancelled: actual cost limit exceeded");
    let doubling = (0..40).fold(String::from("'aaaaaaaaaaaaaaaa'"), |text, _| format!("[{text}].map(x, x + x)[0]"));
    let mut context = Context::new(cel::Budget { cost: u64::MAX, bytes: 1 << 20 });
    let found = outcome(&doubling, true, &mut context);
    assert_eq!(found, Err("the expression makes more text, lists and maps than the limit allows".to_owned()));
}
