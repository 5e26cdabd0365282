//! What each macro becomes. Nodes are made in cel-go's order, so that their numbers agree.

use std::sync::Arc;

use super::node::{ACCUMULATOR, Nodes};
use super::{Refusal, ident, natural};
use crate::ast::{Call, Comprehension, Expr, ExprKind, Literal};

type Expanded = Result<Option<Expr>, Refusal>;

/// `has(a.b)`: whether the field is there.
pub(super) fn has(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    let Some(arg) = call.args.pop() else { return Ok(None) };
    match arg.kind {
        ExprKind::Select(select) => Ok(Some(nodes.select(select.operand, select.field, true))),
        _ => nodes.refuse(&arg, "invalid argument to has() macro"),
    }
}

pub(super) fn all(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    quantifier(nodes, call, Quantifier::All)
}

pub(super) fn exists(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    quantifier(nodes, call, Quantifier::Exists)
}

pub(super) fn exists_one(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    quantifier(nodes, call, Quantifier::ExistsOne)
}

pub(super) fn all_two(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    quantifier_two(nodes, call, Quantifier::All)
}

pub(super) fn exists_two(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    quantifier_two(nodes, call, Quantifier::Exists)
}

pub(super) fn exists_one_two(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    quantifier_two(nodes, call, Quantifier::ExistsOne)
}

/// `range.map(x, to)` and `range.map(x, if, to)`
pub(super) fn map(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    let Some(range) = call.target.take() else { return Ok(None) };
    mapping(nodes, range, std::mem::take(&mut call.args)).map(Some)
}

/// `range.filter(x, if)`
pub(super) fn filter(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    let (Some(range), Ok([name, keep])) = (call.target.take(), take_args(call)) else { return Ok(None) };
    let var = variable(nodes, &name, "argument is not an identifier")?;
    let init = nodes.list(Vec::new());
    let condition = nodes.literal(Literal::Bool(true));
    let accu = nodes.accu();
    let added = nodes.list(vec![name]);
    let step = nodes.call("_+_", vec![accu, added]);
    let step = or_accu(nodes, Some(keep), step);
    let result = nodes.accu();
    Ok(Some(fold(nodes, range, (var, None), Parts { init, condition, step, result })))
}

/// `optional.optMap(x, to)`
pub(super) fn opt_map(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    optional(nodes, call, "optMap() variable name must be a simple identifier", true)
}

/// `optional.optFlatMap(x, to)`
pub(super) fn opt_flat_map(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    optional(nodes, call, "optFlatMap() variable name must be a simple identifier", false)
}

/// `list.sortBy(x, key)`: the list is bound to a name, because it is needed twice.
pub(super) fn sort_by(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    let Some(list) = call.target.take() else { return Ok(None) };
    let input: Arc<str> = SORT_INPUT.into();
    let step = nodes.ident(&input);
    if matches!(list.kind, ExprKind::Literal(_) | ExprKind::Map(_) | ExprKind::Struct(_)) {
        let message = "sortBy can only be applied to a list, identifier, comprehension, call or select expression";
        return nodes.refuse(&list, message);
    }
    let range = nodes.copy(&step);
    let keys = mapping(nodes, range, std::mem::take(&mut call.args))?;
    let target = nodes.copy(&step);
    let result = nodes.method("@sortByAssociatedKeys", target, vec![keys]);
    Ok(Some(binding(nodes, input, |_| list, |_| step, |_| result)))
}

/// `cel.bind(x, value, result)`
pub(super) fn bind(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    if !receiver_is(call, "cel") {
        return Ok(None);
    }
    let Ok([name, value, result]) = take_args(call) else { return Ok(None) };
    let Some(var) = ident(&name).cloned() else {
        return nodes.refuse(&name, "cel.bind() variable names must be simple identifiers");
    };
    let step = var.clone();
    Ok(Some(binding(nodes, var, |_| value, |nodes| nodes.ident(&step), |_| result)))
}

/// `range.transformList(i, v, to)` and with a condition.
pub(super) fn transform_list(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    transform(nodes, call, |nodes, _, to| {
        let accu = nodes.accu();
        let added = nodes.list(vec![to]);
        (nodes.call("_+_", vec![accu, added]), ExprKind::List(Box::default()))
    })
}

/// `range.transformMap(k, v, to)` and with a condition.
pub(super) fn transform_map(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    transform(nodes, call, |nodes, key, to| {
        let accu = nodes.accu();
        let key = nodes.ident(key);
        (nodes.call("cel.@mapInsert", vec![accu, key, to]), ExprKind::Map(Vec::new()))
    })
}

