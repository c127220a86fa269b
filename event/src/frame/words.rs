//! Words that frames hold as numbers: frozen numbers, names as events and pages show them.

/// Makes an enum whose variants have a frozen number and a name.
macro_rules! words {
    ($(#[$about:meta])* $word:ident { $($(#[$what:meta])* $variant:ident = $number:literal $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum $word {
            $($(#[$what])* $variant = $number,)+
        }

        impl $word {
            /// Every one, in the order of their numbers.
            pub const ALL: [$word; [$($number),+].len()] = [$($word::$variant),+];

            /// Returns the one that `number` stands for.
            #[must_use]
            pub fn from_wire(number: u32) -> Option<$word> {
                $word::ALL.into_iter().find(|word| *word as u32 == number)
            }

            /// The name in events, pages and documents.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $($word::$variant => $name,)+
                }
            }
        }
    };
}

words! {
    /// Which sensor a statement is about.
    Source {
        /// Fork, exec, exit (BPF tracepoints).
        Process = 1 "process",
        /// Sockets (BPF cgroup programs).
        Network = 2 "network",
        /// Exact counts of opens (BPF tracepoints).
        Opens = 3 "opens",
        /// Files read, written, executed (fanotify).
        Access = 4 "access",
        /// Files created, deleted, renamed (fanotify).
        Names = 5 "names",
        /// The record itself: disk, segment writer.
        Record = 6 "record",
        /// Rare system calls (BPF tracepoint).
        Calls = 7 "calls",
        /// Names of hosts in first bytes of conversations (BPF cgroup programs).
        Hosts = 8 "hosts",
    }
}

words! {
    /// Why something was lost.
    Cause {
        /// No room in a BPF ring.
        RingFull = 1 "ring_full",
        /// The fanotify queue overflowed; the kernel does not tell how much (count is of overflows).
        QueueOverflow = 2 "queue_overflow",
        /// A record that could not be read.
        Malformed = 3 "malformed",
        /// The segment could not be written (disk full, I/O error).
        Disk = 4 "disk",
        /// A table of the recorder was full.
        TableFull = 5 "table_full",
        /// A BPF program was skipped by the kernel's recursion guard.
        Skipped = 6 "skipped",
        /// An event of a process that the recorder did not know, after forks were lost.
        UnknownProcess = 7 "unknown_process",
        /// A BPF program had no memory to follow a process or socket: what it did later may be missing.
        NoMemory = 8 "no_memory",
        /// Held back: done by a process with rights that the user who records has not.
        HeldBack = 9 "held_back",
    }
}

words! {
    /// What state a source is in.
    State {
        /// It records.
        On = 1 "on",
        /// It records in part; the text says what is missing.
        Degraded = 2 "degraded",
        /// It does not record; the text says why.
        Off = 3 "off",
        /// It was switched off by the user.
        NotAsked = 4 "not_asked",
    }
}

words! {
    /// Why the recording ended.
    Ending {
        /// Every process of the run was gone.
        Empty = 1 "empty",
        /// The command had ended and `--linger` was over with processes left.
        Lingered = 2 "lingered",
        /// The recorder was told to stop, or could not go on.
        Stopped = 3 "stopped",
        /// The command was never started.
        NotStarted = 4 "not_started",
    }
}

words! {
    /// What became of the hash of a long argv.
    Hashed {
        /// It is of the whole.
        Whole = 1 "whole",
        /// The ring was so full that the rest was not sent, to leave room for other processes.
        NoRoom = 2 "no_room",
        /// A piece of argv is missing.
        Lost = 3 "lost",
        /// A page of argv could not be read.
        Unreadable = 4 "unreadable",
    }
}
