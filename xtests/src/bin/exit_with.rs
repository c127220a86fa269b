//! Tester: ends as asked. `exit_with code N` or `exit_with signal N`.
#![forbid(unsafe_code)]

use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, how, number] = args.as_slice() else { panic!("exit_with code|signal N") };
    let number: i32 = number.parse().expect("a number");
    if how == "code" {
        std::process::exit(number);
    }
    // Whoever looks at the test's directory does not want core files in it.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).expect("less is fine");
    let signal = Signal::from_named_raw(number).expect("a signal");
    // Twice: the first SIGSEGV only ends the care that Rust's runtime takes of it.
    for _ in 0..2 {
        kill_process(getpid(), signal).expect("to ourselves");
    }
    // Rust programs ignore SIGPIPE, for one.
    eprintln!("signal {number} did not end this process");
    std::process::exit(99);
}
