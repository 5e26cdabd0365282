//! The estimate of a whole expression, node by node.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{Call, Comprehension, Entry, Expr, ExprId, ExprKind, ListLiteral, Literal, Select};
use crate::checker::Checked;
use crate::cost::calls::Estimate;
use crate::cost::{self, CostRange, Path, Range, SizeRange, Sizes};
use crate::decl::Env;
use crate::types::Type;
use crate::value::code_points;

/// What evaluating an expression may cost, at least and at most.
pub fn estimate(env: &Env, checked: &Checked, sizes: &dyn Sizes) -> CostRange {
    let mut estimator = Estimator {
        env,
        checked,
        sizes,
        paths: HashMap::new(),
        locals: HashMap::new(),
        known: HashMap::new(),
        entries: HashMap::new(),
        names: Names::default(),
    };
    estimator.cost(&checked.ast.root)
}

/// What estimates of calls want to know of an argument.
pub(super) struct Node<'c> {
    pub(super) expr: &'c Expr,
    pub(super) path: Path,
    pub(super) of: &'c Type,
    /// Size that follows from the expression itself.
    pub(super) size: Option<SizeRange>,
}

/// Sizes of what is in a list or map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries {
    is_list: bool,
    key: SizeRange,
    value: SizeRange,
}

impl Entries {
    pub(super) fn union(self, other: Entries) -> Entries {
        Entries { is_list: self.is_list, key: self.key.union(other.key), value: self.value.union(other.value) }
    }
}

struct Local {
    path: Path,
    size: Option<SizeRange>,
    entries: Option<Entries>,
}

/// Steps of paths that are no fields.
struct Names {
    items: Arc<str>,
    indices: Arc<str>,
    keys: Arc<str>,
    values: Arc<str>,
}

pub(super) struct Estimator<'c> {
    env: &'c Env,
    checked: &'c Checked,
    sizes: &'c dyn Sizes,
    paths: HashMap<ExprId, Path>,
    /// Variables of comprehensions; the innermost of a name is the last.
    locals: HashMap<&'c str, Vec<Local>>,
    /// Sizes of results.
    known: HashMap<ExprId, SizeRange>,
    /// Sizes of what is in results.
    entries: HashMap<ExprId, Entries>,
    names: Names,
}

impl<'c> Estimator<'c> {
    fn cost(&mut self, expr: &'c Expr) -> CostRange {
        match &expr.kind {
            ExprKind::Literal(_) => Range::exactly(0),
            ExprKind::Ident(name) => self.cost_ident(expr.id, name),
            ExprKind::Select(select) => self.cost_select(expr.id, select),
            ExprKind::Call(call) => self.cost_call(expr, call),
            ExprKind::List(list) => self.cost_list(expr.id, list),
            ExprKind::Map(entries) => self.cost_map(expr.id, entries),
            ExprKind::Struct(literal) => {
                let fields = literal.fields.iter();
                fields.fold(Range::exactly(cost::STRUCT), |sum, field| sum.plus(self.cost(&field.value)))
            }
            ExprKind::Comprehension(fold) if is_bind(fold) => self.cost_bind(expr, fold),
            ExprKind::Comprehension(fold) => self.cost_comprehension(expr, fold),
        }
    }

    fn cost_ident(&mut self, id: ExprId, name: &Arc<str>) -> CostRange {
        let path = self.local(name).map_or_else(|| Path::root(name), |local| local.path.clone());
        self.paths.insert(id, path);
        Range::exactly(cost::IDENT)
    }

    fn cost_select(&mut self, id: ExprId, select: &'c Select) -> CostRange {
        let operand = self.cost(&select.operand);
        if select.test_only {
            return operand.plus(Range::exactly(self.sizes.presence_has_cost().into()));
        }
        let of = self.checked.type_of(select.operand.id);
        let own = u64::from(matches!(of, Type::Map(..) | Type::Struct(_))) * cost::SELECT;
        let path = self.path(&select.operand).step(&select.field);
        self.paths.insert(id, path);
        operand.plus(Range::exactly(own))
    }

