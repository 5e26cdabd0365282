//! Nodes that macros make.

use std::sync::Arc;

use super::{NODES_MAX, Parser, Refusal};
use crate::ast::StructLiteral;
use crate::ast::{Call, Comprehension, Entry, Expr, ExprId, ExprKind, Field, ListLiteral, Literal, Select, Span};

/// Makes nodes at the place of a macro's call.
pub(in crate::parser) struct Nodes<'p, 's> {
    pub(super) parser: &'p mut Parser<'s>,
    pub(super) place: Span,
    pub(super) extent: Span,
}

impl Nodes<'_, '_> {
    pub(super) fn expr(&mut self, kind: ExprKind) -> Expr {
        let id = self.parser.id(self.place);
        self.parser.set_extent(id, self.extent);
        Expr { id, kind }
    }

    pub(super) fn literal(&mut self, literal: Literal) -> Expr {
        self.expr(ExprKind::Literal(literal))
    }

    pub(super) fn list(&mut self, elements: Vec<Expr>) -> Expr {
        self.expr(ExprKind::List(Box::new(ListLiteral { elements, optional: Vec::new() })))
    }

    pub(super) fn ident(&mut self, name: &Arc<str>) -> Expr {
        self.expr(ExprKind::Ident(name.clone()))
    }

    /// The accumulator.
    pub(super) fn accu(&mut self) -> Expr {
        let name = self.parser.name(ACCUMULATOR);
        self.expr(ExprKind::Ident(name))
    }

    pub(super) fn call(&mut self, function: &'static str, args: Vec<Expr>) -> Expr {
        let function = self.parser.name(function);
        self.expr(ExprKind::Call(Box::new(Call { function, target: None, args })))
    }

    pub(super) fn method(&mut self, function: &'static str, target: Expr, args: Vec<Expr>) -> Expr {
        let function = self.parser.name(function);
        self.expr(ExprKind::Call(Box::new(Call { function, target: Some(target), args })))
    }

    pub(super) fn select(&mut self, operand: Expr, field: Arc<str>, test_only: bool) -> Expr {
        self.expr(ExprKind::Select(Box::new(Select { operand, field, test_only })))
    }

    pub(super) fn fold(&mut self, fold: Comprehension) -> Expr {
        self.expr(ExprKind::Comprehension(Box::new(fold)))
    }

    pub(super) fn refuse<T>(&self, at: &Expr, message: impl Into<String>) -> Result<T, Refusal> {
        Err(Refusal { at: at.id, message: message.into() })
    }

    /// A copy with new numbers, at the places of the original.
    pub(super) fn copy(&mut self, expr: &Expr) -> Expr {
        if self.parser.spans.len() > NODES_MAX {
            // What is left out is never seen: an expression this large is refused.
            self.parser.report_size();
            return self.literal(Literal::Null);
        }
        let id = self.copy_id(expr.id);
        let kind = match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Ident(_) => expr.kind.clone(),
            ExprKind::Select(select) => ExprKind::Select(Box::new(Select {
                operand: self.copy(&select.operand),
                field: select.field.clone(),
                test_only: select.test_only,
            })),
            ExprKind::Call(call) => {
                let args = self.copy_all(&call.args);
                let target = call.target.as_ref().map(|target| self.copy(target));
                ExprKind::Call(Box::new(Call { function: call.function.clone(), target, args }))
            }
            ExprKind::List(list) => ExprKind::List(Box::new(ListLiteral {
                elements: self.copy_all(&list.elements),
                optional: list.optional.clone(),
            })),
            ExprKind::Map(entries) => ExprKind::Map(entries.iter().map(|entry| self.copy_entry(entry)).collect()),
            ExprKind::Struct(message) => ExprKind::Struct(Box::new(StructLiteral {
                name: message.name.clone(),
                fields: message.fields.iter().map(|field| self.copy_field(field)).collect(),
            })),
            ExprKind::Comprehension(fold) => ExprKind::Comprehension(Box::new(Comprehension {
                range: self.copy(&fold.range),
                init: self.copy(&fold.init),
                condition: self.copy(&fold.condition),
                step: self.copy(&fold.step),
                result: self.copy(&fold.result),
                var: fold.var.clone(),
                var2: fold.var2.clone(),
                accu: fold.accu.clone(),
            })),
        };
        Expr { id, kind }
    }

    fn copy_id(&mut self, of: ExprId) -> ExprId {
        let (span, extent) = (self.parser.span(of), self.parser.extent(of));
        let id = self.parser.id(span);
        self.parser.set_extent(id, extent);
        id
    }

    fn copy_all(&mut self, exprs: &[Expr]) -> Vec<Expr> {
        exprs.iter().map(|expr| self.copy(expr)).collect()
    }

    fn copy_entry(&mut self, entry: &Entry) -> Entry {
        let id = self.parser.id(self.place);
        Entry { id, key: self.copy(&entry.key), value: self.copy(&entry.value), optional: entry.optional }
    }

    fn copy_field(&mut self, field: &Field) -> Field {
        let id = self.parser.id(self.place);
        Field { id, name: field.name.clone(), value: self.copy(&field.value), optional: field.optional }
    }
}

/// Name of the accumulator; no expression can say it.
pub(super) const ACCUMULATOR: &str = "@result";
