//! C and Rust agree about every shared structure and number, as the built objects tell it.
//!
//! Sizes alone would not do: two fields of one size that changed places keep them.

mod btf;

use std::mem::offset_of;

use bpf::Topic;
use event::wire::{
    ARGV_CAP, Argv, ArgvEnd, COUNT_CELLS, CRED_GROUPS, Call, CallName, Cell, ConnectError, Cred,
    Creds, Ends, Exec, Exit, FOREIGN_OUTSIDE, Flow, ForeignKey, ForeignUse, Fork, Head, Inherited,
    InheritedKey, InheritedUse, Kind, Left, NAMESPACES, NET_RAW, NS_COUNT, Named, Odd, Open,
    OpenPath, Passed, Payload, RECORD_KINDS, Sock, Unix, UnixOp, call_flag, exec_flag,
    failed_opens, flow_flag, fork_flag, inherited_flag, named_flag, odd_call, open_flag, open_how,
    open_mode, passed_flag, payload_flag, payload_kind, sock_flag, unix_flag, use_flag,
};

use btf::Btf;

/// One structure: its C name, size, and fields with their offsets.
type Layout = (&'static str, usize, Vec<(&'static str, usize)>);

macro_rules! layout {
    ($c:literal = $rust:ty { $($field:ident),* $(,)? }) => {
        ($c, size_of::<$rust>(), vec![$((stringify!($field), offset_of!($rust, $field))),*])
    };
}

fn structures() -> Vec<Layout> {
    vec![
        layout!("rec_head" = Head { boot_ns, start_ns, kind, size, pid, tid }),
        layout!(
            "rec_fork" = Fork {
                head,
                child_start_ns,
                parent_start_ns,
                child_pid,
                parent_pid,
                mnt_ns,
                flags,
                ns_pid,
                pid_ns,
                uid,
                pad
            }
        ),
        layout!(
            "rec_exec" = Exec {
                head,
                exe_ino,
                argv_len,
                parent_start_ns,
                cap_effective,
                exe_dev,
                exe_generation,
                parent_pid,
                uid,
                gid,
                euid,
                egid,
                argc,
                mnt_ns,
                argv_kept,
                exe_len,
                cwd_len,
                file_len,
                interp_len,
                flags,
                ns_pid,
                pid_ns,
                stdin_kind,
                stdout_kind,
                pad,
                stdin_ino,
                stdout_ino
            }
        ),
        layout!("rec_argv" = Argv { head, offset, len, flags, pad }),
        layout!("rec_exit" = Exit { head, utime_ns, stime_ns, code, pad }),
        layout!("rec_left" = Left { head, cgroup_id }),
        layout!("rec_argv_end" = ArgvEnd { head, argv_len, sent, flags, pad }),
        layout!(
            "creds" = Creds {
                cap_effective,
                cap_permitted,
                uid,
                gid,
                euid,
                egid,
                suid,
                sgid,
                fsuid,
                fsgid,
                group_count,
                pad,
                groups
            }
        ),
        layout!("rec_cred" = Cred { head, now }),
        layout!("net_ends" = Ends { local, peer, local_port, peer_port, family, proto }),
        layout!("rec_sock" = Sock { head, cookie, ends, flags, error }),
        layout!(
            "rec_odd" = Odd { head, cookie, call, error, address, family, sock_type, proto, pad }
        ),
        layout!("foreign_key" = ForeignKey { cookie, start_ns, pid, pad }),
        layout!(
            "foreign_use" = ForeignUse {
                first_ns,
                last_ns,
                sent_bytes,
                received_bytes,
                sent_packets,
                received_packets,
                ends,
                sock_type,
                flags
            }
        ),
        layout!("rec_result" = ConnectError { head, cookie, error, family, proto }),
        layout!(
            "rec_flow" = Flow {
                head,
                cookie,
                sent_bytes,
                received_bytes,
                sent_packets,
                received_packets,
                ends,
                flags,
                pad
            }
        ),
        layout!("rec_payload" = Payload { head, cookie, ends, offset, len, kind, flags }),
        layout!(
            "rec_open" = Open { head, ino, file, size, ctime_ns, dev, generation, mode, flags }
        ),
        layout!(
            "rec_named" = Named { head, ino, dev, mode, error, flags, path_len, text_len, pad }
        ),
        layout!(
            "rec_open_path" =
                OpenPath { head, ino, dev, generation, mode, flags, mnt_id, path_len }
        ),
        layout!(
            "rec_inherited" =
                Inherited { head, file, ino, size, dev, generation, mode, flags, fd, path_len }
        ),
        layout!("inherited_key" = InheritedKey { file, start_ns, pid, pad }),
        layout!(
            "inherited_use" = InheritedUse {
                first_ns,
                last_ns,
                read_bytes,
                written_bytes,
                size_after,
                flags,
                pad
            }
        ),
        layout!(
            "rec_unix" = Unix {
                head,
                socket,
                peer_start_ns,
                op,
                error,
                peer_pid,
                flags,
                kind,
                name_len,
                path_len,
                exe_len,
                peer_comm
            }
        ),
        layout!(
            "rec_passed" = Passed {
                head,
                socket,
                ino,
                peer_start_ns,
                dev,
                generation,
                op,
                flags,
                mode,
                peer_pid,
                uid,
                path_len,
                file_type,
                family,
                kind,
                pad,
                peer_comm
            }
        ),
        layout!(
            "rec_call" = Call {
                head,
                ret,
                args,
                target_start_ns,
                value,
                namespaces,
                changed,
                entered,
                target_pid,
                call,
                flags,
                path_len,
                cwd_len,
                target_len,
                name_len,
                text_len,
                pad,
                target_comm
            }
        ),
    ]
}

