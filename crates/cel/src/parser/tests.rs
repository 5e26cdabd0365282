//! Trees are compared as text: `name#id`, calls as `name(…)#id`.

use std::fmt::Write as _;

use super::*;
use crate::ast::{ExprKind, Literal};

fn everything() -> Syntax {
    Syntax {
        optionals: true,
        bind: true,
        block: true,
        two_variables: true,
        math: true,
        sort_by: true,
        quoted_fields: true,
        extensions: true,
        mixed_literals: true,
        valid_literals: true,
        strict_scopes: true,
    }
}

/// The tree of an expression, or its errors.
fn read(source: &str) -> String {
    match parse(source, &everything()) {
        Ok(ast) => {
            let mut out = String::new();
            print(&ast.root, &mut out, false);
            out
        }
        Err(issues) => issues.to_string(),
    }
}

fn read_with_ids(source: &str) -> String {
    let mut out = String::new();
    match parse(source, &everything()) {
        Ok(ast) => print(&ast.root, &mut out, true),
        Err(issues) => out = issues.to_string(),
    }
    out
}

fn print(expr: &Expr, out: &mut String, ids: bool) {
    match &expr.kind {
        ExprKind::Literal(Literal::Null) => out.push_str("null"),
        ExprKind::Literal(Literal::Bool(value)) => write!(out, "{value}").unwrap(),
        ExprKind::Literal(Literal::Int(value)) => write!(out, "{value}").unwrap(),
        ExprKind::Literal(Literal::Uint(value)) => write!(out, "{value}u").unwrap(),
        ExprKind::Literal(Literal::Double(value)) => write!(out, "{value:?}").unwrap(),
        ExprKind::Literal(Literal::Str(value)) => write!(out, "{value:?}").unwrap(),
        ExprKind::Literal(Literal::Bytes(value)) => write!(out, "b{value:?}").unwrap(),
        ExprKind::Ident(name) => out.push_str(name),
        ExprKind::Select(select) => {
            print(&select.operand, out, ids);
            write!(out, ".{}{}", select.field, if select.test_only { "~has" } else { "" }).unwrap();
        }
        ExprKind::Call(call) => {
            if let Some(target) = &call.target {
                print(target, out, ids);
                out.push('.');
            }
            out.push_str(&call.function);
            print_all(call.args.iter(), out, ids);
        }
        ExprKind::List(list) => {
            out.push_str("list");
            print_all(list.elements.iter(), out, ids);
            if !list.optional.is_empty() {
                write!(out, "?{:?}", list.optional).unwrap();
            }
        }
        ExprKind::Map(entries) => {
            out.push('{');
            for entry in entries {
                out.push_str(if entry.optional { "?" } else { "" });
                print(&entry.key, out, ids);
                out.push(':');
                print(&entry.value, out, ids);
                if ids {
                    write!(out, "#{}", entry.id).unwrap();
                }
                out.push(',');
            }
            out.push('}');
        }
        ExprKind::Struct(message) => {
            write!(out, "{}{{", message.name).unwrap();
            for field in &message.fields {
                write!(out, "{}{}:", if field.optional { "?" } else { "" }, field.name).unwrap();
                print(&field.value, out, ids);
                out.push(',');
            }
            out.push('}');
        }
        ExprKind::Comprehension(fold) => {
            write!(out, "fold[{}", fold.var).unwrap();
            if let Some(var2) = &fold.var2 {
                write!(out, ",{var2}").unwrap();
            }
            write!(out, ";{}]", fold.accu).unwrap();
            print_all([&fold.range, &fold.init, &fold.condition, &fold.step, &fold.result].into_iter(), out, ids);
        }
    }
    if ids {
        write!(out, "#{}", expr.id).unwrap();
    }
}

fn print_all<'e>(exprs: impl Iterator<Item = &'e Expr>, out: &mut String, ids: bool) {
    out.push('(');
    for (index, expr) in exprs.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        print(expr, out, ids);
    }
    out.push(')');
}

fn check(cases: &[(&str, &str)]) {
    for (source, expect) in cases {
        assert_eq!(read(source), *expect, "{source}");
    }
}

/// The message of the only error, without its place.
fn refused(source: &str) -> String {
    let issues = parse(source, &everything()).map(|_| ()).expect_err(source);
    issues.list().first().map(|issue| issue.message.clone()).unwrap_or_default()
}

