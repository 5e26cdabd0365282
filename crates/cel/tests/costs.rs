//! What expressions cost: by estimate, and when they run, as kube-apiserver counts it and as cel-go does without
//! optimisation. The second is what tables of costs usually show. The figures are those of cel-go and
//! kube-apiserver 1.36.

#![allow(clippy::unwrap_used)]

use cel::context::BUDGET_DEFAULT;
use cel::cost::{Path, Range, SizeRange, Sizes, estimate};
use cel::{Activation, Context, Env, Fault, Program, Type, Value};
use model::FileId;

/// Values of the variables, which have the same names.
const DOCUMENT: &str = r#"{
    "s": "a text of thirty-one characters", "n": 3,
    "l": ["one", "two", "three"], "ln": [3, 1, 2],
    "m": {"app": "shop", "tier": "front"},
    "x": {"name": "web", "ports": [{"p": 80}, {"p": 443}]}
}"#;

/// Sizes that are known of the variables, by path.
const SIZES: [(&str, u64, u64); 8] = [
    ("s", 0, 40),
    ("l", 2, 5),
    ("l.@items", 0, 20),
    ("ln", 0, 9),
    ("m", 1, 8),
    ("m.@values", 0, 30),
    ("m.@keys", 1, 10),
    ("by", 0, 100),
];

struct Known;

impl Sizes for Known {
    fn size(&self, path: &Path, _: &Type) -> Option<SizeRange> {
        let path = path.steps().join(".");
        let (_, min, max) = SIZES.iter().find(|(known, ..)| *known == path)?;
        Some(Range { min: *min, max: *max })
    }
}

struct Variables<'v>(Vec<Value<'v>>);

impl<'v> Activation<'v> for Variables<'v> {
    fn variable(&self, slot: usize, _: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        self.0.get(slot).cloned().ok_or_else(|| Fault::error("no such attribute(s)"))
    }
}

fn env() -> Env {
    let mut env = cel::library::kubernetes((1, 36));
    let text = || Type::String;
    for (name, of) in [
        ("s", text()),
        ("n", Type::Int),
        ("l", Type::list(text())),
        ("ln", Type::list(Type::Int)),
        ("m", Type::map(text(), text())),
        ("x", Type::Dyn),
        ("by", Type::Bytes),
        ("ts", Type::Timestamp),
    ] {
        env.declare(name, of);
    }
    env
}

fn spent(env: &Env, expression: &str) -> u64 {
    let checked = cel::check(env, cel::parse(expression, &env.syntax).unwrap()).unwrap();
    let program = Program::new(env, &checked).unwrap();
    let mut context = Context::new(BUDGET_DEFAULT);
    manifest::documents(DOCUMENT, FileId(0), |document| {
        let tree = document.unwrap();
        let root = tree.root();
        let mut values: Vec<_> =
            ["s", "n", "l", "ln", "m", "x"].into_iter().map(|name| Value::node(root.field(name).unwrap())).collect();
        values.push(Value::Bytes((1..=15).collect::<Vec<u8>>().into()));
        values.push(Value::Timestamp(cel::standard::parse_timestamp("2024-05-06T07:08:09Z").unwrap()));
        _ = program.eval(&Variables(values), &mut context);
    });
    context.cost
}

/// Each expression with its estimate, its cost in kube-apiserver and its cost without optimisation.
fn check(rows: &[(&str, [u64; 2], u64, u64)]) {
    let optimised = env();
    let mut plain = env();
    plain.rules.unoptimised = true;
    plain.rules.presence_has_cost = true;
    for (expression, [min, max], server, table) in rows {
        let checked = cel::check(&optimised, cel::parse(expression, &optimised.syntax).unwrap()).unwrap();
        let range = estimate(&optimised, &checked, &Known);
        assert_eq!(range, Range { min: *min, max: *max }, "estimate of {expression}");
        assert_eq!(spent(&optimised, expression), *server, "cost of {expression}");
        assert_eq!(spent(&plain, expression), *table, "cost without optimisation of {expression}");
    }
}

