//! The numbers of the dashboard as JSON.

use event::json::base64;
use serde_json::json;
use storage::{Destination, PathCount, Summary};

/// The lists, each with how long it would be in full.
pub(in crate::pages) fn object(summary: &Summary) -> serde_json::Value {
    let paths = |(list, all): &(Vec<PathCount>, usize)| {
        let top: Vec<_> = list.iter().map(path_object).collect();
        json!({ "count": all, "top": top })
    };
    let destinations: Vec<_> = summary.destinations.0.iter().map(destination_object).collect();
    let types: Vec<_> = summary
        .types
        .iter()
        .map(|of| json!({ "type": of.kind, "op": of.op, "events": of.events, "times": of.times }))
        .collect();
    json!({
        "types": types,
        "executed": paths(&summary.executed),
        "read": paths(&summary.read),
        "written": paths(&summary.written),
        "created": paths(&summary.created),
        "deleted": paths(&summary.deleted),
        "renamed": paths(&summary.renamed),
        "devices": paths(&summary.devices),
        "destinations": { "count": summary.destinations.1, "top": destinations },
        "malformed_lines": summary.malformed,
    })
}

fn path_object(one: &PathCount) -> serde_json::Value {
    let mut object = json!({ "times": one.times, "first_seq": one.first_seq });
    put_bytes(&mut object, "path", &one.path);
    object
}

fn destination_object(to: &Destination) -> serde_json::Value {
    let mut object = json!({
        "ip": to.ip, "port": (!to.accepted).then_some(to.port), "accepted": to.accepted, "proto": to.proto, "host": to.host, "contacts": to.contacts,
        "sent_bytes": to.sent, "received_bytes": to.received, "first_seq": to.first_seq,
    });
    if let Some(exe) = &to.exe {
        put_bytes(&mut object, "exe", exe);
    }
    object
}

/// Puts bytes as text, and in base64 beside it where the text does not say it all.
fn put_bytes(object: &mut serde_json::Value, name: &str, bytes: &[u8]) {
    let Some(fields) = object.as_object_mut() else { return };
    fields.insert(name.to_owned(), json!(String::from_utf8_lossy(bytes)));
    if std::str::from_utf8(bytes).is_err() {
        let mut exact = Vec::new();
        base64::encode(bytes, &mut exact);
        fields.insert(format!("{name}_b64"), json!(String::from_utf8_lossy(&exact)));
    }
}