    fn cost_call(&mut self, expr: &'c Expr, call: &'c Call) -> CostRange {
        if let ("dyn", [arg]) = (&*call.function, call.args.as_slice()) {
            // It only turns type checking off.
            let inner = self.cost(arg);
            self.copy_sizes(expr, arg);
            return inner.plus(Range::ONE);
        }
        let mut costs = Vec::with_capacity(call.args.len());
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            costs.push(self.cost(arg));
            args.push(self.node(arg));
        }
        let overloads = self.overload_ids(expr.id, call);
        if overloads.is_empty() {
            return Range::default();
        }
        let mut target_cost = Range::default();
        let target = call.target.as_ref().map(|target| {
            target_cost = self.cost(target);
            self.node(target)
        });
        let mut own = Range::EMPTY;
        let mut size: Option<SizeRange> = None;
        for overload in overloads {
            let estimate = self.call(expr.id, &call.function, overload, target.as_ref(), &args, &costs);
            own = own.union(estimate.cost);
            size = match (size, estimate.size) {
                (Some(size), Some(more)) => Some(size.union(more)),
                (size, more) => size.or(more),
            };
            let step = match overload {
                "index_list" => Some(self.names.items.clone()),
                "index_map" => Some(self.names.values.clone()),
                _ => None,
            };
            if let (Some(step), Some(indexed)) = (step, call.args.first()) {
                size = self.entries_of(indexed).map(|entries| entries.value);
                let path = self.path(indexed).step(&step);
                self.paths.insert(expr.id, path);
            }
            if size.is_none() {
                size = self.size(expr);
            }
        }
        self.set_size(expr.id, size);
        target_cost.plus(own)
    }

    fn overload_ids(&self, id: ExprId, call: &Call) -> Vec<&'static str> {
        if &*call.function == "_?._" {
            return vec!["select_optional_field"];
        }
        let Some(function) = self.env.functions.get(&call.function) else { return Vec::new() };
        let known = self.checked.overloads(id).iter();
        known.filter_map(|index| function.overloads.get(*index as usize)).map(|overload| overload.id).collect()
    }

    fn cost_list(&mut self, id: ExprId, list: &'c ListLiteral) -> CostRange {
        let mut sum = Range::exactly(cost::LIST);
        let mut item = if list.elements.is_empty() { Range::default() } else { Range::EMPTY };
        for element in &list.elements {
            sum = sum.plus(self.cost(element));
            item = item.union(self.size_or_unknown(element));
        }
        self.entries.insert(id, Entries { is_list: true, key: Range::ONE, value: item });
        sum
    }

    fn cost_map(&mut self, id: ExprId, entries: &'c [Entry]) -> CostRange {
        let mut sum = Range::exactly(cost::MAP);
        let none = if entries.is_empty() { Range::default() } else { Range::EMPTY };
        let (mut key, mut value) = (none, none);
        for entry in entries {
            sum = sum.plus(self.cost(&entry.key)).plus(self.cost(&entry.value));
            key = key.union(self.size_or_unknown(&entry.key));
            value = value.union(self.size_or_unknown(&entry.value));
        }
        self.entries.insert(id, Entries { is_list: false, key, value });
        sum
    }

    fn cost_comprehension(&mut self, expr: &'c Expr, fold: &'c Comprehension) -> CostRange {
        let mut sum = self.cost(&fold.range).plus(self.cost(&fold.init));
        self.push_value(&fold.accu, &fold.init);
        self.push_elements(fold);
        let turn = self.cost(&fold.condition).plus(self.cost(&fold.step));
        self.pop(&fold.var);
        if let Some(var2) = &fold.var2 {
            self.pop(var2);
        }
        sum = sum.plus(self.cost(&fold.result));
        self.pop(&fold.accu);
        let turns = self.size_or_unknown(&fold.range);
        sum = sum.plus(turns.times(turn));
        match &fold.init.kind {
            ExprKind::Literal(_) => {
                let size = self.size(&fold.init);
                self.set_size(expr.id, size);
            }
            ExprKind::List(_) | ExprKind::Map(_) => {
                self.set_size(expr.id, Some(turns));
                let entries = self.entries_of(&fold.step);
                self.set_entries(expr.id, entries);
            }
            _ => {}
        }
        sum
    }

    fn cost_bind(&mut self, expr: &'c Expr, fold: &'c Comprehension) -> CostRange {
        let value = self.cost(&fold.range).plus(self.cost(&fold.init));
        self.push_value(&fold.accu, &fold.init);
        let result = self.cost(&fold.result);
        self.pop(&fold.accu);
        self.copy_sizes(expr, &fold.result);
        value.plus(result)
    }

    fn push_value(&mut self, name: &'c str, value: &'c Expr) {
        let path = self.path(value);
        let (size, entries) = (self.size(value), self.entries_of(value));
        self.locals.entry(name).or_default().push(Local { path, size, entries });
    }

    fn push_elements(&mut self, fold: &'c Comprehension) {
        let range = &fold.range;
        let entries = self.entries_of(range);
        let is_list = match entries {
            Some(entries) => entries.is_list,
            None => matches!(self.checked.type_of(range.id), Type::List(_)),
        };
        let (key, value) = (entries.map(|entries| entries.key), entries.map(|entries| entries.value));
        let path = self.path(range);
        let names = &self.names;
        let (of_key, of_value) = if is_list { (&names.indices, &names.items) } else { (&names.keys, &names.values) };
        let first = Local { path: path.step(of_key), size: key, entries: None };
        let second = Local { path: path.step(of_value), size: value, entries: None };
        match &fold.var2 {
            Some(var2) => {
                self.locals.entry(&fold.var).or_default().push(first);
                self.locals.entry(var2).or_default().push(second);
            }
            None => self.locals.entry(&fold.var).or_default().push(if is_list { second } else { first }),
        }
    }

    fn pop(&mut self, name: &str) {
        if let Some(stack) = self.locals.get_mut(name) {
            stack.pop();
        }
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.get(name)?.last()
    }

    fn local_of(&self, expr: &Expr) -> Option<&Local> {
        if let ExprKind::Ident(name) = &expr.kind { self.local(name) } else { None }
    }

    fn path(&self, expr: &Expr) -> Path {
        match self.local_of(expr) {
            Some(local) => local.path.clone(),
            None => self.paths.get(&expr.id).cloned().unwrap_or_default(),
        }
    }

    fn node(&mut self, expr: &'c Expr) -> Node<'c> {
        let path = self.path(expr);
        let is_accumulator = path.steps().first().is_some_and(|first| matches!(&**first, "@result" | "__result__"));
        Node {
            expr,
            path: if is_accumulator { Path::default() } else { path },
            of: self.checked.type_of(expr.id),
            size: self.size(expr),
        }
    }

    /// Size of a node, if anything is known of it.
    pub(super) fn size(&mut self, expr: &Expr) -> Option<SizeRange> {
        if let Some(size) = self.known.get(&expr.id) {
            return Some(*size);
        }
        if let Some(size) = size_of_literal(expr) {
            return Some(size);
        }
        let of = self.checked.type_of(expr.id);
        if let Some(size) = self.sizes.size(&self.path(expr), of) {
            self.known.insert(expr.id, size);
            return Some(size);
        }
        if is_scalar(of) {
            return Some(Range::ONE);
        }
        self.local_of(expr).and_then(|local| local.size)
    }

    pub(super) fn size_or_unknown(&mut self, expr: &Expr) -> SizeRange {
        self.size(expr).unwrap_or(Range::UNKNOWN)
    }

    /// Sizes of what is in the value of a node, if known.
    pub(super) fn entries_of(&self, expr: &Expr) -> Option<Entries> {
        let known = self.entries.get(&expr.id).copied();
        known.or_else(|| self.local_of(expr).and_then(|local| local.entries))
    }

    pub(super) fn set_entries(&mut self, id: ExprId, entries: Option<Entries>) {
        if let Some(entries) = entries {
            self.entries.insert(id, entries);
        }
    }

    fn set_size(&mut self, id: ExprId, size: Option<SizeRange>) {
        if let Some(size) = size {
            self.known.insert(id, size);
        }
    }

    fn copy_sizes(&mut self, to: &Expr, from: &Expr) {
        let (size, entries) = (self.size(from), self.entries_of(from));
        self.set_size(to.id, size);
        self.set_entries(to.id, entries);
    }

    fn call(
        &mut self,
        id: ExprId,
        function: &str,
        overload: &str,
        target: Option<&Node<'c>>,
        args: &[Node<'c>],
        costs: &[CostRange],
    ) -> Estimate {
        self.estimate_call(id, function, overload, target, args, costs)
    }

    /// Size that the environment knows for the elements of a list, by its path.
    pub(super) fn sizes(&self) -> &'c dyn Sizes {
        self.sizes
    }

    /// The step to the elements of a list.
    pub(super) fn items(&self) -> &Arc<str> {
        &self.names.items
    }
}

impl Default for Names {
    fn default() -> Self {
        Names { items: "@items".into(), indices: "@indices".into(), keys: "@keys".into(), values: "@values".into() }
    }
}

/// `cel.bind` is a fold that makes no turn.
fn is_bind(fold: &Comprehension) -> bool {
    let no_turns = matches!(&fold.range.kind, ExprKind::List(list) if list.elements.is_empty());
    no_turns && matches!(fold.condition.kind, ExprKind::Literal(Literal::Bool(false))) && &*fold.accu != "__result__"
}

fn size_of_literal(expr: &Expr) -> Option<SizeRange> {
    let size = match &expr.kind {
        ExprKind::Literal(Literal::Str(text)) => code_points(text),
        ExprKind::Literal(Literal::Bytes(bytes)) => bytes.len() as u64,
        ExprKind::Literal(_) => 1,
        ExprKind::List(list) => list.elements.len() as u64,
        ExprKind::Map(entries) => entries.len() as u64,
        _ => return None,
    };
    Some(Range::exactly(size))
}

/// Whether all values of a type have the same size.
fn is_scalar(of: &Type) -> bool {
    match of {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => true,
        Type::Wrapper(inner) | Type::Optional(inner) => is_scalar(inner),
        _ => false,
    }
}
