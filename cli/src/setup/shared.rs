//! Man pages and completions, where shells and man(1) look for what the machine's administrator installed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Step;
use crate::{failure::Failure, help};

/// Below it is what no package owns (file-hierarchy(7)).
const SHARE: &str = "/usr/local/share";

/// What a package ships; then there is nothing to do.
const PACKAGED: &str = "/usr/share/man/man1/audit.1.gz";

/// A file, with the words of a person who would make it.
struct Shared {
    path: PathBuf,
    text: Vec<u8>,
}

/// The steps that write them.
pub(super) fn install() -> Result<Vec<Step>, Failure> {
    if Path::new(PACKAGED).exists() {
        return Ok(Vec::new());
    }
    let all = all()?;
    let done = all.iter().all(|it| fs::read(&it.path).is_ok_and(|text| text == it.text));
    Ok(vec![Step::new(format!("audit generate share {SHARE}"), done, move || {
        all.iter().try_for_each(|it| write(it).map_err(|why| failed("write", &it.path, &why)))
    })])
}

/// The step that removes them.
pub(super) fn remove() -> Vec<Step> {
    let there: Vec<PathBuf> = all()
        .map(|all| all.into_iter().map(|it| it.path).filter(|path| path.exists()).collect())
        .unwrap_or_default();
    there
        .into_iter()
        .map(|path| {
            Step::new(format!("rm {}", path.display()), false, move || {
                fs::remove_file(&path).map_err(|why| failed("remove", &path, &why))
            })
        })
        .collect()
}

/// Writes them below `share`, for packages.
pub(crate) fn write_below(share: &Path) -> Result<(), Failure> {
    for mut it in all()? {
        it.path = share.join(it.path.strip_prefix(SHARE).unwrap_or(&it.path));
        write(&it).map_err(|why| failed("write", &it.path, &why))?;
    }
    Ok(())
}

fn all() -> Result<Vec<Shared>, Failure> {
    let share = Path::new(SHARE);
    let pages = help::man()?.into_iter().map(|(name, text)| Shared {
        path: share.join("man/man1").join(format!("{name}.1")),
        text,
    });
    let shells = [
        (clap_complete::Shell::Bash, "bash-completion/completions/audit"),
        (clap_complete::Shell::Zsh, "zsh/site-functions/_audit"),
        (clap_complete::Shell::Fish, "fish/vendor_completions.d/audit.fish"),
    ];
    let mut all: Vec<Shared> = pages.collect();
    for (shell, place) in shells {
        all.push(Shared { path: share.join(place), text: help::script(shell)? });
    }
    Ok(all)
}

fn write(it: &Shared) -> io::Result<()> {
    if let Some(dir) = it.path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(&it.path, &it.text)
}

fn failed(verb: &str, path: &Path, why: &io::Error) -> Failure {
    Failure::because(format!("cannot {verb} {}", path.display()), why)
}