/// Returns what `btf` says of the structure that `layout` names.
fn told(btf: &Btf, layout: &Layout) -> Layout {
    let found = btf.structure(layout.0).unwrap_or_else(|| panic!("no {} in the BTF", layout.0));
    let name = |name: &str| layout.2.iter().find(|(own, _)| *own == name).map(|(own, _)| *own);
    let fields = found.fields.iter();
    (layout.0, found.size, fields.map(|(n, at)| (name(n).unwrap_or("?"), *at)).collect())
}

#[test]
fn every_shared_structure_is_laid_out_alike_in_c_and_rust() {
    for topic in Topic::ALL {
        let btf = Btf::of(topic.object());
        for layout in structures() {
            assert_eq!(told(&btf, &layout), layout, "C on the left, in {}", topic.name());
        }
    }
}

#[test]
fn two_fields_that_changed_places_are_found() {
    let btf = Btf::of(Topic::Proc.object());
    for layout in structures() {
        for first in 0..layout.2.len() {
            for second in 0..first {
                let mut swapped = layout.clone();
                let (a, b) = (swapped.2[first].0, swapped.2[second].0);
                (swapped.2[first].0, swapped.2[second].0) = (b, a);
                assert_ne!(told(&btf, &swapped), swapped);
            }
        }
    }
}

