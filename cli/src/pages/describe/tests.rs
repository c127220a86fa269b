//! Events in words.

use super::*;

fn check(json: &str, expected: [&str; 3]) {
    let line = Line::parse(json.as_bytes());
    assert_eq!([verb(&line), who(&line), what(&line)], expected, "{json}");
}

#[test]
fn events_are_told_in_words() {
    check(
        r#"{"type":"exec","pid":7,"exe":"/usr/bin/git","argv":["git","clone","a b"]}"#,
        ["exec", "git[7]", "git clone 'a b'"],
    );
    check(
        r#"{"type":"exec","pid":7,"exe":"/bin/busybox","argv":["sh"]}"#,
        ["exec", "busybox[7]", "/bin/busybox as sh"],
    );
    check(
        r#"{"type":"process","op":"exit","pid":7,"signal":11,"core":true}"#,
        ["exit", "[7]", "killed by SEGV, core dumped"],
    );
    check(
        r#"{"type":"process","op":"fork","pid":7,"child_pid":9,"ns_pid":1,"pid_ns":4026532200}"#,
        ["fork", "[7]", "process 9, 1 in its pid namespace"],
    );
    check(
        r#"{"type":"process","op":"cred","pid":7,"uid":0,"gid":5,"euid":33,"egid":5,"caps":3}"#,
        ["cred", "[7]", "user 0 as 33, group 5, 2 capabilities"],
    );
    check(
        r#"{"type":"exec","exe":"/lib/ld.so","argv":["ld.so","./a"],"loader":true,"launched":"./a"}"#,
        ["exec", "ld.so", "ld.so ./a (a loader, told to run ./a)"],
    );
    check(
        r#"{"type":"file","op":"rename","path":"/a","path2":"/b","count":1}"#,
        ["rename", "", "/a -> /b"],
    );
    check(
        r#"{"type":"file","op":"read","path":"/a","count":1000,"count_exact":true}"#,
        ["read", "", "/a  x1,000"],
    );
    check(
        r#"{"type":"file","op":"open_failed","path_missing":"claimed","path_claimed":"a/b","cwd":"/c","errno":"EACCES","count":2}"#,
        ["open_failed", "", "/c/a/b  EACCES  x2+"],
    );
    check(r#"{"type":"file","op":"create","dir":true,"path":"/d"}"#, ["mkdir", "", "/d/"]);
    check(
        r#"{"type":"file","op":"read","path_missing":"removed","name":"x"}"#,
        ["read", "", "(directory removed)/x"],
    );
    check(
        r#"{"type":"net","op":"flow","proto":"tcp","peer":"[::1]:443","sent_bytes":1900,"received_bytes":7}"#,
        ["flow", "", "tcp [::1]:443  1.9 KB out, 7 B in"],
    );
    check(
        r#"{"type":"net","op":"connect","proto":"tcp","peer":"192.0.2.7:443","host":"a.example","host_source":"tls_sni","result":"established"}"#,
        ["connect", "", "tcp 192.0.2.7:443 (a.example, tls_sni)  established"],
    );
    check(
        r#"{"type":"dns","op":"answer","role":"client","peer":"192.0.2.53:53","host":"a.example","qtype":"A","rcode":"NOERROR","answers":["a.example 60 A 192.0.2.7"]}"#,
        ["answer", "", "A a.example from 192.0.2.53:53  NOERROR; a.example 60 A 192.0.2.7"],
    );
    check(
        r#"{"type":"lost","source":"network","cause":"ring_full","count":12}"#,
        ["lost", "", "network: 12 lost (ring full)"],
    );
    check(
        r#"{"type":"source","source":"names","state":"off","reason":"no mount\u001b[2J"}"#,
        ["source", "", "names off: no mount\\x1b[2J"],
    );
    check(
        r#"{"type":"end","verdict":"complete","events":3,"reasons":[],"effects_outside":["docker","ssh"]}"#,
        ["end", "", "complete, 3 events; effects outside this run possible: docker, ssh"],
    );
    check(
        r#"{"type":"call","name":"ptrace","errno":"EPERM","cmd":"PTRACE_ATTACH","target_pid":7,"target_exe":"/bin/sleep"}"#,
        ["call", "", "ptrace PTRACE_ATTACH  sleep[7] outside the run  EPERM"],
    );
    check(
        r#"{"type":"call","name":"mount","ret":0,"flags":"MS_BIND","path_claimed":"b","path2_claimed":"/a","cwd":"/tmp"}"#,
        ["call", "", "mount  claimed /a -> b in /tmp  MS_BIND"],
    );
    check(
        r#"{"type":"call","name":"unshare","ret":0,"namespaces":["mnt:1","user:2"]}"#,
        ["call", "", "unshare  mnt:1 user:2"],
    );
    check(
        r#"{"type":"unix","op":"connect","sock_type":"stream","path":"/run/x","peer_pid":9,"peer_exe":"/bin/x"}"#,
        ["connect", "", "unix stream /run/x  x[9] outside the run"],
    );
    check(
        r#"{"type":"unix","op":"send","sock_type":"dgram","abstract_claimed":"a","errno":"ECONNREFUSED"}"#,
        ["send", "", "unix dgram claimed @a  ECONNREFUSED"],
    );
    check(
        r#"{"type":"delegation","broker":"docker","how":"path","path":"/run/docker.sock","peer_pid":9,"peer_exe":"/usr/bin/dockerd"}"#,
        ["delegation", "", "docker by /run/docker.sock  dockerd[9]"],
    );
}

#[test]
fn nothing_in_a_line_acts_on_the_terminal() {
    let evil = "a\\u001b[31m\\n\\u202e";
    let fields = [
        "type",
        "op",
        "exe",
        "path",
        "path2",
        "name",
        "path_missing",
        "proto",
        "peer",
        "host",
        "host_source",
        "qtype",
        "rcode",
        "role",
        "result",
        "source",
        "state",
        "reason",
        "cause",
        "verdict",
        "launched",
        "name",
        "cmd",
        "flags",
        "errno",
        "path_claimed",
        "fs_type",
        "label",
        "cgroup",
        "target_exe",
        "target_comm",
        "broker",
        "how",
        "abstract",
        "bound",
        "sock_type",
        "peer_exe",
    ];
    for kind in [
        "start",
        "process",
        "exec",
        "file",
        "hash",
        "net",
        "unix",
        "dns",
        "call",
        "delegation",
        "finding",
        "lost",
        "source",
        "end",
        "new",
    ] {
        for field in fields {
            let json = format!(
                r#"{{"type":"{kind}","pid":1,"{field}":"{evil}","argv":["{evil}"],"command":["{evil}"],"reasons":["{evil}"],"effects_outside":["{evil}"],"namespaces":["{evil}"],"answers":["{evil}"]}}"#
            );
            let line = Line::parse(json.as_bytes());
            for text in [verb(&line), who(&line), what(&line)] {
                assert!(!text.contains(['\u{1b}', '\n', '\u{202e}']), "{json}: {text:?}");
            }
        }
    }
}
