//! An event's fields under the names that [`super::table`] documents, in the order of the JSON form.

mod file;
mod finding;
mod network;
mod outside;
mod process;
mod record;

use super::{Event, Inner, Value, What};

/// Takes the fields of an event, one after the other.
pub(crate) type Take<'t> = dyn FnMut(&'static str, Value<'_>) + 't;

impl Event {
    /// Hands each field that the event has, but for `run`, `seq`, `ts` and `type`, to `take`.
    pub fn fields(&self, take: &mut Take<'_>) {
        text(take, "op", self.what.op());
        if let Some(actor) = &self.actor {
            actor.fields(take);
        }
        self.what.fields(take);
    }

    /// The same without those of who did it.
    pub fn fields_of_what(&self, take: &mut Take<'_>) {
        text(take, "op", self.what.op());
        self.what.fields(take);
    }
}

impl What {
    /// Hands each field of what happened to `take`, but for `op`.
    pub(crate) fn fields(&self, take: &mut Take<'_>) {
        match self {
            What::Start(start) => start.fields(take),
            What::Fork(fork) => fork.fields(take),
            What::Exec(exec) => exec.fields(take),
            What::Exit(exit) => exit.fields(take),
            What::Left(left) => take("cgroup_id", Value::Number(left.cgroup_id)),
            What::Cred(cred) => cred.fields(take),
            What::File(file) => file.fields(take),
            What::Hash(hash) => hash.fields(take),
            What::Net(net) => net.fields(take),
            What::Unix(unix) => unix.fields(take),
            What::Call(call) => call.fields(take),
            What::Delegation(delegation) => delegation.fields(take),
            What::Dns(dns) => dns.fields(take),
            What::Finding(finding) => finding.fields(take),
            What::Lost(loss) => loss.fields(take),
            What::Source(source) => source.fields(take),
            What::Heartbeat(beat) => beat.fields(take),
            What::End(end) => end.fields(take),
        }
    }
}

fn text(take: &mut Take<'_>, name: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        take(name, Value::Text(value));
    }
}

fn bytes(take: &mut Take<'_>, name: &'static str, value: Option<&[u8]>) {
    if let Some(value) = value {
        take(name, Value::Bytes(value));
    }
}

fn number(take: &mut Take<'_>, name: &'static str, value: Option<impl Into<u64>>) {
    if let Some(value) = value {
        take(name, Value::Number(value.into()));
    }
}

fn time(take: &mut Take<'_>, name: &'static str, value: Option<i64>) {
    if let Some(value) = value {
        take(name, Value::Time(value));
    }
}

fn inner(take: &mut Take<'_>, inner: Option<Inner>) {
    number(take, "ns_pid", inner.map(|inner| inner.pid));
    number(take, "pid_ns", inner.map(|inner| inner.namespace));
}

/// A flag that is told only when it is set.
fn flag(take: &mut Take<'_>, name: &'static str, value: bool) {
    if value {
        take(name, Value::Bool(true));
    }
}

/// The two forms of a wait status: `code`, or `signal` and `core`.
fn status(take: &mut Take<'_>, status: i32) {
    let signal = status & 0x7f;
    if signal == 0 {
        take("code", Value::Signed(i64::from((status >> 8) & 0xff)));
    } else {
        take("signal", Value::Signed(i64::from(signal)));
        take("core", Value::Bool(status & 0x80 != 0));
    }
}