#[test]
fn the_language_cost() {
    check(&[
        ("s == 'short'", [2, 2], 2, 2),
        ("s + 'x' + string(n)", [5, 1_844_674_407_370_955_272], 11, 11),
        ("s.contains('thirty') || s.startsWith('b')", [1, 7], 5, 5),
        ("s.matches('^[a-z -]+$')", [4, 16], 13, 13),
        ("s.matches(s)", [2, 52], 34, 34),
        ("n in [1, 2, 3]", [14, 14], 1, 14),
        ("n in ln", [2, 11], 5, 5),
        ("'app' in m", [2, 2], 2, 2),
        ("m['app'] == m.tier", [5, 7], 5, 5),
        ("has(x.name) && has(x.nope)", [1, 2], 2, 4),
        ("x.?nope.orValue('z')", [3, 3], 1, 1),
        ("x.ports[0].p > n", [4, 4], 6, 6),
        ("size(s) + size(l) + size(m)", [8, 8], 8, 8),
        ("by + b'12345678901234567890'", [3, 13], 5, 5),
        ("string(by) == s", [3, 16], 6, 6),
        ("s < 'b' && by < b'zz'", [2, 4], 4, 4),
        ("ts + duration('90m') > timestamp('2024-01-01T00:00:00Z')", [5, 5], 3, 5),
        ("ts.getHours('UTC') == 7", [3, 3], 3, 3),
        ("n > 2 ? s : 'nothing'", [2, 3], 2, 2),
        ("type(n) == int", [4, 1_844_674_407_370_955_267], 3, 3),
        ("double(n) / 2.0 + 1.5", [4, 4], 4, 4),
        ("[n, n + 1, 7]", [13, 13], 13, 13),
        ("[1, 2, 3]", [10, 10], 0, 10),
        ("{'a': n, 'b': 1}", [31, 31], 31, 31),
        ("{'a': 1}", [30, 30], 0, 30),
        ("[]", [10, 10], 0, 10),
        ("-n % 2", [3, 3], 3, 3),
        ("!(n == 3)", [3, 3], 3, 3),
    ]);
}

#[test]
fn loops_cost() {
    check(&[
        ("l.all(i, i != '')", [8, 22], 14, 14),
        ("l.exists(i, i == 'two')", [10, 32], 17, 17),
        ("l.exists_one(i, i == 'two')", [9, 23], 11, 11),
        ("l.map(i, i + '!')", [40, 92], 44, 54),
        ("l.map(i, 1)", [36, 72], 8, 48),
        ("l.filter(i, i.size() > 3)", [20, 92], 24, 34),
        ("l.map(i, i != 'one', i)", [18, 87], 34, 44),
        ("m.all(k, k != '')", [5, 34], 10, 10),
        ("x.ports.exists(p, p.p == 443)", [2, u64::MAX], 17, 17),
        ("ln.map(i, ln.map(j, i * j))", [12, 1443], 179, 219),
        ("l.transformList(i, v, v + string(i))", [42, 9_223_372_036_854_776_407], 50, 60),
        ("l.transformMap(i, v, v)", [40, 52], 14, 44),
        ("m.transformMapEntry(k, v, {v: k})", [66, 304], 70, 100),
        ("ln.all(i, v, i < 5 && v < 5)", [2, 65], 23, 23),
        ("[1, 2, 3].map(i, i * 2)", [63, 63], 43, 63),
        ("l.existsOne(i, v, v == 'two')", [9, 23], 11, 11),
        ("l.map(i, [i])", [58, 127], 71, 81),
    ]);
}

