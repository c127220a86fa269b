//! Claims about signatures: OpenSSH accepts ours, and nobody accepts a changed one.

use std::{fs, io::Write, path::Path, process::Command};

use proptest::prelude::*;

use super::*;

fn secret(byte: u8) -> Secret {
    Secret::from_seed(&[byte; 32])
}

fn certificate() -> Certificate {
    let keys = [secret(2).public(), secret(3).public(), secret(4).public()];
    Certificate::make(&secret(1), (7, 1_795_292_130), keys)
}

fn signed(message: &[u8]) -> String {
    let signature = secret(2).sign(NAMESPACE_SEAL, message);
    armored(&certificate().encoded, NAMESPACE_SEAL, &signature)
}

/// What ssh-keygen says, and whether it agrees.
fn ssh_keygen(dir: &Path, arguments: &[&str], input: &[u8]) -> (bool, String) {
    let mut child = Command::new("ssh-keygen")
        .args(arguments)
        .current_dir(dir)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("ssh-keygen is installed");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn ssh_keygen_accepts_the_seal_by_the_hosts_key_and_no_other() {
    let temp = std::env::temp_dir().join(format!("audit-sign-{}", std::process::id()));
    fs::create_dir_all(&temp).expect("a directory");
    fs::write(temp.join("seal.sig"), signed(b"what happened\n")).expect("room");
    let signers = |key: Public| {
        format!("{PRINCIPAL} cert-authority,namespaces=\"{NAMESPACE_SEAL}\" {}\n", key.line())
    };
    fs::write(temp.join("allowed"), signers(secret(1).public())).expect("room");
    fs::write(temp.join("others"), signers(secret(9).public())).expect("room");
    let verify = |allowed: &str, namespace: &str, message: &[u8]| {
        let arguments =
            ["-Y", "verify", "-f", allowed, "-I", PRINCIPAL, "-n", namespace, "-s", "seal.sig"];
        ssh_keygen(&temp, &arguments, message)
    };
    let (good, said) = verify("allowed", NAMESPACE_SEAL, b"what happened\n");
    assert!(good, "{said}");
    for (allowed, namespace, message) in [
        ("allowed", NAMESPACE_SEAL, &b"what else happened\n"[..]),
        ("allowed", "file", b"what happened\n"),
        ("others", NAMESPACE_SEAL, b"what happened\n"),
    ] {
        let (good, said) = verify(allowed, namespace, message);
        assert!(!good, "{said}");
    }
    fs::write(temp.join("cert.pub"), certificate().line()).expect("room");
    let (good, said) = ssh_keygen(&temp, &["-L", "-f", "cert.pub"], b"");
    assert!(good && said.contains("audit-run epoch 0000000007"), "{said}");
    fs::remove_dir_all(temp).expect("it is ours");
}

#[test]
fn what_is_written_is_read_back() {
    let certificate = certificate();
    assert_eq!(Certificate::parse(&certificate.encoded).as_ref(), Some(&certificate));
    let line = certificate.line();
    assert_eq!(line.len(), LINE_LEN);
    assert_eq!(Certificate::from_line(line.as_bytes()).as_ref(), Some(&certificate));
    let (by, signature) = opened(signed(b"x").as_bytes(), NAMESPACE_SEAL).expect("it opens");
    assert_eq!(by, certificate);
    assert!(by.seal.verifies(NAMESPACE_SEAL, b"x", &signature));
    assert!(!by.seal.verifies(NAMESPACE_CHECKPOINT, b"x", &signature));
    assert!(!by.checkpoint.verifies(NAMESPACE_SEAL, b"x", &signature));
    let key = secret(1).public();
    assert_eq!(Public::from_line(&format!("{} of a host", key.line())), Some(key));
}

proptest! {
    #[test]
    fn a_changed_certificate_is_none(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = certificate().encoded;
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(Certificate::parse(&bytes), None);
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert_eq!(Certificate::parse(&bytes), None);
        prop_assert_eq!(opened(&bytes, NAMESPACE_SEAL), None);
        prop_assert!(Public::from_blob(&bytes).is_none());
        let _ = Public::from_line(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn private_keys_of_ssh_keygen_are_read_and_others_refused() {
    let temp = std::env::temp_dir().join(format!("audit-private-{}", std::process::id()));
    fs::create_dir_all(&temp).expect("a directory");
    let made = |name: &str, arguments: &[&str]| {
        let all = [&["-q", "-f", name, "-C", "c"], arguments].concat();
        let (good, said) = ssh_keygen(&temp, &all, b"");
        assert!(good, "{said}");
        fs::read_to_string(temp.join(name)).expect("it is there")
    };
    let plain = made("plain", &["-t", "ed25519", "-N", ""]);
    let secret = Secret::from_openssh(&plain).expect("it is one");
    let public = fs::read_to_string(temp.join("plain.pub")).expect("it is there");
    assert_eq!(Public::from_line(&public), Some(secret.public()));
    let refused = |text: &str| Secret::from_openssh(text).expect_err("it is none");
    assert_eq!(refused(&made("other", &["-t", "ecdsa", "-N", ""])), NoKey::Algorithm);
    assert_eq!(refused(&made("locked", &["-t", "ed25519", "-N", "words"])), NoKey::Passphrase);
    assert_eq!(refused(&public), NoKey::Form);
    let cut = plain.len() / 2;
    assert_eq!(refused(&plain[..cut]), NoKey::Form);
    fs::remove_dir_all(&temp).expect("it is ours");
}
