//! File events.

/// What was done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileOp {
    /// A name was made: open with `O_CREAT`, mkdir, link, symlink, mknod.
    Create,
    /// Opened to be executed: a program, a script, its interpreter, the loader.
    Exec,
    /// An open failed.
    OpenFailed,
    /// An exec failed.
    ExecFailed,
    /// Opened and closed, and neither read nor written in between.
    Open,
    /// Opened for reading, and closed.
    Read,
    /// Opened for writing, and closed.
    Write,
    /// Mode, owner, times or extended attributes were changed.
    Attrib,
    /// Cut or extended by its path, without opening it.
    Truncate,
    /// A name was moved.
    Rename,
    /// A name was removed.
    Delete,
}

impl FileOp {
    /// Every operation, in the order in which one merged report of the kernel is told.
    pub const ALL: [FileOp; 11] = [
        FileOp::Create,
        FileOp::Exec,
        FileOp::OpenFailed,
        FileOp::ExecFailed,
        FileOp::Open,
        FileOp::Read,
        FileOp::Write,
        FileOp::Attrib,
        FileOp::Truncate,
        FileOp::Rename,
        FileOp::Delete,
    ];

    /// Returns the `op` of its events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FileOp::Create => "create",
            FileOp::Exec => "exec",
            FileOp::OpenFailed => "open_failed",
            FileOp::ExecFailed => "exec_failed",
            FileOp::Open => "open",
            FileOp::Read => "read",
            FileOp::Write => "write",
            FileOp::Attrib => "attrib",
            FileOp::Truncate => "truncate",
            FileOp::Rename => "rename",
            FileOp::Delete => "delete",
        }
    }

    /// Returns whether it is a use of an open file, which repeats are counted of.
    #[must_use]
    pub fn is_access(self) -> bool {
        matches!(self, FileOp::Exec | FileOp::Open | FileOp::Read | FileOp::Write)
    }
}

/// Where a path comes from, when it is not simply what the kernel gave for the open directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Put together from the creates and renames of directories seen in this run.
    Learned,
    /// The last path of a directory that was removed before it was asked for.
    Last,
    /// From the descriptor that the kernel opened (file systems without handles).
    Descriptor,
    /// The same, where the path may be that of another mount namespace or of a mount that is gone.
    Doubtful,
    /// From the open file, told when it was opened: no mark watches it.
    Open,
    /// The same, where the path begins at a mount that is not in the process's namespace.
    Mount,
    /// The file was made without a name (`O_TMPFILE`): `#` and its inode stand for one.
    Nameless,
    /// A name that another event told of the same file.
    Inode,
    /// The kernel's own, at the open (file systems that marks do not reach).
    Kernel,
    /// A directory above was moved at about that time: one of the paths that it had.
    Moved,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Basis; 10] = [
        Basis::Learned,
        Basis::Last,
        Basis::Descriptor,
        Basis::Doubtful,
        Basis::Open,
        Basis::Mount,
        Basis::Nameless,
        Basis::Inode,
        Basis::Kernel,
        Basis::Moved,
    ];

    /// Returns its name in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Basis::Learned => "learned",
            Basis::Last => "last",
            Basis::Descriptor => "descriptor",
            Basis::Doubtful => "doubtful",
            Basis::Open => "open",
            Basis::Mount => "mount",
            Basis::Nameless => "nameless",
            Basis::Inode => "inode",
            Basis::Kernel => "kernel",
            Basis::Moved => "moved",
        }
    }
}

/// Why an event has no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The kernel named no directory.
    NoDirectory,
    /// The record has no statement about the directory.
    Untold,
    /// The directory was removed before its path could be asked, and no report tells its name.
    Removed,
    /// No mount of the run leads to the directory.
    Outside,
    /// The directory's path is longer than PATH_MAX.
    TooLong,
    /// Asking for the directory's path failed in another way.
    Unresolved,
    /// The path of the descriptor could not be read.
    Unreadable,
    /// The close, which would tell it, was never told.
    NotClosed,
    /// Only the caller names the file: [`File::path_claimed`].
    Claimed,
}

