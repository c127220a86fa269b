//! Opens by name: those that failed, and those on file systems that marks do not reach.

use event::model::{Basis, File, FileOp, Missing, What};
use event::path;
use event::wire::{Kind, Named, NamedData, named_flag, open_mode};

use super::{At, Pipeline};

const ENOENT: u32 = 2;
const ENOTDIR: u32 = 20;

/// Names that hold secrets of users, and the directory that some of them must be in: a failed open of one that
/// is not there is a search for it.
const SECRETS: [(&str, &str); 24] = [
    ("", ".ssh"),
    ("", ".aws"),
    ("", ".azure"),
    ("", ".gnupg"),
    ("", ".kube"),
    ("", ".netrc"),
    ("", ".npmrc"),
    ("", ".pypirc"),
    ("", ".pgpass"),
    ("", ".my.cnf"),
    ("", ".env"),
    ("", ".git-credentials"),
    ("", ".password-store"),
    ("", ".vault-token"),
    ("", ".terraform.d"),
    ("", ".mozilla"),
    ("", ".bash_history"),
    ("", ".zsh_history"),
    (".config", "gcloud"),
    (".config", "gh"),
    (".config", "google-chrome"),
    (".cargo", "credentials"),
    (".cargo", "credentials.toml"),
    (".docker", "config.json"),
];

/// Whether a path leads to something in [`SECRETS`].
pub(crate) fn is_secret(path: &[u8]) -> bool {
    let mut before: &[u8] = b"";
    path.split(|byte| *byte == b'/').filter(|it| !it.is_empty()).any(|name| {
        let dir = std::mem::replace(&mut before, name);
        // Each of them has a dot at a begin: most names need no more than this.
        (name.starts_with(b".") || dir.starts_with(b"."))
            && SECRETS.iter().any(|(wanted, secret)| {
                name == secret.as_bytes() && (wanted.is_empty() || dir == wanted.as_bytes())
            })
    })
}

/// The same of a path that begins in the directory `start` unless it is absolute.
fn is_secret_from(start: &[u8], path: &[u8]) -> bool {
    let start = if path.starts_with(b"/") { &[][..] } else { start };
    let mut components: Vec<&[u8]> = Vec::new();
    for component in start.split(|byte| *byte == b'/').chain(path.split(|byte| *byte == b'/')) {
        match component {
            b"" | b"." => {}
            b".." => drop(components.pop()),
            _ => components.push(component),
        }
    }
    is_secret(&components.join(&b'/'))
}

impl Pipeline {
    pub(super) fn on_named(&mut self, kind: Kind, named: &Named, data: &NamedData<'_>, at: At) {
        let cut = named.flags & named_flag::CUT != 0;
        let file = match kind {
            Kind::Failed => failed(named, data, cut),
            _ => Some(opened(named, data, cut)),
        };
        let Some(file) = file else {
            self.untold.insert(at.frame);
            return;
        };
        let actor = self.processes.actor(named.head.process());
        self.push(at, Some(actor), What::File(file));
    }
}

/// An open that only the program in the kernel tells of.
fn opened(named: &Named, data: &NamedData<'_>, cut: bool) -> File {
    let write = named.mode & open_mode::WRITE != 0;
    File {
        path: Some(path::from_components(data.path, cut)),
        basis: Some(Basis::Kernel),
        cut,
        dev: Some(named.dev),
        ino: Some(named.ino),
        count_exact: None,
        ..File::new(if write { FileOp::Write } else { FileOp::Read })
    }
}

/// An open that failed, unless it is one of the many that look for what is not there.
fn failed(named: &Named, data: &NamedData<'_>, cut: bool) -> Option<File> {
    let absent = matches!(named.error, ENOENT | ENOTDIR);
    let is = |flag| named.flags & flag != 0;
    let start = path::from_components(data.path, cut);
    // What is counted together may have a secret among it.
    let chosen = is(named_flag::ALL) || is(named_flag::MANY);
    if absent && !chosen && !is_secret_from(&start, data.text) {
        return None;
    }
    Some(File {
        path_claimed: (!is(named_flag::FAULT)).then(|| data.text.to_vec()),
        cwd: (!data.path.is_empty() && !data.text.starts_with(b"/")).then_some(start),
        missing: Some(Missing::Claimed),
        cut,
        errno: Some(named.error),
        other_names: is(named_flag::MANY),
        count_exact: None,
        ..File::new(if is(named_flag::EXEC) { FileOp::ExecFailed } else { FileOp::OpenFailed })
    })
}

#[cfg(test)]
mod tests {
    use super::{is_secret, is_secret_from};

    #[test]
    fn a_plain_name_is_secret_where_secrets_are_looked_for() {
        for (start, path) in [("/home/a/.ssh", "id_rsa"), ("/home/a/.config", "gh/hosts.yml")] {
            assert!(is_secret_from(start.as_bytes(), path.as_bytes()), "{start} {path}");
        }
        for (start, path) in [("/home/a/.ssh", "../id_rsa"), ("/home/a/.ssh", "/srv/id_rsa")] {
            assert!(!is_secret_from(start.as_bytes(), path.as_bytes()), "{start} {path}");
        }
    }

    #[test]
    fn secrets_are_known_by_whole_components() {
        for path in ["/root/.ssh/id_rsa", ".env", "a//.docker/config.json", "/home/a/.config/gh/x"]
        {
            assert!(is_secret(path.as_bytes()), "{path}");
        }
        for path in ["/etc/ld.so.cache", ".envrc", "x.ssh/a", ".docker/x/config.json", ".config"] {
            assert!(!is_secret(path.as_bytes()), "{path}");
        }
    }
}
