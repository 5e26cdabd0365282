//! CEL from source to value: nothing panics, everything stays within its budget, and what the checker lets
//! through never meets a value of another type than it promised. In the environment of kube-apiserver and in
//! that of the conformance tests, which has every extension, and without the checker.

#![no_main]

use std::sync::LazyLock;

use cel::{Activation, Budget, Context, Env, Fault, Program, Value};
use libfuzzer_sys::fuzz_target;

struct Nothing;

impl<'v> Activation<'v> for Nothing {
    fn variable(&self, slot: usize, _: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        Ok(if slot == 0 { Value::Int(7) } else { Value::str("text") })
    }
}

static ENVIRONMENTS: LazyLock<[Env; 2]> = LazyLock::new(|| {
    [cel::library::kubernetes((1, 36)), cel::library::conformance()].map(|mut env| {
        env.declare("number", cel::Type::Int);
        env.declare("any", cel::Type::Dyn);
        env
    })
});

fuzz_target!(|source: &str| {
    for env in &*ENVIRONMENTS {
        let Ok(ast) = cel::parse(source, &env.syntax) else { continue };
        if let Ok(program) = Program::unchecked(env, &ast) {
            run(&program);
        }
        let Ok(checked) = cel::check(env, ast) else { continue };
        let estimate = cel::cost::estimate(env, &checked, &Unknown);
        assert!(estimate.min <= estimate.max, "{estimate:?}");
        let Ok(program) = Program::new(env, &checked) else { continue };
        if let Ok(Value::Bool(_)) = run(&program) {
            assert!(matches!(checked.result(), cel::Type::Bool | cel::Type::Dyn), "{}", checked.result());
        }
    }
});

struct Unknown;

impl cel::cost::Sizes for Unknown {
    fn size(&self, _: &cel::cost::Path, _: &cel::Type) -> Option<cel::cost::SizeRange> {
        None
    }
}

fn run(program: &Program) -> Result<Value<'_>, Fault> {
    let mut context = Context::new(Budget { cost: 20_000, bytes: 1 << 20 });
    let result = program.eval(&Nothing, &mut context);
    assert!(context.bytes <= (2 << 20), "{} bytes", context.bytes);
    result
}
