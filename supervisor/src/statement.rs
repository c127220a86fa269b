//! What the supervisor states about itself at the start: the machine, the sources and their state.

use std::{io, os::fd::OwnedFd};

use bpf::Topic;
use event::{
    frame::control::{KIND_SOURCE, KIND_START, Source, SourceState, Start, State},
    protocol::{Begin, refusal, without},
};
use zerocopy::IntoBytes;

use crate::{
    cgroup::{Leaf, read},
    clock, keys,
    refusal::Refusal,
    segment::Writer,
    sensors::{self, Sensors, TOPICS},
};

/// Writes the `Start` frame and the run's keys, made in the directory `keys`. A record that cannot be
/// signed says so and goes on.
pub(crate) fn start(
    writer: &mut Writer,
    settings: &Begin,
    (uid, leaf_id): (u32, u64),
    keys: io::Result<OwnedFd>,
) {
    let system = rustix::system::uname();
    let (release, host) = (system.release().to_bytes(), system.nodename().to_bytes());
    let len = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(0);
    let boot_ns = clock::boot_ns();
    let frame = Start {
        boot_ns,
        real_ns: clock::real_ns(),
        leaf_id,
        boot_id: boot_id().unwrap_or_default(),
        uid,
        trust: settings.trust,
        release_len: len(release),
        host_len: len(host),
        pad: 0,
    };
    writer.control(KIND_START, boot_ns, &[frame.as_bytes(), release, host]);
    let seconds = u64::try_from(frame.real_ns / 1_000_000_000).unwrap_or(0);
    match keys.and_then(|keys| keys::next(&keys, seconds)) {
        Ok(keys) => writer.sign_with(keys, frame, host, boot_ns),
        Err(why) => {
            source(writer, Source::Record, State::Degraded, &format!("it is not signed: {why}"));
        }
    }
}

/// Loads the programs and states which sources they give. A source that was asked for and cannot be
/// had is missing by name; without processes nothing can be told at all.
pub(crate) fn sensors(
    settings: &Begin,
    owner: Option<bpf::Owner>,
    leaf: &Leaf,
    writer: &mut Writer,
) -> Result<Sensors, Refusal> {
    let refuse = |why: &bpf::Error| {
        let errno = sensors::errno(why);
        let rights = matches!(errno, libc::EPERM | libc::EACCES);
        Refusal::new(if rights { refusal::RIGHTS } else { refusal::KERNEL }, errno, why.reason())
    };
    let (sensors, refused) = Sensors::load(settings, owner, leaf).map_err(|why| refuse(&why))?;
    // Opens are counted by the program that sees system calls.
    let opens = (Topic::Calls, Source::Opens, without::OPENS | without::FILES);
    for (topic, sensor, bits) in TOPICS.into_iter().chain([opens]) {
        let refused = refused.iter().find(|(known, _)| *known == topic).map(|(_, why)| why);
        match refused {
            _ if settings.without & bits != 0 => not_asked(writer, sensor),
            None => match sensors.absent(topic) {
                [] => source(writer, sensor, State::On, ""),
                absent => source(writer, sensor, State::Degraded, &too_old(absent)),
            },
            Some(why) if topic == Topic::Proc => return Err(refuse(why)),
            Some(why) => source(writer, sensor, State::Off, &why.reason()),
        }
    }
    Ok(sensors)
}

/// Says what a kernel without newer hooks does not tell.
pub(crate) fn too_old(absent: &[&str]) -> String {
    format!("this kernel is too old to tell {}", absent.join(", "))
}

/// States that files are not recorded, and why.
pub(crate) fn files_off(writer: &mut Writer, why: &io::Error) {
    for sensor in [Source::Access, Source::Names] {
        source(writer, sensor, State::Off, &format!("cannot place marks: {why}"));
    }
}

/// States that the user did not want files.
pub(crate) fn files_not_asked(writer: &mut Writer) {
    for sensor in [Source::Access, Source::Names] {
        not_asked(writer, sensor);
    }
}

fn not_asked(writer: &mut Writer, sensor: Source) {
    source(writer, sensor, State::NotAsked, "switched off by the user");
}

/// Says that the last totals of open sockets are missing.
pub(crate) fn open_sockets_untold(writer: &mut Writer, why: &bpf::Error) {
    let text = format!("bytes of sockets still open at the end: {}", why.reason());
    source(writer, Source::Network, State::Degraded, &text);
}

/// Writes one statement.
pub(crate) fn source(writer: &mut Writer, source: Source, state: State, text: &str) {
    let text = text.get(..text.floor_char_boundary(4096)).unwrap_or_default();
    let text_len = u32::try_from(text.len()).unwrap_or(0);
    let frame = SourceState { source: source as u32, state: state as u32, text_len, pad: 0 };
    writer.control(KIND_SOURCE, clock::boot_ns(), &[frame.as_bytes(), text.as_bytes()]);
}

/// Reads the boot's UUID as 16 bytes.
fn boot_id() -> Option<[u8; 16]> {
    let text = read("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: Vec<u8> = text.into_iter().filter(u8::is_ascii_hexdigit).collect();
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(id)
}
