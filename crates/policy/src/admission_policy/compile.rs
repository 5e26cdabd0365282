//! Policies with their expressions compiled.

use std::collections::HashSet;
use std::sync::Arc;

use cel::ast::{Expr, ExprKind, Literal};
use cel::{Checked, Env, Program, Type};

use super::environment::{self, Extras, OWN, Types};
use super::spec::{PatchType, PolicySpec, Source};

/// A policy, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// What it says.
    pub spec: PolicySpec,
    /// `spec.matchConditions`
    pub match_conditions: Vec<Expression>,
    /// `spec.variables`, in the order of their slots.
    pub variables: Vec<Expression>,
    /// `spec.validations`
    pub validations: Vec<Expression>,
    /// Their message expressions.
    pub messages: Vec<Option<Expression>>,
    /// `spec.auditAnnotations`
    pub audit_annotations: Vec<Expression>,
    /// `spec.mutations`
    pub mutations: Vec<Expression>,
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    /// Its text as written.
    pub source: Source,
    /// What is evaluated.
    pub program: Program,
    /// Its tree, types and references: for traces.
    pub checked: Checked,
    /// Whether it has loops or calls whose cost grows with what they are given, so that it may spend a
    /// budget.
    pub heavy: bool,
}

/// What is wrong with an expression.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Its text and place.
    pub source: Source,
    /// The text that the API server shows as the invalid value.
    pub shown: Arc<str>,
    /// In the API server's words.
    pub message: String,
}

/// Something that cannot be meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unused {
    /// No expression uses `params`.
    Params,
    /// No expression uses the variable with this index.
    Variable(usize),
}

/// Compiles policies. Keeps environments from one policy to the next.
#[derive(Debug)]
pub(crate) struct Compiler {
    /// Functions and macros, without variables.
    base: Env,
    envs: [Option<Env>; 4],
}

/// What an expression may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Bool,
    String,
    StringOrNull,
    Any,
    Object,
    Patches,
}

impl Compiler {
    /// A compiler with these functions and macros.
    pub(crate) fn new(base: Env) -> Self {
        Compiler { base, envs: [const { None }; 4] }
    }

    /// Compiles a policy; else says which expressions are wrong.
    pub(crate) fn compile(&mut self, spec: PolicySpec) -> Result<(Compiled, Vec<Unused>), Vec<Broken>> {
        let params = spec.param_kind.is_some();
        let mut job = Job {
            with: self.take(Extras { params, authorizer: true }),
            without: self.take(Extras { params, authorizer: false }),
            types: Types::default(),
            used: HashSet::new(),
            broken: Vec::new(),
        };
        let result = job.policy(spec);
        self.put_back(Extras { params, authorizer: true }, job.with);
        self.put_back(Extras { params, authorizer: false }, job.without);
        match result {
            Some(compiled) if job.broken.is_empty() => {
                let unused = unused(&compiled, &job.used);
                Ok((compiled, unused))
            }
            _ => Err(job.broken),
        }
    }

    fn take(&mut self, extras: Extras) -> Env {
        let kept = self.envs.get_mut(index(extras)).and_then(Option::take);
        kept.unwrap_or_else(|| {
            let mut env = self.base.clone();
            environment::declare(&mut env, extras, &Type::Dyn, &Type::Dyn);
            env
        })
    }

    fn put_back(&mut self, extras: Extras, mut env: Env) {
        env.truncate(OWN);
        env.rename(environment::VARIABLES, "@variables");
        if let Some(place) = self.envs.get_mut(index(extras)) {
            *place = Some(env);
        }
    }
}

fn index(extras: Extras) -> usize {
    usize::from(extras.params) * 2 + usize::from(extras.authorizer)
}

/// The compilation of one policy.
struct Job {
    with: Env,
    without: Env,
    types: Types,
    /// Names of variables that some expression uses.
    used: HashSet<Arc<str>>,
    broken: Vec<Broken>,
}