/// `range.transformMapEntry(k, v, {k: v})` and with a condition.
pub(super) fn transform_map_entry(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    transform(nodes, call, |nodes, _, to| {
        let accu = nodes.accu();
        (nodes.call("cel.@mapInsert", vec![accu, to]), ExprKind::Map(Vec::new()))
    })
}

/// `math.greatest(…)`
pub(super) fn greatest(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    extreme(nodes, call, "math.greatest()", "math.@max")
}

/// `math.least(…)`
pub(super) fn least(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    extreme(nodes, call, "math.least()", "math.@min")
}

/// `cel.block([…], result)`: each value is bound to its `@index`, for the later ones and the result.
pub(super) fn block(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    if !receiver_is(call, "cel") {
        return Ok(None);
    }
    let Ok([values, result]) = take_args(call) else { return Ok(None) };
    let ExprKind::List(list) = values.kind else {
        return nodes.refuse(&values, "cel.block requires the first arg to be a list literal");
    };
    if list.elements.len() > BLOCK_MAX {
        return Err(Refusal { at: values.id, message: format!("cel.block has more than {BLOCK_MAX} values") });
    }
    let numbered = list.elements.into_iter().enumerate().rev();
    Ok(Some(numbered.fold(result, |result, (index, value)| {
        let name: Arc<str> = format!("@index{index}").into();
        let step = name.clone();
        binding(nodes, name, |_| value, |nodes| nodes.ident(&step), |_| result)
    })))
}

/// `cel.index(0)`
pub(super) fn index(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    let [index] = call.args.as_slice() else { return Ok(None) };
    if !receiver_is(call, "cel") {
        return Ok(None);
    }
    match natural(index) {
        Some(index) => Ok(Some(nodes.ident(&format!("@index{index}").into()))),
        None => nodes.refuse(index, "cel.index requires a single non-negative int constant arg"),
    }
}

/// `cel.iterVar(0, 0)`
pub(super) fn iter_var(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    numbered(nodes, call, "cel.iterVar", "@it")
}

/// `cel.accuVar(0, 0)`
pub(super) fn accu_var(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    numbered(nodes, call, "cel.accuVar", "@ac")
}

/// `proto.getExt(message, name.of.extension)`
pub(super) fn get_extension(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    extension(nodes, call, false)
}

/// `proto.hasExt(message, name.of.extension)`
pub(super) fn has_extension(nodes: &mut Nodes<'_, '_>, call: &mut Call) -> Expanded {
    extension(nodes, call, true)
}

#[derive(Clone, Copy)]
enum Quantifier {
    All,
    Exists,
    ExistsOne,
}

/// The parts of a fold that a macro chooses.
struct Parts {
    init: Expr,
    condition: Expr,
    step: Expr,
    result: Expr,
}

fn quantifier(nodes: &mut Nodes<'_, '_>, call: &mut Call, which: Quantifier) -> Expanded {
    let (Some(range), Ok([name, predicate])) = (call.target.take(), take_args(call)) else { return Ok(None) };
    let var = variable(nodes, &name, "argument must be a simple name")?;
    let parts = quantifier_parts(nodes, which, predicate);
    Ok(Some(fold(nodes, range, (var, None), parts)))
}

fn quantifier_two(nodes: &mut Nodes<'_, '_>, call: &mut Call, which: Quantifier) -> Expanded {
    let (Some(range), Ok([first, second, predicate])) = (call.target.take(), take_args(call)) else { return Ok(None) };
    let (var, var2) = two_variables(nodes, &first, &second)?;
    let parts = quantifier_parts(nodes, which, predicate);
    Ok(Some(fold(nodes, range, (var, Some(var2)), parts)))
}

fn quantifier_parts(nodes: &mut Nodes<'_, '_>, which: Quantifier, predicate: Expr) -> Parts {
    match which {
        Quantifier::All => {
            let init = nodes.literal(Literal::Bool(true));
            let accu = nodes.accu();
            let condition = nodes.call("@not_strictly_false", vec![accu]);
            let accu = nodes.accu();
            let step = nodes.call("_&&_", vec![accu, predicate]);
            Parts { init, condition, step, result: nodes.accu() }
        }
        Quantifier::Exists => {
            let init = nodes.literal(Literal::Bool(false));
            let accu = nodes.accu();
            let not = nodes.call("!_", vec![accu]);
            let condition = nodes.call("@not_strictly_false", vec![not]);
            let accu = nodes.accu();
            let step = nodes.call("_||_", vec![accu, predicate]);
            Parts { init, condition, step, result: nodes.accu() }
        }
        Quantifier::ExistsOne => {
            let init = nodes.literal(Literal::Int(0));
            let condition = nodes.literal(Literal::Bool(true));
            let accu = nodes.accu();
            let one = nodes.literal(Literal::Int(1));
            let more = nodes.call("_+_", vec![accu, one]);
            let step = or_accu(nodes, Some(predicate), more);
            let accu = nodes.accu();
            let one = nodes.literal(Literal::Int(1));
            Parts { init, condition, step, result: nodes.call("_==_", vec![accu, one]) }
        }
    }
}

