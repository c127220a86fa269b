//! What the record says of itself.

use crate::model::{End, Heartbeat, Loss, Opens, Source, Start, Totals, Value};

use super::{Take, bytes, flag, number, status, text};

impl Start {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        number(take, "uid", self.uid);
        take("command", Value::List(&self.command));
        flag(take, "command_cut", self.command_cut);
        bytes(take, "cwd", self.cwd.as_deref());
        bytes(take, "name", self.name.as_deref());
        bytes(take, "user", self.user.as_deref());
        bytes(take, "host", self.host.as_deref());
        bytes(take, "kernel", self.kernel.as_deref());
        bytes(take, "version", self.version.as_deref());
        text(take, "trust", self.trust);
        bytes(take, "redaction_key", self.redaction_key.as_deref());
        if !self.env.is_empty() {
            take("env", Value::List(&self.env));
        }
    }
}

impl Loss {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("source", Value::Text(self.source.name()));
        take("cause", Value::Text(self.cause.map_or("unknown", |cause| cause.name())));
        take("count", Value::Number(self.count));
        take("from_ts", Value::Time(self.from_ts_ns));
        take("to_ts", Value::Time(self.to_ts_ns));
    }
}

impl Source {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("source", Value::Text(self.source.name()));
        text(take, "state", self.state.map(|state| state.name()));
        bytes(take, "reason", self.reason.as_deref());
        if let Some(totals) = &self.totals {
            totals.fields(take);
        }
    }
}

impl Totals {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("seen", Value::Number(self.seen));
        take("stored", Value::Number(self.stored));
        take("folded", Value::Number(self.folded));
        take("lost", Value::Number(self.lost));
    }
}

impl Heartbeat {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("beat", Value::Number(self.beat));
        take("interval_ms", Value::Number(self.interval_ms));
        take("sources", Value::Texts(&self.sources));
        take("alive", Value::Number(self.alive.into()));
        self.totals.fields(take);
    }
}

impl End {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("verdict", Value::Text(self.verdict));
        take("reasons", Value::Texts(&self.reasons));
        if !self.effects_outside.is_empty() {
            take("effects_outside", Value::Texts(&self.effects_outside));
        }
        text(take, "ending", self.ending);
        if let Some(code) = self.status {
            status(take, code);
        }
        number(take, "alive", self.alive);
        take("events", Value::Number(self.events));
        take("processes", Value::Number(self.processes));
        if let Some(opens) = &self.opens {
            opens.fields(take);
        }
    }
}

impl Opens {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("opens_seen", Value::Number(self.seen));
        take("opens_in_events", Value::Number(self.in_events));
        take("opens_unnamed", Value::Number(self.unnamed));
        take("opens_lost", Value::Number(self.lost));
    }
}
