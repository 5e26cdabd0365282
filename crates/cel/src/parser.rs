//! Source to syntax tree, by recursive descent along cel-go's grammar. Numbers of nodes are given in
//! cel-go's order, so that trees, costs and places in messages can be compared with it.

mod literal;
mod macros;
mod primary;
mod recovery;
mod tree;

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{Ast, Expr, ExprId, Span};
use crate::decl::Syntax;
use crate::issues::Issues;
use crate::lexer::{self, Kind, Token};

/// Reads an expression.
pub fn parse(source: &str, syntax: &Syntax) -> Result<Ast, Issues> {
    let source: Arc<str> = source.into();
    let mut issues = Issues::new(&source);
    // Characters are counted only if there may be too many.
    let size = if source.len() > SIZE_MAX { source.chars().count() } else { 0 };
    if size > SIZE_MAX {
        issues.report_whole(format!("expression code point size exceeds limit: size: {size}, limit {SIZE_MAX}"));
        return Err(issues);
    }
    let tokens = lexer::tokens(&source, &mut issues);
    let mut parser = Parser {
        source: &source,
        syntax: *syntax,
        tokens,
        at: 0,
        issues,
        spans: vec![Span::default()],
        extents: vec![Span::default()],
        names: HashMap::new(),
        macro_calls: Vec::new(),
        depth: Depth::default(),
        too_deep: false,
    };
    let root = parser.start();
    let Parser { mut issues, spans, extents, macro_calls, too_deep, tokens, .. } = parser;
    match root {
        Ok(node) if !too_deep => {
            issues.or(())?;
            Ok(Ast { source, root: node.expr, spans, extents, macro_calls })
        }
        Ok(_) => {
            issues.report_whole("max recursion depth exceeded");
            Err(issues)
        }
        Err(Stop::Reported) => Err(issues),
        Err(Stop::Syntax) => {
            recovery::report(&source, &tokens, &mut issues);
            // Both readings follow the same grammar; should they ever differ, this one decides.
            if issues.is_empty() {
                issues.report_whole("Syntax error");
            }
            Err(issues)
        }
    }
}

/// Why the reading ends.
enum Stop {
    /// The next token does not fit.
    Syntax,
    /// An error that has been reported.
    Reported,
}

type Parsed<T = Node> = Result<T, Stop>;

/// A node on its way into the tree.
struct Node {
    expr: Expr,
    /// Length of the longest chain of operators, selections, calls and indices in what was written.
    height: u32,
    /// First byte of what was written.
    start: u32,
}

struct Parser<'s> {
    source: &'s str,
    syntax: Syntax,
    tokens: Vec<Token>,
    at: usize,
    issues: Issues,
    spans: Vec<Span>,
    extents: Vec<Span>,
    /// Every name is kept once.
    names: HashMap<&'s str, Arc<str>>,
    macro_calls: Vec<(ExprId, Span)>,
    depth: Depth,
    too_deep: bool,
}

/// How often the rules of the grammar that nest are open. The other rules are never open more often.
#[derive(Default)]
struct Depth {
    expr: u32,
    relation: u32,
    calc: u32,
}

impl<'s> Parser<'s> {
    fn start(&mut self) -> Parsed {
        let node = self.expr()?;
        if self.kind() != Kind::End {
            return Err(Stop::Syntax);
        }
        Ok(node)
    }

    /// `or (? or : expr)?`
    fn expr(&mut self) -> Parsed {
        self.depth.expr += 1;
        self.check_depth(self.depth.expr)?;
        let mut node = self.or()?;
        if self.kind() == Kind::Question {
            let id = self.id_of_token();
            self.at += 1;
            let yes = self.or()?;
            self.expect(Kind::Colon)?;
            let no = self.expr()?;
            let height = 1 + node.height.max(yes.height).max(no.height);
            let start = node.start;
            let expr = self.call(id, "_?_:_", vec![node.expr, yes.expr, no.expr]);
            node = self.node(expr, height, start);
        }
        self.depth.expr -= 1;
        Ok(node)
    }

    fn or(&mut self) -> Parsed {
        let first = self.and()?;
        self.chain(first, Kind::Or, "_||_", Self::and)
    }

    fn and(&mut self) -> Parsed {
        let first = self.relation(0)?;
        self.chain(first, Kind::And, "_&&_", |parser| parser.relation(0))
    }

    /// The rest of a chain of `&&` or `||`, which becomes a balanced tree.
    fn chain(&mut self, first: Node, kind: Kind, name: &'static str, next: fn(&mut Self) -> Parsed) -> Parsed {
        if self.kind() != kind {
            return Ok(first);
        }
        let Node { expr, mut height, start } = first;
        let (mut terms, mut operators) = (vec![expr], Vec::new());
        while self.kind() == kind {
            let operator = self.token();
            self.at += 1;
            let term = next(self)?;
            height = height.max(term.height);
            terms.push(term.expr);
            operators.push(self.id(operator.span));
        }
        let mut terms = terms.into_iter();
        let expr = self.balance(&mut terms, &operators, name);
        Ok(Node { expr, height, start })
    }