fn mapping(nodes: &mut Nodes<'_, '_>, range: Expr, args: Vec<Expr>) -> Result<Expr, Refusal> {
    let mut args = args.into_iter();
    let (first, second, third) = (args.next(), args.next(), args.next());
    let (name, keep, to) = match (first, second, third) {
        (Some(name), Some(keep), Some(to)) => (name, Some(keep), to),
        (Some(name), Some(to), None) => (name, None, to),
        _ => return nodes.refuse(&range, "argument is not an identifier"),
    };
    let var = variable(nodes, &name, "argument is not an identifier")?;
    let init = nodes.list(Vec::new());
    let condition = nodes.literal(Literal::Bool(true));
    let accu = nodes.accu();
    let added = nodes.list(vec![to]);
    let step = nodes.call("_+_", vec![accu, added]);
    let step = or_accu(nodes, keep, step);
    let result = nodes.accu();
    Ok(fold(nodes, range, (var, None), Parts { init, condition, step, result }))
}

/// `keep ? step : accumulator`, or just the step.
fn or_accu(nodes: &mut Nodes<'_, '_>, keep: Option<Expr>, step: Expr) -> Expr {
    let Some(keep) = keep else { return step };
    let accu = nodes.accu();
    nodes.call("_?_:_", vec![keep, step, accu])
}

fn transform(
    nodes: &mut Nodes<'_, '_>,
    call: &mut Call,
    make: fn(&mut Nodes<'_, '_>, &Arc<str>, Expr) -> (Expr, ExprKind),
) -> Expanded {
    let Some(range) = call.target.take() else { return Ok(None) };
    let to = call.args.pop();
    let keep = if call.args.len() == 3 { call.args.pop() } else { None };
    let (Ok([first, second]), Some(to)) = (take_args(call), to) else { return Ok(None) };
    let (var, var2) = two_variables(nodes, &first, &second)?;
    let (step, empty) = make(nodes, &var, to);
    let step = or_accu(nodes, keep, step);
    let init = nodes.expr(empty);
    let condition = nodes.literal(Literal::Bool(true));
    let result = nodes.accu();
    Ok(Some(fold(nodes, range, (var, Some(var2)), Parts { init, condition, step, result })))
}

fn optional(nodes: &mut Nodes<'_, '_>, call: &mut Call, refusal: &str, wrap: bool) -> Expanded {
    let (Some(target), Ok([name, to])) = (call.target.take(), take_args(call)) else { return Ok(None) };
    let Some(var) = ident(&name).cloned() else { return nodes.refuse(&name, refusal) };
    // The receiver is used twice; the copy is made of what stands in the test.
    let test = nodes.method("hasValue", target, Vec::new());
    let step = var.clone();
    let value = |nodes: &mut Nodes<'_, '_>| {
        let copy = match &test.kind {
            ExprKind::Call(has) => has.target.as_ref().map(|target| nodes.copy(target)),
            _ => None,
        };
        let copy = copy.unwrap_or_else(|| nodes.literal(Literal::Null));
        nodes.method("value", copy, Vec::new())
    };
    let bound = binding(nodes, var, value, |nodes| nodes.ident(&step), |_| to);
    let some = if wrap { nodes.call("optional.of", vec![bound]) } else { bound };
    let none = nodes.call("optional.none", Vec::new());
    Ok(Some(nodes.call("_?_:_", vec![test, some, none])))
}

/// A fold over nothing, whose accumulator has a name that the result may use.
fn binding<'p, 's>(
    nodes: &mut Nodes<'p, 's>,
    accu: Arc<str>,
    init: impl FnOnce(&mut Nodes<'p, 's>) -> Expr,
    step: impl FnOnce(&mut Nodes<'p, 's>) -> Expr,
    result: impl FnOnce(&mut Nodes<'p, 's>) -> Expr,
) -> Expr {
    let range = nodes.list(Vec::new());
    let init = init(nodes);
    let condition = nodes.literal(Literal::Bool(false));
    let step = step(nodes);
    let result = result(nodes);
    let var = nodes.parser.name("#unused");
    nodes.fold(Comprehension { var, var2: None, range, accu, init, condition, step, result })
}

fn fold(nodes: &mut Nodes<'_, '_>, range: Expr, vars: (Arc<str>, Option<Arc<str>>), parts: Parts) -> Expr {
    let accu = nodes.parser.name(ACCUMULATOR);
    let Parts { init, condition, step, result } = parts;
    nodes.fold(Comprehension { var: vars.0, var2: vars.1, range, accu, init, condition, step, result })
}