fn numbers() -> Vec<(&'static str, i64)> {
    let kinds = [
        ("REC_FORK", Kind::Fork),
        ("REC_EXEC", Kind::Exec),
        ("REC_ARGV", Kind::Argv),
        ("REC_EXIT", Kind::Exit),
        ("REC_LEFT", Kind::Left),
        ("REC_ARGV_END", Kind::ArgvEnd),
        ("REC_CRED", Kind::Cred),
        ("REC_CONNECT", Kind::Connect),
        ("REC_SEND", Kind::Send),
        ("REC_ESTABLISHED", Kind::Established),
        ("REC_ACCEPTED", Kind::Accepted),
        ("REC_FLOW", Kind::Flow),
        ("REC_CLOSED", Kind::Closed),
        ("REC_BIND", Kind::Bind),
        ("REC_LISTEN", Kind::Listen),
        ("REC_UNIX", Kind::Unix),
        ("REC_PAYLOAD", Kind::Payload),
        ("REC_SOCKET", Kind::Socket),
        ("REC_RESULT", Kind::Result),
        ("REC_ODD", Kind::Odd),
        ("REC_OPEN", Kind::Open),
        ("REC_USE", Kind::Use),
        ("REC_FAILED", Kind::Failed),
        ("REC_OPEN_KERNEL", Kind::OpenKernel),
        ("REC_OPEN_PATH", Kind::OpenPath),
        ("REC_INHERITED", Kind::Inherited),
        ("REC_RING_FILE", Kind::RingFile),
        ("REC_CALL", Kind::Call),
        ("REC_PASSED", Kind::Passed),
        ("REC_OUTSIDE", Kind::Outside),
    ];
    assert_eq!(kinds.len(), Kind::ALL.len());
    let flags = [
        ("FORK_NEW_MNT_NS", fork_flag::NEW_MNT_NS),
        ("FORK_FROM_OUTSIDE", fork_flag::FROM_OUTSIDE),
        ("FORK_HELD", fork_flag::HELD),
        ("EXEC_ARGV_CUT", exec_flag::ARGV_CUT),
        ("EXEC_ARGV_FAULT", exec_flag::ARGV_FAULT),
        ("EXEC_PATH_CUT", exec_flag::PATH_CUT),
        ("EXEC_CWD_CUT", exec_flag::CWD_CUT),
        ("EXEC_CWD_DELETED", exec_flag::CWD_DELETED),
        ("EXEC_SECURE", exec_flag::SECURE),
        ("EXEC_UNLINKED", exec_flag::UNLINKED),
        ("EXEC_NAME_CUT", exec_flag::NAME_CUT),
        ("EXEC_ARGV_STOPPED", exec_flag::ARGV_STOPPED),
        ("EXEC_HELD", exec_flag::HELD),
        ("EXEC_WORDS_HELD", exec_flag::WORDS_HELD),
        ("EXEC_EXE_HELD", exec_flag::EXE_HELD),
        ("SOCK_NEVER_ESTABLISHED", sock_flag::NEVER_ESTABLISHED),
        ("SOCK_OWNER_LISTENER", sock_flag::OWNER_LISTENER),
        ("SOCK_NOT_BEGUN", sock_flag::NOT_BEGUN),
        ("SOCK_OUTSIDE", sock_flag::OUTSIDE),
        ("ODD_SOCKET", odd_call::SOCKET),
        ("ODD_CONNECT", odd_call::CONNECT),
        ("ODD_BIND", odd_call::BIND),
        ("FOREIGN_OUTSIDE", FOREIGN_OUTSIDE),
        ("FLOW_RELEASED", flow_flag::RELEASED),
        ("FLOW_CLOSED", flow_flag::CLOSED),
        ("FLOW_PEER_CHANGED", flow_flag::PEER_CHANGED),
        ("PAYLOAD_DNS", payload_kind::DNS),
        ("PAYLOAD_TLS", payload_kind::TLS),
        ("PAYLOAD_HTTP", payload_kind::HTTP),
        ("PAYLOAD_QUIC", payload_kind::QUIC),
        ("PAYLOAD_OUT", payload_flag::OUT),
        ("PAYLOAD_CUT", payload_flag::CUT),
        ("OPEN_READ", open_mode::READ),
        ("OPEN_WRITE", open_mode::WRITE),
        ("OPEN_CREATED", open_how::CREATED),
        ("OPEN_TRUNCATED", open_how::TRUNCATED),
        ("OPEN_DIRECT", open_how::DIRECT),
        ("USE_CLOSED", use_flag::CLOSED),
        ("USE_LAST", use_flag::LAST),
        ("USE_UNREAD", use_flag::UNREAD),
        ("USE_TIMED", use_flag::TIMED),
        ("USE_MAPPED", use_flag::MAPPED),
        ("USE_SHARED", use_flag::SHARED),
        ("USE_DIRECT", use_flag::DIRECT),
        ("USE_UNLINKED", use_flag::UNLINKED),
        ("NAMED_CUT", named_flag::CUT),
        ("NAMED_FAULT", named_flag::FAULT),
        ("NAMED_ALL", named_flag::ALL),
        ("NAMED_EXEC", named_flag::EXEC),
        ("NAMED_MANY", named_flag::MANY),
        ("FAILED_DENIED", failed_opens::DENIED),
        ("FAILED_ALL", failed_opens::ALL),
        ("FAILED_NONE", failed_opens::NONE),
        ("OPEN_PATH_CUT", open_flag::PATH_CUT),
        ("OPEN_ELSEWHERE", open_flag::ELSEWHERE),
        ("INHERITED_READ", inherited_flag::READ),
        ("INHERITED_WRITTEN", inherited_flag::WRITTEN),
        ("INHERITED_MAPPED", inherited_flag::MAPPED),
        ("UNIX_CLAIMED", unix_flag::CLAIMED),
        ("UNIX_PATH_CUT", unix_flag::PATH_CUT),
        ("UNIX_EXE_CUT", unix_flag::EXE_CUT),
        ("UNIX_NAME_FAULT", unix_flag::NAME_FAULT),
        ("UNIX_ARGS_CLAIMED", unix_flag::ARGS_CLAIMED),
        ("PASSED_CUT", passed_flag::CUT),
        ("PASSED_BY_MESSAGE", passed_flag::BY_MESSAGE),
        ("PASSED_BY_LAST", passed_flag::BY_LAST),
        ("PASSED_UNSURE", passed_flag::UNSURE),
        ("CALL_COMPAT", call_flag::COMPAT),
        ("CALL_PATH_CUT", call_flag::PATH_CUT),
        ("CALL_TEXT_FAULT", call_flag::TEXT_FAULT),
        ("CALL_TEXT_CUT", call_flag::TEXT_CUT),
        ("CALL_TARGET_CUT", call_flag::TARGET_CUT),
        ("COUNT_SEEN", Cell::Seen as u32),
        ("COUNT_LOST", Cell::Lost as u32),
        ("COUNT_FAULT", Cell::Fault as u32),
        ("COUNT_HELD", Cell::Held as u32),
    ];
    let sizes = [("COUNT_CELLS", COUNT_CELLS), ("REC_KINDS", RECORD_KINDS)];
    let limits = [("ARGV_CAP", ARGV_CAP as i64), ("CRED_GROUPS", CRED_GROUPS as i64)];
    let kinds = kinds.into_iter().map(|(name, kind)| (name, kind as i64));
    let flags = flags.into_iter().map(|(name, flag)| (name, i64::from(flag)));
    let sizes = sizes.into_iter().map(|(name, size)| (name, size as i64));
    let protocols = [("NET_TCP", 6), ("NET_UDP", 17), ("NET_RAW", i64::from(NET_RAW))];
    kinds.chain(flags).chain(sizes).chain(limits).chain(protocols).collect()
}

