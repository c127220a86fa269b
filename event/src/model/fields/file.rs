//! Files and their contents.

use crate::errno;
use crate::model::{Basis, File, Hash, Missing, Usage, Value};

use super::{Take, bytes, flag, number, text, time};

impl File {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        bytes(take, "path", self.path.as_deref());
        bytes(take, "path2", self.path2.as_deref());
        bytes(take, "path_claimed", self.path_claimed.as_deref());
        bytes(take, "cwd", self.cwd.as_deref());
        if let Some(errno) = self.errno {
            take("errno", Value::Text(&errno::name(errno)));
        }
        number(take, "length", self.length);
        bytes(take, "name", self.name.as_deref());
        text(take, "path_missing", self.missing.map(Missing::name));
        text(take, "path_basis", self.basis.map(Basis::name));
        flag(take, "path_cut", self.cut);
        if !self.also.is_empty() {
            take("also", Value::List(&self.also));
        }
        flag(take, "inherited", self.inherited);
        number(take, "bytes", self.bytes);
        flag(take, "open_only", self.open_only);
        flag(take, "other_names", self.other_names);
        flag(take, "dir", self.dir);
        number(take, "dev", self.dev);
        number(take, "ino", self.ino);
        number(take, "gen", self.generation);
        take("count", Value::Number(self.count));
        if let Some(exact) = self.count_exact {
            take("count_exact", Value::Bool(exact));
        }
        time(take, "last_ts", self.last_ts_ns);
        self.usage.fields(take);
    }
}

impl Usage {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        flag(take, "created", self.created);
        flag(take, "truncated", self.truncated);
        flag(take, "mapped", self.mapped);
        flag(take, "unlinked", self.unlinked);
        number(take, "size_before", self.size_before);
        number(take, "size_after", self.size_after);
    }
}

impl Hash {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        bytes(take, "path", self.path.as_deref());
        number(take, "dev", self.dev);
        number(take, "ino", self.ino);
        number(take, "size", self.size);
        text(take, "blake3", self.blake3.as_deref());
        text(take, "hash_basis", self.basis);
        text(take, "hash_missing", self.missing);
    }
}