#[test]
fn lists_cost() {
    check(&[
        ("ln.sum() + ln.max() + ln.min()", [5, 32], 14, 14),
        ("ln.isSorted()", [1, 10], 4, 4),
        ("l.indexOf('two') + l.lastIndexOf('two')", [7, 33], 3, 3),
        ("ln.sort()", [12, 174], 30, 30),
        ("l.distinct()", [20, 62], 30, 30),
        ("l.reverse()", [14, 17], 15, 15),
        ("l.slice(0, 2)", [14, 14], 14, 14),
        ("[l, l].flatten()", [25, 25], 25, 25),
        ("lists.range(5)", [16, 16], 16, 16),
        ("l.sortBy(i, i.size())", [71, 155], 75, 95),
        ("sets.contains(ln, [1])", [12, 21], 5, 15),
        ("sets.intersects(ln, [1, 2])", [12, 30], 8, 18),
        ("sets.equivalent(ln, [1, 2, 3])", [12, 66], 20, 30),
        ("l.join(', ')", [2, 12], 4, 4),
    ]);
}

#[test]
fn texts_cost() {
    check(&[
        ("s.find('t[a-z]+')", [3, 11], 9, 9),
        ("s.findAll('t[a-z]+', 2)", [3, 11], 9, 9),
        ("s.lowerAscii()", [1, 5], 5, 5),
        ("s.upperAscii() == s", [3, 10], 10, 10),
        ("s.trim()", [1, 5], 5, 5),
        ("s.replace('text', 'word')", [1, 9], 8, 8),
        ("s.split(' ')", [1, 9], 8, 8),
        ("s.substring(2, 6)", [1, 5], 5, 5),
        ("s.charAt(3)", [2, 2], 2, 2),
        ("s.indexOf('o')", [1, 5], 4, 4),
        ("s.lastIndexOf('o')", [1, 5], 4, 4),
        ("'%s is %d'.format([s, n])", [13, 13], 13, 13),
        ("strings.quote(s)", [1, 5], 5, 5),
    ]);
}

#[test]
fn kubernetes_cost() {
    check(&[
        ("quantity('1500m').isGreaterThan(quantity('1'))", [3, 3], 3, 3),
        ("quantity('1Gi').add(quantity('1Mi')).asApproximateFloat()", [4, 4], 4, 4),
        ("isQuantity(s)", [1, 5], 5, 5),
        ("quantity('1') == quantity('1000m')", [3, 3], 3, 3),
        ("url('https://example.com:443/a?b=c').getHost()", [4, 4], 4, 4),
        ("isURL(s)", [2, 2], 2, 2),
        ("ip('10.1.2.3').isLoopback()", [2, 2], 2, 2),
        ("ip.isCanonical('10.1.2.3')", [2, 2], 2, 2),
        ("isIP(s)", [1, 5], 5, 5),
        ("cidr('10.0.0.0/8').containsIP('10.1.2.3')", [3, 6], 3, 3),
        ("cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16'))", [6, 10], 6, 6),
        ("cidr('10.0.0.0/8').masked().prefixLength()", [3, 3], 3, 3),
        ("ip('10.1.2.3') == ip('10.1.2.4')", [3, 3], 3, 3),
        ("semver('1.2.3').isLessThan(semver('1.10.0'))", [3, 3], 3, 3),
        ("isSemver(s)", [1, 5], 5, 5),
        ("!format.dns1123Label().validate(s).hasValue()", [4, 132], 36, 36),
        ("format.named('uuid').hasValue()", [2, 2], 2, 2),
    ]);
}

#[test]
fn failures_cost() {
    check(&[
        ("1 / 0 == n || true", [3, 3], 3, 3),
        ("1 / 0 == n || false", [3, 3], 3, 3),
        ("x.nope == 'a'", [2, 2], 3, 3),
        ("x.ports[5].p", [2, 2], 3, 3),
        ("int(s) > 1", [3, 3], 3, 3),
        ("dyn(s) + n", [4, 4], 4, 4),
        ("l.all(i, int(i) > 0)", [8, 32], 20, 20),
        ("[1 / 0].sum()", [12, 12], 12, 12),
        ("s.substring(40)", [1, 5], 5, 5),
        ("m[s]", [3, 3], 2, 2),
    ]);
}
