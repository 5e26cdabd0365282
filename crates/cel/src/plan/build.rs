//! From the syntax tree to steps.

use std::sync::Arc;

use manifest::Key;

use super::{Attribute, EntryNode, Kind, ListNode, MapNode, Node, Program, Qualifier, QualifierKey, Root, StructNode};
use super::{constants, scope::Scope};
use crate::ast::{Ast, Expr, ExprKind, Select};
use crate::checker::{Checked, Reference};
use crate::decl::Env;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::Value;

/// What is known while a program is built.
pub(super) struct Builder<'b> {
    pub(super) env: &'b Env,
    pub(super) checked: Option<&'b Checked>,
    pub(super) scope: Scope,
    depth: usize,
}

/// Builds a program.
pub(super) fn program(env: &Env, ast: &Ast, checked: Option<&Checked>) -> Result<Program, Fault> {
    let mut builder = Builder { env, checked, scope: Scope::default(), depth: 0 };
    let root = builder.node(&ast.root)?;
    Ok(Program { root, locals: builder.scope.slots() })
}

// === impl Builder ===

impl Builder<'_> {
    /// The step of a node.
    pub(super) fn node(&mut self, expr: &Expr) -> Result<Node, Fault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault::LimitExceeded(&"the expression is nested too deeply"));
        }
        let kind = match &expr.kind {
            ExprKind::Literal(literal) => Ok(Kind::Const(constants::literal(literal))),
            ExprKind::Ident(name) => self.ident(expr, name),
            ExprKind::Select(select) => self.select(expr, select),
            ExprKind::Call(call) => self.call(expr, call),
            ExprKind::List(list) => self.list(list),
            ExprKind::Map(entries) => self.map(entries),
            ExprKind::Struct(literal) => self.message(literal),
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension),
        };
        self.depth -= 1;
        Ok(Node { id: expr.id, kind: kind? })
    }

    fn ident(&mut self, expr: &Expr, name: &Arc<str>) -> Result<Kind, Fault> {
        let root = match self.checked.and_then(|checked| checked.reference(expr.id)) {
            Some(Reference::Constant(value)) => return Ok(Kind::Const(value.clone())),
            Some(Reference::Variable(slot)) => Root::Variable(*slot),
            _ => match self.name(name) {
                Named::Root(root) => root,
                Named::Constant(value) => return Ok(Kind::Const(value)),
                Named::Nothing => Root::Missing(name.trim_start_matches('.').into()),
            },
        };
        Ok(Kind::Attribute(Box::new(self.attribute(root, Box::default(), 1))))
    }

    /// What a name means that the checker has not resolved.
    fn name(&self, name: &str) -> Named {
        let global = name.strip_prefix('.');
        if global.is_none()
            && let Some(root) = self.scope.find(name)
        {
            return Named::Root(root);
        }
        let candidates = match global {
            Some(name) => vec![name.to_owned()],
            None => candidates(&self.env.container, name),
        };
        for candidate in candidates {
            if let Some((slot, _)) = self.env.variable(&candidate) {
                return Named::Root(Root::Variable(slot));
            }
            if let Some((_, value)) = self.env.constants.get(candidate.as_str()) {
                return Named::Constant(value.clone());
            }
            if let Some(of) = type_of_name(self.env, &candidate) {
                return Named::Constant(Value::Type(Arc::new(of)));
            }
        }
        Named::Nothing
    }

    fn select(&mut self, expr: &Expr, select: &Select) -> Result<Kind, Fault> {
        if self.checked.is_none()
            && !select.test_only
            && let Some(name) = dotted(expr)
        {
            let first = name.split('.').next().unwrap_or_default();
            if self.scope.find(first).is_none() {
                match self.name(&name) {
                    Named::Root(root) => {
                        return Ok(Kind::Attribute(Box::new(self.attribute(root, Box::default(), 1))));
                    }
                    Named::Constant(value) => return Ok(Kind::Const(value)),
                    Named::Nothing => {}
                }
            }
        }
        let operand = self.node(&select.operand)?;
        let key = QualifierKey::Field(Key::new(select.field.clone()));
        let mut attribute = self.qualified(operand, Qualifier { id: expr.id, key, optional: false });
        if select.test_only {
            attribute.presence = true;
            if !self.env.rules.presence_has_cost {
                // The test as such is free, and takes the price of what is tested with it.
                attribute.cost = 0;
            }
        }
        Ok(Kind::Attribute(Box::new(attribute)))
    }

    fn list(&mut self, list: &crate::ast::ListLiteral) -> Result<Kind, Fault> {
        let items = list.elements.iter().map(|item| self.node(item)).collect::<Result<Box<[_]>, _>>()?;
        let optional = if list.optional.is_empty() {
            Box::default()
        } else {
            (0..items.len() as u32).map(|index| list.optional.contains(&index)).collect()
        };
        let list = ListNode { items, optional };
        let constant = if self.env.rules.unoptimised { None } else { constants::list(&list) };
        Ok(constant.map_or_else(|| Kind::List(Box::new(list)), Kind::Const))
    }

    fn map(&mut self, entries: &[crate::ast::Entry]) -> Result<Kind, Fault> {
        let mut steps = Vec::with_capacity(entries.len());
        for entry in entries {
            let (key, value) = (self.node(&entry.key)?, self.node(&entry.value)?);
            steps.push(EntryNode { key, value, optional: entry.optional });
        }
        let rules = self.env.rules;
        let constant = if rules.unoptimised { None } else { constants::map(&steps, rules.strict_maps) };
        let map = |entries| Kind::Map(Box::new(MapNode { entries, strict: rules.strict_maps }));
        Ok(constant.map_or_else(|| map(steps.into()), Kind::Const))
    }

    fn message(&mut self, literal: &crate::ast::StructLiteral) -> Result<Kind, Fault> {
        let mut name = literal.name.clone();
        if self.checked.is_none() {
            let known = |name: &String| self.env.types.as_ref().is_some_and(|types| types.has(name));
            let found = candidates(&self.env.container, &literal.name).into_iter().find(known);
            name = found.ok_or_else(|| Fault::error(format!("unknown type: {name}")))?.into();
        }
        let mut fields = Vec::with_capacity(literal.fields.len());
        for field in &literal.fields {
            fields.push((field.name.clone(), self.node(&field.value)?, field.optional));
        }
        Ok(Kind::Struct(Box::new(StructNode { name, fields: fields.into(), types: self.env.types.clone() })))
    }

    /// An index (`a[b]`) or an optional selection or index (`a.?b`, `a[?b]`).
    pub(super) fn index(&mut self, expr: &Expr, args: &[Expr], optional: bool) -> Result<Kind, Fault> {
        let [operand, index] = args else { return Err(Fault::no_such_overload()) };
        let (operand, mut index) = (self.node(operand)?, self.node(index)?);
        let key = match index.kind {
            Kind::Const(Value::Str(text)) => QualifierKey::Field(Key::new(text.as_str().into())),
            Kind::Const(value) => QualifierKey::Const(value),
            _ => {
                uncharged(&mut index);
                QualifierKey::Expr(index)
            }
        };
        let qualifier = Qualifier { id: expr.id, key, optional };
        Ok(Kind::Attribute(Box::new(self.qualified(operand, qualifier))))
    }

    fn attribute(&self, root: Root, qualifiers: Box<[Qualifier]>, cost: u64) -> Attribute {
        Attribute { root, qualifiers, cost, presence: false, strict: self.env.rules.strict_presence }
    }

    /// A value with one more selection.
    fn qualified(&self, operand: Node, qualifier: Qualifier) -> Attribute {
        match operand.kind {
            Kind::Attribute(attribute) if !attribute.presence => {
                let mut qualifiers = attribute.qualifiers.into_vec();
                qualifiers.push(qualifier);
                Attribute { qualifiers: qualifiers.into(), ..*attribute }
            }
            // The attribute of a conditional has no price of its own.
            kind => {
                let cost = if matches!(kind, Kind::Conditional(_)) { 0 } else { 1 };
                self.attribute(Root::Expr(Node { id: operand.id, kind }), [qualifier].into(), cost)
            }
        }
    }
}

