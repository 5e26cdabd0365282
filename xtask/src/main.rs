//! `cargo xtask …`

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test                                install what the tests need, run all of them
cargo xtask conformance --suites DIR [--json]   score against public test suites
cargo xtask compare DIR                         CPU time against parsing alone and against checkov
cargo xtask tidy                                check the fences and house rules
cargo xtask example-image [DIR] FILE            build the OCI image that DIR describes [default: examples/image]
cargo xtask codegen [--check]                   write (or compare) files made from code
cargo xtask schema FILE                         write the table of built-in kinds from an OpenAPI v2 document";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["conformance", "--suites", folder] => conformance(folder, false),
        ["conformance", "--suites", folder, "--json"] | ["conformance", "--json", "--suites", folder] => {
            conformance(folder, true)
        }
        ["test"] => match xtask::checkup::run(&xtask::root()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.0),
        },
        ["compare", folder] => match xtask::compare::compare(&xtask::root(), folder) {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(message) => fail(&message),
        },
        ["floor", folder] => {
            println!("{} events", xtask::compare::floor(&PathBuf::from(folder)));
            ExitCode::SUCCESS
        }
        ["example-image", file] => example_image(&xtask::root().join("examples/image"), file),
        ["example-image", folder, file] => example_image(&PathBuf::from(folder), file),
        ["tidy"] => verdict(&xtask::tidy::faults(&xtask::root())),
        ["schema", file] => match xtask::schema::write(&xtask::root(), &PathBuf::from(file)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => fail(&message),
        },
        ["codegen"] => match xtask::codegen::write(&xtask::root()) {
            Ok(changed) => {
                println!("{changed} files changed");
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error.to_string()),
        },
        ["codegen", "--check"] => verdict(&xtask::codegen::drift(&xtask::root())),
        _ => fail(USAGE),
    }
}

fn conformance(folder: &str, json: bool) -> ExitCode {
    let scores = xtask::conformance::score(&PathBuf::from(folder));
    if json {
        println!("{}", xtask::conformance::json(&scores));
    } else {
        print!("{}", xtask::conformance::text(&scores));
    }
    if scores.is_empty() { fail("no known suite in that folder") } else { ExitCode::SUCCESS }
}

fn example_image(from: &std::path::Path, to: &str) -> ExitCode {
    match xtask::example_image::write(from, &PathBuf::from(to)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot build an image of {}: {error}", from.display())),
    }
}

fn verdict(faults: &[String]) -> ExitCode {
    for fault in faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
