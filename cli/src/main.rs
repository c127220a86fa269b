//! The program `audit`; see the library of the same package.
#![deny(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
