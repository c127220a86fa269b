//! What can wake the recorder.

use bpf::Topic;

/// Everything that can wake the recorder, in the order of service: records come before the
/// command's end, so that nothing it did is left in a queue. Files come before sockets: what was read
/// and then sent is told in that order, though fanotify has no clock and both may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Process,
    Files,
    Network,
    Calls,
    Hosts,
    Mounts,
    Signals,
    Main,
    Leaf,
    Front,
}

impl Source {
    pub(crate) const ALL: [Source; 10] = [
        Source::Process,
        Source::Files,
        Source::Network,
        Source::Calls,
        Source::Hosts,
        Source::Mounts,
        Source::Signals,
        Source::Main,
        Source::Leaf,
        Source::Front,
    ];

    /// Those that are rings of records.
    pub(crate) const RINGS: [Source; 4] =
        [Source::Process, Source::Network, Source::Calls, Source::Hosts];
}

/// Which ring belongs to which source.
pub(crate) const RING_OF: [(Topic, Source); 4] = [
    (Topic::Proc, Source::Process),
    (Topic::Net, Source::Network),
    (Topic::Calls, Source::Calls),
    (Topic::Names, Source::Hosts),
];
