//! CEL's grammar as a graph of states, built the way ANTLR builds it.

use std::fmt;

use crate::lexer::Kind;

/// Number of a state.
pub(super) type State = u16;

/// A set of tokens, which may also hold "nothing": the rule may end here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(u64);

/// Rules of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Rule {
    Start,
    Expr,
    Or,
    And,
    Relation,
    Calc,
    Unary,
    Member,
    Primary,
    ExprList,
    ListInit,
    FieldInits,
    OptField,
    MapInits,
    EscapeIdent,
    OptExpr,
    Literal,
}

/// A part of a rule and the state before it.
pub(super) struct Part {
    pub(super) state: State,
    pub(super) step: Step,
}

/// What a part is.
pub(super) enum Step {
    Token(Set),
    Rule(Rule, u8),
    /// A condition that prediction has looked at.
    Precedence,
    Optional(Vec<Part>),
    /// Alternatives that need a look ahead.
    Choice(Vec<Vec<Part>>),
    /// Alternatives that the next token decides.
    Switch(Vec<Vec<Part>>),
    /// Any number of times; `predicted` if more than the next token decides.
    Many {
        body: Vec<Part>,
        back: State,
        predicted: bool,
    },
    /// At least once.
    Some {
        body: Vec<Part>,
        back: State,
        predicted: bool,
    },
}

/// A way from a state to the next.
#[derive(Clone, Copy)]
pub(super) enum Edge {
    Empty(State),
    Token(Set, State),
    Rule(Rule, State),
    /// Only where the rule was called with at most this precedence.
    Precedence(u8, State),
}

/// The graph.
pub(super) struct Grammar {
    edges: Vec<Vec<Edge>>,
    /// Tokens that may come next in each state.
    next: Vec<Set>,
    loop_backs: Vec<State>,
    rules: Vec<(State, State, Vec<Part>)>,
}

impl Grammar {
    pub(super) fn new() -> Self {
        let mut grammar = Grammar { edges: Vec::new(), next: Vec::new(), loop_backs: Vec::new(), rules: Vec::new() };
        for _ in 0..Rule::COUNT {
            let (first, last) = (grammar.state(), grammar.state());
            grammar.rules.push((first, last, Vec::new()));
        }
        for (index, shape) in shapes().into_iter().enumerate() {
            let Some((first, last, _)) = grammar.rules.get(index) else { continue };
            let (first, last) = (*first, *last);
            let parts = grammar.sequence(shape, first, last);
            if let Some(rule) = grammar.rules.get_mut(index) {
                rule.2 = parts;
            }
        }
        grammar.next = (0..grammar.edges.len()).map(|state| grammar.find_next(state as State)).collect();
        grammar
    }

    pub(super) fn parts(&self, rule: Rule) -> &[Part] {
        self.rules.get(rule as usize).map(|(_, _, parts)| parts.as_slice()).unwrap_or_default()
    }

    pub(super) fn first(&self, rule: Rule) -> State {
        self.rules.get(rule as usize).map_or(0, |(first, _, _)| *first)
    }

    /// The rule that ends in a state.
    pub(super) fn ended(&self, state: State) -> Option<usize> {
        self.rules.iter().position(|(_, last, _)| *last == state)
    }

    pub(super) fn edges(&self, state: State) -> &[Edge] {
        self.edges.get(usize::from(state)).map(Vec::as_slice).unwrap_or_default()
    }

