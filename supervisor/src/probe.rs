//! `--probe`: tries what this machine lets us record, prints a line for each, leaves nothing behind.

use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};

use crate::{
    cgroup::{Leaf, Parent, read},
    refusal::with_causes,
};

/// Prints `name<TAB>ok|warn|fail<TAB>detail` lines. Returns 0 when everything needed works, else 1.
pub(crate) fn print() -> u8 {
    let mut good = true;
    let mut tell = |name: &str, result: Result<String, String>, needed: bool| {
        let (word, detail) = match &result {
            Ok(detail) => ("ok", detail),
            Err(why) if needed => ("fail", why),
            Err(why) => ("warn", why),
        };
        good &= result.is_ok() || !needed;
        println!("{name}\t{word}\t{detail}");
    };
    let name = format!("audit-probe-{}", std::process::id());
    let leaf = Parent::find().and_then(|parent| Leaf::create(parent, &name));
    tell(
        "cgroup",
        leaf.as_ref().map(|_| "leaf made and removed".into()).map_err(|e| with_causes(e)),
        true,
    );
    match &leaf {
        Ok(leaf) => programs(leaf, &mut tell),
        Err(_) => tell("bpf", Err("not tried: it needs the cgroup".into()), true),
    }
    tell("files", files(), true);
    u8::from(!good)
}

fn programs(leaf: &Leaf, tell: &mut impl FnMut(&str, Result<String, String>, bool)) {
    match bpf::probe(leaf.as_fd()) {
        Ok(topics) => {
            for probed in topics {
                let took = probed.took.as_millis();
                let result = match probed.result {
                    Ok(absent) if absent.is_empty() => {
                        Ok(format!("programs loaded and attached in {took} ms"))
                    }
                    Ok(absent) => Err(crate::statement::too_old(&absent)),
                    Err(error) => Err(error.reason()),
                };
                // Without processes nothing can be attributed; the others degrade.
                tell(probed.topic.name(), result, probed.topic == bpf::Topic::Proc);
            }
        }
        Err(error) => tell("bpf", Err(error.reason()), true),
    }
}

/// Marks the mounts of this process and lets go again.
fn files() -> Result<String, String> {
    let text = |why: std::io::Error| format!("cannot place marks: {why}");
    let mut monitor = fsmon::Monitor::new().map_err(text)?;
    let mountinfo = read("/proc/self/mountinfo").map_err(text)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open("/", flags, Mode::empty()).map_err(|errno| text(errno.into()))?;
    let placement = monitor.begin(root, &mountinfo, fsmon::Scope::Mount).map_err(text)?;
    let of = |wanted: fsmon::Coverage| {
        placement.mounts.iter().filter(|placed| placed.access == wanted).count()
    };
    let (by_handle, by_fd) = (of(fsmon::Coverage::Fid), of(fsmon::Coverage::Fd));
    let all = placement.mounts.len();
    if by_handle + by_fd == 0 {
        return Err(format!("none of {all} mounts could be marked"));
    }
    Ok(format!("{by_handle} mounts by handle and name, {by_fd} by descriptor, of {all}"))
}
