//! An event as a row of the index.

use event::model::{Dns, Event, File, Net, What};
use storage::Row;

/// Calls `with` with the row of `event`; `line` is its JSON line without the newline.
pub fn row<R>(event: &Event, line: &[u8], with: impl FnOnce(&Row<'_>) -> R) -> R {
    let actor = event.actor.as_ref();
    let mut row = Row {
        seq: event.seq,
        ts_ns: event.ts_ns,
        kind: event.what.kind(),
        op: event.what.op(),
        pid: actor.map(|actor| actor.id.pid),
        ppid: actor.and_then(|actor| actor.ppid),
        uid: actor.and_then(|actor| actor.uid),
        exe: actor.and_then(|actor| actor.exe.as_deref()),
        count: 1,
        line,
        ..Row::default()
    };
    match &event.what {
        What::File(file) => {
            of_file(file, &mut row);
            with(&row)
        }
        What::Net(net) => {
            let (proto, ip) = (net.proto_name(), net.peer.map(|peer| peer.ip().to_string()));
            of_net(net, &proto, ip.as_deref(), &mut row);
            with(&row)
        }
        What::Hash(hash) => {
            row.path = hash.path.as_deref();
            with(&row)
        }
        What::Unix(unix) => {
            row.path = unix.best_path();
            with(&row)
        }
        What::Call(call) => {
            row.path = call.path.as_deref().or(call.path_claimed.as_deref());
            with(&row)
        }
        What::Delegation(delegation) => {
            row.path = delegation.path.as_deref();
            with(&row)
        }
        What::Dns(dns) => {
            let (proto, ip) = (dns.proto_name(), dns.peer.ip().to_string());
            of_dns(dns, &proto, &ip, &mut row);
            with(&row)
        }
        What::Finding(finding) => {
            let ip = finding.peer.map(|peer| peer.ip().to_string());
            row.path = finding.path.as_deref();
            row.ip = ip.as_deref();
            row.port = finding.peer.map(|peer| peer.port());
            row.count = finding.count;
            with(&row)
        }
        What::Start(start) => {
            row.uid = start.uid;
            with(&row)
        }
        What::Lost(loss) => {
            row.count = loss.count;
            with(&row)
        }
        _ => with(&row),
    }
}

fn of_file<'a>(file: &'a File, row: &mut Row<'a>) {
    row.path = file.path.as_deref().or(file.path_claimed.as_deref());
    row.path2 = file.path2.as_deref();
    row.also = Some(file.also.as_slice()).filter(|also| !also.is_empty());
    row.count = file.count;
}

fn of_dns<'a>(dns: &'a Dns, proto: &'a str, ip: &'a str, row: &mut Row<'a>) {
    row.proto = Some(proto);
    row.ip = Some(ip);
    row.port = Some(dns.peer.port());
    row.host = dns.host.as_deref();
}

fn of_net<'a>(net: &'a Net, proto: &'a str, ip: Option<&'a str>, row: &mut Row<'a>) {
    row.proto = Some(proto);
    row.ip = ip;
    row.port = net.peer.map(|peer| peer.port());
    row.host = net.host.as_ref().and_then(|host| std::str::from_utf8(&host.name).ok());
    row.sent = net.traffic.map(|traffic| traffic.sent_bytes);
    row.received = net.traffic.map(|traffic| traffic.received_bytes);
}