impl Missing {
    /// Every reason.
    pub const ALL: [Missing; 9] = [
        Missing::NoDirectory,
        Missing::Untold,
        Missing::Removed,
        Missing::Outside,
        Missing::TooLong,
        Missing::Unresolved,
        Missing::Unreadable,
        Missing::NotClosed,
        Missing::Claimed,
    ];

    /// Returns its name in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Missing::NoDirectory => "no_directory",
            Missing::Untold => "untold",
            Missing::Removed => "removed",
            Missing::Outside => "outside",
            Missing::TooLong => "too_long",
            Missing::Unresolved => "unresolved",
            Missing::Unreadable => "unreadable",
            Missing::NotClosed => "not_closed",
            Missing::Claimed => "claimed",
        }
    }
}

/// Something was done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What.
    pub op: FileOp,
    /// The file's path; for a rename the old one.
    pub path: Option<Vec<u8>>,
    /// For a rename the new path.
    pub path2: Option<Vec<u8>>,
    /// What the caller's memory held as the path after the call: it may have been another during it.
    pub path_claimed: Option<Vec<u8>>,
    /// Directory from which `path_claimed` goes if it is relative.
    pub cwd: Option<Vec<u8>>,
    /// Why an open failed.
    pub errno: Option<u32>,
    /// New length in bytes.
    pub length: Option<u64>,
    /// The name within the unknown directory, when a path is missing.
    pub name: Option<Vec<u8>>,
    /// Why a path is missing.
    pub missing: Option<Missing>,
    /// Where the path comes from.
    pub basis: Option<Basis>,
    /// Other names of the same file, each ended by NUL.
    pub also: Vec<u8>,
    /// It was open before the run began.
    pub inherited: bool,
    /// Bytes that calls read or wrote, where they are counted.
    pub bytes: Option<u64>,
    /// Only its open was told, never a close.
    pub open_only: bool,
    /// `count` is of this name and of others that are not told.
    pub other_names: bool,
    /// The path was too long for the recorder and is cut.
    pub cut: bool,
    /// The file is a directory.
    pub dir: bool,
    /// Device, `major << 20 | minor`.
    pub dev: Option<u32>,
    /// Inode.
    pub ino: Option<u64>,
    /// Generation of the inode.
    pub generation: Option<u32>,
    /// How often, in this event.
    pub count: u64,
    /// Whether the count is exact; only for accesses.
    pub count_exact: Option<bool>,
    /// When it happened last, nanoseconds since 1970, when it happened more than once.
    pub last_ts_ns: Option<i64>,
    /// What else its closes show.
    pub usage: Usage,
}

/// What the descriptors show that went: of all opens in an event together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// One of the opens made the file.
    pub created: bool,
    /// One of the opens cut what was there (`O_TRUNC`).
    pub truncated: bool,
    /// It was mapped into memory.
    pub mapped: bool,
    /// It had no name any more when it was closed.
    pub unlinked: bool,
    /// Its size at the first open, bytes.
    pub size_before: Option<u64>,
    /// Its size at the last close, bytes.
    pub size_after: Option<u64>,
}

impl File {
    /// Returns an event of `op` that happened once and of which nothing else is known.
    #[must_use]
    pub fn new(op: FileOp) -> Self {
        File {
            op,
            path: None,
            path2: None,
            path_claimed: None,
            cwd: None,
            errno: None,
            length: None,
            name: None,
            missing: None,
            basis: None,
            also: Vec::new(),
            inherited: false,
            bytes: None,
            open_only: false,
            other_names: false,
            cut: false,
            dir: false,
            dev: None,
            ino: None,
            generation: None,
            count: 1,
            count_exact: op.is_access().then_some(false),
            last_ts_ns: None,
            usage: Usage::default(),
        }
    }
}