impl Job {
    /// `None` if an expression is wrong.
    fn policy(&mut self, spec: PolicySpec) -> Option<Compiled> {
        self.apply_types();
        let match_conditions: Vec<_> = spec
            .match_conditions
            .iter()
            .filter_map(|item| self.expression(&item.source, Wanted::Bool, Text::Trimmed))
            .collect();
        if !spec.variables.is_empty() || !spec.mutations.is_empty() {
            self.types.variables = Some(Vec::new());
            self.apply_types();
            self.reveal();
        }
        let variables = self.variables(&spec);
        let (mut validations, mut messages) = (Vec::new(), Vec::new());
        for item in &spec.validations {
            validations.extend(self.expression(&item.source, Wanted::Bool, Text::Whole));
            messages.push(item.message_source.as_ref().and_then(|source| self.message(source)));
        }
        let audit_annotations: Vec<_> = spec
            .audit_annotations
            .iter()
            .filter_map(|item| self.expression(&item.source, Wanted::StringOrNull, Text::TrimmedShownWhole))
            .collect();
        let mut whole = None;
        if !spec.mutations.is_empty() {
            self.types.patches = true;
            self.apply_types();
            let mut patching = self.with.clone();
            patching.add(cel::library::kubernetes::jsonpatch());
            whole = Some(std::mem::replace(&mut self.with, patching));
        }
        let mutations: Vec<_> = spec
            .mutations
            .iter()
            .filter_map(|item| {
                let wanted = match item.patch {
                    PatchType::ApplyConfiguration => Wanted::Object,
                    PatchType::JsonPatch => Wanted::Patches,
                };
                self.expression(&item.source, wanted, Text::Trimmed)
            })
            .collect();
        if let Some(whole) = whole {
            self.with = whole;
        }
        let complete = self.broken.is_empty();
        complete.then_some(Compiled {
            spec,
            match_conditions,
            variables,
            validations,
            messages,
            audit_annotations,
            mutations,
        })
    }

    fn variables(&mut self, spec: &PolicySpec) -> Vec<Expression> {
        let mut list = Vec::with_capacity(spec.variables.len());
        for item in &spec.variables {
            let compiled = self.expression(&item.source, Wanted::Any, Text::Whole);
            let of = compiled.as_ref().map_or(Type::Dyn, |expression| field_type(expression.checked.result()));
            let name = format!("variables.{}", item.name);
            self.with.declare(&name, of.clone());
            self.without.declare(&name, of.clone());
            if let Some(variables) = &mut self.types.variables {
                variables.push((item.name.clone(), of));
            }
            self.apply_types();
            list.extend(compiled);
        }
        list
    }

    /// Makes the name `variables` known, in its own slot.
    fn reveal(&mut self) {
        self.with.rename(environment::VARIABLES, "variables");
        self.without.rename(environment::VARIABLES, "variables");
    }

    fn apply_types(&mut self) {
        let types: Arc<Types> = Arc::new(self.types.clone());
        self.with.types = Some(types.clone());
        self.without.types = Some(types);
    }

    fn message(&mut self, source: &Source) -> Option<Expression> {
        std::mem::swap(&mut self.with, &mut self.without);
        let compiled = self.expression(source, Wanted::String, Text::Whole);
        std::mem::swap(&mut self.with, &mut self.without);
        compiled
    }

    fn expression(&mut self, source: &Source, wanted: Wanted, text: Text) -> Option<Expression> {
        let compiled_text = if text == Text::Whole { &*source.text } else { source.text.trim() };
        match compile(&self.with, compiled_text, wanted) {
            Ok((program, checked)) => {
                let mut heavy = false;
                visit(&checked.ast.root, &mut |expr| match &expr.kind {
                    ExprKind::Ident(name) => {
                        self.used.insert(name.clone());
                    }
                    ExprKind::Comprehension(_) => heavy = true,
                    ExprKind::Call(call) => heavy |= HEAVY.contains(&&*call.function),
                    _ => {}
                });
                Some(Expression { source: source.clone(), program, checked, heavy })
            }
            Err(message) => {
                let shown = if text == Text::Trimmed { compiled_text.into() } else { source.text.clone() };
                self.broken.push(Broken { source: source.clone(), shown, message });
                None
            }
        }
    }
}

/// Which text the API server compiles and shows when it validates a policy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Whole,
    Trimmed,
    TrimmedShownWhole,
}

/// Compiles one expression, or says what is wrong with it in the API server's words.
fn compile(env: &Env, text: &str, wanted: Wanted) -> Result<(Program, Checked), String> {
    let failed = |issues: cel::Issues| format!("compilation failed: {issues}");
    let ast = cel::parse(text, &env.syntax).map_err(failed)?;
    let mut checked = cel::check(env, ast).map_err(failed)?;
    declared_variables(&mut checked.ast.root, env);
    let found = checked.result();
    let fits = match wanted {
        Wanted::Any => true,
        Wanted::Bool => *found == Type::Bool,
        Wanted::String => *found == Type::String,
        Wanted::StringOrNull => matches!(found, Type::String | Type::Null),
        Wanted::Object => *found == Type::object("Object"),
        Wanted::Patches => *found == Type::list(Type::object("JSONPatch")),
    };
    if !fits {
        let found = go_name(found);
        return Err(match wanted {
            Wanted::StringOrNull => format!("must evaluate to one of [string null_type] but got {found}"),
            Wanted::Bool => format!("must evaluate to bool but got {found}"),
            Wanted::Object => format!("must evaluate to Object but got {found}"),
            Wanted::Patches => format!("must evaluate to list(JSONPatch) but got {found}"),
            Wanted::String | Wanted::Any => format!("must evaluate to string but got {found}"),
        });
    }
    let program = Program::new(env, &checked).map_err(|fault| format!("program instantiation failed: {fault}"))?;
    Ok((program, checked))
}

