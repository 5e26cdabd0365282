//! Literals of lists, maps and messages.

use crate::ast::{Entry, ExprId, ListLiteral, StructLiteral};
use crate::checker::bindings::{is_dyn, is_nullable, most_general};
use crate::checker::{Checker, Reference, unwrap_optional};
use crate::types::Type;

impl Checker<'_, '_> {
    pub(super) fn check_list(&mut self, id: ExprId, list: &mut ListLiteral) {
        let mut element: Option<Type> = None;
        let mut optional = list.optional.iter().peekable();
        for (index, item) in list.elements.iter_mut().enumerate() {
            self.check(item);
            let mut of = self.type_of(item.id);
            if optional.next_if(|at| **at as usize == index).is_some() {
                of = self.expect_optional(item.id, of);
            }
            element = Some(self.join(element, of));
        }
        let element = element.unwrap_or_else(|| self.bindings.fresh());
        self.set_type(id, Type::list(element));
    }

    pub(super) fn check_map(&mut self, id: ExprId, entries: &mut [Entry]) {
        let (mut key, mut value) = (None, None);
        for entry in entries {
            self.check(&mut entry.key);
            let of = self.type_of(entry.key.id);
            key = Some(self.join(key, of));
            self.check(&mut entry.value);
            let mut of = self.type_of(entry.value.id);
            if entry.optional {
                of = self.expect_optional(entry.value.id, of);
            }
            value = Some(self.join(value, of));
        }
        let key = key.unwrap_or_else(|| self.bindings.fresh());
        let value = value.unwrap_or_else(|| self.bindings.fresh());
        self.set_type(id, Type::map(key, value));
    }

    pub(super) fn check_struct(&mut self, id: ExprId, literal: &mut StructLiteral) {
        let Some((name, of)) = self.scope.type_named(&literal.name) else {
            let message = self.undeclared(&literal.name);
            self.report(id, message);
            return self.set_type(id, Type::Error);
        };
        self.set_reference(id, Reference::Struct);
        let fields_known = matches!(of, Type::Struct(_)) || Type::well_known(&name).is_some();
        if !fields_known {
            self.report(id, format!("'{}' is not a message type", of.name()));
        }
        literal.name = name;
        self.set_type(id, if fields_known { of } else { Type::Error });
        for field in &mut literal.fields {
            self.check(&mut field.value);
            let wanted = self.field_type(field.id, &literal.name, &field.name);
            let mut given = self.type_of(field.value.id);
            if field.optional {
                given = self.expect_optional(field.value.id, given);
            }
            if !self.bindings.assignable(&wanted, &given) {
                let name = &field.name;
                let message = format!("expected type of field '{name}' is '{wanted}' but provided type is '{given}'");
                self.report(field.id, message);
            }
        }
    }

    /// The common type of the elements so far and one more; `dyn` if they have none.
    fn join(&mut self, so_far: Option<Type>, next: Type) -> Type {
        match so_far {
            None => next,
            Some(so_far) if self.env.rules.null_yields && next == Type::Null && is_nullable(&so_far) => so_far,
            Some(so_far) if self.bindings.assignable(&so_far, &next) => most_general(&so_far, &next).clone(),
            Some(_) => Type::Dyn,
        }
    }

    /// What is inside the optional that is wanted here.
    fn expect_optional(&mut self, id: ExprId, of: Type) -> Type {
        let (inner, is_optional) = unwrap_optional(&of);
        if !is_optional && !is_dyn(inner) {
            self.report(id, format!("expected type 'optional_type({of})' but found '{of}'"));
        }
        inner.clone()
    }
}