fn extreme(nodes: &mut Nodes<'_, '_>, call: &mut Call, name: &str, function: &'static str) -> Expanded {
    if !receiver_is(call, "math") {
        return Ok(None);
    }
    match call.args.as_slice() {
        [] => match &call.target {
            Some(target) => return nodes.refuse(target, format!("{name} requires at least one argument")),
            None => return Ok(None),
        },
        [single] => {
            let numbers = matches!(&single.kind, ExprKind::List(list)
                if !list.elements.is_empty() && list.elements.iter().all(maybe_number));
            if !numbers && !maybe_number(single) {
                return nodes.refuse(single, format!("{name} invalid single argument value"));
            }
        }
        several => {
            if let Some(bad) = several.iter().find(|arg| !maybe_number(arg)) {
                return nodes.refuse(bad, format!("{name} simple literal arguments must be numeric"));
            }
        }
    }
    let mut args = std::mem::take(&mut call.args);
    if args.len() > 2 {
        args = vec![nodes.list(args)];
    }
    Ok(Some(nodes.call(function, args)))
}

/// Whether an argument is a number or something whose type is not yet known.
fn maybe_number(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(literal) => matches!(literal, Literal::Int(_) | Literal::Uint(_) | Literal::Double(_)),
        ExprKind::List(_) | ExprKind::Map(_) | ExprKind::Struct(_) => false,
        _ => true,
    }
}

fn numbered(nodes: &mut Nodes<'_, '_>, call: &mut Call, name: &str, prefix: &str) -> Expanded {
    let [depth, unique] = call.args.as_slice() else { return Ok(None) };
    if !receiver_is(call, "cel") {
        return Ok(None);
    }
    let message = || format!("{name} requires two non-negative int constant args");
    let Some(depth) = natural(depth) else { return nodes.refuse(depth, message()) };
    let Some(unique) = natural(unique) else { return nodes.refuse(unique, message()) };
    Ok(Some(nodes.ident(&format!("{prefix}:{depth}:{unique}").into())))
}

fn extension(nodes: &mut Nodes<'_, '_>, call: &mut Call, test_only: bool) -> Expanded {
    if !receiver_is(call, "proto") {
        return Ok(None);
    }
    let Ok([message, name]) = take_args(call) else { return Ok(None) };
    match dotted(&name) {
        Some(field) if matches!(name.kind, ExprKind::Select(_)) => {
            Ok(Some(nodes.select(message, field.into(), test_only)))
        }
        _ => nodes.refuse(&name, "invalid extension field"),
    }
}

/// `a.b.c` as text.
fn dotted(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Ident(name) => Some(name.to_string()),
        ExprKind::Select(select) if !select.test_only => Some(format!("{}.{}", dotted(&select.operand)?, select.field)),
        _ => None,
    }
}

fn receiver_is(call: &Call, name: &str) -> bool {
    call.target.as_ref().and_then(ident).is_some_and(|receiver| &**receiver == name)
}

/// All arguments, if they are as many.
fn take_args<const N: usize>(call: &mut Call) -> Result<[Expr; N], Vec<Expr>> {
    std::mem::take(&mut call.args).try_into()
}

fn variable(nodes: &Nodes<'_, '_>, name: &Expr, refusal: &str) -> Result<Arc<str>, Refusal> {
    let Some(var) = ident(name) else { return nodes.refuse(name, refusal) };
    not_accumulator(nodes, name, var)?;
    Ok(var.clone())
}

fn two_variables(nodes: &Nodes<'_, '_>, first: &Expr, second: &Expr) -> Result<(Arc<str>, Arc<str>), Refusal> {
    let simple = "argument must be a simple name";
    let Some(var) = ident(first) else { return nodes.refuse(first, simple) };
    let Some(var2) = ident(second) else { return nodes.refuse(second, simple) };
    if var == var2 {
        return nodes.refuse(second, format!("duplicate variable name: {var}"));
    }
    not_accumulator(nodes, first, var)?;
    not_accumulator(nodes, second, var2)?;
    Ok((var.clone(), var2.clone()))
}

/// A variable must not hide the accumulator, by its name of today or of earlier times.
fn not_accumulator(nodes: &Nodes<'_, '_>, at: &Expr, name: &str) -> Result<(), Refusal> {
    if matches!(name, ACCUMULATOR | "__result__") {
        return nodes.refuse(at, "iteration variable overwrites accumulator variable");
    }
    Ok(())
}

/// As many values as cel-go's conformance tests may have in a block; each makes the tree one level deeper.
const BLOCK_MAX: usize = 30;

/// Name under which `sortBy` keeps its list.
const SORT_INPUT: &str = "@__sortBy_input__";