#[test]
fn literals() {
    check(&[
        ("-9223372036854775808", "-9223372036854775808"),
        ("0xFF", "255"),
        ("- 0x10", "-16"),
        ("0xFFu", "255u"),
        ("18446744073709551615U", "18446744073709551615u"),
        ("-2.5e-3", "-0.0025"),
        (".5", "0.5"),
        ("1e5", "100000.0"),
        ("--1", "1"),
        ("---1", "-_(1)"),
        ("4--4", "_-_(4, -4)"),
        ("-1u", "-_(1u)"),
        (r#""a\n\x41\u00e9\U0001F600\101\`""#, r#""a\nAé😀A`""#),
        (r#"r"a\n""#, r#""a\\n""#),
        (r#"R'\'"#, r#""\\""#),
        ("'''a'b\n\"c'''", r#""a'b\n\"c""#),
        ("'''a\r\nb\rc'''", r#""a\nb\nc""#),
        (r#"b"\xffé\377""#, "b[255, 195, 169, 255]"),
        (r#"br"\x""#, "b[92, 120]"),
        ("\"\"\"\"\"\"", "\"\""),
        ("true && null", "_&&_(true, null)"),
        ("1 // one\n+ 2", "_+_(1, 2)"),
    ]);
    for (source, expect) in [
        ("9223372036854775808", "invalid int literal"),
        ("-9223372036854775809", "invalid int literal"),
        ("18446744073709551616u", "invalid uint literal"),
        ("1e999", "invalid double literal"),
        (r"'\ud800'", "invalid unicode code point"),
        (r"b'\u00ff'", "unable to unescape string"),
    ] {
        assert_eq!(refused(source), expect, "{source}");
    }
}

#[test]
fn operators_bind_as_they_should() {
    check(&[
        ("a ? b : c ? d : e", "_?_:_(a, b, _?_:_(c, d, e))"),
        ("a + b * c - d % e", "_-_(_+_(a, _*_(b, c)), _%_(d, e))"),
        ("a < b == c in d", "@in(_==_(_<_(a, b), c), d)"),
        ("!!a", "a"),
        ("!!!a.b", "!_(a.b)"),
        ("-a.b(c)[d]", "-_(_[_](a.b(c), d))"),
        ("!-1", "!_(-1)"),
        ("a && b || c && d", "_||_(_&&_(a, b), _&&_(c, d))"),
        ("a || b || c || d || e || f", "_||_(_||_(_||_(a, b), c), _||_(_||_(d, e), f))"),
        ("a && b && c && d && e && f && g", "_&&_(_&&_(_&&_(a, b), _&&_(c, d)), _&&_(_&&_(e, f), g))"),
        ("a.?b[?0].c", "_[?_](_?._(a, \"b\"), 0).c"),
        ("a.`b-c/d e`.for", "a.b-c/d e.for"),
        (".a.b + .c()", "_+_(.a.b, .c())"),
        ("[a, ?b, c,]", "list(a, b, c)?[1]"),
        ("[,]", "list()"),
        ("{a: 1, ?b: 2,}", "{a:1,?b:2,}"),
        ("{,}", "{}"),
        ("a.b.C{d: 1, ?`e-f`: 2,}.g", "a.b.C{d:1,?e-f:2,}.g"),
        (".C{}", ".C{}"),
    ]);
}

#[test]
fn numbers_of_nodes_are_those_of_the_original() {
    for (source, expect) in [
        ("a || b || c", "_||_(_||_(a#1, b#2)#3, c#4)#5"),
        ("a ? b : c", "_?_:_(a#1, b#3, c#4)#2"),
        ("a[1].b(c)", "_[_](a#1, 1#3)#2.b(c#5)#4"),
        ("{a: b}", "{a#3:b#4#2,}#1"),
        ("has(m.f)", "m#2.f~has#4"),
        (
            "m.exists(v, f)",
            "fold[v;@result](m#1, false#5, @not_strictly_false(!_(@result#6)#7)#8, _||_(@result#9, f#4)#10, \
             @result#11)#12",
        ),
        (
            "m.map(v, p, f)",
            "fold[v;@result](m#1, list()#6, true#7, _?_:_(p#4, _+_(@result#8, list(f#5)#9)#10, @result#11)#12, \
             @result#13)#14",
        ),
        (
            "a.optMap(v, v.b)",
            "_?_:_(a#1.hasValue()#6, optional.of(fold[#unused;v](list()#7, a#8.value()#9, false#10, v#11, v#4.b#5)\
             #12)#13, optional.none()#14)#15",
        ),
    ] {
        assert_eq!(read_with_ids(source), expect, "{source}");
    }
}

#[test]
fn macros_become_folds() {
    check(&[
        ("a.all(x, b)", "fold[x;@result](a, true, @not_strictly_false(@result), _&&_(@result, b), @result)"),
        ("a.existsOne(i, x, b)", "fold[i,x;@result](a, 0, true, _?_:_(b, _+_(@result, 1), @result), _==_(@result, 1))"),
        ("a.filter(x, b)", "fold[x;@result](a, list(), true, _?_:_(b, _+_(@result, list(x)), @result), @result)"),
        (
            "a.transformMap(k, v, c, d)",
            "fold[k,v;@result](a, {}, true, _?_:_(c, cel.@mapInsert(@result, k, d), @result), @result)",
        ),
        (
            "a.transformMapEntry(k, v, {v: k})",
            "fold[k,v;@result](a, {}, true, cel.@mapInsert(@result, {v:k,}), @result)",
        ),
        ("a.transformList(k, v, d)", "fold[k,v;@result](a, list(), true, _+_(@result, list(d)), @result)"),
        ("cel.bind(x, a, x)", "fold[#unused;x](list(), a, false, x, x)"),
        ("foo.bind(x, a, x)", "foo.bind(x, a, x)"),
        ("math.greatest(a, b, 1)", "math.@max(list(a, b, 1))"),
        ("math.least([1, 2u])", "math.@min(list(1, 2u))"),
        ("x.greatest('a')", "x.greatest(\"a\")"),
        (
            "cel.block([1, cel.index(0)], cel.iterVar(0, 1))",
            "fold[#unused;@index0](list(), 1, false, @index0, fold[#unused;@index1](list(), @index0, false, @index1, \
             @it:0:1))",
        ),
        ("proto.getExt(m, a.b.c)", "m.a.b.c"),
        (
            "a.b.sortBy(e, -e)",
            "fold[#unused;@__sortBy_input__](list(), a.b, false, @__sortBy_input__, @__sortBy_input__.\
             @sortByAssociatedKeys(fold[e;@result](@__sortBy_input__, list(), true, _+_(@result, list(-_(e))), \
             @result)))",
        ),
    ]);
    for (source, expect) in [
        ("has(a)", "invalid argument to has() macro"),
        ("a.all(b.c, d)", "argument must be a simple name"),
        ("a.map(1, d)", "argument is not an identifier"),
        ("a.map(__result__, d)", "iteration variable overwrites accumulator variable"),
        ("a.all(x, x, d)", "duplicate variable name: x"),
        ("a.optMap(b.c, d)", "optMap() variable name must be a simple identifier"),
        ("math.greatest()", "math.greatest() requires at least one argument"),
        ("math.least('a')", "math.least() invalid single argument value"),
        ("math.least(1, 'a')", "math.least() simple literal arguments must be numeric"),
        ("cel.bind(a.b, 1, 2)", "cel.bind() variable names must be simple identifiers"),
    ] {
        assert_eq!(refused(source), expect, "{source}");
    }
}

#[test]
fn macros_that_are_off_are_calls() {
    let off =
        Syntax { optionals: false, two_variables: false, sort_by: false, quoted_fields: false, ..Syntax::default() };
    assert!(parse("a.all(i, v, b) && a.optMap(x, y) && a.sortBy(x, y) && cel.bind(a, b, c)", &off).is_ok());
    for (source, expect) in [
        ("a.?b", "unsupported syntax '.?'"),
        ("a[?0]", "unsupported syntax '[?'"),
        ("[?a]", "unsupported syntax '?'"),
        ("a.`b`", "unsupported syntax: '`'"),
    ] {
        let issues = parse(source, &off).map(|_| ()).expect_err(source);
        assert_eq!(issues.list()[0].message, expect);
    }
}

/// All errors, without sources and carets, one after the other.
fn errors(source: &str) -> String {
    let printed = parse(source, &everything()).map(|_| ()).expect_err(source).to_string();
    let lines: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("ERROR: <input>:")).collect();
    lines.join("; ").replace(PRIMARY, "{…}")
}

#[test]
fn mistakes_are_told_in_the_words_of_the_original() {
    for (source, expect) in [
        ("", "1:0: Syntax error: mismatched input '<EOF>' expecting {…}"),
        ("a +", "1:4: Syntax error: mismatched input '<EOF>' expecting {…}"),
        ("a b", "1:3: Syntax error: extraneous input 'b' expecting <EOF>"),
        ("a b c", "1:3: Syntax error: mismatched input 'b' expecting <EOF>"),
        ("(a", "1:3: Syntax error: missing ')' at '<EOF>'"),
        ("f(a]", "1:4: Syntax error: mismatched input ']' expecting ')'"),
        ("a ? b", "1:6: Syntax error: mismatched input '<EOF>' expecting ':'"),
        ("a.true", "1:3: Syntax error: mismatched input 'true' expecting IDENTIFIER"),
        ("a.\"b\"", "1:3: Syntax error: no viable alternative at input '.\"b\"'"),
        (
            "a = b",
            "1:3: Syntax error: token recognition error at: '= '; 1:5: Syntax error: extraneous input 'b' expecting <EOF>",
        ),
        (
            "'a",
            "1:1: Syntax error: token recognition error at: ''a'; 1:3: Syntax error: mismatched input '<EOF>' expecting {…}",
        ),
        (
            "*@a | b",
            "1:1: Syntax error: extraneous input '*' expecting {…}; 1:2: Syntax error: token recognition error at: '@'; \
             1:5: Syntax error: token recognition error at: '| '; 1:7: Syntax error: extraneous input 'b' expecting <EOF>",
        ),
        (
            "1 + +",
            "1:5: Syntax error: mismatched input '+' expecting {…}; 1:6: Syntax error: mismatched input '<EOF>' \
             expecting {…}",
        ),
        (
            "f{{a}}",
            "1:3: Syntax error: extraneous input '{' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}; \
             1:5: Syntax error: mismatched input '}' expecting ':'; 1:6: Syntax error: extraneous input '}' expecting <EOF>",
        ),
        ("var == 1", "1:1: reserved identifier: var"),
        (
            "in",
            "1:1: Syntax error: mismatched input 'in' expecting {…}; 1:3: Syntax error: mismatched input '<EOF>' expecting {…}",
        ),
    ] {
        assert_eq!(errors(source), expect, "{source}");
    }
    // Going on after mistakes has an end, too.
    assert!(errors(&format!("{}{}", "((a+".repeat(40), ")*".repeat(100))).len() < 10_000);
    assert!(parse(&"[+".repeat(100), &everything()).is_err());
    assert!(errors(&"] ".repeat(40_000)).len() < 1_000);
}

const PRIMARY: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, \
                       BYTES, IDENTIFIER}";

#[test]
fn hostile_sources_end_with_an_error() {
    let long = |text: &str, count: usize| text.repeat(count);
    for (source, expect) in [
        (long("(", 1 << 20), "expression code point size exceeds limit: size: 1048576, limit 100000"),
        (long("(", 90_000), "expression recursion limit exceeded: 250"),
        (long("[", 90_000), "expression recursion limit exceeded: 250"),
        (long("{", 90_000), "expression recursion limit exceeded: 250"),
        (long("a.map(x,", 10_000), "expression recursion limit exceeded: 250"),
        (long("a ? b : ", 10_000), "expression recursion limit exceeded: 250"),
        (format!("a{}", long(".b", 40_000)), "max recursion depth exceeded"),
        (format!("a{}", long("[0]", 30_000)), "max recursion depth exceeded"),
        (format!("a{}", long("+b", 40_000)), "max recursion depth exceeded"),
        (format!("a{}", long("==b", 30_000)), "max recursion depth exceeded"),
        (
            format!("a{}", long(".optMap(x, x)", 200)),
            "expression is too large after macros are expanded: more than 500000 nodes",
        ),
    ] {
        assert_eq!(refused(&source), expect);
    }
    assert!(parse(&format!("{}a", long("!", 90_000)), &everything()).is_ok());
    assert!(parse(&format!("a{}", long("||a", 30_000)), &everything()).is_ok());
    assert!(parse(&format!("{}a{}", long("(", 249), long(")", 249)), &everything()).is_ok());
    assert!(parse(&format!("a{}", long(".b", 250)), &everything()).is_ok());
    assert_eq!(refused(&format!("a{}", long(".b", 251))), "max recursion depth exceeded");
}

#[test]
fn places_and_texts_of_nodes() {
    let ast = parse(" (a.b + f(1)) * 2", &everything()).unwrap();
    assert_eq!(ast.text(ast.root.id), "(a.b + f(1)) * 2");
    assert_eq!(ast.span(ast.root.id).start, 14);
    let ast = parse("x || [1].all(i, i > 0)", &everything()).unwrap();
    let (id, extent) = ast.macro_calls[0];
    assert_eq!((ast.text(id), extent.start, ast.span(id).start), ("[1].all(i, i > 0)", 5, 12));
}