/// What a name means.
enum Named {
    Root(Root),
    Constant(Value<'static>),
    Nothing,
}

/// As a branch of a conditional or as an index, cel-go reads an attribute without charging for its root, and
/// `has(a.?b.c)` without turning the optional into a boolean.
pub(super) fn uncharged(node: &mut Node) {
    if let Kind::Attribute(attribute) = &mut node.kind {
        attribute.cost = 0;
        if attribute.qualifiers.iter().any(|qualifier| qualifier.optional) {
            attribute.presence = false;
        }
    }
}

/// `a.b.c` as one name.
pub(super) fn dotted(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Ident(name) => Some(name.to_string()),
        ExprKind::Select(select) if !select.test_only => {
            let mut name = dotted(&select.operand)?;
            name.push('.');
            name.push_str(&select.field);
            Some(name)
        }
        _ => None,
    }
}

/// Names that a name may stand for within a container, the innermost first.
pub(super) fn candidates(container: &str, name: &str) -> Vec<String> {
    if let Some(global) = name.strip_prefix('.') {
        return vec![global.to_owned()];
    }
    let mut names = Vec::new();
    let mut prefix = container;
    while !prefix.is_empty() {
        names.push(format!("{prefix}.{name}"));
        prefix = prefix.rsplit_once('.').map_or("", |(outer, _)| outer);
    }
    names.push(name.to_owned());
    names
}

/// Types that have a name in every environment, and message types.
fn type_of_name(env: &Env, name: &str) -> Option<Type> {
    let of = match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "null_type" => Type::Null,
        "type" => Type::of(Type::Dyn),
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "optional_type" => Type::optional(Type::Dyn),
        "google.protobuf.Duration" => Type::Duration,
        "google.protobuf.Timestamp" => Type::Timestamp,
        _ if env.types.as_ref().is_some_and(|types| types.has(name)) => Type::object(name),
        _ => return None,
    };
    Some(of)
}

/// Running a step inside a step takes stack: about a kilobyte and a half in a build without optimisation,
/// so this many fit into half of the two megabytes that threads have. The parser allows half as many levels.
const DEPTH_MAX: usize = 600;
