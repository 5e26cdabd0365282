//! The libraries through parser, checker and evaluator. Cases of one library share its function.

use crate::context::{Activation, BUDGET_DEFAULT, Budget, Context};
use crate::decl::Env;
use crate::fault::Fault;
use crate::plan::Program;
use crate::value::Value;

struct Nothing;

impl<'v> Activation<'v> for Nothing {
    fn variable(&self, _: usize, _: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        Err(Fault::error("there are no variables"))
    }
}

fn outcome(env: &Env, expr: &str, budget: Budget) -> Result<String, String> {
    let ast = crate::parse(expr, &env.syntax).map_err(|issues| issues.to_string())?;
    let checked = crate::check(env, ast).map_err(|issues| issues.to_string())?;
    let program = Program::new(env, &checked).map_err(|fault| fault.to_string())?;
    let mut context = Context::new(budget);
    program.eval(&Nothing, &mut context).map(|value| value.literal()).map_err(|fault| fault.to_string())
}

fn evaluates(expr: &str, text: &str) {
    assert_eq!(outcome(&super::kubernetes((1, 36)), expr, BUDGET_DEFAULT).as_deref(), Ok(text), "{expr}");
}

fn fails(expr: &str, message: &str) {
    let outcome = outcome(&super::kubernetes((1, 36)), expr, BUDGET_DEFAULT);
    assert_eq!(outcome.as_ref().map_err(String::as_str), Err(message), "{expr}");
}

/// In the environment of CEL's own tests.
fn evaluates_latest(expr: &str, text: &str) {
    assert_eq!(outcome(&super::conformance(), expr, BUDGET_DEFAULT).as_deref(), Ok(text), "{expr}");
}

fn fails_latest(expr: &str, message: &str) {
    let outcome = outcome(&super::conformance(), expr, BUDGET_DEFAULT);
    assert_eq!(outcome.as_ref().map_err(String::as_str), Err(message), "{expr}");
}