    /// States in which callers of a rule go on.
    pub(super) fn callers(&self, rule: usize) -> impl Iterator<Item = State> + '_ {
        self.edges.iter().flatten().filter_map(move |edge| match edge {
            Edge::Rule(called, behind) if *called as usize == rule => Some(*behind),
            _ => None,
        })
    }

    pub(super) fn is_loop_back(&self, state: State) -> bool {
        self.loop_backs.contains(&state)
    }

    /// The state behind the token or rule that comes after a state.
    pub(super) fn behind(&self, state: State) -> Option<State> {
        self.edges(state).first().map(|edge| match edge {
            Edge::Empty(to) | Edge::Token(_, to) | Edge::Rule(_, to) | Edge::Precedence(_, to) => *to,
        })
    }

    /// Tokens that may come next within the rule.
    pub(super) fn next(&self, state: State) -> Set {
        self.next.get(usize::from(state)).copied().unwrap_or_default()
    }

    fn find_next(&self, state: State) -> Set {
        let mut set = Set::default();
        self.look(state, &mut Vec::new(), &mut set);
        set
    }

    /// Tokens that may come next, within the rule or behind it in its callers.
    pub(super) fn next_in(&self, state: State, callers: &[State]) -> Set {
        let mut set = self.next(state);
        for caller in callers {
            if !set.has_nothing() {
                return set;
            }
            set = set.without_nothing().with(self.next(*caller));
        }
        if set.has_nothing() { set.without_nothing().with(Set::of(&[Kind::End])) } else { set }
    }

    fn look(&self, state: State, seen: &mut Vec<State>, set: &mut Set) {
        if seen.contains(&state) {
            return;
        }
        seen.push(state);
        if self.ended(state).is_some() {
            set.0 |= NOTHING;
        }
        for edge in self.edges(state) {
            match edge {
                Edge::Empty(to) | Edge::Precedence(_, to) => self.look(*to, seen, set),
                Edge::Token(tokens, _) => *set = set.with(*tokens),
                // No rule is empty, so what is behind it cannot come next.
                Edge::Rule(rule, ..) => *set = set.with(self.find_next(self.first(*rule)).without_nothing()),
            }
        }
    }

    fn state(&mut self) -> State {
        self.edges.push(Vec::new());
        (self.edges.len() - 1) as State
    }

    fn edge(&mut self, from: State, edge: Edge) {
        if let Some(edges) = self.edges.get_mut(usize::from(from)) {
            edges.push(edge);
        }
    }

    /// Builds parts one after the other between two states. A token or rule at the end leads straight to
    /// the last state, so that alternatives meet there.
    fn sequence(&mut self, shapes: Vec<Shape>, from: State, to: State) -> Vec<Part> {
        let mut at = from;
        let mut parts = Vec::new();
        let last = shapes.len().saturating_sub(1);
        for (index, shape) in shapes.into_iter().enumerate() {
            let state = self.state();
            self.edge(at, Edge::Empty(state));
            let straight = index == last && matches!(shape, Shape::Token(_) | Shape::Rule(..));
            at = if straight { to } else { self.state() };
            let step = self.step(shape, state, at);
            parts.push(Part { state, step });
        }
        if at != to {
            self.edge(at, Edge::Empty(to));
        }
        parts
    }

    fn step(&mut self, shape: Shape, from: State, to: State) -> Step {
        match shape {
            Shape::Token(set) => {
                self.edge(from, Edge::Token(set, to));
                Step::Token(set)
            }
            Shape::Rule(rule, precedence) => {
                self.edge(from, Edge::Rule(rule, to));
                Step::Rule(rule, precedence)
            }
            Shape::Precedence(level) => {
                self.edge(from, Edge::Precedence(level, to));
                Step::Precedence
            }
            Shape::Optional(body) => {
                let body = self.branch(body, from, to);
                self.edge(from, Edge::Empty(to));
                Step::Optional(body)
            }
            Shape::Choice(bodies) => Step::Choice(bodies.into_iter().map(|body| self.branch(body, from, to)).collect()),
            Shape::Switch(bodies) => Step::Switch(bodies.into_iter().map(|body| self.branch(body, from, to)).collect()),
            Shape::Many(body, predicted) => {
                let back = self.state();
                self.loop_backs.push(back);
                let body = self.branch(body, from, back);
                self.edge(from, Edge::Empty(to));
                self.edge(back, Edge::Empty(from));
                Step::Many { body, back, predicted }
            }
            Shape::Some(body, predicted) => {
                let back = self.state();
                self.loop_backs.push(back);
                let body = self.branch(body, from, back);
                self.edge(back, Edge::Empty(from));
                self.edge(back, Edge::Empty(to));
                Step::Some { body, back, predicted }
            }
        }
    }

    fn branch(&mut self, body: Vec<Shape>, from: State, to: State) -> Vec<Part> {
        let first = self.state();
        self.edge(from, Edge::Empty(first));
        self.sequence(body, first, to)
    }
}

