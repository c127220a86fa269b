//! Processes and what they execute.

use crate::model::{Actor, ArgvHash, Cred, Exec, Exit, Fork, Value, table::ACTOR};

use super::{Take, bytes, flag, inner, number, status, text};

impl Actor {
    /// Hands each field that is known of who did it to `take`.
    pub(crate) fn fields(&self, take: &mut Take<'_>) {
        ACTOR.iter().for_each(|name| self.field(name, take));
    }

    /// Hands the one of this name to `take`, if it is known.
    pub fn field(&self, name: &'static str, take: &mut Take<'_>) {
        match name {
            "pid" => take(name, Value::Number(self.id.pid.into())),
            "start_ns" if self.id.start_ns != 0 => take(name, Value::Number(self.id.start_ns)),
            "ppid" => number(take, name, self.ppid),
            "uid" => number(take, name, self.uid),
            "exe" => bytes(take, name, self.exe.as_deref()),
            _ => {}
        }
    }
}

impl Fork {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("child_pid", Value::Number(self.child.pid.into()));
        take("child_start_ns", Value::Number(self.child.start_ns));
        take("parent_pid", Value::Number(self.parent_pid.into()));
        flag(take, "new_mount_namespace", self.new_mount_namespace);
        inner(take, self.inner);
    }
}

impl Exec {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        flag(take, "exe_cut", self.exe_cut);
        take("exe_dev", Value::Number(self.exe_dev.into()));
        take("exe_ino", Value::Number(self.exe_ino));
        take("exe_gen", Value::Number(self.exe_generation.into()));
        if !self.words_held {
            take("argv", Value::List(&self.argv));
            take("argv_len", Value::Number(self.argv_len));
        }
        flag(take, "argv_cut", self.argv_cut);
        flag(take, "argv_fault", self.argv_fault);
        if !self.redacted.is_empty() {
            take("redacted", Value::Number(self.redacted.len() as u64));
        }
        match &self.argv_hash {
            Some(ArgvHash::Whole(hash)) => take("argv_hash", Value::Text(hash)),
            Some(ArgvHash::Missing(why)) => {
                take("argv_hash_missing", Value::Text(why.map_or("unknown", |why| why.name())));
            }
            None => {}
        }
        if !self.words_held {
            take("argc", Value::Number(self.argc.into()));
            bytes(take, "cwd", self.cwd.as_deref());
            flag(take, "cwd_cut", self.cwd_cut);
            flag(take, "cwd_deleted", self.cwd_deleted);
            take("file", Value::Bytes(&self.file));
        }
        bytes(take, "interp", self.interp.as_deref());
        flag(take, "name_cut", self.name_cut);
        take("gid", Value::Number(self.gid.into()));
        take("euid", Value::Number(self.euid.into()));
        take("egid", Value::Number(self.egid.into()));
        if self.caps != 0 {
            take("caps", Value::Number(self.caps));
        }
        flag(take, "secure", self.secure);
        flag(take, "unlinked", self.unlinked);
        inner(take, self.inner);
        flag(take, "loader", self.loader);
        bytes(take, "launched", self.launched.as_deref());
        text(take, "stdin", self.stdin.as_deref());
        text(take, "stdout", self.stdout.as_deref());
        flag(take, "held_back", self.held_back);
        flag(take, "words_held", self.words_held);
    }
}

impl Cred {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        let now = &self.now;
        number(take, "tid", self.tid);
        for (name, id) in [
            ("gid", now.gid),
            ("euid", now.euid),
            ("egid", now.egid),
            ("suid", now.suid),
            ("sgid", now.sgid),
            ("fsuid", now.fsuid),
            ("fsgid", now.fsgid),
        ] {
            take(name, Value::Number(id.into()));
        }
        take("caps", Value::Number(now.cap_effective));
        take("caps_permitted", Value::Number(now.cap_permitted));
        take("groups", Value::Texts(&self.groups));
        take("group_count", Value::Number(now.group_count.into()));
    }
}

impl Exit {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        status(take, self.status);
        take("utime_ns", Value::Number(self.utime_ns));
        take("stime_ns", Value::Number(self.stime_ns));
    }
}
