//! How nodes are made and numbered.

use std::sync::Arc;

use super::{DEPTH_MAX, Node, Parser};
use crate::ast::{Call, Expr, ExprId, ExprKind, Literal, Span};
use crate::lexer::Token;

impl<'s> Parser<'s> {
    /// A new number at a place.
    pub(super) fn id(&mut self, span: Span) -> ExprId {
        let id = self.spans.len() as ExprId;
        self.spans.push(span);
        self.extents.push(span);
        id
    }

    /// A new number at the next token.
    pub(super) fn id_of_token(&mut self) -> ExprId {
        self.id(self.token().span)
    }

    pub(super) fn set_span(&mut self, id: ExprId, span: Span) {
        if let Some(place) = self.spans.get_mut(id as usize) {
            *place = span;
        }
    }

    pub(super) fn span(&self, id: ExprId) -> Span {
        self.spans.get(id as usize).copied().unwrap_or_default()
    }

    pub(super) fn extent(&self, id: ExprId) -> Span {
        self.extents.get(id as usize).copied().unwrap_or_default()
    }

    pub(super) fn set_extent(&mut self, id: ExprId, extent: Span) {
        if let Some(place) = self.extents.get_mut(id as usize) {
            *place = extent;
        }
    }

    /// Gives a number back if it was the last one, as cel-go does.
    pub(super) fn delete_id(&mut self, id: ExprId) {
        if id as usize + 1 == self.spans.len() {
            self.spans.pop();
            self.extents.pop();
        }
    }

    pub(super) fn text(&self, token: Token) -> &'s str {
        self.source.get(token.span.start as usize..token.span.end as usize).unwrap_or_default()
    }

    pub(super) fn name(&mut self, name: &'s str) -> Arc<str> {
        self.names.entry(name).or_insert_with(|| name.into()).clone()
    }

    pub(super) fn call(&mut self, id: ExprId, function: &'static str, args: Vec<Expr>) -> Expr {
        let function = self.name(function);
        Expr { id, kind: ExprKind::Call(Box::new(Call { function, target: None, args })) }
    }

    /// A node that reaches from `start` to the last token. One that is too high is cut off: the tree is
    /// thrown away in the end, and until then nothing may walk too deep.
    pub(super) fn node(&mut self, expr: Expr, height: u32, start: u32) -> Node {
        self.set_extent(expr.id, Span { start, end: self.end() });
        if height > DEPTH_MAX {
            self.too_deep = true;
            return Node { expr: Expr { id: expr.id, kind: ExprKind::Literal(Literal::Null) }, height: 0, start };
        }
        Node { expr, height, start }
    }

    /// Stands for what could not be read.
    pub(super) fn broken(&mut self, span: Span) -> Expr {
        let id = self.id(span);
        Expr { id, kind: ExprKind::Literal(Literal::Null) }
    }

    /// Reports an error that does not keep the rest from being read.
    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) -> Expr {
        self.issues.report(span, message);
        self.broken(span)
    }
}