/// `has(variables.x)` asks whether there is a variable of that name, not what its value is: in the API server
/// variables are a map that is filled when it is asked for a key.
fn declared_variables(expr: &mut Expr, env: &Env) {
    let declared = match &expr.kind {
        ExprKind::Select(select) if select.test_only => {
            matches!(&select.operand.kind, ExprKind::Ident(name) if &**name == "variables")
                && env
                    .variables
                    .iter()
                    .any(|(name, _)| name.strip_prefix("variables.").is_some_and(|field| field == &*select.field))
        }
        _ => false,
    };
    if declared {
        expr.kind = ExprKind::Literal(Literal::Bool(true));
        return;
    }
    match &mut expr.kind {
        ExprKind::Select(select) => declared_variables(&mut select.operand, env),
        ExprKind::Call(call) => {
            call.target.iter_mut().chain(&mut call.args).for_each(|part| declared_variables(part, env));
        }
        ExprKind::List(list) => list.elements.iter_mut().for_each(|part| declared_variables(part, env)),
        ExprKind::Map(entries) => {
            for entry in entries {
                declared_variables(&mut entry.key, env);
                declared_variables(&mut entry.value, env);
            }
        }
        ExprKind::Struct(literal) => {
            literal.fields.iter_mut().for_each(|field| declared_variables(&mut field.value, env));
        }
        ExprKind::Comprehension(fold) => {
            let parts = [&mut fold.range, &mut fold.init, &mut fold.condition, &mut fold.step, &mut fold.result];
            parts.into_iter().for_each(|part| declared_variables(part, env));
        }
        ExprKind::Literal(_) | ExprKind::Ident(_) => {}
    }
}

/// What is declared or defined and not used.
fn unused(compiled: &Compiled, used: &HashSet<Arc<str>>) -> Vec<Unused> {
    let mut list = Vec::new();
    if compiled.spec.param_kind.is_some() && !used.contains("params") {
        list.push(Unused::Params);
    }
    if !used.contains("variables") {
        for (index, variable) in compiled.spec.variables.iter().enumerate() {
            if !used.contains(&*format!("variables.{}", variable.name)) {
                list.push(Unused::Variable(index));
            }
        }
    }
    list
}

/// Calls a function for every node of a tree. The parser bounds the depth of trees.
pub(crate) fn visit(expr: &Expr, each: &mut dyn FnMut(&Expr)) {
    each(expr);
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Ident(_) => {}
        ExprKind::Select(select) => visit(&select.operand, each),
        ExprKind::Call(call) => {
            call.target.iter().chain(&call.args).for_each(|part| visit(part, each));
        }
        ExprKind::List(list) => list.elements.iter().for_each(|part| visit(part, each)),
        ExprKind::Map(entries) => entries.iter().for_each(|entry| {
            visit(&entry.key, each);
            visit(&entry.value, each);
        }),
        ExprKind::Struct(literal) => literal.fields.iter().for_each(|field| visit(&field.value, each)),
        ExprKind::Comprehension(fold) => {
            for part in [&fold.range, &fold.init, &fold.condition, &fold.step, &fold.result] {
                visit(part, each);
            }
        }
    }
}

/// The type that a variable has as a field of `variables`: lists and maps keep their parts, types with fields
/// and those of libraries become dynamic.
pub(crate) fn field_type(of: &Type) -> Type {
    match of {
        Type::Bool
        | Type::Bytes
        | Type::Double
        | Type::Duration
        | Type::Int
        | Type::Null
        | Type::String
        | Type::Timestamp
        | Type::Uint => of.clone(),
        Type::List(element) => Type::list(field_type(element)),
        Type::Map(key, value) => Type::map(field_type(key), field_type(value)),
        _ => Type::Dyn,
    }
}

/// The name of a type as Go prints it: `list(string)`, `google.protobuf.Timestamp`.
fn go_name(of: &Type) -> String {
    match of {
        Type::List(element) => format!("list({})", go_name(element)),
        Type::Map(key, value) => format!("map({}, {})", go_name(key), go_name(value)),
        Type::Optional(inner) => format!("optional_type({})", go_name(inner)),
        Type::Type(inner) => format!("type({})", go_name(inner)),
        Type::Wrapper(inner) => format!("wrapper({})", go_name(inner)),
        other => other.name().to_owned(),
    }
}

/// Functions whose cost grows with their arguments faster than a budget of ten million allows for.
const HEAVY: [&str; 12] = [
    "matches", "find", "findAll", "replace", "split", "join", "format", "sort", "distinct", "flatten", "sum", "indexOf",
];
