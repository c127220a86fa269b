//! Log sources, and what their fields are among ours.

use super::Why;
use crate::field::{Field, things_of};
use crate::yaml::{Key, Node};

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Process,
    /// With these operations.
    File(&'static [&'static str]),
    Network,
    Dns,
    Auditd,
}

/// Operations of files that a log of another kind tells as one.
const CHANGES: &[&str] = &["create", "write", "rename"];

impl Source {
    /// Finds the source of a `logsource`.
    pub(super) fn of(
        category: Option<&str>,
        product: Option<&str>,
        service: Option<&str>,
    ) -> Result<Source, Why> {
        if let Some(product) = product.filter(|product| *product != "linux") {
            return Err(format!("it is for {product}").into());
        }
        match (category, service) {
            (Some("process_creation"), _) => Ok(Source::Process),
            (Some("file_event"), _) => Ok(Source::File(CHANGES)),
            (Some("file_create" | "file_change"), _) => Ok(Source::File(CHANGES)),
            (Some("file_delete"), _) => Ok(Source::File(&["delete"])),
            (Some("file_rename"), _) => Ok(Source::File(&["rename"])),
            (Some("file_access"), _) => Ok(Source::File(&["read", "open", "exec"])),
            (Some("network_connection"), _) => Ok(Source::Network),
            (Some("dns" | "dns_query"), _) => Ok(Source::Dns),
            (Some(other), _) => {
                Err(format!("events of category '{other}' are not recorded").into())
            }
            (None, Some("auditd")) => Ok(Source::Auditd),
            (None, Some(service)) => Err(format!("the log of {service} is not recorded").into()),
            (None, None) => Err("it names no category: the logs of all services".to_owned().into()),
        }
    }

    /// The events that the rule looks at.
    pub(super) fn things(self) -> u64 {
        let ops = |kind: &str, ops: &[&str]| {
            ops.iter().fold(0, |all, op| all | things_of(kind, Some(op)))
        };
        match self {
            Source::Process => things_of("exec", None),
            Source::File(names) => ops("file", names),
            Source::Network => ops("net", &["connect", "send", "accept"]),
            Source::Dns => things_of("dns", Some("query")),
            Source::Auditd => {
                things_of("exec", None) | things_of("file", None) | things_of("call", None)
            }
        }
    }

    /// The field that a name stands for.
    pub(super) fn field(self, name: &str) -> Result<Field, Why> {
        let found = match self {
            Source::Auditd => of_auditd(name),
            Source::Process => of_process(name),
            Source::File(_) => of_file(name).or_else(|| of_process(name)),
            Source::Network => of_network(name).or_else(|| of_process(name)),
            Source::Dns => of_dns(name).or_else(|| of_process(name)),
        };
        found.ok_or_else(|| format!("our events have no '{name}'").into())
    }
}

/// Whether a search is about `a0`, `a1`, … of a record SYSCALL: those are numbers given to the call, and
/// not the words of a command line, which have the same names in a record EXECVE.
pub(super) fn asks_for_arguments_of_calls(entries: &[(Key, Node)]) -> bool {
    let name = |key: &Key| key.text.split('|').next().unwrap_or_default().to_owned();
    let is_call = entries.iter().any(|(key, value)| match name(key).as_str() {
        "type" => {
            value.items().iter().filter_map(Node::text).any(|it| it.eq_ignore_ascii_case("SYSCALL"))
        }
        word => word.eq_ignore_ascii_case("SYSCALL"),
    });
    is_call && entries.iter().any(|(key, _)| matches!(of_auditd(&name(key)), Some(Field::Arg(_))))
}

/// The field that a name stands for, wherever it does.
pub(super) fn of_any(name: &str) -> Option<Field> {
    of_file(name)
        .or_else(|| of_network(name))
        .or_else(|| of_dns(name))
        .or_else(|| of_process(name))
        .or_else(|| of_auditd(name))
}

fn of_process(name: &str) -> Option<Field> {
    Some(match name {
        "Image" => Field::Exe,
        "CommandLine" => Field::CommandLine,
        "ParentImage" => Field::ParentExe,
        "ParentCommandLine" => Field::ParentCommandLine,
        "CurrentDirectory" => Field::Cwd,
        "User" => Field::User,
        "ProcessId" => Field::Named("pid"),
        "ParentProcessId" => Field::Named("ppid"),
        _ => return None,
    })
}

fn of_file(name: &str) -> Option<Field> {
    matches!(name, "TargetFilename" | "SourceFilename" | "FileName").then_some(Field::Path)
}

fn of_network(name: &str) -> Option<Field> {
    Some(match name {
        "DestinationIp" | "dst_ip" => Field::Ip,
        "DestinationPort" | "dst_port" => Field::Port,
        "DestinationHostname" => Field::Named("host"),
        "SourceIp" | "src_ip" => Field::LocalIp,
        "SourcePort" | "src_port" => Field::LocalPort,
        "Protocol" => Field::Named("proto"),
        _ => return None,
    })
}

fn of_dns(name: &str) -> Option<Field> {
    Some(match name {
        "QueryName" | "query" => Field::Named("host"),
        "QueryResults" | "answer" | "answers" => Field::Named("answers"),
        "record_type" | "QueryType" => Field::Named("qtype"),
        _ => return None,
    })
}

fn of_auditd(name: &str) -> Option<Field> {
    if let Some(number) = name.strip_prefix('a').and_then(|rest| rest.parse().ok()) {
        return Some(Field::Arg(number));
    }
    Some(match name {
        "exe" => Field::Exe,
        "name" => Field::Path,
        "cwd" => Field::Cwd,
        "uid" => Field::Named("uid"),
        "euid" => Field::Named("euid"),
        "pid" => Field::Named("pid"),
        "ppid" => Field::Named("ppid"),
        "proctitle" => Field::CommandLine,
        _ => return None,
    })
}
