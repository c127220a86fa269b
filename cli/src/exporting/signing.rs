//! The key of `--sign-key`.

use std::{fs::File, io::Read};

use event::sign::Secret;

use crate::{args::ExportArgs, failure::Failure};

/// The format that is signed.
const SIGNED: &str = "in-toto";

/// Longest key file that is read; one of Ed25519 has 400 bytes.
const MAX_KEY: u64 = 64 * 1024;

/// Reads the key, if one was named.
pub(super) fn key(args: &ExportArgs, format: &export::Format) -> Result<Option<Secret>, Failure> {
    let Some(path) = &args.sign_key else { return Ok(None) };
    if format.name != SIGNED {
        let message = format!("cannot sign {}: --sign-key is for {SIGNED}", format.name);
        return Err(Failure::new(message).hint("bundle carries the signatures of the recorder"));
    }
    let attempt = || format!("cannot sign with {}", path.display());
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_KEY).read_to_string(&mut text))
        .map_err(|why| Failure::because(attempt(), &why))?;
    Secret::from_openssh(&text).map(Some).map_err(|why| {
        Failure::because(attempt(), &why).hint("make one: ssh-keygen -t ed25519 -N '' -f FILE")
    })
}