/// A part of a rule before its states are numbered.
enum Shape {
    Token(Set),
    Rule(Rule, u8),
    Precedence(u8),
    Optional(Vec<Shape>),
    Choice(Vec<Vec<Shape>>),
    Switch(Vec<Vec<Shape>>),
    Many(Vec<Shape>, bool),
    Some(Vec<Shape>, bool),
}

fn token(kind: Kind) -> Shape {
    Shape::Token(Set::of(&[kind]))
}

fn rule(rule: Rule) -> Shape {
    Shape::Rule(rule, 0)
}

fn maybe(kind: Kind) -> Shape {
    Shape::Optional(vec![token(kind)])
}

/// `open list? ,? close`
fn aggregate(open: Kind, list: Rule, close: Kind) -> Vec<Shape> {
    vec![token(open), Shape::Optional(vec![rule(list)]), maybe(Kind::Comma), token(close)]
}

/// `( list? )`
fn arguments() -> Vec<Shape> {
    vec![token(Kind::LParen), Shape::Optional(vec![rule(Rule::ExprList)]), token(Kind::RParen)]
}

/// `item (, item)*`
fn separated(item: fn() -> Vec<Shape>, predicted: bool) -> Vec<Shape> {
    let mut more = vec![token(Kind::Comma)];
    more.extend(item());
    let mut all = item();
    all.push(Shape::Many(more, predicted));
    all
}

/// What each rule is made of, in the order of [`Rule`].
fn shapes() -> [Vec<Shape>; Rule::COUNT] {
    use Kind::{And, Colon, Dot, End, Exclam, Ident, In, Minus, Or, Plus, Question, Quoted, Slash};
    use Kind::{EqEq, Greater, GreaterEq, LBrace, LBracket, LParen, Less, LessEq, NotEq, Percent, RBrace, RBracket};
    use Kind::{RParen, Star};
    let comparison = Set::of(&[EqEq, NotEq, In, Less, LessEq, GreaterEq, Greater]);
    let product = Set::of(&[Star, Slash, Percent]);
    let sum = Set::of(&[Minus, Plus]);
    let binary =
        |level, set, operand, above| vec![Shape::Precedence(level), Shape::Token(set), Shape::Rule(operand, above)];
    let chain = |operand, operator| vec![rule(operand), Shape::Many(vec![token(operator), rule(operand)], false)];
    let conditional = Shape::Optional(vec![token(Question), rule(Rule::Or), token(Colon), rule(Rule::Expr)]);
    let mut method = vec![Shape::Precedence(2), token(Dot), token(Ident)];
    method.extend(arguments());
    let suffixes = vec![
        vec![Shape::Precedence(3), token(Dot), maybe(Question), rule(Rule::EscapeIdent)],
        method,
        vec![Shape::Precedence(1), token(LBracket), maybe(Question), rule(Rule::Expr), token(RBracket)],
    ];
    let mut call = vec![maybe(Dot), token(Ident)];
    call.extend(arguments());
    let mut message = vec![maybe(Dot), token(Ident), Shape::Many(vec![token(Dot), token(Ident)], false)];
    message.extend(aggregate(LBrace, Rule::FieldInits, RBrace));
    let signed = |kind| vec![maybe(Minus), token(kind)];
    [
        vec![rule(Rule::Expr), token(End)],
        vec![rule(Rule::Or), conditional],
        chain(Rule::And, Or),
        chain(Rule::Relation, And),
        vec![rule(Rule::Calc), Shape::Many(binary(1, comparison, Rule::Relation, 2), true)],
        vec![
            rule(Rule::Unary),
            Shape::Many(
                vec![Shape::Choice(vec![binary(2, product, Rule::Calc, 3), binary(1, sum, Rule::Calc, 2)])],
                true,
            ),
        ],
        vec![Shape::Choice(vec![
            vec![rule(Rule::Member)],
            vec![Shape::Some(vec![token(Exclam)], false), rule(Rule::Member)],
            vec![Shape::Some(vec![token(Minus)], true), rule(Rule::Member)],
        ])],
        vec![rule(Rule::Primary), Shape::Many(vec![Shape::Choice(suffixes)], true)],
        vec![Shape::Choice(vec![
            vec![maybe(Dot), token(Ident)],
            call,
            vec![token(LParen), rule(Rule::Expr), token(RParen)],
            aggregate(LBracket, Rule::ListInit, RBracket),
            aggregate(LBrace, Rule::MapInits, RBrace),
            message,
            vec![rule(Rule::Literal)],
        ])],
        separated(|| vec![rule(Rule::Expr)], false),
        separated(|| vec![rule(Rule::OptExpr)], true),
        separated(|| vec![rule(Rule::OptField), token(Colon), rule(Rule::Expr)], true),
        vec![maybe(Question), rule(Rule::EscapeIdent)],
        separated(|| vec![rule(Rule::OptExpr), token(Colon), rule(Rule::Expr)], true),
        vec![Shape::Switch(vec![vec![token(Ident)], vec![token(Quoted)]])],
        vec![maybe(Question), rule(Rule::Expr)],
        vec![Shape::Choice(vec![
            signed(Kind::Int),
            vec![token(Kind::Uint)],
            signed(Kind::Float),
            vec![token(Kind::Str)],
            vec![token(Kind::Bytes)],
            vec![token(Kind::True)],
            vec![token(Kind::False)],
            vec![token(Kind::Null)],
        ])],
    ]
}

