//! What an expression may use: variables, functions, macros and types.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::context::Context;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Struct, Value};

/// An implementation. Arguments are evaluated, a method's receiver comes first. They have passed
/// [`Overload::accepts`], so a wrong type is a fault of ours; answer `no such overload` all the same.
pub type Run = for<'v> fn(&mut Context<'_>, &[Value<'v>]) -> Result<Value<'v>, Fault>;

/// One signature of a function.
#[derive(Clone)]
pub struct Overload {
    /// cel-go's identifier, for example `string_find_string`: the key of the cost tables.
    pub id: &'static str,
    /// Whether it is called as `x.f()`; the receiver is then `args[0]`.
    pub member: bool,
    /// Types of the arguments.
    pub args: Vec<Type>,
    /// Type of the result.
    pub result: Type,
    /// The implementation.
    pub run: Run,
}

/// A function: one name, several signatures.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// Its signatures.
    pub overloads: Vec<Overload>,
}

/// A table of functions that belong together.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Name and signature, in any order; the same name may come several times.
    pub overloads: Vec<(&'static str, Overload)>,
    /// Names with a constant value: types such as `net.IP`, constants.
    pub constants: Vec<(&'static str, Type, Value<'static>)>,
}

/// Types with fields that an environment knows.
pub trait TypeProvider: fmt::Debug + Send + Sync {
    /// Whether there is a type of this name.
    fn has(&self, name: &str) -> bool;
    /// The type of a field; `None` when the type has no such field.
    fn field(&self, name: &str, field: &str) -> Option<Type>;
    /// All fields of a type, for suggestions.
    fn fields(&self, name: &str) -> Vec<String>;
    /// Makes a value from a message literal. Fields have passed the type checker where their types were
    /// known.
    fn make<'v>(&self, value: Struct<'v>) -> Result<Value<'v>, Fault> {
        Ok(Value::Struct(Arc::new(value)))
    }
}

/// Everything an expression may use.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// Functions by name.
    pub functions: HashMap<Arc<str>, Function>,
    /// Names and types of variables; the index is the slot that [`Activation`](crate::Activation) is asked
    /// for. A name may have dots (`variables.total`): the longest name that fits wins. Added to by
    /// [`Env::declare`] only.
    pub variables: Vec<(Arc<str>, Type)>,
    /// Slots by name.
    pub(crate) slots: HashMap<Arc<str>, usize>,
    /// Names with a constant value.
    pub constants: HashMap<Arc<str>, (Type, Value<'static>)>,
    /// Types with fields.
    pub types: Option<Arc<dyn TypeProvider>>,
    /// Prefix under which names are looked up first, for example `google.rpc`.
    pub container: Arc<str>,
    /// Which macros and which syntax are on.
    pub syntax: Syntax,
    /// Where the specification is followed instead of kube-apiserver.
    pub rules: Rules,
}

/// Where kube-apiserver's version of CEL and the specification differ. The default is kube-apiserver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Nothing is computed ahead of evaluation. Otherwise lists and maps of constants, conversions of
    /// constants, patterns and the lists of `in` are made with the program: they cost nothing when it runs,
    /// and a mistake in them is an error even where evaluation would not come.
    pub unoptimised: bool,
    /// In a map literal a key that comes again and keys of types that only lookups may have, doubles and
    /// null, are errors. Otherwise the last entry counts.
    pub strict_maps: bool,
    /// `has(a.b)` and `a.?b` of a value that has no members at all are errors. Otherwise the member is absent.
    pub strict_presence: bool,
    /// The common type of a type that has null and of null is the former. Otherwise it is the one that comes
    /// last.
    pub null_yields: bool,
    /// `has(…)` costs as much as a selection. Otherwise it is free.
    pub presence_has_cost: bool,
}

/// Which macros and which syntax are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// `a.?b`, `a[?0]`, `[?a]`, `optMap`, `optFlatMap`.
    pub optionals: bool,
    /// `cel.bind`.
    pub bind: bool,
    /// `cel.block` and its `cel.index`, `cel.iterVar`, `cel.accuVar`: for conformance tests.
    pub block: bool,
    /// `all(i, v, …)`, `transformList`, `transformMap`, `transformMapEntry`, `existsOne`.
    pub two_variables: bool,
    /// `math.greatest`, `math.least` as macros.
    pub math: bool,
    /// `sortBy`.
    pub sort_by: bool,
    /// `` a.`b-c` ``, `` T{`b-c`: 1} ``.
    pub quoted_fields: bool,
    /// `proto.getExt`, `proto.hasExt`.
    pub extensions: bool,
    /// Lists and maps of mixed element types are `dyn` instead of an error.
    pub mixed_literals: bool,
    /// Literals given to `duration`, `timestamp`, `matches` and `format` are checked before evaluation.
    pub valid_literals: bool,
    /// Variables of comprehensions hide declared names that begin with theirs, and a leading dot looks
    /// past them, as the specification has it. kube-apiserver's version of CEL does neither.
    pub strict_scopes: bool,
}

