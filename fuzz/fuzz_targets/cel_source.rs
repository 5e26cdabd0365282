//! CEL from source to value: nothing panics, everything stays within its budget, and what the checker lets
//! through never meets a value of another type than it promised.

#![no_main]

use cel::{Activation, Budget, Context, Fault, Program, Value};
use libfuzzer_sys::fuzz_target;

struct Nothing;

impl<'v> Activation<'v> for Nothing {
    fn variable(&self, slot: usize, _: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        Ok(if slot == 0 { Value::Int(7) } else { Value::str("text") })
    }
}

fuzz_target!(|source: &str| {
    let mut env = cel::library::kubernetes((1, 36));
    env.declare("number", cel::Type::Int);
    env.declare("any", cel::Type::Dyn);
    let Ok(ast) = cel::parse(source, &env.syntax) else { return };
    let Ok(checked) = cel::check(&env, ast) else { return };
    let program = Program::new(&env, &checked);
    let mut context = Context::new(Budget { cost: 20_000, bytes: 1 << 20 });
    let result = program.eval(&Nothing, &mut context);
    assert!(context.bytes <= (2 << 20), "{} bytes", context.bytes);
    if let Ok(Value::Bool(_)) = result {
        assert!(matches!(checked.result(), cel::Type::Bool | cel::Type::Dyn), "{}", checked.result());
    }
});
