//! `kobuk policy`: users' own policies, in CEL and Rego.

pub(crate) mod args;
mod bench;
mod convert;
mod documents;
mod eval;
mod explain;
pub(crate) mod load;
mod packs;
mod requests;
mod test;
mod watch;

use std::io::Write;

use args::PolicyCommand;

use crate::exit::Exit;

/// Runs one of the verbs.
pub(crate) fn run(command: &PolicyCommand, out: &mut dyn Write) -> Result<Exit, Box<dyn std::error::Error>> {
    let minor = policy::config::KUBERNETES_MINOR;
    Ok(match command {
        PolicyCommand::Eval(args) => eval::eval(args, minor, out)?,
        PolicyCommand::Test(args) => test::test(args, minor, out)?,
        PolicyCommand::Bench(args) => bench::bench(args, minor, out)?,
        PolicyCommand::Convert(args) => convert::convert(args, minor, out)?,
        PolicyCommand::Explain(args) => explain::explain(args, minor, out)?,
    })
}
