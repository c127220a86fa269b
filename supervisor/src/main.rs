//! The program `audit-supervisor`; see the library.

fn main() -> std::process::ExitCode {
    supervisor::main().into()
}