// === impl Rule and Set ===

impl Rule {
    pub(super) const COUNT: usize = 17;
}

impl Set {
    pub(super) fn of(kinds: &[Kind]) -> Set {
        Set(kinds.iter().fold(0, |set, kind| set | 1 << (*kind as u8)))
    }

    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 & 1 << (kind as u8) != 0
    }

    pub(super) fn with(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    pub(super) fn has_nothing(self) -> bool {
        self.0 & NOTHING != 0
    }

    pub(super) fn without_nothing(self) -> Set {
        Set(self.0 & !NOTHING)
    }
}

impl fmt::Display for Set {
    /// As messages list tokens: the end first, the others in the order of the lexer's rules.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = Vec::new();
        if self.has(Kind::End) {
            names.push("<EOF>");
        }
        names.extend(NAMES.iter().enumerate().filter(|(kind, _)| self.0 & 1 << kind != 0).map(|(_, name)| *name));
        match names.as_slice() {
            [one] => f.write_str(one),
            several => write!(f, "{{{}}}", several.join(", ")),
        }
    }
}

/// The bit of "nothing".
const NOTHING: u64 = 1 << 63;

/// Names of tokens in messages, in the order of [`Kind`].
const NAMES: [&str; 35] = [
    "'=='",
    "'!='",
    "'in'",
    "'<'",
    "'<='",
    "'>='",
    "'>'",
    "'&&'",
    "'||'",
    "'['",
    "']'",
    "'{'",
    "'}'",
    "'('",
    "')'",
    "'.'",
    "','",
    "'-'",
    "'!'",
    "'?'",
    "':'",
    "'+'",
    "'*'",
    "'/'",
    "'%'",
    "'true'",
    "'false'",
    "'null'",
    "NUM_FLOAT",
    "NUM_INT",
    "NUM_UINT",
    "STRING",
    "BYTES",
    "IDENTIFIER",
    "ESC_IDENTIFIER",
];
