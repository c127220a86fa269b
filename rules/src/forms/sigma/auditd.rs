//! Fields of records of auditd that are not simply fields of ours.

use event::wire::CallName;

use super::Why;
use crate::expr::{Expr, How};
use crate::field::{Field, things_of};
use crate::glob::{self, Piece};

/// Words of the record types of auditd, and whether they are events of ours.
const TYPES: &[(&str, &str)] = &[("EXECVE", "exec"), ("PATH", "file")];

/// Reads one value of such a field.
pub(super) type Reader = fn(&str, Around) -> Result<Expr, Why>;

/// Whether anything may stand before and after a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub(super) before: bool,
    pub(super) after: bool,
}

/// What reads the values of a field; none for one that is a field of ours.
pub(super) fn reader(name: &str) -> Option<Reader> {
    Some(match name {
        "type" => kind,
        "SYSCALL" | "syscall" => call,
        "nametype" => deed,
        "comm" => comm,
        _ => return None,
    })
}

fn kind(text: &str, _: Around) -> Result<Expr, Why> {
    match TYPES.iter().find(|(it, _)| it.eq_ignore_ascii_case(text)) {
        Some((_, kind)) => Ok(Expr::Things(things_of(kind, None))),
        None if text.eq_ignore_ascii_case("SYSCALL") => {
            Ok(Expr::Things(things_of("call", None) | things_of("exec", None)))
        }
        None => Err(format!("records of type {text} are not recorded").into()),
    }
}

fn call(text: &str, _: Around) -> Result<Expr, Why> {
    match text {
        "execve" | "execveat" | "59" => Ok(Expr::Things(things_of("exec", None))),
        _ if CallName::ALL.into_iter().any(|call| call.name() == text) => Ok(Expr::All(vec![
            Expr::Things(things_of("call", None)),
            Expr::text(Field::Named("name"), How::Equals, false, text),
        ])),
        _ => Err(format!("the call {text} is not recorded as such").into()),
    }
}

fn deed(text: &str, _: Around) -> Result<Expr, Why> {
    let ops: &[&str] = match text {
        "CREATE" => &["create", "write", "rename"],
        "DELETE" => &["delete", "rename"],
        "NORMAL" => return Ok(Expr::Things(things_of("file", None))),
        _ => return Err(format!("nametype {text} is not recorded").into()),
    };
    Ok(Expr::Things(ops.iter().fold(0, |all, op| all | things_of("file", Some(op)))))
}

/// The kernel's short name of the process: the last part of the name that was given, 15 bytes at
/// most. The whole name holds too.
fn comm(text: &str, around: Around) -> Result<Expr, Why> {
    let name = (!around.before).then(|| Piece::Literal("/".into()));
    let tail = (text.len() >= 15 || around.after).then_some(Piece::Many);
    let lead = std::iter::once(Piece::Many).chain(name);
    let pieces: Vec<Piece> = lead.chain(glob::pieces(text)).chain(tail).collect();
    let matcher = glob::matcher(&pieces, true);
    let given = Expr::Test(Field::Named("file"), matcher.clone());
    Ok(Expr::Any(vec![given, Expr::Test(Field::Exe, matcher)]))
}