    /// A balanced tree: the operator in the middle is the root.
    fn balance(&mut self, terms: &mut impl Iterator<Item = Expr>, operators: &[ExprId], name: &'static str) -> Expr {
        let middle = operators.len() / 2;
        let (Some(id), Some(left), Some(right)) =
            (operators.get(middle), operators.get(..middle), operators.get(middle + 1..))
        else {
            return terms.next().unwrap_or_else(|| self.broken(Span::default()));
        };
        let left = self.balance(terms, left, name);
        let right = self.balance(terms, right, name);
        let from = self.extent(left.id).start;
        let to = self.extent(right.id).end;
        let expr = self.call(*id, name, vec![left, right]);
        self.set_extent(*id, Span { start: from, end: to });
        expr
    }

    fn relation(&mut self, level: u8) -> Parsed {
        self.depth.relation += 1;
        self.check_depth(self.depth.relation)?;
        let mut left = self.calc(0)?;
        if level == 0 {
            while let Some(name) = relation_name(self.kind()) {
                left = self.binary(left, name, |parser| parser.relation(1))?;
            }
        }
        self.depth.relation -= 1;
        Ok(left)
    }

    /// Sums (`level` 0), products (1) and their operands (2).
    fn calc(&mut self, level: u8) -> Parsed {
        self.depth.calc += 1;
        self.check_depth(self.depth.calc)?;
        let mut left = self.unary()?;
        while let Some((name, of)) = calc_name(self.kind())
            && of >= level
        {
            left = self.binary(left, name, if of == 0 { |parser| parser.calc(1) } else { |parser| parser.calc(2) })?;
        }
        self.depth.calc -= 1;
        Ok(left)
    }

    fn binary(&mut self, left: Node, name: &'static str, right: fn(&mut Self) -> Parsed) -> Parsed {
        let id = self.id_of_token();
        self.at += 1;
        let right = right(self)?;
        let height = 1 + left.height.max(right.height);
        let expr = self.call(id, name, vec![left.expr, right.expr]);
        Ok(self.node(expr, height, left.start))
    }

    /// `!`s or `-`s before a member: pairs cancel out. One `-` before a number belongs to the number.
    fn unary(&mut self) -> Parsed {
        let (kind, first) = (self.kind(), self.token());
        let name = match kind {
            Kind::Exclam => "!_",
            Kind::Minus if !self.negative_number() => "-_",
            _ => return self.member(),
        };
        let mut count = 0;
        while self.kind() == kind {
            self.at += 1;
            count += 1;
        }
        if count % 2 == 0 {
            let node = self.member()?;
            return Ok(Node { start: first.span.start, ..node });
        }
        let id = self.id(first.span);
        let operand = self.member()?;
        let expr = self.call(id, name, vec![operand.expr]);
        self.set_extent(id, Span { start: first.span.start, end: self.end() });
        Ok(Node { expr, height: operand.height, start: first.span.start })
    }

    /// Whether a `-` and a number come next.
    fn negative_number(&self) -> bool {
        self.kind() == Kind::Minus && matches!(self.kind_after(1), Kind::Int | Kind::Float)
    }
}

// === tokens and errors ===

impl Parser<'_> {
    fn token(&self) -> Token {
        self.token_after(0)
    }

    fn token_after(&self, distance: usize) -> Token {
        let end = self.source.len() as u32;
        let past = Token { kind: Kind::End, span: Span { start: end, end } };
        self.tokens.get(self.at + distance).copied().unwrap_or(past)
    }

    fn kind(&self) -> Kind {
        self.token_after(0).kind
    }

    fn kind_after(&self, distance: usize) -> Kind {
        self.token_after(distance).kind
    }

    /// Byte after the token that was read last.
    fn end(&self) -> u32 {
        self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.span.end)
    }

    /// Goes over a token of this kind.
    fn take(&mut self, kind: Kind) -> bool {
        let found = self.kind() == kind;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, kind: Kind) -> Parsed<Token> {
        let token = self.token();
        if self.take(kind) { Ok(token) } else { Err(Stop::Syntax) }
    }

    fn check_depth(&mut self, depth: u32) -> Parsed<()> {
        if depth <= DEPTH_MAX {
            return Ok(());
        }
        self.issues.report_whole(format!("expression recursion limit exceeded: {DEPTH_MAX}"));
        Err(Stop::Reported)
    }
}

fn escape_space(text: &str) -> String {
    text.replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn relation_name(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Less => "_<_",
        Kind::LessEq => "_<=_",
        Kind::GreaterEq => "_>=_",
        Kind::Greater => "_>_",
        Kind::EqEq => "_==_",
        Kind::NotEq => "_!=_",
        Kind::In => "@in",
        _ => return None,
    })
}

/// Name of an operator and how tightly it binds.
fn calc_name(kind: Kind) -> Option<(&'static str, u8)> {
    Some(match kind {
        Kind::Plus => ("_+_", 0),
        Kind::Minus => ("_-_", 0),
        Kind::Star => ("_*_", 1),
        Kind::Slash => ("_/_", 1),
        Kind::Percent => ("_%_", 1),
        _ => return None,
    })
}

/// Longest expression in characters, as in cel-go.
const SIZE_MAX: usize = 100_000;

/// How deep rules nest, and how long chains of operators and selections are, as in cel-go. Functions that
/// walk over a tree may recurse: with what macros add, none is deeper than some thousand nodes.
const DEPTH_MAX: u32 = 250;

/// Whether the grammar keeps a word for itself, so that no variable can have it as its name.
pub fn is_reserved(word: &str) -> bool {
    matches!(word, "in" | "true" | "false" | "null") || primary::RESERVED.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests;
