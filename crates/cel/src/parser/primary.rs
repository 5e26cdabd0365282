//! Literals, names, calls, selections and aggregates.

use std::sync::Arc;

use super::{Node, Parsed, Parser, Stop, literal};
use crate::ast::{Call, Entry, Expr, ExprKind, Field, ListLiteral, Literal, Select, Span, StructLiteral};
use crate::lexer::{Kind, Token};

impl Parser<'_> {
    /// A primary expression with its selections, calls and indices.
    pub(super) fn member(&mut self) -> Parsed {
        let mut node = self.primary()?;
        loop {
            node = match self.kind() {
                Kind::Dot => self.dot(node)?,
                Kind::LBracket => self.index(node)?,
                _ => return Ok(node),
            };
        }
    }

    /// `.field`, `.?field`, `` .`field` `` or `.method(…)`
    fn dot(&mut self, target: Node) -> Parsed {
        let dot = self.token();
        self.at += 1;
        let optional = self.take(Kind::Question);
        let name = self.token();
        match name.kind {
            Kind::Ident if !optional && self.kind_after(1) == Kind::LParen => {
                self.at += 1;
                return self.method(target, name);
            }
            Kind::Ident | Kind::Quoted => self.at += 1,
            _ => return Err(Stop::Syntax),
        }
        let field = self.field_name(name);
        let (height, start) = (target.height + 1, target.start);
        let expr = if !optional {
            let id = self.id(dot.span);
            Expr { id, kind: ExprKind::Select(Box::new(Select { operand: target.expr, field, test_only: false })) }
        } else if self.syntax.optionals {
            let literal = self.id(name.span);
            let field = Expr { id: literal, kind: ExprKind::Literal(Literal::Str(field)) };
            let id = self.id(dot.span);
            self.call(id, "_?._", vec![target.expr, field])
        } else {
            self.error(dot.span, "unsupported syntax '.?'")
        };
        Ok(self.node(expr, height, start))
    }

    /// The name of a field; quotes are not part of it.
    fn field_name(&mut self, name: Token) -> Arc<str> {
        let text = self.text(name);
        if name.kind == Kind::Quoted && !self.syntax.quoted_fields {
            self.issues.report(name.span, "unsupported syntax: '`'");
        }
        self.name(text.trim_matches('`'))
    }

    fn method(&mut self, target: Node, name: Token) -> Parsed {
        let id = self.id_of_token();
        self.at += 1;
        let (args, highest) = self.args()?;
        let height = 1 + highest.max(target.height);
        let function = self.name(self.text(name));
        let extent = Span { start: target.start, end: self.end() };
        let expr = self.call_or_macro(id, function, Some(target.expr), args, extent);
        Ok(self.node(expr, height, extent.start))
    }

    fn index(&mut self, target: Node) -> Parsed {
        let bracket = self.token();
        let id = self.id_of_token();
        self.at += 1;
        let optional = self.take(Kind::Question);
        let index = self.expr()?;
        self.expect(Kind::RBracket)?;
        let height = 1 + target.height.max(index.height);
        let expr = match optional {
            true if !self.syntax.optionals => self.error(bracket.span, "unsupported syntax '[?'"),
            true => self.call(id, "_[?_]", vec![target.expr, index.expr]),
            false => self.call(id, "_[_]", vec![target.expr, index.expr]),
        };
        Ok(self.node(expr, height, target.start))
    }

    /// Arguments and the closing parenthesis; the greatest height of an argument.
    fn args(&mut self) -> Parsed<(Vec<Expr>, u32)> {
        let (mut args, mut height) = (Vec::new(), 0);
        if self.take(Kind::RParen) {
            return Ok((args, height));
        }
        loop {
            let arg = self.expr()?;
            height = height.max(arg.height);
            args.push(arg.expr);
            if !self.take(Kind::Comma) {
                self.expect(Kind::RParen)?;
                return Ok((args, height));
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let token = self.token();
        match token.kind {
            Kind::Ident => self.name_or_call(token, false),
            Kind::Dot => {
                self.at += 1;
                if self.kind() != Kind::Ident {
                    return Err(Stop::Syntax);
                }
                self.name_or_call(token, true)
            }
            Kind::LParen => {
                self.at += 1;
                let node = self.expr()?;
                self.expect(Kind::RParen)?;
                Ok(Node { start: token.span.start, ..node })
            }
            Kind::LBracket => self.list(),
            Kind::LBrace => self.map(),
            Kind::Minus if self.negative_number() => self.literal(),
            Kind::Int | Kind::Uint | Kind::Float | Kind::Str | Kind::Bytes | Kind::True | Kind::False | Kind::Null => {
                self.literal()
            }
            _ => Err(Stop::Syntax),
        }
    }

    fn literal(&mut self) -> Parsed {
        let first = self.token();
        let negative = self.take(Kind::Minus);
        let token = self.token();
        self.at += 1;
        let text = self.text(token);
        let span = Span { start: first.span.start, end: token.span.end };
        let literal = match token.kind {
            Kind::Int => literal::int(text, negative).map(Literal::Int).ok_or("invalid int literal"),
            Kind::Uint => literal::uint(text).map(Literal::Uint).ok_or("invalid uint literal"),
            Kind::Float => literal::double(text, negative).map(Literal::Double).ok_or("invalid double literal"),
            Kind::Str => literal::string(text),
            Kind::Bytes => literal::bytes(text),
            Kind::True => Ok(Literal::Bool(true)),
            Kind::False => Ok(Literal::Bool(false)),
            _ => Ok(Literal::Null),
        };
        let expr = match literal {
            Ok(literal) => Expr { id: self.id(span), kind: ExprKind::Literal(literal) },
            Err(message) => self.error(span, message),
        };
        Ok(Node { expr, height: 0, start: span.start })
    }

    /// A variable, a function's name with arguments, or a message. The next token is a name.
    fn name_or_call(&mut self, first: Token, dotted: bool) -> Parsed {
        if let Some(end) = self.message_name() {
            return self.message(first, end);
        }
        let token = self.token();
        let text = self.text(token);
        self.at += 1;
        let name = if dotted { format!(".{text}").into() } else { self.name(text) };
        let reserved = RESERVED.binary_search(&text).is_ok();
        if reserved {
            self.issues.report(first.span, format!("reserved identifier: {text}"));
        }
        if self.kind() == Kind::LParen {
            let id = self.id_of_token();
            self.at += 1;
            let (args, height) = self.args()?;
            let extent = Span { start: first.span.start, end: self.end() };
            let expr =
                if reserved { self.broken(first.span) } else { self.call_or_macro(id, name, None, args, extent) };
            return Ok(self.node(expr, height, extent.start));
        }
        let expr = match reserved {
            true => self.broken(first.span),
            false => Expr { id: self.id(token.span), kind: ExprKind::Ident(name) },
        };
        Ok(self.node(expr, 0, first.span.start))
    }

    /// Number of tokens up to the `{` of a message, if names, dots and a `{` come next.
    fn message_name(&self) -> Option<usize> {
        let mut count = 1;
        while self.kind_after(count) == Kind::Dot && self.kind_after(count + 1) == Kind::Ident {
            count += 2;
        }
        (self.kind_after(count) == Kind::LBrace).then_some(count)
    }

    fn message(&mut self, first: Token, tokens: usize) -> Parsed {
        let mut name = if first.kind == Kind::Dot { ".".to_owned() } else { String::new() };
        for _ in 0..tokens {
            name.push_str(self.text(self.token()));
            self.at += 1;
        }
        let id = self.id_of_token();
        self.at += 1;
        let (mut fields, mut height) = (Vec::new(), 0);
        let mut more = !matches!(self.kind(), Kind::RBrace | Kind::Comma);
        while more {
            let place = self.token().span;
            let field = self.id(place);
            let optional = self.optional();
            let token = self.token();
            match token.kind {
                Kind::Ident | Kind::Quoted => self.at += 1,
                _ => return Err(Stop::Syntax),
            }
            let name = self.field_name(token);
            let colon = self.expect(Kind::Colon)?;
            self.set_span(field, colon.span);
            let value = self.expr()?;
            self.set_extent(field, Span { start: place.start, end: self.end() });
            height = height.max(value.height);
            fields.push(Field { id: field, name, value: value.expr, optional });
            more = self.comma();
        }
        self.take(Kind::Comma);
        self.expect(Kind::RBrace)?;
        let kind = ExprKind::Struct(Box::new(StructLiteral { name: name.into(), fields }));
        Ok(self.node(Expr { id, kind }, height, first.span.start))
    }

    fn list(&mut self) -> Parsed {
        let start = self.token().span.start;
        let id = self.id_of_token();
        self.at += 1;
        let (mut list, mut height) = (ListLiteral { elements: Vec::new(), optional: Vec::new() }, 0);
        let mut more = !matches!(self.kind(), Kind::RBracket | Kind::Comma);
        while more {
            if self.optional() {
                list.optional.push(list.elements.len() as u32);
            }
            let element = self.expr()?;
            height = height.max(element.height);
            list.elements.push(element.expr);
            more = self.comma();
        }
        self.take(Kind::Comma);
        self.expect(Kind::RBracket)?;
        Ok(self.node(Expr { id, kind: ExprKind::List(Box::new(list)) }, height, start))
    }

    fn map(&mut self) -> Parsed {
        let start = self.token().span.start;
        let id = self.id_of_token();
        self.at += 1;
        let (mut entries, mut height) = (Vec::new(), 0);
        let mut more = !matches!(self.kind(), Kind::RBrace | Kind::Comma);
        while more {
            // The entry is numbered before its key, at the colon behind it.
            let place = self.token().span;
            let entry = self.id(place);
            let optional = self.optional();
            let key = self.expr()?;
            let colon = self.expect(Kind::Colon)?;
            self.set_span(entry, colon.span);
            let value = self.expr()?;
            self.set_extent(entry, Span { start: place.start, end: self.end() });
            height = height.max(key.height).max(value.height);
            entries.push(Entry { id: entry, key: key.expr, value: value.expr, optional });
            more = self.comma();
        }
        self.take(Kind::Comma);
        self.expect(Kind::RBrace)?;
        Ok(self.node(Expr { id, kind: ExprKind::Map(entries) }, height, start))
    }

    /// The `?` before an element, a key or a field.
    fn optional(&mut self) -> bool {
        let question = self.token();
        let found = self.take(Kind::Question);
        if found && !self.syntax.optionals {
            self.issues.report(question.span, "unsupported syntax '?'");
        }
        found
    }

    /// Goes over a comma behind which something follows; the last comma is left.
    fn comma(&mut self) -> bool {
        let more = self.kind() == Kind::Comma && !matches!(self.kind_after(1), Kind::RBrace | Kind::RBracket);
        self.at += usize::from(more);
        more
    }

    fn call_or_macro(
        &mut self,
        id: u32,
        function: Arc<str>,
        target: Option<Expr>,
        args: Vec<Expr>,
        extent: Span,
    ) -> Expr {
        let mut call = Call { function, target, args };
        let Some(expand) = self.find_macro(&call) else { return Expr { id, kind: ExprKind::Call(Box::new(call)) } };
        match self.expand(id, expand, &mut call, extent) {
            Some(expr) => expr,
            None => Expr { id, kind: ExprKind::Call(Box::new(call)) },
        }
    }
}

/// Words that may be fields but not variables, sorted. `in`, `true`, `false` and `null` are tokens of their
/// own.
pub(crate) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];