impl Default for Syntax {
    /// What kube-apiserver has on.
    fn default() -> Self {
        Syntax {
            optionals: true,
            bind: false,
            block: false,
            two_variables: true,
            math: false,
            sort_by: true,
            quoted_fields: false,
            extensions: false,
            mixed_literals: false,
            valid_literals: true,
            strict_scopes: false,
        }
    }
}

impl Env {
    /// Adds a library.
    pub fn add(&mut self, library: Library) {
        for (name, overload) in library.overloads {
            self.functions.entry(name.into()).or_default().overloads.push(overload);
        }
        for (name, of, value) in library.constants {
            self.constants.insert(name.into(), (of, value));
        }
    }

    /// Gives a signature another implementation.
    pub fn implement(&mut self, name: &str, id: &str, run: Run) {
        let overloads = self.functions.get_mut(name).map(|function| &mut function.overloads);
        for overload in overloads.into_iter().flatten().filter(|overload| overload.id == id) {
            overload.run = run;
        }
    }

    /// Declares a variable and returns its slot. A name declared again means the newer variable.
    pub fn declare(&mut self, name: &str, of: Type) -> usize {
        let (name, slot): (Arc<str>, usize) = (name.into(), self.variables.len());
        self.slots.insert(name.clone(), slot);
        self.variables.push((name, of));
        slot
    }

    /// Forgets the variables from a slot on, so that an environment can serve one policy after the other.
    pub fn truncate(&mut self, slots: usize) {
        for (name, _) in self.variables.drain(slots.min(self.variables.len())..) {
            self.slots.remove(&name);
        }
    }

    /// Gives the variable in a slot another name. A name that no identifier can have hides it.
    pub fn rename(&mut self, slot: usize, name: &str) {
        if let Some((own, _)) = self.variables.get_mut(slot) {
            self.slots.remove(own);
            *own = name.into();
            self.slots.insert(own.clone(), slot);
        }
    }

    /// Slot and type of a variable.
    pub fn variable(&self, name: &str) -> Option<(usize, &Type)> {
        let slot = *self.slots.get(name)?;
        self.variables.get(slot).map(|(_, of)| (slot, of))
    }
}

impl Library {
    /// Adds a function `name(args)`.
    #[must_use]
    pub fn function(mut self, name: &'static str, id: &'static str, args: &[Type], result: Type, run: Run) -> Self {
        self.overloads.push((name, Overload { id, member: false, args: args.to_vec(), result, run }));
        self
    }

    /// Adds a method `args[0].name(args[1..])`.
    #[must_use]
    pub fn method(mut self, name: &'static str, id: &'static str, args: &[Type], result: Type, run: Run) -> Self {
        self.overloads.push((name, Overload { id, member: true, args: args.to_vec(), result, run }));
        self
    }

    /// Adds a name with a constant value.
    #[must_use]
    pub fn constant(mut self, name: &'static str, of: Type, value: Value<'static>) -> Self {
        self.constants.push((name, of, value));
        self
    }
}

impl Overload {
    /// Whether arguments of these run-time types fit.
    pub fn accepts(&self, args: &[Value<'_>]) -> bool {
        // As in cel-go, `flatten` looks itself at what it is given.
        let unguarded = matches!(self.id, "list_flatten" | "list_flatten_int");
        self.args.len() == args.len() && (unguarded || self.args.iter().zip(args).all(|(of, value)| fits(of, value)))
    }
}

impl fmt::Debug for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)
    }
}

/// Whether a value is of a type. Of lists and maps only the first element counts, as for cel-go.
fn fits(of: &Type, value: &Value<'_>) -> bool {
    match (of, value) {
        (Type::Dyn | Type::Param(_), _)
        | (Type::Null, Value::Null)
        | (Type::Bool, Value::Bool(_))
        | (Type::Int, Value::Int(_))
        | (Type::Uint, Value::Uint(_))
        | (Type::Double, Value::Double(_))
        | (Type::String, Value::Str(_))
        | (Type::Bytes, Value::Bytes(_))
        | (Type::Duration, Value::Duration(_))
        | (Type::Timestamp, Value::Timestamp(_))
        | (Type::Type(_), Value::Type(_))
        | (Type::Optional(_), Value::Optional(_))
        | (Type::Wrapper(_), Value::Null) => true,
        (Type::List(of), Value::List(list)) => any(of) || list.get(0).is_none_or(|item| fits(of, &item)),
        (Type::Map(key, of), Value::Map(map)) => {
            any(key) && any(of) || map.iter().next().is_none_or(|(first, item)| fits(key, &first) && fits(of, &item))
        }
        (Type::Wrapper(of), _) => fits(of, value),
        (Type::Struct(name), Value::Struct(value)) => *name == value.name,
        (Type::Opaque(name), Value::Opaque(value)) => **name == *value.type_name(),
        _ => false,
    }
}

fn any(of: &Type) -> bool {
    matches!(of, Type::Dyn | Type::Param(_))
}
