//! Fields of findings.

use super::{Take, Value, bytes, flag, time};
use crate::model::Finding;

impl Finding {
    pub(super) fn fields(&self, take: &mut Take<'_>) {
        take("rule", Value::Text(&self.rule));
        take("severity", Value::Text(self.severity.name()));
        take("title", Value::Text(&self.title));
        take("cause", Value::Number(self.cause));
        if !self.causes.is_empty() {
            take("causes", Value::Texts(&self.causes));
        }
        take("count", Value::Number(self.count));
        flag(take, "repeat", self.repeat);
        time(take, "last_ts", self.last_ts_ns);
        take("matched", Value::Texts(&self.matched));
        bytes(take, "path", self.path.as_deref());
        if let Some(peer) = self.peer {
            take("peer", Value::Address(peer));
        }
        bytes(take, "host", self.host.as_deref());
        take("rule_from", Value::Text(&self.rule_from));
    }
}
