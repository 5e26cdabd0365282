//! What kube-apiserver checks of an expression whose types agree: lists and maps of one type, and texts that
//! are durations, timestamps, patterns or format strings.

use crate::ast::{Call, Entry, Expr, ExprId, ExprKind, ListLiteral, Literal};
use crate::checker::bindings::is_exactly;
use crate::checker::{Checked, format};
use crate::context::{Budget, Context};
use crate::decl::Env;
use crate::issues::Issues;
use crate::types::Type;
use crate::value::Value;

/// Reports lists and maps of mixed types unless the environment allows them, and invalid literals if it asks
/// for that.
pub(super) fn validate(env: &Env, checked: &Checked, issues: &mut Issues) {
    if !env.syntax.mixed_literals || env.syntax.valid_literals {
        Validator { env, checked, issues }.walk(&checked.ast.root, false);
    }
}

struct Validator<'c, 'i> {
    env: &'c Env,
    checked: &'c Checked,
    issues: &'i mut Issues,
}

impl<'c> Validator<'c, '_> {
    /// `in_format`: somewhere inside a call of `format`, whose arguments may be of mixed types.
    fn walk(&mut self, expr: &Expr, in_format: bool) {
        let mixed = in_format || self.env.syntax.mixed_literals;
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Ident(_) => {}
            ExprKind::Select(select) => self.walk(&select.operand, in_format),
            ExprKind::Call(call) => {
                let in_format = in_format || *call.function == *FORMAT;
                call.target.iter().chain(&call.args).for_each(|arg| self.walk(arg, in_format));
                if self.env.syntax.valid_literals {
                    self.check_call(expr.id, call);
                }
            }
            ExprKind::List(list) => {
                list.elements.iter().for_each(|element| self.walk(element, in_format));
                if !mixed {
                    self.check_list(list);
                }
            }
            ExprKind::Map(entries) => {
                for entry in entries {
                    self.walk(&entry.key, in_format);
                    self.walk(&entry.value, in_format);
                }
                if !mixed {
                    self.check_map(entries);
                }
            }
            ExprKind::Struct(literal) => literal.fields.iter().for_each(|field| self.walk(&field.value, in_format)),
            ExprKind::Comprehension(fold) => {
                for part in [&fold.range, &fold.init, &fold.condition, &fold.step, &fold.result] {
                    self.walk(part, in_format);
                }
            }
        }
    }

    fn check_list(&mut self, list: &ListLiteral) {
        let mut optional = list.optional.iter().peekable();
        let mut first: Option<&Type> = None;
        for (index, element) in list.elements.iter().enumerate() {
            let is_optional = optional.next_if(|at| **at as usize == index).is_some();
            let of = self.type_of(element.id, is_optional);
            match first {
                None => first = Some(of),
                Some(first) if is_exactly(first, of) => {}
                Some(first) => return self.mismatch(element.id, first, of),
            }
        }
    }

    fn check_map(&mut self, entries: &[Entry]) {
        let mut first: Option<(&Type, &Type)> = None;
        for entry in entries {
            let (key, value) = (self.type_of(entry.key.id, false), self.type_of(entry.value.id, entry.optional));
            let Some((first_key, first_value)) = first else {
                first = Some((key, value));
                continue;
            };
            if !is_exactly(first_key, key) {
                self.mismatch(entry.key.id, first_key, key);
            }
            if !is_exactly(first_value, value) {
                self.mismatch(entry.value.id, first_value, value);
            }
        }
    }

    fn check_call(&mut self, id: ExprId, call: &Call) {
        let function = &*call.function;
        match function {
            "duration" | "timestamp" | "matches" => {}
            FORMAT => return self.check_format(id, call),
            _ => return,
        }
        let Some(Expr { id, kind: ExprKind::Literal(literal) }) = call.args.first() else { return };
        let args: Vec<Value<'_>> = match (function, literal) {
            ("matches", Literal::Str(pattern)) => vec![Value::str(""), Value::str(pattern)],
            (_, Literal::Str(text)) => vec![Value::str(text)],
            (_, Literal::Int(number)) => vec![Value::Int(*number)],
            _ => return,
        };
        if self.fails(function, &args) {
            self.report(*id, format!("invalid {function} argument"));
        }
    }

    fn check_format(&mut self, id: ExprId, call: &Call) {
        let Some(Expr { kind: ExprKind::Literal(Literal::Str(text)), .. }) = &call.target else { return };
        let [Expr { kind: ExprKind::List(args), .. }] = call.args.as_slice() else { return };
        if let Err((at, message)) = format::check(self.checked, text, &args.elements) {
            self.report(at.unwrap_or(id), message);
        }
    }

    /// Whether a function of the environment fails with these arguments.
    fn fails(&self, function: &str, args: &[Value<'_>]) -> bool {
        let overloads = self.env.functions.get(function).map(|function| function.overloads.as_slice());
        let fitting = overloads.unwrap_or_default().iter().find(|overload| overload.accepts(args));
        fitting.is_some_and(|overload| (overload.run)(&mut Context::new(BUDGET), args).is_err())
    }

    /// Type of an element; of what is inside for elements written with `?`.
    fn type_of(&self, id: ExprId, optional: bool) -> &'c Type {
        match self.checked.type_of(id) {
            Type::Optional(inner) if optional => inner,
            of => of,
        }
    }

    fn mismatch(&mut self, id: ExprId, wanted: &Type, found: &Type) {
        self.report(id, format!("expected type '{wanted}' but found '{found}'"));
    }

    fn report(&mut self, id: ExprId, message: String) {
        let span = self.checked.ast.spans.get(id as usize).copied().unwrap_or_default();
        self.issues.report(span, message);
    }
}

const FORMAT: &str = "format";

/// For trying out one literal. Time does not depend on more than its length; nothing is made.
const BUDGET: Budget = Budget { cost: 1_000_000, bytes: 1 << 20 };
