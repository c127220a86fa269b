//! The program `audit`; see the library of the same package.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
