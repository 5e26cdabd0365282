//! `kobuk policy`: users' own policies, in CEL and Rego.

pub(crate) mod args;
mod bench;
mod check;
mod convert;
mod documents;
mod eval;
mod explain;
pub(crate) mod load;
mod packs;
mod requests;
mod test;
pub(crate) mod watch;

use std::io::Write;

use args::PolicyCommand;

use crate::exit::Exit;

/// Runs one of the verbs.
pub(crate) fn run(command: &PolicyCommand, out: &mut dyn Write) -> Result<Exit, Box<dyn std::error::Error>> {
    Ok(match command {
        PolicyCommand::Eval(args) => eval::eval(args, out)?,
        PolicyCommand::Test(args) => test::test(args, out)?,
        PolicyCommand::Bench(args) => bench::bench(args, out)?,
        PolicyCommand::Convert(args) => convert::convert(args, out)?,
        PolicyCommand::Explain(args) => explain::explain(args, out)?,
        PolicyCommand::Check(args) => check::check(args, out)?,
    })
}
