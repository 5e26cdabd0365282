//! Calls: which overloads fit the types of the arguments.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::ast::{Call, Expr, ExprId, ExprKind, Literal};
use crate::checker::bindings::is_exactly;
use crate::checker::names::dotted;
use crate::checker::{Checker, Reference};
use crate::types::Type;

impl Checker<'_, '_> {
    pub(super) fn check_call(&mut self, expr: &mut Expr) {
        let id = expr.id;
        let ExprKind::Call(call) = &mut expr.kind else { return };
        if *call.function == *OPTIONAL_SELECT {
            return self.check_optional_select(id, call);
        }
        for arg in &mut call.args {
            self.check(arg);
        }
        // `a.b.c()` is the function `a.b.c` if there is one, and otherwise a method of `a.b`.
        let named = match &call.target {
            None => Some(call.function.to_string()),
            Some(target) => dotted(target).map(|(path, _)| format!("{path}.{}", call.function)),
        };
        let function = named.and_then(|name| self.scope.function(&name));
        if let Some(function) = function {
            call.function = function.clone();
            call.target = None;
            return self.resolve(id, call);
        }
        if let Some(target) = &mut call.target {
            self.check(target);
            if let Some(function) = self.scope.function(&call.function) {
                call.function = function.clone();
                return self.resolve(id, call);
            }
        }
        let message = self.undeclared(&call.function);
        self.set_type(id, Type::Error);
        self.report(id, message);
    }

    fn check_optional_select(&mut self, id: ExprId, call: &mut Call) {
        let count = call.args.len();
        let is_method = call.target.is_some();
        let [operand, field] = call.args.as_mut_slice() else {
            let method = if is_method { " member call with" } else { "" };
            let message =
                format!("unsupported optional field selection: incorrect signature.{method} argument count: {count}");
            return self.report(id, message);
        };
        let ExprKind::Literal(Literal::Str(name)) = &field.kind else {
            return self.report(field.id, "unsupported optional field selection");
        };
        let name = name.clone();
        self.set_type(field.id, Type::String);
        let of = self.select(id, operand, &name, true);
        self.set_type(id, of);
        self.set_reference(id, Reference::Overloads(Box::default()));
    }

    /// Finds the overloads that fit, or says that there is none.
    fn resolve(&mut self, id: ExprId, call: &Call) {
        let is_method = call.target.is_some();
        let args: Vec<Type> = call.target.iter().chain(&call.args).map(|arg| self.type_of(arg.id)).collect();
        if matches!(&*call.function, "_&&_" | "_||_") && !is_method {
            return self.resolve_logic(id, call, &args);
        }
        let env = self.env;
        let overloads = env.functions.get(&call.function).map(|function| function.overloads.as_slice());
        let mut fitting: Vec<u32> = Vec::new();
        let mut result: Option<Type> = None;
        let mut params: Vec<(Arc<str>, Type)> = Vec::new();
        for (index, overload) in (0u32..).zip(overloads.unwrap_or_default()) {
            if overload.member != is_method {
                continue;
            }
            params.clear();
            let wanted: Vec<Type> =
                overload.args.iter().map(|arg| self.bindings.instantiate(arg, &mut params)).collect();
            let answer = self.bindings.instantiate(&overload.result, &mut params);
            if !self.bindings.all_assignable(&args, &wanted) {
                continue;
            }
            fitting.push(index);
            let answer = self.bindings.substitute(&answer, false);
            result = Some(match result {
                None => answer,
                Some(Type::Dyn) => Type::Dyn,
                Some(first) if is_exactly(&answer, &first) => first,
                Some(_) => Type::Dyn,
            });
        }
        match result {
            Some(result) => {
                self.set_type(id, result);
                self.set_reference(id, Reference::Overloads(fitting.into()));
            }
            None => self.no_overload(id, call, &args),
        }
    }

    /// `&&` and `||` have one overload and say of each side what is wrong with it.
    fn resolve_logic(&mut self, id: ExprId, call: &Call, args: &[Type]) {
        let mut fits = true;
        for (arg, of) in call.args.iter().zip(args) {
            if !self.bindings.assignable(of, &Type::Bool) {
                self.report(arg.id, format!("expected type 'bool' but found '{of}'"));
                fits = false;
            }
        }
        self.set_type(id, if fits { Type::Bool } else { Type::Error });
        self.set_reference(id, Reference::Overloads(Box::new([0])));
    }

    fn no_overload(&mut self, id: ExprId, call: &Call, args: &[Type]) {
        let args: Vec<Type> = args.iter().map(|arg| self.bindings.substitute(arg, true)).collect();
        let mut args = args.as_slice();
        let mut message = format!("found no matching overload for '{}' applied to '", call.function);
        // Writing to a string cannot fail.
        if call.target.is_some()
            && let [target, rest @ ..] = args
        {
            let _ = write!(message, "{target}.");
            args = rest;
        }
        message.push('(');
        for (index, arg) in args.iter().enumerate() {
            let _ = write!(message, "{}{arg}", if index == 0 { "" } else { ", " });
        }
        message.push_str(")'");
        self.set_type(id, Type::Error);
        self.report(id, message);
    }
}

const OPTIONAL_SELECT: &str = "_?._";
