//! `mutate TARGET SECONDS [SEED]`: see `audit_fuzz::mutate`.

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, seconds, rest @ ..] = words.as_slice() else {
        panic!("mutate TARGET SECONDS [SEED]")
    };
    let number = |text: &String| text.parse::<u64>().expect("a number");
    let seed = rest.first().map_or(1, number);
    let time = std::time::Duration::from_secs(number(seconds));
    let done = audit_fuzz::mutate::run(name, time, seed);
    println!("{name}: {} inputs in {seconds} s, none failed", done.inputs);
}
