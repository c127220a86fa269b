//! The program `audit-supervisor`; see the library.
#![deny(unsafe_code)]

fn main() -> std::process::ExitCode {
    supervisor::main().into()
}