#[test]
fn every_shared_number_is_the_same_in_c_and_rust() {
    const ENUMS: [&str; 22] = [
        "rec_kind",
        "count_cell",
        "limit",
        "fork_flag",
        "exec_flag",
        "net_proto",
        "sock_flag",
        "odd_call",
        "foreign_flag",
        "flow_flag",
        "payload_kind",
        "payload_flag",
        "open_mode",
        "open_how",
        "use_flag",
        "named_flag",
        "failed_opens",
        "open_flag",
        "inherited_flag",
        "call_flag",
        "unix_flag",
        "passed_flag",
    ];
    let btf = Btf::of(Topic::Proc.object());
    let mut told: Vec<(String, i64)> = Vec::new();
    for name in ENUMS {
        told.extend(btf.enumeration(name).unwrap_or_else(|| panic!("no {name} in the BTF")));
    }
    let mut expected: Vec<(String, i64)> =
        numbers().into_iter().map(|(name, number)| (name.to_owned(), number)).collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
}

/// `PivotRoot` as the C side has it: `PIVOT_ROOT`.
fn c_name(prefix: &str, name: &str) -> String {
    let mut out = prefix.to_owned();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

#[test]
fn rare_calls_and_namespaces_have_the_same_numbers_in_c_and_rust() {
    let btf = Btf::of(Topic::Calls.object());
    let calls: Vec<(String, i64)> = CallName::ALL
        .into_iter()
        .map(|name| (c_name("CALL", &format!("{name:?}")), name as i64))
        .collect();
    assert_eq!(btf.enumeration("call_name"), Some(calls));
    let ops: Vec<(String, i64)> =
        UnixOp::ALL.into_iter().map(|op| (c_name("UNIX", &format!("{op:?}")), op as i64)).collect();
    assert_eq!(btf.enumeration("unix_op"), Some(ops));
    let mut places: Vec<(String, i64)> = (0..)
        .zip(NAMESPACES)
        .map(|(place, name)| (format!("NS_{}", name.to_ascii_uppercase()), place))
        .collect();
    places.push(("NS_COUNT".to_owned(), NS_COUNT as i64));
    assert_eq!(btf.enumeration("call_namespace"), Some(places));
}

#[test]
fn the_prebuilt_objects_are_not_stale() {
    let hashes = [
        ("proc", env!("AUDIT_BPF_HASH_PROC")),
        ("net", env!("AUDIT_BPF_HASH_NET")),
        ("calls", env!("AUDIT_BPF_HASH_CALLS")),
        ("names", env!("AUDIT_BPF_HASH_NAMES")),
    ];
    for (name, hash) in hashes {
        let file = format!("{}/prebuilt/{name}-{hash}.bpf.o", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(&file);
        let bytes = bytes.unwrap_or_else(|e| panic!("{file}: {e}; run bpf/prebuild.sh"));
        let btf = Btf::of(&bytes);
        for layout in structures() {
            assert_eq!(told(&btf, &layout), layout, "in {file}");
        }
    }
}