#[test]
fn strings_count_code_points() {
    evaluates("'köder'.charAt(1)", "\"ö\"");
    evaluates("'köder'.charAt(5)", "\"\"");
    fails("'köder'.charAt(6)", "index out of range: 6");
    evaluates("'köder'.substring(1, 3)", "\"öd\"");
    fails("'köder'.substring(3, 1)", "invalid substring range. start: 3, end: 1");
    fails("'köder'.substring(9)", "index out of range: 9");
    evaluates("'öläöl'.indexOf('öl', 1)", "3");
    evaluates("'öläöl'.lastIndexOf('öl', 2)", "0");
    evaluates("'abc'.indexOf('', 9)", "9");
    fails_latest("'abc'.indexOf('', 9)", "index out of range: 9");
    evaluates("'a-b-c'.split('-', 2)", "[\"a\", \"b-c\"]");
    evaluates("'öl'.split('')", "[\"ö\", \"l\"]");
    evaluates("'öl'.replace('', '_')", "\"_ö_l_\"");
    evaluates("'aaa'.replace('a', 'bb', 2)", "\"bbbba\"");
    evaluates("['a', 'b'].join('/')", "\"a/b\"");
    fails("[dyn('a'), dyn(1)].join()", "join: invalid input: 1");
    evaluates("'\\u00a0 x\\u2003'.trim()", "\"x\"");
    evaluates("'ÄbC'.lowerAscii()", "\"Äbc\"");
    evaluates("strings.quote('a\"\\n')", r#""\"a\\\"\\n\"""#);
    evaluates_latest("'löwe'.reverse()", "\"ewöl\"");
}

#[test]
fn format_writes_for_readers_of_english_up_to_version_3() {
    evaluates("'%f %.1f'.format([1234567.5, -0.25])", "\"1,234,567.500000 -0.2\"");
    evaluates("'%e'.format([1234.5])", "\"1.234500×10⁰³\"");
    evaluates("'%f'.format(['-Infinity'])", "\"-∞\"");
    evaluates("'%s'.format([[1.5, 'a\\n', {'b': 1, 'a': true}]])", r#""[1.500000, \"a\\n\", {\"a\":true, \"b\":1}]""#);
    evaluates("'%x %X %o %b %%'.format([255, 'hi', 8, -5])", "\"ff 6869 10 -101 %\"");
    fails(
        "'%d'.format([dyn(1.5)])",
        "error during formatting: decimal clause can only be used on integers, was given double",
    );
    evaluates_latest("'%d %f %e'.format([1.5, 1234, 1234.5])", "\"1.5 1234.000000 1.234500e+03\"");
    evaluates_latest("'%s'.format([{'b': 1, 'a': [1.5, 'x']}])", "\"{a: [1.5, x], b: 1}\"");
    fails_latest(
        "'%.101f'.format([1.0])",
        "could not parse formatting clause: error while parsing precision: precision 101 exceeds maximum allowed precision 100",
    );
}

#[test]
fn numbers() {
    evaluates_latest("math.greatest(1, 2.5, 2u)", "2.5");
    evaluates_latest("math.least([3, -1])", "-1");
    evaluates_latest("math.round(-2.5)", "-3.0");
    evaluates_latest("math.sign(-0.0)", "0.0");
    evaluates_latest("math.bitShiftRight(-1, 60)", "15");
    evaluates_latest("math.bitShiftLeft(1, 64)", "0");
    fails_latest("math.bitShiftLeft(1, -1)", "math.bitShiftLeft() negative offset: -1");
    fails_latest("math.abs(-9223372036854775808)", "integer overflow");
    evaluates_latest("math.sqrt(49)", "7.0");
}

#[test]
fn lists_and_sets() {
    evaluates("[3, 1, 2].sort()", "[1, 2, 3]");
    evaluates("['bb', 'a'].sortBy(s, size(s))", "[\"a\", \"bb\"]");
    evaluates("[1, 2, 1, 3].distinct()", "[1, 2, 3]");
    evaluates("[[1], [2, 3]].flatten()", "[1, 2, 3]");
    evaluates("lists.range(3)", "[0, 1, 2]");
    evaluates("[1, 2, 3].slice(1, 3)", "[2, 3]");
    fails("[1].slice(0, 2)", "cannot slice(0, 2), list is length 1");
    evaluates("[1, 2, 3].sum() + [1, 2, 3].max()", "9");
    evaluates("[1, 2, 2].lastIndexOf(2)", "2");
    evaluates("['a', 'b'].isSorted()", "true");
    evaluates("[1, 2].filter(i, i > 5).sum()", "0");
    fails("[1].filter(i, i > 5).min()", "min called on empty list");
    evaluates("sets.contains([1, 2, 3], [3, 1])", "true");
    evaluates("sets.equivalent([1, 1], [1])", "true");
    evaluates("sets.intersects([[1]], [[1], [2]])", "true");
}

#[test]
fn patterns() {
    evaluates("'abc 123'.find('[0-9]+')", "\"123\"");
    evaluates("'123 abc 456'.findAll('[0-9]+', 1)", "[\"123\"]");
    evaluates("'ab'.findAll('x*')", "[\"\", \"\", \"\"]");
    fails("'a'.find(['('][0])", "Illegal regex: error parsing regexp: missing closing ): `(`");
    evaluates_latest("regex.replace('foo bar', '(fo)o (ba)r', '\\\\2 \\\\1')", "\"ba fo\"");
    evaluates_latest("regex.extract('id:7', 'id:(\\\\d)')", "optional.of(\"7\")");
    evaluates_latest("regex.extractAll('a1 a2', 'a\\\\d')", "[\"a1\", \"a2\"]");
    fails_latest("regex.extract('', '()()')", "regular expression has more than one capturing group: \"()()\"");
}

#[test]
fn types_of_kubernetes() {
    evaluates("quantity('1.5Gi').compareTo(quantity('1536Mi'))", "0");
    evaluates("quantity('50k').add(20).asInteger()", "50020");
    evaluates("quantity('1').sub(quantity('1m')).asApproximateFloat()", "0.999");
    evaluates("quantity('1e1000000000').isGreaterThan(quantity('1'))", "true");
    fails(
        "quantity('10 Mo')",
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
    evaluates("quantity('0').add(1) == quantity('1')", "true");
    fails("quantity('1') == quantity('0').add(1)", "no such overload");
    fails("ip('::1') == dyn('::1')", "no such overload");
    evaluates("dyn('::1') == ip('::1')", "false");
    evaluates("semver('v1.2', true).compareTo(semver('1.2.0'))", "0");
    evaluates("semver('1.0.0-alpha.9').isLessThan(semver('1.0.0-alpha.10'))", "true");
    fails("semver('01.0.0')", "Major number must not contain leading zeroes \"01\"");
    evaluates("cidr('10.0.0.0/8').containsIP('10.9.8.7')", "true");
    fails("cidr('10.0.0.0/8').containsIP('ten')", "no such overload");
    evaluates("string(cidr('2001:db8:1::/32').masked())", "\"2001:db8::/32\"");
    evaluates("ip.isCanonical('2001:DB8::1')", "false");
    fails("ip('::ffff:1.2.3.4')", "IPv4-mapped IPv6 address \"::ffff:1.2.3.4\" is not allowed");
    fails(
        "ip('1.2.3')",
        "IP Address \"1.2.3\" parse error during conversion from string: ParseAddr(\"1.2.3\"): IPv4 address too short",
    );
    evaluates("url('https://user:pw@[::1]:80/a%2Fb?q=1&q=2#f').getHostname()", "\"::1\"");
    evaluates("url('https://example.com/a%2Fb?q=1&q=2').getQuery()", "{\"q\": [\"1\", \"2\"]}");
    evaluates("isURL('../a')", "false");
    evaluates("format.dns1123Label().validate('my-name')", "optional.none()");
    evaluates("format.named('labelValue').value().validate('a b').hasValue()", "true");
    evaluates("format.named('no such').hasValue()", "false");
}

#[test]
fn maps_of_two_variables() {
    evaluates("[1, 2].transformMap(i, v, v * 2)", "{0: 2, 1: 4}");
    fails("[1, 1].transformMapEntry(i, v, {v: i})", "insert failed: key 1 already exists");
}

#[test]
fn bytes_in_text_and_back() {
    evaluates_latest("base64.encode(b'hello')", "\"aGVsbG8=\"");
    evaluates_latest("string(base64.decode('aGVsbG8'))", "\"hello\"");
    fails_latest("base64.decode('a===')", "illegal base64 data at input byte 1");
}

/// What would take gigabytes ends at the budget before the memory is taken.
#[test]
fn bombs_end_within_the_budget() {
    let budget = Budget { cost: u64::MAX / 2, bytes: 1 << 20 };
    let env = super::kubernetes((1, 36));
    let ten = "'aaaaaaaaaa'";
    let square = |text: &str| format!("{text}.replace('a', {text})");
    let bomb = (0..5).fold(ten.to_owned(), |text, _| square(&text));
    for expr in [
        "lists.range(1000000000)".to_owned(),
        bomb,
        format!("lists.range(20000).map(i, {ten}).join({})", square(&square(ten))),
        "'%.255f'.format([1.0]).split('').map(c, '%.255f'.format([1.0]).split('').map(d, '%.255f'.format([1.0])))"
            .to_owned(),
    ] {
        let outcome = outcome(&env, &expr, budget);
        assert_eq!(
            outcome,
            Err("the expression makes more text, lists and maps than the limit allows".to_owned()),
            "{expr:.60}"
        );
    }
    let poor = Budget { cost: 1000, bytes: 1 << 30 };
    let outcome = outcome(&env, "lists.range(2000)", poor);
    assert_eq!(outcome, Err("operation cancelled: actual cost limit exceeded".to_owned()));
}

#[test]
fn older_versions_lack_what_came_later() {
    let has = |minor, function: &str| super::kubernetes((1, minor)).functions.contains_key(function);
    for (function, since) in [
        ("path", 27),
        ("quantity", 28),
        ("optional.of", 28),
        ("sets.contains", 29),
        ("strings.quote", 29),
        ("ip", 30),
        ("format.named", 31),
        ("labelSelector", 31),
        ("cel.@mapInsert", 32),
        ("semver", 33),
        ("lists.range", 34),
    ] {
        assert!(!has(since - 1, function) && has(since, function), "{function}");
    }
}
