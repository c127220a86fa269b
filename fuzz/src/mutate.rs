//! A small mutator for where libFuzzer cannot be built: changes kept inputs by chance, without looking at
//! what code they reach.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// What was done.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Inputs that went through the target.
    pub inputs: u64,
}

/// Numbers by chance (xorshift64*).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: usize) -> usize {
        if most == 0 { 0 } else { (self.next() % most as u64) as usize }
    }
}

/// Changes inputs of `name` for this long; the last one is in `artifacts/` if the target fails.
///
/// # Panics
/// When the target does.
#[must_use]
pub fn run(name: &str, time: Duration, seed: u64) -> Done {
    let (_, target) =
        crate::TARGETS.into_iter().find(|(other, _)| *other == name).expect("a target");
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(top.join("corpus").join(name)).expect("a corpus");
    let mut kept: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    kept.sort();
    let kept: Vec<Vec<u8>> = kept.iter().map(|path| fs::read(path).expect("it reads")).collect();
    let (mut chance, begun, mut inputs) = (Chance(seed.max(1)), Instant::now(), 0);
    while begun.elapsed() < time {
        let input = changed(&kept, &mut chance);
        let failed = std::panic::catch_unwind(|| target(&input)).is_err();
        if failed {
            let dir = top.join("artifacts").join(name);
            fs::create_dir_all(&dir).expect("room");
            let file = dir.join(format!("mutated-{seed}-{inputs}"));
            fs::write(&file, &input).expect("room");
            panic!("{name} failed: {}", file.display());
        }
        inputs += 1;
    }
    Done { inputs }
}

fn changed(kept: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    const ODD: [u64; 10] = [0, 1, 7, 8, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, u64::MAX];
    let mut input = kept[chance.below(kept.len())].clone();
    for _ in 0..=chance.below(6) {
        let at = chance.below(input.len() + 1);
        match chance.below(7) {
            0 => input.truncate(at),
            1 => input.insert(at, chance.next() as u8),
            2 if at < input.len() => input[at] ^= 1 << chance.below(8),
            3 if at < input.len() => input[at] = chance.next() as u8,
            4 => {
                let odd = ODD[chance.below(ODD.len())].to_le_bytes();
                let len = (1 << chance.below(4)).min(input.len() - at);
                input[at..at + len].copy_from_slice(&odd[..len]);
            }
            5 => {
                let other = &kept[chance.below(kept.len())];
                let from = chance.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let len = chance.below((input.len() - at).min(64) + 1);
                let part = input[at..at + len].to_vec();
                input.splice(at..at, part);
            }
        }
    }
    input.truncate(1 << 16);
    input
}
